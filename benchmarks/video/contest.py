"""All contenders over one link, one after the other, with the same luck for each."""

from __future__ import annotations

import contextlib
import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from benchmarks.harness import RESULTS, Peer, Report
from benchmarks.link import Link
from benchmarks.video.contenders import ALL
from benchmarks.video.judge import Arrival, verdict

SEEDS = (1, 2, 3, 4, 5)
WINDOW, QUICK_WINDOW = 20.0, 5.0
RUN_UP = 1.0
"""Seconds of pictures before the window: what a first picture costs is not what is asked."""
SETTLING = 1.0
"""Seconds between that both ends are ready and picture 0: some libraries connect behind."""
BULK_LEAD = 2.0
"""Seconds that a file copy runs before there are pictures: it must have filled the queue."""
PATIENCE = 60.0
# A new number for a new way to measure: what was kept of the old one no longer counts.
METHOD = 3
# As for commands: if the link hands over one packet in a hundred, or any, later than this, in us,
# the machine was measured, not the contender. Then it is measured again.
LATE, LATEST = 1000.0, 10_000.0
ATTEMPTS = 4


@dataclass(frozen=True)
class Setting:
    """Where and how long pictures are sent.

    Attributes:
        profile: of the link.
        seconds: of one window.
        changes: of the profile, as for Link.
        bulk: True if a file is copied at the same time.
    """

    profile: str
    seconds: float
    changes: Mapping[str, Any] = field(default_factory=dict)
    bulk: bool = False

    def key(self) -> list[Any]:
        """Return it as plain values."""
        return [self.profile, self.seconds, self.bulk, repr(sorted(self.changes.items()))]


@dataclass(frozen=True)
class Window:
    """What happened in one.

    Attributes:
        arrivals: of pictures at the laptop.
        begin, end: of what counts, seconds after picture 0 existed.
        cpu_car, cpu_laptop: % of a core that both processes used.
        megabits: per second, of IP packets that the car sent.
        bulk_megabits: per second that the file copy reached; None without one.
        late_us: how late the link handed over one packet in a hundred.
        worst_us: and any.
        outage_ends: of the outages that were planned, seconds after picture 0 existed.
    """

    arrivals: tuple[Arrival, ...]
    begin: float
    end: float
    cpu_car: float
    cpu_laptop: float
    megabits: float
    bulk_megabits: float | None
    late_us: float
    worst_us: float
    outage_ends: tuple[float, ...] = ()

    @property
    def disturbed(self) -> bool:
        """The machine had too much else to do."""
        return self.late_us > LATE or self.worst_us > LATEST

    def raw(self) -> dict[str, Any]:
        """Return it for a file."""
        content = dict(vars(self))
        content["arrivals"] = [(a.at, a.number, a.psnr) for a in self.arrivals]
        return content

    @classmethod
    def of_raw(cls, content: Mapping[str, Any]) -> Window:
        """Make one of what a file holds."""
        arrivals = tuple(Arrival(*line) for line in content["arrivals"])
        ends = tuple(content["outage_ends"])
        return cls(**dict(content) | {"arrivals": arrivals, "outage_ends": ends})


def chosen(report: Report, among: Sequence[str]) -> list[str]:
    """Return the contenders of a part that the person wants."""
    return [name for name in among if not report.only or name in report.only]


def seeds_of(report: Report) -> Sequence[int]:
    """Return the seeds that are to be measured."""
    return report.seeds or (SEEDS[:1] if report.quick else SEEDS)


def seconds_of(report: Report) -> float:
    """Return how long a window is to be."""
    return QUICK_WINDOW if report.quick else WINDOW


def compete(
    report: Report, names: Sequence[str], setting_of: Callable[[int], Setting]
) -> dict[str, list[Window]]:
    """Give each contender one window for each seed.

    Args:
        report: told of whoever cannot run; gets the raw samples.
        names: of the contenders, of which the person may want some only.
        setting_of: what all meet with a seed.

    Returns:
        For each that could run at all, its windows.
    """
    windows: dict[str, list[Window]] = {name: [] for name in chosen(report, names)}
    failed: set[str] = set()
    for seed in seeds_of(report):
        setting = setting_of(seed)
        for name, those in windows.items():
            if name in failed:
                continue
            try:
                window = kept_or_measured(report, setting, name, seed)
                if window is None:
                    report.partial = True
                else:
                    those.append(window)
            except RuntimeError as error:
                print(f"{report.bench}: {name} did not run: {error}", file=sys.stderr)
                report.missing(name, f"seed {seed}: {error}")
                failed.add(name)
    found = {name: done for name, done in windows.items() if done}
    report.keep("windows", {name: [w.raw() for w in done] for name, done in found.items()})
    return found


