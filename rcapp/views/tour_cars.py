"""The cars and people whom the tour meets: a car of its own identity, and a friend who drives."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from pynet.trust import pair
from pynet.trust.store import FOLDER, Trust
from rcapp.core.acquaintances import Acquaintances
from rcapp.core.demo_car import DemoCar
from rcapp.core.seat import DriverSeat
from rcapp.core.sentences import split_address
from rcapp.core.session import CarSession

FRIEND = "Anna's laptop"
TICK = 0.02


@dataclass(frozen=True)
class Announced:
    """A car that says it is there."""

    name: str
    host: str
    port: int
    id_prefix: str


class Air:
    """A network in which one car announces itself."""

    problem = ""

    def close(self) -> None:
        """Listen no longer."""


def air(on_change: Callable[[tuple[Any, ...]], None]) -> Air:
    """Listen for announcements."""
    on_change((Announced("Club car", "127.0.0.1", 10, "HIJKLMN"),))
    return Air()


class OwnCar:
    """A simulated car that is not this computer's, and the terminal of its owner.

    Args:
        folder: of its identity.
    """

    def __init__(self, folder: Path) -> None:
        self._environment = {**os.environ, FOLDER: str(folder)}
        before = os.environ.get(FOLDER)
        os.environ[FOLDER] = str(folder)
        try:
            self._car = DemoCar(name="Club car")
        finally:
            if before is None:
                del os.environ[FOLDER]
            else:
                os.environ[FOLDER] = before
        self.address = self._car.wait_ready()

    def run(self, *arguments: str) -> None:
        """Run ``pi-agent`` at the car's terminal."""
        command = [sys.executable, "-m", "pi_agent", *arguments]
        subprocess.run(command, env=self._environment, check=True, capture_output=True)

    @contextmanager
    def shows_code(self) -> Iterator[str]:
        """A code, which is good inside the block."""
        port = self.address.rpartition(":")[2]
        command = [sys.executable, "-m", "pi_agent", "pair", "--port", port, "--json"]
        with subprocess.Popen(
            command, env=self._environment, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL
        ) as terminal:
            try:
                assert terminal.stdout is not None
                yield json.loads(terminal.stdout.readline())["code"]
            finally:
                terminal.terminate()
                terminal.wait()

    def __enter__(self) -> OwnCar:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._car.close()


class Friend:
    """Somebody else's laptop, without a screen, whose keyboard has the focus.

    Args:
        folder: of its identity.
    """

    def __init__(self, folder: Path) -> None:
        self._known = Acquaintances(lambda: Trust(folder))
        self.session = CarSession(name=FRIEND, acquaintances=self._known)
        self.session.drive.set_keyboard_active(True)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._tick, name="rcapp-friend", daemon=True)
        self._thread.start()

    @property
    def seat(self) -> DriverSeat:
        """What they want of the wheel."""
        return self.session.seat

    def join(self, car: OwnCar) -> None:
        """Pair with a car and connect to it. Blocks."""
        host, port = split_address(car.address)
        with car.shows_code() as code:
            pair(host, port, code, trust=self._known.trust(), name=FRIEND)
        self.session.connect(car.address)
        while self.session.snapshot().status is None:
            self._over.wait(TICK)

    def _tick(self) -> None:
        while not self._over.wait(TICK):
            self.session.drive.tick()

    def __enter__(self) -> Friend:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        self._thread.join()
        self.session.close()
