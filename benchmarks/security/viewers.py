"""Whether those who watch are in the way of the one who drives."""

from __future__ import annotations

from benchmarks.harness import Report, Target
from benchmarks.links.comparison import compare, medians_of
from benchmarks.links.contenders import Contender
from benchmarks.links.course import Course

PROFILE = "lan"
VIEWERS = 8
MOST = Target(2.0, of_ratio=False)
"""Milliseconds that a command may be older at p99."""


def driver(viewers: int) -> Contender:
    """One who drives over 8 lanes and watches, with so many others who watch."""
    name = f"{viewers}-viewers" if viewers else "no-viewers"
    laptop = {"viewers": viewers, "policy": "latest", "lanes": 8}
    return Contender(name, "watched", "pynet", laptop=laptop)


def measure(report: Report) -> None:
    """Ages of the driver's 100 Hz commands, median of all seeds."""
    alone, watched = driver(0), driver(VIEWERS)
    course = Course.usual(report, PROFILE)
    each = compare(course, (alone, watched), baseline=alone.name)
    if alone.name in each and watched.name in each:
        lonely, seen = (medians_of(each[one.name])["age_p99"] for one in (alone, watched))
        more = seen - lonely
        title = f"{PROFILE} age_p99 more with {VIEWERS} viewers"
        report.figure(title, more, "ms", target=MOST)
