"""What the parts that differ in their link only have in common."""

from __future__ import annotations

from collections.abc import Mapping

from benchmarks.harness import Report
from benchmarks.video.contenders import CONTENDERS
from benchmarks.video.contest import Setting, compete, seconds_of
from benchmarks.video.figures import Goals, results_of, tell


def measure_over(
    report: Report, profile: str, goals: Mapping[str, Goals], *, bulk: bool = False
) -> None:
    """Let all contenders send pictures over one profile, and tell how it went.

    Args:
        report: of the part.
        profile: of the link.
        goals: by contender.
        bulk: True if a file is copied at the same time.
    """
    setting = Setting(profile, seconds_of(report), bulk=bulk)
    windows = compete(report, list(CONTENDERS), lambda _: setting)
    tell(report, results_of(windows), goals)
