"""A camera in a test's hands."""

from __future__ import annotations

import threading

import numpy as np

from pi_agent.hardware.protocols import CameraError, Picture


class Shutter:
    """A camera that takes a picture each time it is told to."""

    width, height, fps = 32, 24, 30.0

    def __init__(self) -> None:
        self.taken = 0
        self.closed = threading.Event()
        self.waiting = threading.Semaphore(0)
        self._press = threading.Semaphore(0)
        self._error = ""

    def press(self) -> None:
        self._press.release()

    def break_down(self, error: str) -> None:
        self._error = error
        self._press.release()

    def read(self) -> tuple[float, Picture]:
        self.waiting.release()
        self._press.acquire()
        if self.closed.is_set() or self._error:
            raise CameraError(self._error or "closed")
        self.taken += 1
        return float(self.taken), np.full((24, 32, 3), self.taken * 10 % 256, dtype=np.uint8)

    def close(self) -> None:
        self.closed.set()
        self._press.release()
