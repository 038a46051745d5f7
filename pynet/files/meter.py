"""How fast something goes, of what was counted lately."""

from __future__ import annotations

from collections import deque

SPAN = 2.0
"""Seconds that a rate is taken over: as long as a figure on a screen may lag."""


class Meter:
    """Counts bytes; tells their rate over the last :data:`SPAN` seconds. One thread.

    Args:
        now: monotonic time.

    Attributes:
        total: bytes in all.
    """

    def __init__(self, now: float) -> None:
        self.total = 0
        self._points: deque[tuple[float, int]] = deque([(now, 0)])

    def set(self, total: int, now: float) -> None:
        """So many bytes in all until now."""
        self.total = total
        points = self._points
        if now - points[-1][0] >= SPAN / 20:
            points.append((now, total))
            while len(points) > 2 and now - points[1][0] >= SPAN:
                points.popleft()

    def rate(self, now: float) -> float:
        """Bytes/s."""
        since, before = self._points[0]
        return (self.total - before) / (now - since) if now - since > 1e-3 else 0.0
