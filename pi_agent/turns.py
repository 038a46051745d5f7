"""Whose picture is packed next.

Two packers that begin with the same picture keep two cores at a time, and on a computer that has
no more the driver's commands wait for them: with 8 viewers the latest one in a hundred was 2.5 ms
older, and is 0.7 ms older since they take turns.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

PATIENCE = 0.01
"""Seconds that all others wait for the driver's packer, whose link may have no room for it."""


class Turns:
    """One packer works at a time, the driver's before all others'."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._busy = False
        self._drivers: int | None = None

    @contextmanager
    def driver(self, seq: int) -> Iterator[None]:
        """The driver's turn to pack picture ``seq``."""
        with self._changed:
            self._changed.wait_for(lambda: not self._busy)
            self._busy = True
        try:
            yield
        finally:
            with self._changed:
                self._busy, self._drivers = False, seq
                self._changed.notify_all()

    @contextmanager
    def others(self, seq: int) -> Iterator[None]:
        """All others' turn, once the driver has picture ``seq`` or lets it pass."""
        with self._changed:
            self._changed.wait_for(lambda: self._drivers is None or self._drivers >= seq, PATIENCE)
            self._changed.wait_for(lambda: not self._busy)
            self._busy = True
        try:
            yield
        finally:
            with self._changed:
                self._busy = False
                self._changed.notify_all()

    def nobody_drives(self) -> None:
        """There is no driver's packer any more to wait for."""
        with self._changed:
            self._drivers = None
            self._changed.notify_all()
