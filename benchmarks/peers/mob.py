"""Many who should not get in, at the door of a Gateway on this machine.

Order ``come COUNT`` lets so many come, in a mixed order, and answers with the seconds that took and
with what went wrong: ``{"seconds": s, "failed": {reason: n}}``.
"""

from __future__ import annotations

import random
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.harness import answer, orders, say_ready
from benchmarks.security.intruders import ATTACKERS, Target

AT_ONCE = 50
ADDRESSES = 200
"""Machines that they come from: a Gateway takes the addresses of loopback for that."""


def come(house: Target, count: int) -> dict[str, Any]:
    """Let them all come."""
    order = [ATTACKERS[number % len(ATTACKERS)] for number in range(count)]
    random.Random(1).shuffle(order)
    failed: Counter[str] = Counter()

    def one(number: int) -> None:
        intruder = order[number]
        try:
            intruder(replace(house, source=f"127.0.1.{1 + number % ADDRESSES}", seed=number))
        except (OSError, AssertionError) as error:
            failed[f"{intruder.__name__}: {type(error).__name__} {error}"] += 1

    begin = time.monotonic()
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="bench-intruder") as threads:
        list(threads.map(one, range(count)))
    return {"seconds": time.monotonic() - begin, "failed": dict(failed)}


def main() -> None:
    """Obey until stdin ends."""
    port, foreign, known = int(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3])
    say_ready()
    for order in orders():
        answer(come(Target(port, foreign=foreign, known=known), int(order[1])))


if __name__ == "__main__":
    main()
