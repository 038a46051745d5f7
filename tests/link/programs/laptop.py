"""The laptop of the test: looks and steers, tells when both work, and reports after an outage."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from pynet import Controller, Feed, ItemInfo

LIMIT = 25.0
ITEMS = 90
seen: list[tuple[int, float, float]] = []  # number, true age, age as pynet tells it
states: dict[str, list[str]] = {"stream": [], "feed": []}
done = threading.Event()


def look(item: tuple[int, float], info: ItemInfo) -> None:
    """Remember a tick."""
    number, made = item
    seen.append((number, time.monotonic() - made, info.age))


def steer(feed: Feed) -> None:
    """Send the time, 50 times a second."""
    while not done.wait(0.02):
        feed.send(time.monotonic())


def until(condition: Callable[[], object], what: str) -> None:
    """Wait for a condition."""
    deadline = time.monotonic() + LIMIT
    while not condition():
        if time.monotonic() > deadline:
            raise SystemExit(f"waited in vain until {what}: {states}, {len(seen)} items")
        time.sleep(0.01)


def tell(facts: Any) -> None:
    """Print one line for the test."""
    sys.stdout.write(json.dumps(facts) + "\n")
    sys.stdout.flush()


def came_back(name: str) -> bool:
    """Tell whether one of the two was lost, and is live again."""
    return "reconnecting" in states[name] and states[name][-1] == "live"


with Controller(name="laptop", heartbeat=0.25) as controller:
    car = controller.connect(f"{os.environ['LINK_CAR']}:1857", timeout=5.0)
    with (
        car.stream("ticks", look, on_state=states["stream"].append),
        car.feed("drive", on_state=states["feed"].append) as feed,
    ):
        hand = threading.Thread(target=steer, args=(feed,), name="laptop-hand")
        hand.start()
        try:
            until(lambda: len(seen) >= ITEMS and feed.stats.round_trip, "stream and feed work")
            tell({"seen": list(seen), "round_trip": feed.stats.round_trip})
            before = len(seen)
            sys.stdin.readline()
            until(lambda: came_back("stream") and came_back("feed"), "both are back")
            after = len(seen)
            until(lambda: len(seen) >= after + ITEMS, "the stream goes on")
            taken = car.call("facts", timeout=5.0)
            tell({"before": before, "seen": seen[after:], "states": states, "car": taken})
        finally:
            done.set()
            hand.join()
