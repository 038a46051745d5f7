"""Commands that must arrive: how long each one takes, beside one raw TCP connection."""

from __future__ import annotations

from benchmarks.harness import Report, Target
from benchmarks.links.comparison import Goal, compare
from benchmarks.links.contenders import DELIVERY
from benchmarks.links.course import Course

# TCP doubles its timer with each loss, so the last of its commands may need long.
DRAIN = 6.0
METRICS = ("delivery_p50", "delivery_p99", "delivery_p999", "delivery_max", "lost", "superseded")
LIMITS = {"wifi-bad": 60.0, "wifi-edge": 150.0}


def measure(report: Report) -> None:
    """Delivery of every command; a tick that passes while a send blocks counts as its begin."""
    for profile, limit in LIMITS.items():
        goals = (
            Goal("pynet-reliable", "delivery_p999", Target(limit, of_ratio=False), beside="tcp"),
            Goal("pynet-reliable", "worst_lost", Target(0.0, of_ratio=False), beside="tcp"),
            Goal("pynet-reliable-16", "delivery_p999", Target(limit, of_ratio=False), beside="tcp"),
            Goal("pynet-reliable-16", "worst_lost", Target(0.0, of_ratio=False), beside="tcp"),
        )
        course = Course.usual(report, profile, patient=True, drain=DRAIN)
        compare(course, DELIVERY, goals, metrics=METRICS, baseline="tcp")
