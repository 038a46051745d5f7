"""The laptop's end of every contender: notes when a picture lay decoded, and keeps its luma."""

from __future__ import annotations

import threading
import time

import numpy as np
import numpy.typing as npt

from benchmarks.video.judge import Arrival, Judge
from benchmarks.video.source import FPS, HEIGHT, WIDTH, Picture, pictures

SPARE = 100
"""Pictures beyond 30 a second for which there is room: some senders repeat one."""


class Screen:
    """Takes pictures in one or several threads; they are looked at when all is over.

    Looking at a picture costs as much as decoding it. What costs least, its luma, is kept.

    Args:
        seconds: that will be watched, at most.
    """

    def __init__(self, seconds: float) -> None:
        # Filled now, so that no picture has to wait for memory.
        self._room = np.ones((int(seconds * FPS) + SPARE, HEIGHT, WIDTH), np.uint8)
        self._kept: list[tuple[float, npt.NDArray[np.uint8]]] = []
        self._lock = threading.Lock()
        self.first = threading.Event()

    def show(self, picture: Picture) -> None:
        """Take a decoded picture, BGR or BGRA; the time is taken first."""
        now = time.monotonic()
        import cv2

        code = cv2.COLOR_BGRA2GRAY if picture.shape[2] == 4 else cv2.COLOR_BGR2GRAY
        with self._lock:
            place = len(self._kept)
            if place >= len(self._room):
                return
            if picture.shape[:2] == (HEIGHT, WIDTH):
                luma = self._room[place]
                cv2.cvtColor(picture, code, dst=luma)
            else:
                luma = cv2.cvtColor(picture, code).astype(np.uint8, copy=False)
            self._kept.append((now, luma))
        self.first.set()

    def arrivals(self, begin: float) -> list[Arrival]:
        """Judge all that came.

        Args:
            begin: monotonic time at which picture 0 existed.
        """
        judge = Judge(pictures())
        with self._lock:
            kept = list(self._kept)
        return [judge.judge(at - begin, luma) for at, luma in kept]
