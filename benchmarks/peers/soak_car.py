"""The car of the soak: streams a camera and a sensor, takes commands, and counts what it has.

Arguments: address, port, Handlers, seconds by which its clock is ahead of the laptop's.
"""

from __future__ import annotations

import itertools
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import pynet
from benchmarks.harness import answer, orders, say_failed, say_ready
from benchmarks.soak.belongings import belongings
from pynet import SILENCE, Gateway, Incoming

HEARTBEAT = 0.25
FPS, SAMPLES = 25.0, 10.0
PICTURE = 8_000
MAX_AGE, SILENCE_AFTER = 0.25, 0.25


class Car:
    """What the Gateway offers, and what it saw.

    Args:
        ahead: seconds by which its clock is ahead of the laptop's.
    """

    def __init__(self, ahead: float) -> None:
        self._ahead = ahead
        self._lock = threading.Lock()
        self._running = 0
        self._newest = 0
        self._facts = self._nothing()

    @staticmethod
    def _nothing() -> dict[str, Any]:
        return {"commands": 0, "silences": 0, "backwards": 0, "oldest": 0.0}

    def camera(self) -> Iterator[tuple[float, bytes]]:
        """Yield pictures with the time they were made at, by the laptop's clock."""
        yield from self._run(1 / FPS, bytes(PICTURE))

    def sensor(self) -> Iterator[tuple[float, bytes]]:
        """Yield samples."""
        yield from self._run(1 / SAMPLES, b"")

    def _run(self, pause: float, content: bytes) -> Iterator[tuple[float, bytes]]:
        with self._lock:
            self._running += 1
        try:
            while True:
                yield time.monotonic() - self._ahead, content
                pynet.sleep(pause)
        finally:
            with self._lock:
                self._running -= 1

    def drive(self, commands: Incoming) -> None:
        """Take commands: their number, and when the laptop sent them."""
        with self._lock:
            self._running += 1
        try:
            for command in commands:
                self._obey(command)
        finally:
            with self._lock:
                self._running -= 1

    def _obey(self, command: Any) -> None:
        facts = self._facts
        if command is SILENCE:
            facts["silences"] += 1
            return
        number, sent = command
        facts["commands"] += 1
        facts["backwards"] += number < self._newest
        facts["oldest"] = max(facts["oldest"], time.monotonic() - self._ahead - sent)
        self._newest = number

    def report(self, gateway: Gateway) -> dict[str, Any]:
        """Tell what happened since the last time, and what it has now."""
        facts, self._facts = self._facts, self._nothing()
        return {**facts, "running": self._running, **belongings("pynet-handler")}


def main() -> None:
    """Serve until the input ends."""
    host, port, handlers, ahead = sys.argv[1:5]
    car = Car(float(ahead))
    try:
        gateway = Gateway(
            host,
            int(port),
            pool_size=int(handlers),
            name="car",
            heartbeat=HEARTBEAT,
        ).start()
    except pynet.PynetError as error:
        say_failed(error)
    with gateway:
        gateway.stream(car.camera, policy="latest")
        gateway.stream(car.sensor, policy=pynet.keep_last(5))
        gateway.stream(car.camera, name="watched", policy="latest", shared=True)
        gateway.sink(car.drive, policy="latest", max_age=MAX_AGE, silence=SILENCE_AFTER)
        count = itertools.count()
        gateway.batch(lambda: next(count), name="count")
        say_ready(pid=belongings("")["pid"])
        for order in orders():
            assert order == ["report"]
            answer(car.report(gateway))


if __name__ == "__main__":
    main()
