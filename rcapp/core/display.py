"""What was on display when, so that the age of it can be told for every moment."""

from __future__ import annotations

import threading
from collections import deque

import numpy as np
import numpy.typing as npt

KEPT = 3600
"""Paintings that are kept: a minute at 60 a second, two at 30."""

TICK = 0.001
"""Seconds between two looks at the display."""


class DisplayLog:
    """When pictures were painted and taken; times are local monotonic seconds."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._paints: deque[tuple[float, float]] = deque(maxlen=KEPT)

    def clear(self) -> None:
        """Start over."""
        with self._lock:
            self._paints.clear()

    def painted(self, at: float, captured: float) -> None:
        """The picture taken at ``captured`` is on display from ``at`` on."""
        with self._lock:
            self._paints.append((at, captured))

    def ages(self, begin: float, end: float) -> npt.NDArray[np.float64]:
        """Age of what was on display, at every millisecond from ``begin`` to ``end``, seconds.

        Moments before the oldest painting that is kept are left out.
        """
        with self._lock:
            paints = np.array(self._paints, dtype=np.float64).reshape(-1, 2)
        if not len(paints):
            return np.empty(0)
        begin = max(begin, float(paints[0, 0]))
        times = begin + TICK * np.arange(max(0, round((end - begin) / TICK)))
        shown = np.searchsorted(paints[:, 0], times, side="right") - 1
        ages: npt.NDArray[np.float64] = times - paints[np.maximum(shown, 0), 1]
        return ages
