"""Several people who watch a car's camera; none of them unpacks what comes.

Order ``seen`` answers with how many pictures each of them got.
"""

from __future__ import annotations

import contextlib
import sys
import threading

import pynet
import pynet.rc.messages  # its classes arrive
from benchmarks.harness import answer, orders, say_failed, say_ready

PATIENCE = 20.0


class Viewer:
    """One of them, with a Controller of its own."""

    def __init__(self, stack: contextlib.ExitStack, number: int, address: str, codec: str) -> None:
        self.seen = 0
        self.begun = threading.Event()
        self.problem: pynet.PynetError | None = None
        controller = stack.enter_context(pynet.Controller(name=f"viewer {number}"))
        car = controller.connect(address, timeout=PATIENCE)
        car.stream(
            "camera",
            self._take,
            policy=pynet.paced(4),
            on_end=self._end,
            arguments={"codec": codec},
        )

    def _take(self, _: object) -> None:
        self.seen += 1
        self.begun.set()

    def _end(self, problem: pynet.PynetError | None) -> None:
        self.problem = problem
        self.begun.set()


def main() -> None:
    """Watch until stdin ends."""
    address, codec, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
    with contextlib.ExitStack() as stack:
        try:
            viewers = [Viewer(stack, number, address, codec) for number in range(count)]
            for viewer in viewers:
                if not viewer.begun.wait(PATIENCE):
                    raise TimeoutError("a viewer saw nothing")
                if viewer.problem is not None:
                    raise viewer.problem
        except (pynet.PynetError, TimeoutError) as error:
            say_failed(error)
        say_ready()
        for _ in orders():
            answer([viewer.seen for viewer in viewers])


if __name__ == "__main__":
    main()
