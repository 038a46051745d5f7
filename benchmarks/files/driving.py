"""Whether a transfer is in the way of who drives, and what it gets of the link meanwhile."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.files import drive
from benchmarks.files.contenders.raw import raw
from benchmarks.files.contenders.rsync import RSYNC
from benchmarks.files.drive import Driving, Outcome, Times
from benchmarks.files.room import room_in_memory
from benchmarks.files.sets import MIB, Work, large
from benchmarks.harness import Report, Target
from benchmarks.link import PROFILES, Link, LinkError
from benchmarks.links.table import laid_out

PROFILES_DRIVEN = {"wifi-good": 2.0, "wifi-bad": 4.0}
"""Milliseconds that a command may be older at p99, by profile."""
SEEDS = (1, 2)
ATTEMPTS = 2
LEAST_SHARE, FULL_AFTER = 70.0, 3.0
OURS = ("pynet-put", "pynet-get")
UNITS = {"share_of_what_is_left": "%", "full_rate_after": "s", "rate_before": "MB/s"}


def contenders() -> tuple[Driving, ...]:
    """Return all, nobody first: all others are compared with that."""
    peers = (RSYNC, raw(1), raw(8), raw(8, congestion="cubic"))
    return (drive.NOBODY, *map(drive.by, peers), drive.PUT, drive.GET)


def measure(report: Report) -> None:
    """Ages of 100 Hz commands, the transfer's share, and how soon it is back."""
    with room_in_memory() as room:
        work = large(room, "drive", (64 if report.quick else 320) * MIB)
        for profile in PROFILES_DRIVEN:
            outcomes, failed = drives(report, profile, room, work)
            for name, reason in failed.items():
                report.missing(f"{name} ({profile})", reason)
            tell(report, profile, outcomes)


def drives(
    report: Report, profile: str, room: Path, work: Work
) -> tuple[dict[str, list[Outcome]], dict[str, str]]:
    """Measure all contenders with all seeds; return what came of it, and why some failed."""
    times = Times(2.5, 4.0, 3.0) if report.quick else Times()
    seeds = report.seeds or (SEEDS[:1] if report.quick else SEEDS)
    outcomes: dict[str, list[Outcome]] = {}
    failed: dict[str, str] = {}
    for place, seed in enumerate(seeds):
        with Link(profile, seed=seed, congestion=report.congestion) as link:
            some = contenders()
            for one in some if place % 2 == 0 else some[::-1]:
                wanted = not report.only or one.name in (*report.only, drive.NOBODY.name)
                if one.name in failed or not wanted:
                    continue
                try:
                    outcome = attempt(link, room, work, one, times)
                except LinkError:
                    raise
                except (RuntimeError, OSError) as error:
                    failed[one.name] = str(error)
                    outcomes.pop(one.name, None)
                    print(f"{profile}, {one.name} did not run: {error}", file=sys.stderr)
                    continue
                outcomes.setdefault(one.name, []).append(outcome)
                age = outcome.run.figures()["age_p99"]
                rate = outcome.driving / 1e6
                text = f"{profile}, seed {seed}, {one.name}: age p99 {age:.1f} ms, {rate:.2f} MB/s"
                print(text, file=sys.stderr, flush=True)
    return outcomes, failed


def attempt(link: Link, room: Path, work: Work, one: Driving, times: Times) -> Outcome:
    """Drive once; again, if the machine had too much else to do."""
    if one.why_not is not None:
        raise RuntimeError(one.why_not)
    for _ in range(ATTEMPTS):
        outcome = drive.drive(link, room, work, one, times)
        if not outcome.disturbed:
            break
        print(f"{link.profile.name}, {one.name}: busy machine", file=sys.stderr)
    return outcome


def figures(
    profile: str, outcomes: Sequence[Outcome], alone: Sequence[Outcome]
) -> dict[str, float]:
    """Return the medians over seeds, beside driving alone."""
    ages = [outcome.run.figures() for outcome in outcomes]
    keys = ("age_p50", "age_p99", "age_p999", "age_max")
    values = {key: statistics.median(each[key] for each in ages) for key in keys}
    quiet = statistics.median(outcome.run.figures()["age_p99"] for outcome in alone)
    commands = statistics.median(outcome.driving for outcome in alone)
    # Both directions of the profiles driven are alike.
    left = PROFILES[profile].up.rate * 1e6 / 8 - commands
    moved = statistics.median(outcome.driving for outcome in outcomes) - commands
    return {
        **values,
        "age_p99_more": values["age_p99"] - quiet,
        "rate_before": statistics.median(outcome.before for outcome in outcomes) / 1e6,
        "share_of_what_is_left": 100.0 * moved / left,
        "full_rate_after": statistics.median(outcome.full_after for outcome in outcomes),
    }


def tell(report: Report, profile: str, outcomes: Mapping[str, Sequence[Outcome]]) -> None:
    """Print figures, and a table."""
    alone = outcomes.get(drive.NOBODY.name)
    if not alone:
        return
    goals = {
        "age_p99_more": Target(PROFILES_DRIVEN[profile], of_ratio=False),
        "share_of_what_is_left": Target(LEAST_SHARE, at_least=True, of_ratio=False),
        "full_rate_after": Target(FULL_AFTER, of_ratio=False),
    }
    each = {name: figures(profile, some, alone) for name, some in outcomes.items()}
    disturbed = {name: sum(one.disturbed for one in some) for name, some in outcomes.items()}
    heads = [key.replace("_", " ") for key in next(iter(each.values()))]
    rows = [["", *heads, "busy machine", ""]]
    for name, values in each.items():
        verdicts = []
        for metric, value in values.items():
            target = goals.get(metric) if name in OURS else None
            if name == drive.NOBODY.name and not metric.startswith("age_p"):
                continue
            unit = UNITS.get(metric, "ms")
            report.figure(f"{profile} {metric}", value, unit, target=target, of=name)
            if target is not None:
                met = "met" if target.is_met(value, None) else "MISSED"
                verdicts.append(f"{metric} {target}: {met}")
        busy = f"{disturbed[name]} of {len(outcomes[name])}"
        rows.append(
            [name, *(f"{value:.1f}" for value in values.values()), busy, "; ".join(verdicts)]
        )
    report.keep(profile, {"figures": each, "disturbed": disturbed})
    print(f"\n{profile}", *laid_out(rows), "", sep="\n", file=sys.stderr, flush=True)
