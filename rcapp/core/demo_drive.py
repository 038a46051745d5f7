"""Scripted driving for the demo without a screen, and the report it leaves.

The view presses real keys for the script and calls, in this order::

    run = DemoRun(session, demo_car, press, release, seconds=20, output=Path("build"))
    # from the GUI timer, about 60 times a second:
    if run.tick():                      # True once the time is over
        window.grab().save(str(run.picture_path))
        code, sentence = run.finish()   # writes demo.json, checks it; print the sentence
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path

from rcapp.core.demo_car import DemoCar
from rcapp.core.series import SeriesBuffer
from rcapp.core.session import CarSession, Snapshot


class ScriptedDriver:
    """Keeps the car on the road with keys: away from the nearer side, taps of throttle.

    Args:
        press, release: called with ``"left"``, ``"right"``, ``"up"`` or ``"down"``.
    """

    def __init__(self, press: Callable[[str], None], release: Callable[[str], None]) -> None:
        self._press = press
        self._release = release

    def tick(self, now: float, snapshot: Snapshot, series: Mapping[str, SeriesBuffer]) -> None:
        """Press and release what the situation asks for."""

    def release_all(self) -> None:
        """Let go of every key."""


class DemoRun:
    """One scripted drive with its report.

    Args:
        session: connected, or connecting, to ``car``.
        car: the simulated car.
        press, release: real key events of the view.
        seconds: how long to drive, counted from the first painted picture.
        output: folder for ``demo.png`` and ``demo.json``; made when missing.
        started: local monotonic time at which the program started (``Options.started``).
    """

    def __init__(
        self,
        session: CarSession,
        car: DemoCar,
        press: Callable[[str], None],
        release: Callable[[str], None],
        *,
        seconds: float,
        output: Path,
        started: float | None = None,
    ) -> None:
        self.picture_path = output / "demo.png"
        self.json_path = output / "demo.json"
        self._driver = ScriptedDriver(press, release)

    def tick(self, now: float | None = None) -> bool:
        """Drive on; True once the drive is over (also when it failed to start in time)."""
        now = time.monotonic() if now is None else now
        return True

    def finish(self) -> tuple[int, str]:
        """Write ``demo.json``, compare it with the agent's own report.

        Returns:
            Exit code and a sentence for the person: 0 only if the figures agree, pictures
            were painted and the car moved.
        """
        return 1, "skeleton"
