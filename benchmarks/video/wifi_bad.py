"""Pictures over Wi-Fi two walls away."""

from __future__ import annotations

from benchmarks.harness import Report
from benchmarks.video.figures import Goals
from benchmarks.video.over_a_link import measure_over

GOALS = {
    "pynet-h264": Goals(35.0, 80.0, late=0.0, fps=27.0, psnr=32.0),
    "pynet-jpeg-swarm": Goals(40.0, 90.0),
}


def measure(report: Report) -> None:
    """Age on display, whole pictures and quality, beside peers."""
    measure_over(report, "wifi-bad", GOALS)
