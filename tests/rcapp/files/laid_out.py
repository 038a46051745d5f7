"""What has gathered on a car, and what was moved off it before."""

from __future__ import annotations

import os
import time
from pathlib import Path

DAY = 86400.0
MILLION = 1_000_000


def place(path: Path, size: int, days: float = 0.0) -> Path:
    """A file that was changed some days ago; all but its first bytes is a hole, so it is quick."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.write(os.urandom(min(size, 4096)))
        file.truncate(size)
    _age(path, days)
    return path


def recording(folder: Path, files: int, size: int, days: float) -> Path:
    """A folder with parts of equal size, as a recording is."""
    for number in range(files):
        place(folder / f"segment-{number:03d}.mcap", size // files, days)
    _age(folder, days)
    return folder


def lay_out_car(folder: Path, unit: int = MILLION, crowd: float = 1.0) -> int:
    """Fill the shared folders of a car; returns how many bytes they take.

    Args:
        folder: holds one folder for each share.
        unit: bytes of what is called a megabyte here.
        crowd: share of the files that recordings have; they are larger then.
    """

    def many(files: int) -> int:
        return max(1, round(files * crowd))

    month = folder / "recordings" / "2026-11"
    recording(month / "2026-11-03 lap practice", many(61), 2_100 * unit, 19)
    recording(month / "2026-11-04 rain", many(44), 1_400 * unit, 18)
    recording(month / "2026-11-07 corridor", many(30), 900 * unit, 15)
    place(month / "calibration.toml", max(1, unit // 500), 15)
    place(month / "2026-11-12 night.mcap", 612 * unit, 10)
    place(month / "2026-11-19 club.mcap", 1_100 * unit, 3)
    place(month / "snapshot-0412.jpg", 32 * unit // 10, 3)
    place(month / "snapshot-0413.jpg", 31 * unit // 10, 3)
    place(month / "notes.txt", max(1, unit // 1000), 0)
    past = folder / "recordings" / "2026-10"
    recording(past / "2026-10-12 garden", many(280), 9_400 * unit, 41)
    recording(past / "2026-10-20 school yard", many(90), 5_200 * unit, 33)
    (folder / "recordings" / "new").mkdir()
    for number in range(8):
        place(folder / "maps" / f"track-{number}.png", 40 * unit, 60)
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def lay_out_laptop(folder: Path, unit: int = MILLION, crowd: float = 1.0) -> Path:
    """Fill the folder of this laptop with what was moved before."""
    recording(folder / "2026-10 archive", max(1, round(303 * crowd)), 11_800 * unit, 32)
    recording(folder / "2026-11-01 first drive", max(1, round(28 * crowd)), 1_000 * unit, 21)
    place(folder / "2026-11-02 cones.mcap", 840 * unit, 20)
    place(folder / "manifest.json", max(1, 64 * unit // 1000), 0)
    return folder


def _age(path: Path, days: float) -> None:
    changed = time.time() - days * DAY
    os.utime(path, (changed, changed))
