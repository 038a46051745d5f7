"""Ring buffers behind the plots: written by network threads, copied by the GUI thread."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from pynet.rc.messages import SensorInfo

KEPT_SECONDS = 60.0
"""How far back a buffer reaches."""

_SPARE = 1.5
"""Room for a sensor that is this much faster than it announced."""


class SeriesBuffer:
    """The last minute of one sensor, preallocated.

    Args:
        info: what the sensor is; its ``hz`` sizes the buffer.
        seconds: how far back to reach.

    Attributes:
        info: the sensor this buffer belongs to.
    """

    def __init__(self, info: SensorInfo, seconds: float = KEPT_SECONDS) -> None:
        self.info = info
        self._lock = threading.Lock()
        capacity = max(16, int(max(info.hz, 1.0) * seconds * _SPARE))
        self._seconds = seconds
        self._times: npt.NDArray[np.float64] = np.zeros(capacity)
        self._values: npt.NDArray[np.float64] = np.full((len(info.series), capacity), np.nan)
        self._count = 0

    @property
    def count(self) -> int:
        """Samples appended since the start."""
        with self._lock:
            return self._count

    @property
    def last(self) -> tuple[float, ...] | None:
        """Values of the newest sample, or None before the first."""
        with self._lock:
            if not self._count:
                return None
            slot = (self._count - 1) % len(self._times)
            return tuple(float(value) for value in self._values[:, slot])

    @property
    def last_time(self) -> float | None:
        """Local monotonic time of the newest sample, or None before the first."""
        with self._lock:
            return float(self._times[(self._count - 1) % len(self._times)]) if self._count else None

    def append(self, time: float, values: Sequence[float]) -> None:
        """Add one sample; ``time`` is local monotonic seconds. Older than the newest is ignored.

        Raises:
            ValueError: when the number of values is not that of ``info.series``.
        """
        if len(values) != len(self._values):
            raise ValueError(
                f"{self.info.name} announced {len(self._values)} values, got {len(values)}"
            )
        with self._lock:
            capacity = len(self._times)
            if self._count and time < self._times[(self._count - 1) % capacity]:
                return
            slot = self._count % capacity
            self._times[slot] = time
            self._values[:, slot] = values
            self._count += 1

    def view(
        self, seconds: float = KEPT_SECONDS, now: float | None = None
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Copies of the samples of the last ``seconds``, oldest first.

        Args:
            seconds: how far back.
            now: end of the window, local monotonic; the newest sample's time by default.

        Returns:
            ``(t, y)``: ``t`` of shape (samples,), local monotonic seconds, and ``y`` of shape
            (series, samples), so ``y[i]`` is what ``info.series[i]`` names.
        """
        with self._lock:
            capacity = len(self._times)
            kept = min(self._count, capacity)
            order = np.arange(self._count - kept, self._count) % capacity
            times = self._times[order]
            end = (times[-1] if kept else 0.0) if now is None else now
            first = int(np.searchsorted(times, end - min(seconds, self._seconds)))
            return times[first:].copy(), np.take(self._values, order[first:], axis=1)
