"""A cable: nobody may be slower for all this care."""

from __future__ import annotations

from benchmarks.harness import Report
from benchmarks.links.comparison import compare
from benchmarks.links.contenders import AGES
from benchmarks.links.course import Course


def measure(report: Report) -> None:
    """Ages of 100 Hz commands."""
    compare(Course.usual(report, "lan"), AGES)
