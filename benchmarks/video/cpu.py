"""What H.264 pictures cost the processors of both ends, 640 x 480 at 30 a second."""

from __future__ import annotations

import sys

from benchmarks.harness import Report, Target
from benchmarks.video.contest import Setting, compete, seconds_of
from benchmarks.video.figures import results_of

GOALS = {"cpu_car": 25.0, "cpu_laptop": 12.0}
OURS = "pynet-h264"
PEER = "aiortc-h264"


def measure(report: Report) -> None:
    """Share of a core that the processes at both ends use over a cable, beside aiortc."""
    setting = Setting("lan", seconds_of(report))
    results = results_of(compete(report, [PEER, OURS], lambda _: setting))
    for name, result in results.items():
        for metric, limit in GOALS.items():
            value = result.median(metric)
            report.figure(
                metric,
                value,
                "%",
                baseline=results[PEER].median(metric) if name == OURS and PEER in results else None,
                target=Target(limit, of_ratio=False) if name == OURS else None,
                of=name,
            )
            print(f"video.cpu: {name:12} {metric:10} {value:.1f} % of a core", file=sys.stderr)
