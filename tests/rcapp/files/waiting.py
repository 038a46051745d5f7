"""Waits for what threads do, without sleeping: whoever changes something wakes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class Woken:
    """Give it as ``wake``; then wait :meth:`until` something is so."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self.count = 0

    def __call__(self) -> None:
        with self._changed:
            self.count += 1
            self._changed.notify_all()

    def until(self, what: Callable[[], object], within: float = 15.0) -> None:
        deadline = time.monotonic() + within
        with self._changed:
            while not what():
                left = deadline - time.monotonic()
                assert left > 0, "it did not come to that"
                # What does not wake, such as a file that appears, is seen a little later.
                self._changed.wait(min(left, 0.05))
