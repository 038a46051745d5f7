"""What TLS costs commands on a link: nothing that counts."""

from __future__ import annotations

from benchmarks.harness import Report, Target
from benchmarks.links.comparison import compare
from benchmarks.links.contenders import PYNET_8, PYNET_8_INSECURE, TRUST
from benchmarks.links.course import Course

PROFILES = ("lan", "wifi-bad", "wifi-edge")
MOST = Target(1.0, of_ratio=False)
"""Milliseconds that a command may be older at p99."""


def measure(report: Report) -> None:
    """Ages of 100 Hz commands over 8 lanes, over TLS and over plain TCP in the same run."""
    for profile in PROFILES:
        course = Course.usual(report, profile)
        medians = compare(course, TRUST, baseline=PYNET_8_INSECURE.name)
        sealed, plain = (medians.get(c.name) for c in (PYNET_8, PYNET_8_INSECURE))
        if sealed and plain:
            more = sealed["age_p99"] - plain["age_p99"]
            report.figure(f"{profile} age_p99 more over TLS", more, "ms", target=MOST)
