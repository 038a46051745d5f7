"""The car: takes commands that come in some way, and notes when.

Orders: ``count`` answers how many different commands came; ``cpu`` the seconds of processor time
used so far; ``taken`` all of them as ``[number, time in ns]`` in the order they came, copies too;
``compute INTERVAL`` starts a thread that computes in pure Python, with that switch interval.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import sys
import threading
import time

from benchmarks.harness import COMMANDS_FIRST, answer, come_first, orders, say_failed, say_ready


class Log:
    """What came, and when."""

    def __init__(self) -> None:
        self.taken: list[tuple[int, int]] = []

    def take(self, command: bytes) -> None:
        """Note a command; called on any thread."""
        now = time.monotonic_ns()
        self.taken.append((int.from_bytes(command[:4], "big"), now))

    def count(self) -> int:
        """Return how many different ones came."""
        return len({number for number, _ in self.taken.copy()})


def compute() -> None:
    """Keep the interpreter busy for as long as the process lives."""
    number = 0
    while True:
        number = (number * 31 + 7) % 1_000_003


def main() -> None:
    """Obey until stdin ends."""
    kind, host, options = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
    log = Log()
    with contextlib.ExitStack() as stack:
        try:
            module = importlib.import_module(f"benchmarks.peers.commands.{kind}")
            facts = module.serve(stack, host, log.take, **options)
        except Exception as error:
            say_failed(error)
        if sys.argv[4:] == ["first"]:
            come_first(getattr(module, "PRIORITY", COMMANDS_FIRST))
        say_ready(**facts)
        for order in orders():
            if order[0] == "count":
                answer(log.count())
            elif order[0] == "cpu":
                answer(time.process_time())
            elif order[0] == "taken":
                answer(log.taken.copy())
            elif order[0] == "compute":
                sys.setswitchinterval(float(order[1]))
                threading.Thread(target=compute, name="compute", daemon=True).start()
                answer(sys.getswitchinterval())


if __name__ == "__main__":
    main()
