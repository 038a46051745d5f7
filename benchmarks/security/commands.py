"""What TLS costs commands on a link: nothing that counts."""

from __future__ import annotations

import statistics

from benchmarks.harness import Report, Target
from benchmarks.links.comparison import compare
from benchmarks.links.contenders import PYNET_8, PYNET_8_INSECURE, TRUST
from benchmarks.links.course import Course

PROFILES = ("lan", "wifi-bad", "wifi-edge")
MOST = Target(1.0, of_ratio=False)
"""Milliseconds that a command may be older at p99, in the median seed."""


def measure(report: Report) -> None:
    """Ages of 100 Hz commands over 8 lanes, over TLS and over plain TCP in the same run."""
    for profile in PROFILES:
        course = Course.usual(report, profile)
        each = compare(course, TRUST, baseline=PYNET_8_INSECURE.name)
        sealed, plain = (each.get(one.name, []) for one in (PYNET_8, PYNET_8_INSECURE))
        if sealed and len(sealed) == len(plain):
            # With the same seed both meet the same losses; between seeds they differ by far more.
            more = statistics.median(
                one["age_p99"] - other["age_p99"] for one, other in zip(sealed, plain, strict=True)
            )
            report.figure(f"{profile} age_p99 more over TLS", more, "ms", target=MOST)
