"""Three seconds of nothing: when commands are back, and whether old ones are executed then."""

from __future__ import annotations

import numpy as np

from benchmarks.harness import Report, Target
from benchmarks.link import PROFILES
from benchmarks.links.ages import Run
from benchmarks.links.comparison import Goal, compare
from benchmarks.links.contenders import OLD_COMMAND, OUTAGE
from benchmarks.links.course import Course
from benchmarks.links.table import Column

SECONDS = 13.0
METRICS = ("back", "fresh", "oldest", "old")
COLUMNS: tuple[Column, ...] = (
    ("first command after it, ms", "back", "{:.0f}"),
    ("first fresh one, ms", "fresh", "{:.0f}"),
    ("oldest executed, ms", "oldest", "{:.0f}"),
    ("executed over 250 ms old", "old", "{:.0f}"),
    ("worst seed: back, ms", "worst_back", "{:.0f}"),
    ("oldest, ms", "worst_oldest", "{:.0f}"),
)
GOALS = (
    Goal("pynet-8", "back", Target(300.0, of_ratio=False)),
    Goal("pynet-8", "worst_back", Target(800.0, of_ratio=False)),
    Goal("pynet-8-max-age", "back", Target(300.0, of_ratio=False)),
    Goal("pynet-8-max-age", "worst_old", Target(0.0, of_ratio=False)),
)


def measure(report: Report) -> None:
    """Commands through an outage; times in ms from its end."""
    course = Course(report, "outage", SECONDS)
    compare(course, OUTAGE, GOALS, metrics=METRICS, figures=figures, columns=COLUMNS)


def figures(run: Run) -> dict[str, float]:
    """Return when commands were taken again, and how old what was taken at any time was."""
    outage = PROFILES["outage"].up.outages[0]
    end = 1e3 * (outage.at + outage.length)
    ages = run.taken - run.sent
    after = run.taken >= end
    return {
        "back": first(run.taken[after], run.length) - end,
        "fresh": first(run.taken[after & (ages <= 1e3 * OLD_COMMAND)], run.length) - end,
        "oldest": float(np.nanmax(ages)),
        "old": float(np.count_nonzero(ages > 1e3 * OLD_COMMAND)),
    }


def first(times: np.ndarray, never: float) -> float:
    """Return the earliest of these times; `never` if there is none."""
    return float(times.min()) if len(times) else never
