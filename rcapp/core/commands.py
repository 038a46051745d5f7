"""Bookkeeping of drive commands: when each was read, and how many the car took."""

from __future__ import annotations


class SentTimes:
    """When the input behind each of the newest drive commands was read."""

    def __init__(self, size: int = 512) -> None:
        self._times: list[tuple[int, float]] = [(-1, 0.0)] * size

    def note(self, seq: int, time: float) -> None:
        """Command ``seq`` carries input read at local monotonic ``time``."""
        self._times[seq % len(self._times)] = (seq, time)

    def of(self, seq: int) -> float | None:
        """When the input of command ``seq`` was read; None when it is not known any more."""
        kept, time = self._times[seq % len(self._times)]
        return time if kept == seq and seq >= 0 else None


class Accepted:
    """Commands the car accepted since we connected, over restarts of its agent."""

    def __init__(self) -> None:
        self._before = 0
        self._last: int | None = None

    def see(self, total: int) -> int:
        """The car says ``total`` since its agent started; returns our count."""
        if self._last is None:
            self._before = -total
        elif total < self._last:
            self._before += self._last
        self._last = total
        return self._before + total
