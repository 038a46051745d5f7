"""Pictures between the decode thread and the GUI thread, and how old they are when painted."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rcapp.core.state import Frame

AGES_KEPT = 3600
"""Frame ages that the percentiles are taken over: a minute at 60 pictures a second."""

_FRESHEN = 0.25
"""Seconds between two computations of the percentiles: a figure that a person reads."""


class Mailbox:
    """Room for one picture: the newest not taken yet."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._frame: Frame | None = None
        self._replaced = 0

    @property
    def replaced(self) -> int:
        """Pictures that a newer one replaced before they were taken."""
        with self._lock:
            return self._replaced

    def put(self, frame: Frame) -> None:
        """Leave ``frame``; one that was not taken is replaced and counted."""
        with self._lock:
            if self._frame is not None:
                self._replaced += 1
            self._frame = frame

    def take(self) -> Frame | None:
        """Take what is there, else None."""
        with self._lock:
            frame, self._frame = self._frame, None
            return frame

    def clear(self) -> None:
        """Forget what is there, and the count."""
        with self._lock:
            self._frame = None
            self._replaced = 0


@dataclass(frozen=True, slots=True)
class PaintFigures:
    """What is known of painted pictures; times in seconds.

    Attributes:
        painted: pictures painted.
        fps: painted in the last second.
        captured: capture of the newest painted picture, local monotonic.
        age: capture to painted of that picture.
        p50, p99: percentiles of the same over the last minute.
    """

    painted: int = 0
    fps: float = 0.0
    captured: float | None = None
    age: float | None = None
    p50: float | None = None
    p99: float | None = None


class PaintStats:
    """Counts each painted picture once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.clear()

    def clear(self) -> None:
        """Start over."""
        with self._lock:
            self._frame: Frame | None = None
            self._age: float | None = None
            self._painted = 0
            self._ages: deque[float] = deque(maxlen=AGES_KEPT)
            self._times: deque[float] = deque()
            self._percentiles: tuple[float | None, float | None] = (None, None)
            self._computed_at = float("-inf")

    def painted(self, frame: Frame, now: float) -> bool:
        """``frame`` is on the screen at ``now``; False when it was counted before."""
        with self._lock:
            if frame is self._frame:
                return False
            self._frame = frame
            self._age = max(0.0, now - frame.captured)
            self._ages.append(self._age)
            self._times.append(now)
            self._painted += 1
            while self._times and now - self._times[0] > 1.0:
                self._times.popleft()
            return True

    def ages(self) -> npt.NDArray[np.float64]:
        """Frame ages of the last minute, oldest first, seconds."""
        with self._lock:
            return np.array(self._ages, dtype=np.float64)

    def figures(self, now: float) -> PaintFigures:
        """All figures at ``now``."""
        with self._lock:
            if self._ages and now - self._computed_at >= _FRESHEN:
                p50, p99 = np.percentile(self._ages, (50, 99))
                self._percentiles = (float(p50), float(p99))
                self._computed_at = now
            return PaintFigures(
                painted=self._painted,
                fps=float(sum(1 for time in self._times if now - time <= 1.0)),
                captured=None if self._frame is None else self._frame.captured,
                age=self._age,
                p50=self._percentiles[0],
                p99=self._percentiles[1],
            )
