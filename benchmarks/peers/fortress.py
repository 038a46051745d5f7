"""pynet: a Gateway that others try to break into.

Orders: ``state`` answers with resident memory in bytes, how many connections have not said hello,
how many Handlers there are, how many requests were served in all, and the lines of the log since
the last time.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks.harness import answer, orders, say_ready
from benchmarks.workload import resident_memory, ticks
from pynet import Gateway
from pynet.trust.store import Trust


class Lines(logging.Handler):
    """Keeps what the log says."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one more; called on any thread."""
        self._lines.append(record.getMessage())

    def take(self) -> list[str]:
        """Return those since the last time."""
        lines, self._lines = self._lines, []
        return lines


def numbers(count: int) -> Iterator[int]:
    """Yield some."""
    yield from range(count)


def main() -> None:
    """Serve until stdin ends."""
    lines = Lines()
    logging.getLogger("pynet").addHandler(lines)
    trust = Trust(Path(sys.argv[1]))
    with Gateway(port=0, pool_size=8, name="fortress", trust=trust) as gateway:
        gateway.batch(lambda value: value, name="echo")
        gateway.stream(numbers)
        gateway.stream(ticks, policy="latest")
        say_ready(port=gateway.port, id=trust.identity.id)
        for order in orders():
            if order[0] == "state":
                door, figures = gateway._door, gateway.stats()
                answer(
                    {
                        "memory": resident_memory(),
                        "ungreeted": door.greeting if door is not None else 0,
                        "handlers": figures["handlers"],
                        "managers": figures["managers"],
                        "pairs": figures["pairs_accepted"],
                        "log": lines.take(),
                    }
                )


if __name__ == "__main__":
    main()
