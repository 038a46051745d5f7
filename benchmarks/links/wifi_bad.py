"""Wi-Fi two walls away: losses and bursts, where a single connection stalls."""

from __future__ import annotations

from benchmarks.harness import Report, Target
from benchmarks.links.comparison import Goal, compare
from benchmarks.links.contenders import AGES
from benchmarks.links.course import Course

GOALS = (
    Goal("pynet-8", "age_p99", Target(1.05)),
    Goal("pynet-8", "age_p999", Target(1.2)),
    Goal("pynet-16", "age_p99", Target(1.05)),
    Goal("pynet-16", "age_p999", Target(1.2)),
    Goal("pynet-8-copies", "age_p999", Target(0.9)),
    Goal("pynet-8-copies", "worst_age_max", Target(100.0, of_ratio=False)),
    Goal("pynet-16-copies", "age_p999", Target(0.9)),
    Goal("pynet-16-copies", "worst_age_max", Target(100.0, of_ratio=False)),
)


def measure(report: Report) -> None:
    """Ages of 100 Hz commands, beside raw UDP."""
    compare(Course.usual(report, "wifi-bad"), AGES, GOALS)
