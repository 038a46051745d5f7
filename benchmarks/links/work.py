"""A batch subroutine that computes, called over several pairs at once.

Each pair has a Handler and so a thread of its own at the Gateway. Threads of one process share the
interpreter's lock: work in pure Python gains nothing from more pairs, work that lets go of the
lock (numpy, hashlib, zlib, cv2 ...) gains up to one core each. Pure Python gains from more
Gateways, each of which is a process.
"""

from __future__ import annotations

import contextlib
import os
import queue
import statistics
import sys
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from benchmarks.harness import Peer, Report, interleave
from benchmarks.links.table import laid_out
from pynet import Controller

CALLS = 8
CALL_SECONDS = 0.25
PAIRS = (1, 2, 4)
KINDS = {"pure Python": "pure", "without the lock (sha256)": "hashed"}


def measure(report: Report) -> None:
    """Time for eight calls over 1, 2 and 4 pairs, and over two Gateways."""
    rounds = 1 if report.quick else 5
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    with contextlib.ExitStack() as stack:
        workers = [stack.enter_context(Peer("worker", max(PAIRS) + 1)) for _ in range(2)]
        controller = stack.enter_context(Controller(name="benchmark", insecure=True))
        pairs = [
            [controller.connect(f"127.0.0.1:{worker.facts['port']}") for _ in range(max(PAIRS))]
            for worker in workers
        ]
        ways = {"1 pair" if n == 1 else f"{n} pairs": pairs[0][:n] for n in PAIRS}
        ways["2 Gateways"] = [pairs[0][0], pairs[1][0]]
        rows = [["", *ways]]
        for kind, name in KINDS.items():
            amount = calibrated(pairs[0][0], name)
            contenders = {
                way: lambda some=some, name=name, amount=amount: spread(some, name, amount)
                for way, some in ways.items()
            }
            times = interleave(rounds, contenders)
            report.keep(kind, times)
            rows.append([kind, *tell(report, kind, times)])
    title = f"speed-up of {CALLS} calls of {CALL_SECONDS:g} s, {cores} cores (median of {rounds})"
    print(f"\n{title}", *laid_out(rows), "", sep="\n", file=sys.stderr, flush=True)


def tell(report: Report, kind: str, times: dict[str, list[float]]) -> list[str]:
    """Print how much quicker than over one pair; return the same for the table."""
    medians = {way: statistics.median(seconds) for way, seconds in times.items()}
    gains = {way: medians["1 pair"] / seconds for way, seconds in medians.items()}
    for way, gain in gains.items():
        report.figure(f"{kind} speed-up", gain, "x", of=way)
    return [f"{gain:.2f}" for gain in gains.values()]


def calibrated(car: Any, name: str) -> int:
    """Return how much work one call of this subroutine needs to take as long as wanted."""
    amount = 10
    while True:
        begin = time.perf_counter()
        car.call(name, amount)
        seconds = time.perf_counter() - begin
        if seconds > CALL_SECONDS / 4:
            return max(1, round(amount * CALL_SECONDS / seconds))
        amount *= 2


def spread(cars: Sequence[Any], name: str, amount: int) -> float:
    """Make all calls, each over whichever pair is free; return how long that took."""
    left: queue.SimpleQueue[int] = queue.SimpleQueue()
    for number in range(CALLS):
        left.put(number)
    start = threading.Barrier(len(cars) + 1)

    def work(car: Any) -> None:
        start.wait()
        with contextlib.suppress(queue.Empty):
            while True:
                left.get_nowait()
                car.call(name, amount)

    with ThreadPoolExecutor(len(cars)) as threads:
        done = [threads.submit(work, car) for car in cars]
        start.wait()
        begin = time.perf_counter()
        for one in done:
            one.result()
        return time.perf_counter() - begin
