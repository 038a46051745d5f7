"""A thousand hostile connections: what they leave in a Gateway, and what its client notices."""

from __future__ import annotations

import contextlib
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.harness import Peer, Report, Target, quantile
from benchmarks.workload import ITEM
from pynet import Controller
from pynet.trust.identity import KEY_FILE, load_identity
from pynet.trust.store import Trust

CONNECTIONS, QUICK_CONNECTIONS = 1000, 100
HZ = 100.0
CALM, QUICK_CALM = 10.0, 2.0
"""Seconds in which the client is watched before anything happens."""

PATIENCE = 300.0
"""Seconds for all of them together."""

SETTLED = 5.0
"""Seconds in which a Gateway has to be as it was."""

MEMORY = Target(20.0, of_ratio=False)
NONE = Target(0.0, of_ratio=False)


def measure(report: Report) -> None:
    """Memory, Handlers and log lines of a Gateway; round trips of a client of it."""
    count = QUICK_CONNECTIONS if report.quick else CONNECTIONS
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        fortress = stack.enter_context(Peer("fortress", folder / "house", patience=60.0))
        port, known = fortress.facts["port"], folder / "house" / KEY_FILE
        foreign = load_identity(folder / "foreign").path
        mob = stack.enter_context(Peer("mob", port, foreign, known))
        client = stack.enter_context(regular(port, Trust(folder / "house")))
        client.watch(QUICK_CALM if report.quick else CALM)
        before = fortress.ask("state")
        client.begin("during")
        attack = mob.ask(f"come {count}", PATIENCE)
        client.begin("after")
        after = settled(fortress, before)
    tell(report, count, before, after, client)
    for reason, times in attack["failed"].items():
        print(f"{times} intruders: {reason}", file=sys.stderr)
    stayed = sum(attack["failed"].values())
    report.figure("intruders that were not sent away", stayed, "", target=NONE)
    report.figure("time for all of them", attack["seconds"], "s")


def settled(fortress: Peer, before: dict[str, Any]) -> dict[str, Any]:
    """Return how the Gateway is when all is over; its log is of the whole attack."""
    deadline = time.monotonic() + SETTLED
    lines: list[str] = []
    while True:
        after: dict[str, Any] = fortress.ask("state")
        lines += after["log"]
        calm = not after["ungreeted"] and after["managers"] == before["managers"]
        if calm or time.monotonic() > deadline:
            return {**after, "log": lines}
        time.sleep(0.05)


def tell(
    report: Report,
    count: int,
    before: dict[str, Any],
    after: dict[str, Any],
    client: Regular,
) -> None:
    """Report the figures."""
    name = f"after {count} hostile connections"
    more = (after["memory"] - before["memory"]) / (1 << 20)
    report.figure(f"resident memory more {name}", more, "MiB", target=MEMORY)
    for what, word in (("pairs", "Handlers consumed"), ("ungreeted", "connections left over")):
        report.figure(f"{word} {name}", after[what] - before[what], "", target=NONE)
    report.figure(f"log lines {name}, from 200 addresses", len(after["log"]), "")
    report.figure("failed calls of a client meanwhile", client.failed, "", target=NONE)
    report.keep("calls_ms", client.times)
    for share, word in ((0.5, "p50"), (0.99, "p99"), (1.0, "max")):
        report.figure(
            f"call_{word} of a client during the attack, beside before",
            quantile(client.times["during"], share),
            "ms",
            baseline=quantile(client.times["before"], share),
        )


class Regular:
    """A client that calls at a steady rate, and notes how long each call took.

    Args:
        port: of the Gateway.
        trust: who it is.

    Attributes:
        times: milliseconds of each call, by the time of day.
        failed: calls that got no answer.
    """

    def __init__(self, port: int, trust: Trust) -> None:
        self._controller = Controller(name="regular", trust=trust)
        self._car = self._controller.connect(("127.0.0.1", port))
        self._car.call("echo", ITEM)
        self.times: dict[str, list[float]] = {"before": []}
        self.failed = 0
        self._now = "before"
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, name="bench-regular")
        self._thread.start()

    def watch(self, seconds: float) -> None:
        """Go on for a while."""
        self._done.wait(seconds)

    def begin(self, name: str) -> None:
        """Another time of day begins."""
        self.times[name] = []
        self._now = name

    def _run(self) -> None:
        due = time.monotonic()
        while not self._done.is_set():
            due += 1.0 / HZ
            self._done.wait(max(0.0, due - time.monotonic()))
            start = time.perf_counter_ns()
            try:
                self._car.call("echo", ITEM, timeout=10)
            except OSError:
                self.failed += 1
            else:
                self.times[self._now].append((time.perf_counter_ns() - start) / 1e6)

    def close(self) -> None:
        """Leave."""
        self._done.set()
        self._thread.join()
        self._controller.close()


@contextlib.contextmanager
def regular(port: int, trust: Trust) -> Iterator[Regular]:
    """Let a client be served."""
    client = Regular(port, trust)
    try:
        yield client
    finally:
        client.close()