def kept_or_measured(report: Report, setting: Setting, name: str, seed: int) -> Window | None:
    """Return the window of a contender with a seed; measured before, if the person wants that.

    Returns:
        None if only what is kept counts, and this is not.

    Raises:
        RuntimeError: it did not run.
    """
    if name not in ALL:
        raise RuntimeError("there is no such contender")
    kind = report.bench + (".quick" if report.quick else "")
    control = f".{report.congestion}" if report.congestion else ""
    path = RESULTS / "runs" / kind / f"{setting.profile}.{name}.{seed}{control}.json"
    key = [METHOD, ALL[name].version(), report.congestion, setting.key()]
    if (report.resume or report.kept) and path.exists():
        content = json.loads(path.read_text())
        if content["key"] == key:
            found = Window.of_raw(content["window"])
            if report.kept or not found.disturbed:
                return found
    if report.kept:
        return None
    for _ in range(ATTEMPTS):
        link = Link(setting.profile, seed=seed, congestion=report.congestion, **setting.changes)
        window = one_window(link, name, setting)
        judged = verdict(window.arrivals, window.begin, window.end)
        ages = f"{judged.age_p50:.0f}/{judged.age_p99:.0f}/{judged.age_max:.0f}"
        late = f"packets {window.late_us:.0f} us late (p99), {window.worst_us:.0f} at most"
        print(f"{setting.profile}, seed {seed}, {name}: age {ages} ms; {late}", file=sys.stderr)
        if not window.disturbed:
            break
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"key": key, "window": window.raw()}, separators=(",", ":")))
    return window


def one_window(link: Link, name: str, setting: Setting) -> Window:
    """Let one contender send pictures once.

    Raises:
        RuntimeError: it did not get ready, or failed on the way.
    """
    last = RUN_UP + setting.seconds
    with contextlib.ExitStack() as stack:
        stack.enter_context(link)

        def start(place: str, module: str, *arguments: object) -> Peer:
            prefix = link.command(place, [])
            peer = Peer(module, *arguments, prefix=prefix, patience=PATIENCE)
            return stack.enter_context(peer)

        copy = None
        if setting.bulk:
            start("car", "bulk_copy", "car")
            copy = start("laptop", "bulk_copy", "laptop")
        car, laptop = (
            start(place, "picture_end", place, name, last) for place in ("car", "laptop")
        )
        time.sleep(SETTLING)
        begin = time.monotonic()
        link.restart_clock()
        for end in (car, laptop):
            end.tell(f"start {begin} {RUN_UP} {last}")
        time.sleep(max(0.0, begin + RUN_UP - time.monotonic()))
        bytes_before = link.statistics.down.sent_bytes
        copied_before = copy.ask("taken") if copy else 0
        time.sleep(max(0.0, begin + last - time.monotonic()))
        after = link.statistics
        copied = copy.ask("taken") - copied_before if copy else None
        told = [answer_of(end, last) for end in (car, laptop)]
    arrivals = tuple(Arrival(*line) for line in told[1]["arrivals"])
    if not arrivals:
        raise RuntimeError(told[0]["problem"] or told[1]["problem"] or "no picture came")
    return Window(
        arrivals=arrivals,
        begin=RUN_UP,
        end=last,
        cpu_car=told[0]["cpu"],
        cpu_laptop=told[1]["cpu"],
        megabits=(after.down.sent_bytes - bytes_before) * 8e-6 / setting.seconds,
        bulk_megabits=None if copied is None else copied * 8e-6 / setting.seconds,
        late_us=max(way.late_us["p99"] for way in (after.up, after.down)),
        worst_us=max(way.late_us["max"] for way in (after.up, after.down)),
        outage_ends=tuple(outage.at + outage.length for outage in link.profile.down.outages),
    )


def answer_of(end: Peer, seconds: float) -> Any:
    """Wait for what an end tells when its window is over, and its pictures are judged."""
    return json.loads(end.answer(seconds + PATIENCE))
