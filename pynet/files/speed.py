"""How large the pieces are that a lane gets: a quarter of a second of what it carries."""

from __future__ import annotations

import time

from pynet.files.hashing import LEAF

AHEAD = 0.25
"""Seconds of a lane's rate in one piece: at the end of a transfer no lane is waited for longer."""

SMALLEST = 64 * 1024
SPAN = 0.1
"""Seconds that the rate is taken over at least."""


class LaneSpeed:
    """Watches one sending lane. Its thread only.

    Attributes:
        piece: bytes that the next piece should have at most.
        rate: bytes/s that it carried lately; any thread may read it.
    """

    def __init__(self) -> None:
        self.piece = LEAF // 4
        self.rate = 0.0
        self._since = time.monotonic()
        self._bytes = 0

    def sent(self, size: int) -> None:
        """So many bytes more are gone."""
        self._bytes += size
        now = time.monotonic()
        passed = now - self._since
        if passed >= SPAN or self._bytes >= 8 * LEAF:
            self.rate = self._bytes / passed
            wanted = int(self.rate * AHEAD)
            self.piece = max(SMALLEST, min(LEAF, wanted // SMALLEST * SMALLEST))
            self._since, self._bytes = now, 0
