"""How much has come in over a network device, moment for moment."""

from __future__ import annotations

import threading
import time

import numpy as np

from benchmarks.files.processes import received_over

STEP = 0.05
WINDOW = 1.0
NEARLY = 0.9
"""Of the full rate: more cannot be told from it on a radio that has good and bad moments."""


class Meter:
    """Reads the counter of a device on a thread of its own, from the beginning of a ``with`` block.

    Args:
        device: its name.
        pid: of a process that sees it.
    """

    def __init__(self, device: str, pid: int) -> None:
        self._device = device
        self._pid = pid
        self._samples: list[tuple[float, int]] = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="bench-meter")

    def _run(self) -> None:
        due = time.monotonic()
        while not self._ended.is_set():
            self._samples.append((time.monotonic(), received_over(self._device, self._pid)))
            due += STEP
            self._ended.wait(max(0.0, due - time.monotonic()))

    def __enter__(self) -> Meter:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._ended.set()
        self._thread.join()

    def rate(self, begin: float, end: float) -> float:
        """Return bytes a second between two moments of ``time.monotonic``."""
        times, counts = np.array(self._samples, float).T
        first, last = np.interp((begin, end), times, counts)
        return float((last - first) / (end - begin))

    def seconds_until(self, rate: float, begin: float, end: float) -> float:
        """Return how long after `begin` nearly this rate was reached, for a window of a second.

        As long as could be seen, if it was not.
        """
        for moment in np.arange(begin, end - WINDOW, STEP):
            if self.rate(moment, moment + WINDOW) >= NEARLY * rate:
                return float(moment - begin)
        return end - begin
