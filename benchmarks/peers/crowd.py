"""Many Controllers in one process, each of which wants an answer of its own.

Orders: ``connect`` makes them connect and call once; ``call COUNT`` makes all of them call at the
same time. Both answer with ``{"right": n, "wrong": n, "failed": {error: n}}``.
"""

from __future__ import annotations

import sys
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from benchmarks.harness import answer, orders, say_ready
from pynet import Controller, PynetError


class Visitor:
    """One Controller with its pair."""

    def __init__(self, number: int, address: str) -> None:
        self.number = number
        self.address = address
        self.controller = Controller(name=f"visitor {number}", insecure=True)
        self.car: Any = None

    def call(self, count: int) -> Counter[str]:
        """Call that many times, connecting first if need be; count how it went."""
        outcome: Counter[str] = Counter()
        for turn in range(count):
            try:
                if self.car is None:
                    self.car = self.controller.connect(self.address, timeout=20.0)
                number = self.number * 1000 + turn
                result = self.car.call("square", number, timeout=20.0)
            except PynetError as error:
                outcome[type(error).__name__] += 1
            else:
                outcome["right" if result == number * number else "wrong"] += 1
        return outcome


def together(visitors: list[Visitor], calls: int) -> dict[str, Any]:
    """Let all call at the same time and add up what happened to them."""
    start = threading.Barrier(len(visitors))

    def begin(visitor: Visitor) -> Counter[str]:
        start.wait()
        return visitor.call(calls)

    with ThreadPoolExecutor(len(visitors)) as threads:
        total = sum(threads.map(begin, visitors), Counter[str]())
    right, wrong = total.pop("right", 0), total.pop("wrong", 0)
    return {"right": right, "wrong": wrong, "failed": dict(total)}


def main() -> None:
    """Obey until stdin ends."""
    address, first, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    visitors = [Visitor(first + number, address) for number in range(count)]
    say_ready()
    for order in orders():
        answer(together(visitors, calls=1 if order[0] == "connect" else int(order[1])))
    for visitor in visitors:
        visitor.controller.close()


if __name__ == "__main__":
    main()
