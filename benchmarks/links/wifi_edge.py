"""Wi-Fi where it ends: every twelfth packet is lost, most of them in bursts."""

from __future__ import annotations

from benchmarks.harness import Report, Target
from benchmarks.links.comparison import Goal, compare
from benchmarks.links.contenders import AGES
from benchmarks.links.course import Course

GOALS = (
    Goal("pynet-8", "age_p99", Target(1.15)),
    Goal("pynet-8", "age_p999", Target(1.25)),
    Goal("pynet-16", "age_p99", Target(1.15)),
    Goal("pynet-16", "age_p999", Target(1.25)),
    Goal("pynet-8-copies", "age_p99", Target(1.0), beside="pynet-8"),
    Goal("pynet-8-copies", "age_p999", Target(1.0), beside="pynet-8"),
    Goal("pynet-16-copies", "age_p99", Target(1.0), beside="pynet-16"),
    Goal("pynet-16-copies", "age_p999", Target(1.0), beside="pynet-16"),
)


def measure(report: Report) -> None:
    """Ages of 100 Hz commands, beside raw UDP."""
    compare(Course.usual(report, "wifi-edge"), AGES, GOALS)
