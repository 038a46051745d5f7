"""Contenders one after the other over the same link; each run is kept in a file of its own."""

from __future__ import annotations

import contextlib
import json
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.harness import RESULTS, Peer, Report
from benchmarks.link import CAR, Link, LinkError
from benchmarks.links.ages import Run
from benchmarks.links.contenders import Contender

HZ = 100.0
SECONDS, QUICK_SECONDS = 20.0, 4.0
SEEDS, QUICK_SEEDS = (1, 2, 3, 4, 5), (1,)
LOOPBACK = "loopback"
DRAIN = 2.0
PATIENCE = 40.0
# How late, in us, the link may hand over one packet in a hundred, and any, and the laptop may come
# to one tick in a hundred: more, and the machine was measured, not the contender. Then it is
# measured again.
LATE, LATEST = 1000.0, 10_000.0
TICK_LATE = 3000.0
ATTEMPTS = 4
# A new number for a new way to measure: what was kept of the old one no longer counts.
METHOD = 3


@dataclass(frozen=True)
class Course:
    """What all contenders of a part are put through.

    Attributes:
        report: of the part.
        profile: of the link, or :data:`LOOPBACK` for none.
        seconds: that commands are sent.
        patient: as for the order ``go`` of the laptop.
        drain: seconds that late commands are waited for.
        busy_interval: switch interval of a car that also computes in pure Python, in seconds;
            None for a car that does nothing else.
    """

    report: Report
    profile: str
    seconds: float
    patient: bool = False
    drain: float = DRAIN
    busy_interval: float | None = None

    @classmethod
    def usual(cls, report: Report, profile: str, **differences: Any) -> Course:
        """Make one with a window as long as the report wants."""
        return cls(report, profile, QUICK_SECONDS if report.quick else SECONDS, **differences)

    @property
    def seeds(self) -> tuple[int, ...]:
        """Those that every contender meets."""
        return self.report.seeds or (QUICK_SEEDS if self.report.quick else SEEDS)

    def runs(self, contenders: Sequence[Contender]) -> tuple[dict[str, list[Run]], dict[str, str]]:
        """Measure all contenders with all seeds.

        Returns:
            Their runs, by name, one for each seed; and of those that failed, why. Where only what
            is kept counts, there may be fewer, or none.

        Raises:
            LinkError: there can be no link here.
        """
        runs: dict[str, list[Run]] = {contender.name: [] for contender in contenders}
        failed: dict[str, str] = {}
        for place, seed in enumerate(self.seeds):
            with contextlib.ExitStack() as stack:
                link: Link | None = None
                for contender in contenders if place % 2 == 0 else contenders[::-1]:
                    if contender.name in failed:
                        continue
                    try:
                        run = self._kept(contender, seed)
                        if run is None and self.report.kept:
                            self.report.partial = True
                            continue
                        if run is None:
                            if link is None and self.profile != LOOPBACK:
                                link = stack.enter_context(self._link(seed))
                            run = self._measure(link, contender, seed)
                        runs[contender.name].append(run)
                    except LinkError:
                        raise
                    except RuntimeError as error:
                        failed[contender.name] = str(error)
                        self._say(contender, seed, f"did not run: {error}")
        return {name: some for name, some in runs.items() if some and name not in failed}, failed

    # ---- one run ------------------------------------------------------------------------

    def _link(self, seed: int) -> Link:
        return Link(self.profile, seed=seed, congestion=self.report.congestion)

    def _measure(self, link: Link | None, contender: Contender, seed: int) -> Run:
        for _ in range(ATTEMPTS):
            content = self._attempt(link, contender)
            if not disturbed(content):
                break
            self._say(contender, seed, f"{lateness(content)}: busy machine")
        run = read(content)
        path = self._path(contender, seed)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content, separators=(",", ":")))
        figures = run.figures()
        ages = ", ".join(f"{figures[f'age_{word}']:.0f}" for word in ("p50", "p99", "p999", "max"))
        self._say(contender, seed, f"age {ages} ms; {lateness(content)}")
        return run

    def _attempt(self, link: Link | None, contender: Contender) -> dict[str, Any]:
        version = contender.version()
        with ends(link, contender) as (car, laptop):
            if self.busy_interval is not None:
                car.ask(f"compute {self.busy_interval}")
            count = round(self.seconds * HZ)
            before = car.ask("cpu")
            if link is not None:
                link.restart_clock()
            sent = laptop.ask(f"go {count} {HZ} {int(self.patient)}", self.seconds + PATIENCE)
            if reason := sent.get("failed"):
                raise RuntimeError(reason)
            cpu = (sent["cpu"], car.ask("cpu") - before)
            statistics = link.statistics if link is not None else None
            drain(car, len(sent["sent"]), self.drain)
            taken = car.ask("taken")
        return {
            "key": self._key(version),
            "start": sent["start"],
            "length": 1e3 * self.seconds,
            "sent": sent["sent"],
            "taken": taken,
            "cpu": [seconds / self.seconds for seconds in cpu],
            "link": statistics.as_json() if statistics else None,
        }

    def _say(self, contender: Contender, seed: int, text: str) -> None:
        print(f"{self.profile}, seed {seed}, {contender.name}: {text}", file=sys.stderr, flush=True)

    # ---- what was measured before ---------------------------------------------------------

    def _key(self, version: str) -> list[Any]:
        circumstances = [self.profile, self.seconds, self.patient, self.busy_interval]
        return [METHOD, version, *circumstances, self.report.congestion]

    def _path(self, contender: Contender, seed: int) -> Path:
        folder = self.report.bench + (".quick" if self.report.quick else "")
        control = f".{self.report.congestion}" if self.report.congestion else ""
        busy = "" if self.busy_interval is None else f".{self.busy_interval:g}"
        name = f"{self.profile}{busy}.{contender.name}.{seed}{control}.json"
        return RESULTS / "runs" / folder / name

    def _kept(self, contender: Contender, seed: int) -> Run | None:
        if not (self.report.resume or self.report.kept):
            return None
        try:
            content = json.loads(self._path(contender, seed).read_text())
        except (OSError, ValueError):
            return None
        if content["key"] != self._key(contender.version()):
            return None
        if disturbed(content) and not self.report.kept:
            return None
        return read(content)


