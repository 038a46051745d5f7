"""What the demo car has recorded: pictures of drives in the last weeks, on a small disk."""

from __future__ import annotations

import os
import struct
import time
import zlib
from pathlib import Path

import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]

CONFIG = """\
# The demo car. Its disk is small, so that there is something to do on the page Files.

[[files]]
name = "recordings"
path = "recordings"
quota = "32 MB"

[files.backup]
min_age = 60
keep_newest = 2
groups = ["tub-*"]
protect = ["keep/**"]

[[files]]
name = "exchange"
path = "exchange"
"""
"""The car's file; paths start from its folder."""

ROOTS = ("recordings", "exchange")
"""Its folders, which must be there when the car starts."""

AGES = (23, 19, 16, 12, 9, 5, 2)
"""Days since each drive."""

SNAPSHOTS = 8
WIDTH, HEIGHT = 576, 270
HOUR, DAY = 3600, 86400


def write_demo_files(folder: Path, now: float | None = None) -> None:
    """Fill the first of :data:`ROOTS`: the same each time, but for the dates.

    Args:
        folder: that of the car's file.
        now: seconds since 1970.
    """
    begin = (time.time() if now is None else now) // 60 * 60
    recordings = folder / ROOTS[0]
    noise = np.random.default_rng(1).integers(0, 24, (HEIGHT, WIDTH, 3), np.uint8)
    roads = [road(float(np.sin(shot * 0.8))) for shot in range(SNAPSHOTS)]
    for number, age in enumerate(AGES):
        start = begin - age * DAY - (number % 4) * HOUR
        day = recordings / time.strftime("%Y-%m-%d", time.localtime(start))
        tub = day / time.strftime("tub-%H%M", time.localtime(start)) if number % 3 == 1 else day
        tub.mkdir(parents=True, exist_ok=True)
        for shot in range(SNAPSHOTS):
            picture = roads[(shot + number) % SNAPSHOTS] + np.roll(noise, 37 * shot, axis=1)
            _write(tub / f"front-{shot + 1:02}.png", png(picture), start + 20 * shot)
        _write(tub / "laps.csv", laps(number), start + 20 * SNAPSHOTS)
    (recordings / "keep").mkdir(parents=True)
    _write(recordings / "keep" / "best lap.png", png(roads[0] + noise), begin - 40 * DAY)


def road(bend: float) -> Pixels:
    """A road that bends to the right (1) or to the left (-1), under a grey sky."""
    picture = np.empty((HEIGHT, WIDTH, 3), np.uint8)
    horizon = HEIGHT // 3
    picture[:horizon] = (150, 170, 190)
    picture[horizon:] = (60, 95, 55)
    near = np.linspace(0.0, 1.0, HEIGHT - horizon)[:, None]
    middle = WIDTH / 2 + bend * 160 * (1 - near) ** 2
    off = np.abs(np.arange(WIDTH)[None, :] - middle)
    picture[horizon:][off < 12 + 200 * near] = (70, 70, 74)
    picture[horizon:][off < 1 + 6 * near] = (220, 220, 210)
    return picture


def png(picture: Pixels) -> bytes:
    """A picture as a file; not packed, which is quick."""
    height, width, _ = picture.shape
    rows = np.zeros((height, 1 + 3 * width), np.uint8)
    rows[:, 1:] = picture.reshape(height, -1)
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = ((b"IHDR", head), (b"IDAT", zlib.compress(rows.tobytes(), 0)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*part) for part in parts)


def laps(number: int) -> bytes:
    """A table of lap times."""
    dice = np.random.default_rng(number)
    rows = [f"{lap + 1},{20 + 4 * dice.random():.2f},{1.4 + dice.random():.2f}" for lap in range(9)]
    return ("lap,seconds,mean_speed\n" + "\n".join(rows) + "\n").encode()


def _chunk(kind: bytes, data: bytes) -> bytes:
    crc = zlib.crc32(data, zlib.crc32(kind))
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", crc)


def _write(path: Path, data: bytes, mtime: float) -> None:
    path.write_bytes(data)
    os.utime(path, (mtime, mtime))
