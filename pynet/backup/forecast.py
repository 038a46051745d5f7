"""When a disk will be too full, by how it filled up to now."""

from __future__ import annotations

from collections import deque
from itertools import pairwise

from pynet.files.info import Usage

WINDOW = 6 * 3600.0  # seconds that are looked back
LEAST = 60.0  # seconds that have to be known before anything is said
DROP = 16 * 1024 * 1024  # bytes fewer from one look to the next: somebody has removed files
MOST = 2000  # samples that are kept


class Forecast:
    """The rate at which a disk fills, not counting what is removed meanwhile.

    Between two looks with a drop between them nothing is counted; small ones even out.

    Args:
        window: seconds that are looked back.
    """

    def __init__(self, window: float = WINDOW) -> None:
        self._window = window
        self._samples: deque[tuple[float, Usage]] = deque(maxlen=MOST)

    def add(self, now: float, usage: Usage) -> None:
        """A look at the disk; ``now`` in seconds, of any clock that does not jump."""
        if self._samples and now <= self._samples[-1][0]:
            return
        self._samples.append((now, usage))
        while self._samples[0][0] < now - self._window:
            self._samples.popleft()

    @property
    def rate(self) -> float | None:
        """Bytes per second; None while too little is known."""
        grown, seconds = 0, 0.0
        for (before, old), (after, new) in pairwise(self._samples):
            change = new.used - old.used
            if change > -DROP:
                grown += change
                seconds += after - before
        return max(grown / seconds, 0.0) if seconds >= LEAST else None

    def seconds_until(self, share: float) -> float | None:
        """How long until the disk is that full; 0 if it is, None if nobody can tell."""
        if not self._samples:
            return None
        usage = self._samples[-1][1]
        missing = share * usage.capacity - usage.used
        if missing <= 0:
            return 0.0
        rate = self.rate
        return missing / rate if rate else None
