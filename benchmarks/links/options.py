"""A swarm where the kernel has no options for the retransmission timer, as on other systems."""

from __future__ import annotations

from benchmarks.harness import Report, Target
from benchmarks.links.comparison import Goal, compare
from benchmarks.links.contenders import OPTIONS
from benchmarks.links.course import Course

LIMITS = {"wifi-bad": 1.2, "wifi-edge": 1.5}


def measure(report: Report) -> None:
    """Ages of 100 Hz commands, beside raw UDP."""
    for profile, limit in LIMITS.items():
        goals = tuple(
            Goal(name, "age_p99", Target(limit)) for name in ("pynet-8-plain", "pynet-16-plain")
        )
        compare(Course.usual(report, profile), OPTIONS, goals)
