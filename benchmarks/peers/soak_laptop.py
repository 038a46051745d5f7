"""The laptop of the soak: looks and steers over several flows, and remembers how they fared.

Arguments: address of the car, lanes of the camera and of the commands.
"""

from __future__ import annotations

import itertools
import sys
import threading
import time
from typing import Any

import pynet
from benchmarks.harness import answer, orders, say_failed, say_ready
from benchmarks.peers.soak_car import HEARTBEAT
from benchmarks.soak.belongings import belongings
from pynet import Client, Controller, Feed, ItemInfo, Pair, RemoteGateway

HZ = 50.0
PATIENCE = 15.0


class Watch:
    """One flow: its states, its items and how old they were."""

    def __init__(self) -> None:
        self.states: list[str] = []
        self.mark()

    def mark(self) -> None:
        """Begin to count anew."""
        self.items = 0
        self.gap = 0.0
        self.oldest = 0.0
        self.untrue = 0.0
        self._since = time.monotonic()
        self.states = self.states[-1:]

    def on_state(self, state: str) -> None:
        """Remember a state."""
        self.states.append(state)

    def on_item(self, item: tuple[float, bytes], info: ItemInfo) -> None:
        """Remember an item: how old it was when it came, and how old pynet says it was."""
        now = time.monotonic()
        self.gap = max(self.gap, now - self._since)
        self._since = now
        # Between its arrival and this call it has grown older, which info.age leaves out.
        true = info.received - item[0]
        self.items += 1
        self.oldest = max(self.oldest, now - item[0])
        self.untrue = max(self.untrue, abs(true - info.age))

    def report(self, pair: Pair) -> dict[str, Any]:
        """Tell it all."""
        return {
            "state": pair.state,
            "error": None if pair.error is None else f"{type(pair.error).__name__}: {pair.error}",
            "told": list(self.states),
            "lanes": getattr(pair, "lanes", 1),
            "items": self.items,
            "gap": max(self.gap, time.monotonic() - self._since),
            "oldest": self.oldest,
            "untrue": self.untrue,
        }


class Laptop:
    """All flows of one Controller.

    Args:
        address: of the Gateway.
        lanes: of the camera and of the commands.
    """

    NAMES = ("camera", "sensor", "watched", "drive")

    def __init__(self, address: str, lanes: int) -> None:
        self._address = address
        self._lanes = lanes
        # Greater than those of any laptop before it.
        self._numbers = itertools.count(int(time.monotonic() * 1000))
        self.open()

    def open(self) -> None:
        """Connect, and open every flow."""
        self.watches = {name: Watch() for name in self.NAMES}
        self._controller = Controller(name="laptop", heartbeat=HEARTBEAT)
        car = self._car = self._controller.connect(self._address, timeout=5.0)
        self._pairs: dict[str, Client | Feed] = {
            "camera": self._stream(car, "camera", self._lanes),
            "sensor": self._stream(car, "sensor", 1),
            "watched": self._stream(car, "watched", 1),
            "drive": car.feed("drive", lanes=self._lanes, on_state=self.watches["drive"].on_state),
        }
        self._done = threading.Event()
        self._hand = threading.Thread(target=self._steer, name="soak-hand")
        self._hand.start()

    def _stream(self, car: RemoteGateway, name: str, lanes: int) -> Client:
        watch = self.watches[name]
        return car.stream(name, watch.on_item, lanes=lanes, on_state=watch.on_state)

    def _steer(self) -> None:
        feed = self._pairs["drive"]
        assert isinstance(feed, Feed)
        while not self._done.wait(1 / HZ):
            try:
                feed.send((next(self._numbers), time.monotonic()))
            except pynet.PynetError:
                return  # its state and its error are reported

    def close(self) -> None:
        """Close everything."""
        self._done.set()
        self._hand.join()
        self._controller.close()

    def again(self, times: int) -> int:
        """Close and open everything so often; return how often all of it worked."""
        worked = 0
        for _ in range(times):
            self.close()
            self.open()
            deadline = time.monotonic() + PATIENCE
            while not self._works() and time.monotonic() < deadline:
                time.sleep(0.005)
            worked += self._works()
        return worked

    def _works(self) -> bool:
        return all(watch.items for name, watch in self.watches.items() if name != "drive")

    def report(self) -> dict[str, Any]:
        """Tell how everything is."""
        flows = {name: watch.report(self._pairs[name]) for name, watch in self.watches.items()}
        return {"flows": flows, **belongings("")}

    def ask_car(self) -> dict[str, Any]:
        """Use what has no flow: a call, and the manager's questions."""
        try:
            self._car.call("count", timeout=5.0)
            serving = [row["subroutine"] or row["state"] for row in self._car.handlers()]
            return {"handlers": serving, "error": None}
        except pynet.PynetError as error:
            return {"handlers": None, "error": f"{type(error).__name__}: {error}"}


def main() -> None:
    """Obey until the input ends."""
    address, lanes = sys.argv[1:3]
    try:
        laptop = Laptop(address, int(lanes))
    except pynet.PynetError as error:
        say_failed(error)
    try:
        say_ready(pid=belongings("")["pid"])
        for order in orders():
            match order:
                case ["report"]:
                    answer(laptop.report())
                case ["mark"]:
                    for watch in laptop.watches.values():
                        watch.mark()
                    answer(True)
                case ["ask"]:
                    answer(laptop.ask_car())
                case ["again", times]:
                    answer(laptop.again(int(times)))
    finally:
        laptop.close()


if __name__ == "__main__":
    main()
