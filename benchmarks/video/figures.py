"""The figures of a part, and the table that a person reads."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.harness import Report, Target
from benchmarks.video.contenders import ALL
from benchmarks.video.contest import Window
from benchmarks.video.judge import Verdict, verdict


@dataclass(frozen=True)
class Goals:
    """What a contender should reach; None where nothing is asked.

    Attributes:
        p50, p99: ms of the age on display, at most.
        late: % of the time with something older than 250 ms on display, at most.
        fps: whole pictures a second, at least.
        psnr: dB, at least.
    """

    p50: float | None = None
    p99: float | None = None
    late: float | None = None
    fps: float | None = None
    psnr: float | None = None


@dataclass(frozen=True)
class Result:
    """One contender over all seeds: medians, but the share of time and the worst of all of it."""

    verdicts: tuple[Verdict, ...]
    windows: tuple[Window, ...]

    def median(self, name: str) -> float:
        """Return the median over seeds of an attribute of Verdict or Window."""
        values = []
        for judged, window in zip(self.verdicts, self.windows, strict=True):
            found = getattr(judged, name) if hasattr(judged, name) else getattr(window, name)
            values.append(float(found))
        return statistics.median(values)

    @property
    def late(self) -> float:
        """Share of all the time with something old on display, in %."""
        return 100.0 * statistics.mean(judged.late for judged in self.verdicts)

    @property
    def worst(self) -> float:
        """Oldest that was ever on display, in ms."""
        return max(judged.age_max for judged in self.verdicts)

    @property
    def broken(self) -> int:
        """Pictures that came broken, in all windows."""
        return sum(judged.broken for judged in self.verdicts)


def results_of(windows: Mapping[str, Sequence[Window]]) -> dict[str, Result]:
    """Judge all windows."""
    return {
        name: Result(tuple(verdict(w.arrivals, w.begin, w.end) for w in those), tuple(those))
        for name, those in windows.items()
    }


def tell(report: Report, results: Mapping[str, Result], goals: Mapping[str, Goals]) -> None:
    """Print figures, each of ours beside the best peer's, and the table.

    Args:
        report: gets the figures.
        results: by contender.
        goals: of those that have some.
    """
    for name, result in results.items():
        goal = goals.get(name, Goals())
        for metric, limit in (("age_p50", goal.p50), ("age_p99", goal.p99)):
            baseline = best_peer(results, metric) if ALL[name].ours else None
            value = result.median(metric)
            report.figure(metric, value, "ms", baseline=baseline, target=_at_most(limit), of=name)
        report.figure("age_max", result.worst, "ms", of=name)
        report.figure("older_than_250_ms", result.late, "%", target=_at_most(goal.late), of=name)
        report.figure(
            "intact_fps", result.median("fps"), "1/s", target=_at_least(goal.fps), of=name
        )
        report.figure("psnr", result.median("psnr"), "dB", target=_at_least(goal.psnr), of=name)
        for metric in ("cpu_car", "cpu_laptop"):
            report.figure(metric, result.median(metric), "% of a core", of=name)
    print(table(report.bench, results, goals), file=sys.stderr)


def _at_most(limit: float | None) -> Target | None:
    return None if limit is None else Target(limit, of_ratio=False)


def _at_least(limit: float | None) -> Target | None:
    return None if limit is None else Target(limit, at_least=True, of_ratio=False)


def best_peer(results: Mapping[str, Result], metric: str) -> float | None:
    """Return the least that any peer reached."""
    peers = [result for name, result in results.items() if not ALL[name].ours]
    return min((result.median(metric) for result in peers), default=None)


HEADS: tuple[str, ...] = (
    "contender",
    "on display p50/p95/p99/max",
    "when come p50/p99",
    "fps",
    "broken",
    "> 250 ms",
    "PSNR",
    "Mbit/s",
    "CPU car/laptop",
    "goals p50/p99",
)


def table(bench: str, results: Mapping[str, Result], goals: Mapping[str, Goals]) -> str:
    """Return all that a person wants to compare, best p99 first."""
    names = sorted(results, key=lambda name: results[name].median("age_p99"))
    rows = [HEADS, *(_row(name, results[name], goals.get(name)) for name in names)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADS))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    return "\n".join((f"{bench}: ages in ms, medians over seeds, the worst of all", *lines))


def _row(name: str, result: Result, goal: Goals | None) -> tuple[str, ...]:
    def ages(*names: str) -> str:
        return "/".join(f"{result.median(each):.0f}" for each in names)

    megabits = f"{result.median('megabits'):.2f}"
    if result.windows[0].bulk_megabits is not None:
        megabits += f" ({result.median('bulk_megabits'):.1f} of them the copy)"
    return (
        name,
        f"{ages('age_p50', 'age_p95', 'age_p99')}/{result.worst:.0f}",
        ages("way_p50", "way_p99"),
        f"{result.median('fps'):.1f}",
        str(result.broken),
        f"{result.late:.1f} %",
        f"{result.median('psnr'):.1f}",
        megabits,
        ages("cpu_car", "cpu_laptop"),
        "" if goal is None else f"{goal.p50:g}/{goal.p99:g}",
    )
