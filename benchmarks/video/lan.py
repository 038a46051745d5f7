"""Pictures over a cable."""

from __future__ import annotations

from benchmarks.harness import Report
from benchmarks.video.figures import Goals
from benchmarks.video.over_a_link import measure_over

GOALS = {"pynet-h264": Goals(21.0, 38.0), "pynet-jpeg-swarm": Goals(21.0, 38.0)}


def measure(report: Report) -> None:
    """Age on display, whole pictures and quality, beside peers."""
    measure_over(report, "lan", GOALS)
