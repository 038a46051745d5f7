"""A car and a laptop with files: those of the tour, a thousandth of their size."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

from tests.rcapp.files.laid_out import lay_out_car, lay_out_laptop
from tests.rcapp.files.local_engine import LocalEngine

DAY = 86400.0


def write(path: Path, size: int, days: float = 0.0) -> Path:
    """A file of ``size`` bytes that was changed ``days`` ago."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(os.urandom(min(size, 4096)).ljust(size, b"."))
    changed = time.time() - days * DAY
    os.utime(path, (changed, changed))
    return path


def make_car(folder: Path, unit: int = 1000, crowd: float = 0.1, **given: Any) -> LocalEngine:
    """Rover-1, 78 % full."""
    used = lay_out_car(folder, unit, crowd)
    system = 2_100 * unit
    given.setdefault("capacity", round((used + system) / 0.784))
    given.setdefault("lanes", 6)
    given.setdefault("read_only", ("maps",))
    return LocalEngine(folder, system=system, **given)


def make_laptop(folder: Path, unit: int = 1000, crowd: float = 0.1) -> Path:
    """What was moved before."""
    return lay_out_laptop(folder, unit, crowd)
