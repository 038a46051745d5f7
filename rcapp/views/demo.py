"""The demo car as the window uses it: started and ended without the GUI thread waiting."""

from __future__ import annotations

import threading
from collections.abc import Callable

from rcapp.core.demo_car import DemoCar


class DemoKeeper:
    """Owns at most one demo car.

    Args:
        ready: called from :meth:`poll` with the address, once for each started car.
    """

    def __init__(self, ready: Callable[[str], None]) -> None:
        self._ready = ready
        self._car: DemoCar | None = None
        self._told = False
        self._error = ""
        self._closers: list[threading.Thread] = []

    @property
    def car(self) -> DemoCar | None:
        """The car that runs or starts, if any."""
        return self._car

    @property
    def starting(self) -> bool:
        """A car is on its way."""
        return self._car is not None and not self._told

    @property
    def error(self) -> str:
        """Why the last car did not start; empty when it did."""
        return self._error

    def start(self) -> None:
        """Start a car; one that is running already is announced again."""
        self._error = ""
        self._told = False
        if self._car is not None and self._car.error:
            self.leave()
        if self._car is None:
            self._car = DemoCar()

    def poll(self) -> None:
        """Look whether the car is ready or has failed."""
        if not self.starting or self._car is None:
            return
        if self._car.error:
            self._error = self._car.error
            self.leave()
        elif self._car.address:
            self._told = True
            self._ready(self._car.address)

    def forget_error(self) -> None:
        """The person has gone on to something else."""
        self._error = ""

    def leave(self) -> None:
        """Let the car go; it ends on a thread of its own."""
        car, self._car, self._told = self._car, None, False
        if car is None:
            return
        closer = threading.Thread(target=car.close, name="rcapp-demo-close")
        closer.start()
        self._closers = [thread for thread in self._closers if thread.is_alive()]
        self._closers.append(closer)

    def close(self) -> None:
        """Wait until every car has gone."""
        self.leave()
        for closer in self._closers:
            closer.join()
        self._closers.clear()
