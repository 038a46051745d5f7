"""A driver as the app is one: asks for the lease, sends neutral, arms, and drives."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pynet
from pynet.rc.messages import CarStatus, DriveCommand

LIMIT = 30.0
"""Seconds for anything to happen; generous, because a busy machine starts programs slowly."""


def alive(pid: int) -> bool:
    """Whether a process runs; one that nobody has waited for has ended all the same."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return text.rsplit(")", 1)[1].split()[0] != "Z"


class Waiting:
    """Keeps what a stream brings, and waits until something that is wanted came."""

    def __init__(self) -> None:
        self.items: list[Any] = []
        self._came = threading.Condition()

    def __call__(self, item: Any) -> None:
        with self._came:
            self.items.append(item)
            self._came.notify_all()

    def until_count(self, count: int) -> None:
        with self._came:
            assert self._came.wait_for(lambda: len(self.items) >= count, LIMIT)

    def until(self, wanted: Callable[[Any], bool]) -> Any:
        """The first item that is wanted, among all that came since the last clear."""
        with self._came:
            seen = 0

            def there() -> bool:
                nonlocal seen
                while seen < len(self.items):
                    if wanted(self.items[seen]):
                        return True
                    seen += 1
                return False

            assert self._came.wait_for(there, LIMIT), f"never came; last: {self.items[-1:]}"
            return self.items[seen]


class Driver:
    """Sends ``command`` fifty times a second, with a growing sequence, until it falls silent.

    Attributes:
        command: steer and throttle.
        status: what the car says.
    """

    def __init__(self, car: pynet.RemoteGateway, **options: Any) -> None:
        self.car = car
        self.status = Waiting()
        self.command = (0.0, 0.0)
        self.epoch = 0
        self.seq = 0
        self.changes: dict[str, Any] = {}
        self._stream = car.stream("status", self.status)
        self._feed = car.feed("drive", policy="latest", **options)
        self._silent = threading.Event()
        self._thread = threading.Thread(target=self._run, name="driver")
        self._thread.start()

    def __enter__(self) -> Driver:
        return self

    def __exit__(self, *_: object) -> None:
        self.fall_silent()
        self._feed.close()
        self._stream.close()

    def fall_silent(self) -> None:
        self._silent.set()
        self._thread.join()

    def lease(self) -> Driver:
        """Gets the lease, which must be free."""
        answer = self.car.call("lease_request")
        assert answer.granted, answer
        self.epoch = answer.epoch
        return self

    def arm(self) -> Driver:
        """Lets go of the throttle and arms the car."""
        self.command = (0.0, 0.0)
        deadline = time.monotonic() + LIMIT
        while True:
            self.until(lambda s: s.lease.epoch == self.epoch and not s.refusals)
            answer = self.car.call("arm")
            if answer.armed:
                return self
            # A machine that stalls in between breaks the good link once more. The pause is
            # that of a finger: quicker calls are taken for a key that is held.
            assert time.monotonic() < deadline, answer
            threading.Event().wait(0.6)

    def until(self, wanted: Callable[[CarStatus], bool]) -> CarStatus:
        """The first status from now on that is wanted."""
        self.status.items.clear()
        return self.status.until(wanted)

    def drives(self, throttle: float = 0.5, steer: float = 0.0) -> Driver:
        """Lease, arm, and a car that follows."""
        self.lease().arm()
        self.command = (steer, throttle)
        self.until(lambda s: s.throttle == throttle)
        return self

    def _run(self) -> None:
        while not self._silent.wait(0.02):
            self.seq += 1
            values = {"seq": self.seq, "time": time.monotonic(), "epoch": self.epoch}
            values |= {"steer": self.command[0], "throttle": self.command[1]}
            self._feed.send(DriveCommand(**(values | self.changes)))