def late(content: dict[str, Any]) -> tuple[float, float, float]:
    """Return how late one packet in a hundred, the worst, and one tick in a hundred were, in us."""
    lates = [content["link"][way]["late_us"] for way in ("up", "down")] if content["link"] else []
    packets = max((late["p99"] for late in lates), default=0.0)
    worst = max((late["max"] for late in lates), default=0.0)
    ticks = sorted(
        made - content["start"] - number * 1e9 / HZ for number, made in content["sent"] or [(0, 0)]
    )
    return packets, worst, ticks[int(0.99 * len(ticks))] / 1e3


def disturbed(content: dict[str, Any]) -> bool:
    """Tell whether the machine had too much else to do."""
    packets, worst, ticks = late(content)
    return packets > LATE or worst > LATEST or ticks > TICK_LATE


def lateness(content: dict[str, Any]) -> str:
    """Say how much else the machine had to do."""
    packets, worst, ticks = late(content)
    return f"packets {packets:.0f} us late, {worst:.0f} at most, ticks {ticks:.0f} (p99)"


def read(content: dict[str, Any]) -> Run:
    """Make a run of what a file holds."""
    return Run.of_log(
        content["start"],
        content["length"],
        content["sent"],
        content["taken"],
        (content["cpu"][0], content["cpu"][1]),
    )


@contextlib.contextmanager
def ends(link: Link | None, contender: Contender) -> Iterator[tuple[Peer, Peer]]:
    """Start a contender's programs, connected; on this machine alone, if there is no link.

    Over a link they come before other programs of the machine, which have no part in this.
    """
    host = "127.0.0.1" if link is None else CAR
    places = [[], []] if link is None else [link.command(at, []) for at in ("car", "laptop")]
    first = () if link is None else ("first",)
    kind = contender.kind
    with (
        Peer(
            *("command_car", kind, host, _json(contender.car), *first),
            prefix=places[0],
            patience=PATIENCE,
        ) as car,
        Peer(
            *("command_laptop", kind, host, _json(car.facts), _json(contender.laptop), *first),
            prefix=places[1],
            patience=PATIENCE,
        ) as laptop,
    ):
        yield car, laptop


def drain(car: Peer, count: int, seconds: float) -> None:
    """Wait until all commands have come, or for as long as late ones may take."""
    deadline = time.monotonic() + seconds
    while car.ask("count") < count and time.monotonic() < deadline:
        time.sleep(0.1)


def _json(value: Any) -> str:
    return json.dumps(dict(value))
