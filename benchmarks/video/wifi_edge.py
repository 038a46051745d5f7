"""Pictures over Wi-Fi where it ends."""

from __future__ import annotations

from benchmarks.harness import Report
from benchmarks.video.figures import Goals
from benchmarks.video.over_a_link import measure_over

GOALS = {
    "pynet-h264": Goals(55.0, 280.0, late=2.0, fps=24.0, psnr=31.0),
    "pynet-jpeg-swarm": Goals(80.0, 370.0),
}


def measure(report: Report) -> None:
    """Age on display, whole pictures and quality, beside peers."""
    measure_over(report, "wifi-edge", GOALS)
