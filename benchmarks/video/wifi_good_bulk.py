"""Pictures over Wi-Fi in the same room, while a file copy fills the link."""

from __future__ import annotations

from benchmarks.harness import Report
from benchmarks.video.figures import Goals
from benchmarks.video.over_a_link import measure_over

GOALS = {"pynet-h264": Goals(32.0, 55.0)}


def measure(report: Report) -> None:
    """Age on display, whole pictures and quality, beside peers."""
    measure_over(report, "wifi-good", GOALS, bulk=True)
