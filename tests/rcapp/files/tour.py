"""The tour of the Files tab over a car that is a folder: ``-m tests.rcapp.files.tour OUT``."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QSize

from rcapp.core.files.engine import FilesEngine
from rcapp.core.state import Snapshot
from rcapp.views import theme
from rcapp.views import tour as whole_tour
from rcapp.views.tour import SIZES, SMALLEST, Tour
from rcapp.views.tour_files import FilesTour
from tests.rcapp.files import local_transfer
from tests.rcapp.files.local_engine import LocalEngine
from tests.rcapp.files.scene import make_car, make_laptop

MILLION = 1_000_000
CHOSEN = ("2026-11-03 lap practice", "2026-11-04 rain")


class Connected:
    """Stands for the session: this car is connected, or none."""

    def __init__(self) -> None:
        self.car: FilesEngine | None = None

    def engine(self, _snap: Snapshot) -> FilesEngine | None:
        return self.car


class LocalTour(Tour):
    """Walks through the Files tab only."""

    def __init__(self, out: Path, size: QSize, shown: theme.Theme) -> None:
        super().__init__(out, size, shown)
        self._link = Connected()
        self.window.files.link = self._link

    def walk(self) -> None:
        """Every screen of the tab."""
        window = self.window
        window.show()
        window.activateWindow()
        self.until("the window", window.isActiveWindow)
        car = make_car(self.home / "car", MILLION, 1.0, note="driving first: holding back 5 ms")
        make_laptop(self.home / "Car backup", MILLION, 1.0)
        try:
            self._files(FilesTour(self), car)
        finally:
            car.gate.open()
            window.close()
            self._folder.cleanup()

    def _files(self, files: FilesTour, car: LocalEngine) -> None:
        files.without_car("01-files-nocar")
        self._link.car = car
        files.enter("recordings/2026-11")
        self._as_if_known_for_a_day()
        files.empty("02-files-empty", "recordings/new")
        car.gate.hold_after(375)
        files.transfer("03-files-transfer", CHOSEN, self._past(0.6))
        car.gate.open()
        self.until("the copies", lambda: not self.window.files.station.queue.view().open)
        files.review("04-files-review")
        car.gate.hold_after(1000)
        files.moving("05-files-moving", self._past(0.1))
        files.policy("06-files-policy")
        car.gate.open()
        files.history("07-files-history")
        self.shot("08-files-afterwards")

    def _past(self, fraction: float) -> Callable[[], bool]:
        queue = self.window.files.station.queue

        def past() -> bool:
            jobs = queue.view().open
            return bool(jobs) and jobs[0].fraction > fraction

        return past

    def _as_if_known_for_a_day(self) -> None:
        """A forecast needs samples of hours, which a tour has not."""
        desk = self.window.files.station.desk
        storage = replace(desk.view.storage, rate=6.4e9 / (9.2 * 3600))
        desk._view = replace(desk.view, storage=storage)


def main(arguments: list[str]) -> int:
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    whole_tour.PATIENCE = 90.0  # for gigabytes
    local_transfer.PIECE = 4 << 20  # whole blocks, so that holes are as large in a copy
    out = Path(arguments[0]) if arguments else Path("build") / "tour-files"
    out.mkdir(parents=True, exist_ok=True)
    walks = [(QSize(1440, 900), theme.DARK)]
    if "--all" in arguments:
        walks += [(size, theme.LIGHT) for size in SIZES] + [(SMALLEST, theme.CONTRAST)]
    found: list[str] = []
    for size, shown in walks:
        tour = LocalTour(out, size, shown)
        tour.walk()
        found += tour.found
    sys.stdout.write("\n".join([*found, f"{len(found)} faults\n"]))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
