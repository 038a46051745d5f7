"""A car and a laptop with files, small enough for tests and shaped as people have them."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

from tests.rcapp.files.local_engine import LocalEngine

DAY = 86400.0
MB = 1000


def write(path: Path, size: int, days: float = 0.0) -> Path:
    """A file of ``size`` bytes that was changed ``days`` ago."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(os.urandom(min(size, 4096)).ljust(size, b"."))
    changed = time.time() - days * DAY
    os.utime(path, (changed, changed))
    return path


def recording(folder: Path, files: int, size: int, days: float) -> None:
    """A folder with a few large files, as a recording is."""
    for number in range(files):
        write(folder / f"segment-{number:03d}.mcap", size // files, days)
    changed = time.time() - days * DAY
    os.utime(folder, (changed, changed))


def make_car(folder: Path, **given: Any) -> LocalEngine:
    """Rover-1: a thousandth of what the drawing shows, 78 % full."""
    month = folder / "recordings" / "2026-11"
    recording(month / "2026-11-03 lap practice", 61, 2_100_000, 19)
    recording(month / "2026-11-04 rain", 44, 1_400_000, 18)
    recording(month / "2026-11-07 corridor", 30, 900_000, 15)
    write(month / "calibration.toml", 2_000, 15)
    write(month / "2026-11-12 night.mcap", 612_000, 10)
    write(month / "2026-11-19 club.mcap", 1_100_000, 3)
    write(month / "snapshot-0412.jpg", 3_200, 3)
    write(month / "snapshot-0413.jpg", 3_100, 3)
    write(month / "notes.txt", 1_000, 0)
    recording(folder / "recordings" / "2026-10" / "2026-10-12 garden", 280, 9_400_000, 41)
    recording(folder / "recordings" / "2026-10" / "2026-10-20 school yard", 90, 5_200_000, 33)
    for number in range(8):
        write(folder / "maps" / f"track-{number}.png", 40_000, 60)
    given.setdefault("capacity", 29_500_000)
    given.setdefault("system", 2_080_000)
    given.setdefault("lanes", 6)
    given.setdefault("read_only", ("maps",))
    return LocalEngine(folder, **given)


def make_laptop(folder: Path) -> Path:
    """What was moved before."""
    recording(folder / "2026-10 archive", 303, 1_800_000, 32)
    recording(folder / "2026-11-01 first drive", 28, 1_000_000, 21)
    write(folder / "2026-11-02 cones.mcap", 840_000, 20)
    write(folder / "manifest.json", 64_000, 0)
    return folder
