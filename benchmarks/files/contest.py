"""Contenders in turn with the same work; figures beside their targets."""

from __future__ import annotations

import contextlib
import statistics
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.files.contenders import Carry, Contender, Used, chosen
from benchmarks.files.ends import Ends
from benchmarks.files.room import difference, landed, target_in
from benchmarks.files.sets import Work
from benchmarks.harness import Report, Target
from benchmarks.link import Link, LinkError
from benchmarks.links.table import laid_out

LIMIT = 50.0
"""Seconds that a transfer may take; the time of one that is stopped is computed from its bytes."""
SEEDS, QUICK_SEEDS = (1, 2, 3), (1,)
UNITS = {"seconds": "s", "cpu": "s", "cpu_source": "s", "cpu_sink": "s", "rate": "MB/s"}
METRICS = ("seconds", "rate", "cpu_source", "cpu_sink")


@dataclass(frozen=True)
class Goal:
    """What one figure of one contender should reach.

    Attributes:
        contender: its name.
        metric: ``seconds``, ``cpu`` ...
        target: for it.
        beside: the contender whose figure is the baseline; None if there is none.
    """

    contender: str
    metric: str
    target: Target
    beside: str | None = None


@dataclass
class Contest:
    """What came of contenders that all had the same work.

    Attributes:
        report: of the part.
        work: what is carried.
        used: by contender, what each run took.
        failed: why some did not run.
        limit: seconds that a run may take.
        check: compares what came with what was sent; says what differs.
    """

    report: Report
    work: Work
    limit: float = LIMIT
    check: Callable[[Path, Path], str | None] = difference
    used: dict[str, list[Used]] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)

    def run(self, contenders: Sequence[Contender], ends: Ends, rounds: int = 1) -> None:
        """Measure all, each in turn, every second round backwards; compare what came first."""
        with contextlib.ExitStack() as stack:
            ready: dict[str, Carry] = {}
            for contender in chosen(tuple(contenders), self.report):
                if contender.name in self.failed:
                    continue
                with self._failing(contender.name):
                    if (reason := contender.why_not()) is not None:
                        raise RuntimeError(reason)
                    ready[contender.name] = stack.enter_context(contender.opener(ends))
            done = max((len(some) for some in self.used.values()), default=0)
            for number in range(done, done + rounds):
                for name in list(ready) if number % 2 == 0 else list(ready)[::-1]:
                    if name not in self.failed:
                        with self._failing(name):
                            self._carry(name, ready[name], ends)

    def run_over(
        self,
        profile: str,
        contenders: Sequence[Contender],
        room: Path,
        *,
        seeds: Iterable[int] | None = None,
        congestion: str | None = None,
    ) -> None:
        """Measure all over links, a new one for each seed."""
        control = congestion or self.report.congestion
        for seed in seeds or seeds_of(self.report):
            with Link(profile, seed=seed, congestion=control) as link:
                self.run(contenders, Ends(room, link))

    def _carry(self, name: str, carry: Carry, ends: Ends) -> None:
        with target_in(ends.room) as target:
            if ends.link is not None:
                ends.link.restart_clock()
            used = carry(self.work.source, target, self.limit)
            if used.stopped:
                share = used.facts.get("share", landed(target) / self.work.bytes)
                if not share:
                    raise RuntimeError(f"nothing came within {self.limit:g} s")
                facts = {**used.facts, "stopped_at": used.seconds}
                used = Used(used.seconds / share, used.source, used.sink, True, facts)
            elif name not in self.used and (odd := self.check(self.work.source, target)):
                raise RuntimeError(f"what came differs: {odd}")
        self.used.setdefault(name, []).append(used)
        stopped = ", computed: it was stopped" if used.stopped else ""
        print(
            f"{self.report.bench}: {self.work.title}, {name}: {used.seconds:.2f} s{stopped}",
            file=sys.stderr,
            flush=True,
        )

    @contextlib.contextmanager
    def _failing(self, name: str) -> Iterator[None]:
        try:
            yield
        except LinkError:
            raise
        except (RuntimeError, OSError) as error:
            self.failed[name] = str(error)
            self.used.pop(name, None)
            print(f"{self.report.bench}: {name} did not run: {error}", file=sys.stderr, flush=True)

    # ---- what it comes to -----------------------------------------------------------------

    def figures(self) -> dict[str, dict[str, float]]:
        """Return the medians of each contender."""
        return {name: self._medians(some) for name, some in self.used.items()}

    def _medians(self, some: Sequence[Used]) -> dict[str, float]:
        seconds = statistics.median(used.seconds for used in some)
        figures = {
            "seconds": seconds,
            "rate": self.work.bytes / 1e6 / seconds,
            "files_per_second": self.work.files / seconds,
            "cpu_source": statistics.median(used.source for used in some),
            "cpu_sink": statistics.median(used.sink for used in some),
            "cpu": statistics.median(used.source + used.sink for used in some),
        }
        lanes = [float(used.facts["lanes"]) for used in some if "lanes" in used.facts]
        return {**figures, **({"lanes": statistics.median(lanes)} if lanes else {})}

    def tell(self, goals: Sequence[Goal], metrics: Sequence[str] = METRICS) -> None:
        """Print figures, those without which nothing runs, and a table in the end."""
        title, figures = self.work.title, self.figures()
        for name, reason in self.failed.items():
            self.report.missing(f"{name} ({title})", reason)
        for name, values in figures.items():
            own = {goal.metric: goal for goal in goals if goal.contender == name}
            wanted = [*metrics, *(metric for metric in own if metric not in metrics)]
            for metric in (metric for metric in wanted if metric in values):
                goal = own.get(metric)
                beside = figures.get(goal.beside, {}) if goal and goal.beside else {}
                self.report.figure(
                    f"{title} {metric}",
                    values[metric],
                    UNITS.get(metric, metric.replace("_", " ")),
                    baseline=beside.get(metric),
                    target=goal.target if goal else None,
                    of=name,
                )
        runs = {name: [vars(used) for used in some] for name, some in self.used.items()}
        work = {"files": self.work.files, "bytes": self.work.bytes}
        self.report.keep(title, {"work": work, "runs": runs})
        self._show(figures, goals)

    def _show(self, figures: Mapping[str, Mapping[str, float]], goals: Sequence[Goal]) -> None:
        rows = [["", "runs", "s", "least", "most", "MB/s", "files/s", "CPU source", "sink", ""]]
        for name, values in figures.items():
            seconds = [used.seconds for used in self.used[name]]
            cells = [
                f"{len(seconds)}",
                *(f"{one:.2f}" for one in (values["seconds"], min(seconds), max(seconds))),
                f"{values['rate']:.1f}",
                f"{values['files_per_second']:.0f}",
                f"{values['cpu_source']:.2f}",
                f"{values['cpu_sink']:.2f}",
            ]
            met = [verdict(goal, figures) for goal in goals if goal.contender == name]
            rows.append([name, *cells, "; ".join(met)])
        work = self.work
        print(
            f"\n{work.title}: {work.files} files, {work.bytes / 1e6:.1f} MB",
            *laid_out(rows),
            "",
            sep="\n",
            file=sys.stderr,
            flush=True,
        )


def verdict(goal: Goal, figures: Mapping[str, Mapping[str, float]]) -> str:
    """Say what a figure should reach, and whether it does."""
    value = figures[goal.contender].get(goal.metric)
    beside = figures.get(goal.beside or "", {}).get(goal.metric)
    if value is None:
        return f"{goal.metric}: not measured"
    ratio = value / beside if beside else None
    limit = str(goal.target).replace("baseline", goal.beside or "")
    is_met = goal.target.is_met(value, ratio)
    what = f"{value:.3g}" if ratio is None else f"{ratio:.2f} x"
    return f"{goal.metric} {what} ({limit}): {'met' if is_met else 'MISSED'}"


def seeds_of(report: Report) -> tuple[int, ...]:
    """Return those of the links that every contender meets."""
    return report.seeds or (QUICK_SEEDS if report.quick else SEEDS)


def rounds_of(report: Report, many: int = 5) -> int:
    """Return how often each contender is measured on this machine."""
    return 1 if report.quick else many
