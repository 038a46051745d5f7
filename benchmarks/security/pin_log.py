"""What the pins of motors' processes did, read while they do it."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

LIMIT = 30.0
"""Seconds for anything to happen; generous, because a busy machine starts programs slowly."""
FOLDER = str(Path(__file__).parent / "pins")


class Level(NamedTuple):
    """One pin was set."""

    time: float
    pid: int
    pin: int
    value: float


class PinLog:
    """The file that ``pins/sitecustomize.py`` writes."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def environment(self) -> dict[str, str]:
        """For a process whose motors shall be seen."""
        paths = [FOLDER, *filter(None, [os.environ.get("PYTHONPATH")])]
        return {
            "GPIOZERO_PIN_FACTORY": "mock",
            "GPIOZERO_MOCK_PIN_CLASS": "mockpwmpin",
            "PINS_FILE": str(self.path),
            "PYTHONPATH": os.pathsep.join(paths),
        }

    def read(self) -> list[Level]:
        """Everything so far."""
        if not self.path.exists():
            return []
        rows = [line.split() for line in self.path.read_text().splitlines()]
        return [Level(float(r[0]), int(r[1]), int(r[2]), float(r[3])) for r in rows if len(r) == 4]

    def waves(self) -> dict[int, list[float]]:
        """The states that each pin went through, without repetitions."""
        found: dict[int, list[float]] = {}
        for level in self.read():
            wave = found.setdefault(level.pin, [])
            if not wave or wave[-1] != level.value:
                wave.append(level.value)
        return found

    def now(self) -> dict[int, float]:
        """The newest state of each pin."""
        return {level.pin: level.value for level in self.read()}

    def until(self, wanted: Callable[[dict[int, float]], bool]) -> None:
        """Waits until the newest states are as wanted."""
        deadline = time.monotonic() + LIMIT
        pause = threading.Event()
        while not wanted(self.now()):
            if time.monotonic() >= deadline:
                raise TimeoutError(f"the pins stay at {self.now()}")
            pause.wait(0.01)
