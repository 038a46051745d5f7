"""The laptop: sends a command of 64 bytes at every tick of a clock that never waits for it.

Orders: ``go COUNT HZ PATIENT`` sends that many and answers with their numbers and times (ns), and
the seconds of processor time that it took. A tick that passes while a send blocks is missed; if
PATIENT is 1, its command is sent late instead and has the time of its tick.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import sys
import time
from typing import Any

from benchmarks.harness import answer, come_first, orders, say_failed, say_ready
from benchmarks.peers.commands import Send
from benchmarks.workload import ITEM_BYTES


def go(send: Send, count: int, hz: float, *, patient: bool) -> dict[str, Any]:
    """Send `count` commands at `hz`, by an absolute schedule that begins now."""
    sent: list[tuple[int, int]] = []
    cpu = time.process_time()
    period = round(1e9 / hz)
    start = time.monotonic_ns()
    for number in range(count):
        due = start + number * period
        wait = due - time.monotonic_ns()
        if wait > 0:
            time.sleep(wait / 1e9)
        elif -wait > period and not patient:
            continue
        made = due if patient else time.monotonic_ns()
        send(number.to_bytes(4, "big") + made.to_bytes(8, "big") + bytes(ITEM_BYTES - 12))
        sent.append((number, made))
    time.sleep(max(0, start + count * period - time.monotonic_ns()) / 1e9)
    return {"start": start, "sent": sent, "cpu": time.process_time() - cpu}


def main() -> None:
    """Obey until stdin ends."""
    kind, host = sys.argv[1], sys.argv[2]
    facts, options = json.loads(sys.argv[3]), json.loads(sys.argv[4])
    with contextlib.ExitStack() as stack:
        try:
            module = importlib.import_module(f"benchmarks.peers.commands.{kind}")
            send = module.connect(stack, host, facts, **options)
        except Exception as error:
            say_failed(error)
        if sys.argv[5:] == ["first"]:
            come_first()
        say_ready()
        for order in orders():
            count, hz, patient = int(order[1]), float(order[2]), order[3] == "1"
            try:
                outcome = go(send, count, hz, patient=patient)
            except Exception as error:
                outcome = {"failed": f"{type(error).__name__}: {error}"}
            answer(outcome)


if __name__ == "__main__":
    main()
