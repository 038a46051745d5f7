"""From the runs of contenders to figures beside their baselines and targets."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.harness import Target
from benchmarks.links.ages import Run
from benchmarks.links.contenders import Contender, chosen
from benchmarks.links.course import Course
from benchmarks.links.table import COLUMNS, Column, show

METRICS = (
    *("age_p50", "age_p99", "age_p999", "age_max", "age_over_50", "age_over_100"),
    *("delivery_p50", "delivery_p999", "lost", "superseded", "cpu_laptop", "cpu_car"),
)
UNITS = {
    "age_over_50": "%",
    "age_over_100": "%",
    "lost": "%",
    "superseded": "commands",
    "old": "commands",
    "runs": "runs",
    "cpu_laptop": "% of a core",
    "cpu_car": "% of a core",
}


@dataclass(frozen=True)
class Goal:
    """What one figure of one contender should reach.

    Attributes:
        contender: its name.
        metric: as in :meth:`Run.figures`; the median over seeds counts, or the worst of all
            seeds if it begins with ``worst_``.
        target: for it.
        beside: the contender whose figure is the baseline.
    """

    contender: str
    metric: str
    target: Target
    beside: str = "udp"


def compare(
    course: Course,
    contenders: Sequence[Contender],
    goals: Sequence[Goal] = (),
    *,
    metrics: Sequence[str] = METRICS,
    baseline: str = "udp",
    figures: Callable[[Run], dict[str, float]] = Run.figures,
    columns: Sequence[Column] = COLUMNS,
    title: str | None = None,
) -> dict[str, list[dict[str, float]]]:
    """Measure all contenders on a course; print their figures, and a table in the end.

    Args:
        course: what they are put through.
        contenders: all that take part; the report may choose among them.
        goals: what their figures should reach.
        metrics: of `figures`: those that are printed for every contender.
        baseline: the contender whose figures are the baseline of figures without a goal.
        figures: what a run comes to.
        columns: of the table.
        title: of the course; its profile by default.

    Returns:
        The figures of each contender, seed by seed.
    """
    title = title or course.profile
    report = course.report
    runs, failed = course.runs(chosen(tuple(contenders), report))
    for name, reason in failed.items():
        report.missing(f"{name} ({title})", reason)
    each = {name: [figures(run) for run in some] for name, some in runs.items()}
    medians = {name: medians_of(figures) for name, figures in each.items()}
    for name in medians:
        own = [goal for goal in goals if goal.contender == name]
        wanted = ["runs", *metrics, *(goal.metric for goal in own if goal.metric not in metrics)]
        for metric in wanted:
            goal = next((goal for goal in own if goal.metric == metric), None)
            beside = medians.get(goal.beside if goal else baseline, {})
            report.figure(
                f"{title} {metric}",
                medians[name][metric],
                unit_of(metric),
                baseline=None if metric == "runs" else beside.get(metric),
                target=goal.target if goal else None,
                of=name,
            )
    versions = {one.name: one.version() for one in contenders if one.name in each}
    report.keep(title, {"seeds": course.seeds, "versions": versions, "figures": each})
    count = max((len(some) for some in each.values()), default=0)
    seeds = "one seed" if count == 1 else f"{count} seeds"
    control = f", {report.congestion}" if report.congestion else ""
    show(f"{title}{control}: {course.seconds:g} s, medians of {seeds}", medians, columns)
    return each


def medians_of(figures: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Return the median over seeds of each figure; and the worst, as ``worst_...``."""
    keys = figures[0]
    return {
        "runs": float(len(figures)),
        **{key: statistics.median(values[key] for values in figures) for key in keys},
        **{f"worst_{key}": max(values[key] for values in figures) for key in keys},
    }


def unit_of(metric: str) -> str:
    """Return the unit of a metric: milliseconds, if nothing else is known of it."""
    return UNITS.get(metric.removeprefix("worst_"), "ms")
