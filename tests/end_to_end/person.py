"""One person with a Controller, a process of its own, that does what it is told by lines of JSON.

``["pair", ADDRESS, CODE, NAME]``, ``["connect", ADDRESS]``, ``["call", NAME, ARGUMENTS...]``,
``["hold", STEER, THROTTLE]``: commands flow from then on, ``["look"]``: the newest status. Each is
answered by a line with what came of it, or ``{"error": CLASS, "message": SENTENCE}``.
"""

from __future__ import annotations

import dataclasses
import json
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import pynet
from pynet.dial import parse_address
from pynet.rc.messages import CameraFrame, CarStatus, DriveCommand
from pynet.trust import pair

HZ = 50.0


class Person:
    """Watches a car, and may drive it."""

    def __init__(self) -> None:
        self._controller = pynet.Controller(name="somebody")
        self._car: pynet.RemoteGateway | None = None
        self._status: CarStatus | None = None
        self._pictures = 0
        self._held = (0.0, 0.0)
        self._over = threading.Event()
        self._hand: threading.Thread | None = None

    def pair(self, address: str, code: str, name: str) -> str:
        host, port = parse_address(address)
        return pair(host, port, code, name=name, trust=self._controller.trust).granted.word

    def connect(self, address: str) -> str:
        self._car = self._controller.connect(address)
        self._car.stream("status", self._see)
        self._car.stream("camera", self._watch, codec="jpeg", lanes=2)
        return self._car.name

    def call(self, name: str, *arguments: Any) -> Any:
        assert self._car is not None
        return plain(self._car.call(name, *arguments, timeout=10))

    def hold(self, steer: float, throttle: float) -> None:
        self._held = (steer, throttle)
        if self._hand is None:
            self._hand = threading.Thread(target=self._drive, name="hand")
            self._hand.start()

    def look(self) -> dict[str, Any]:
        return {"pictures": self._pictures, "status": plain(self._status)}

    def close(self) -> None:
        self._over.set()
        if self._hand is not None:
            self._hand.join()
        self._controller.close()

    def _see(self, status: CarStatus) -> None:
        self._status = status

    def _watch(self, _: CameraFrame) -> None:
        self._pictures += 1

    def _drive(self) -> None:
        assert self._car is not None
        seq = 0
        with self._car.feed("drive", policy="latest", lanes=2) as feed:
            while not self._over.wait(1 / HZ):
                seq += 1
                epoch = 0 if self._status is None else self._status.lease.epoch
                try:
                    feed.send(DriveCommand(seq, *self._held, time.monotonic(), epoch))
                except pynet.PynetError:
                    return


def plain(value: Any) -> Any:
    return dataclasses.asdict(value) if dataclasses.is_dataclass(value) else value


def main() -> None:
    person = Person()
    for line in sys.stdin:
        word, *details = json.loads(line)
        do: Callable[..., Any] = getattr(person, word)
        try:
            answer = do(*details)
        except Exception as error:
            answer = {"error": type(error).__name__, "message": str(error)}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()
    person.close()


if __name__ == "__main__":
    main()
