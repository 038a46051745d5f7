"""A large file over a long fat link, with two congestion controls: what more lanes are worth."""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks.files.contenders import pynet
from benchmarks.files.contenders.http import ARIA2_8
from benchmarks.files.contenders.raw import raw
from benchmarks.files.contenders.rsync import RSYNC
from benchmarks.files.contest import Contest, Goal, seeds_of
from benchmarks.files.room import room_in_memory
from benchmarks.files.sets import MIB, Work, large
from benchmarks.harness import Report, Target
from benchmarks.link import LinkError

CONTROLS = ("bbr", "cubic")
LANES = (1, 2, 8)
LIMIT = 30.0
# Those that are slow with cubic are as slow with any seed, and take half a minute each time.
SEEDS = {"cubic": 2}
CONTENDERS = (
    raw(8),
    *(raw(lanes, warm=True) for lanes in LANES),
    *(ARIA2_8, RSYNC),
    *(pynet.get(lanes) for lanes in LANES),
    *(pynet.GET, pynet.COLD),
)
# With a single lane that cubic holds back, all that counts is how many more are opened.
BEST = {"bbr": "raw-2-warm", "cubic": "raw-8-warm"}
REACHED = {"bbr": Target(2, of_ratio=False), "cubic": Target(8, at_least=True, of_ratio=False)}


def measure(report: Report) -> None:
    """Seconds beside sockets with as many lanes, and how many lanes there were in the end."""
    with room_in_memory() as room:
        work = large(room, "64 MiB", (8 if report.quick else 64) * MIB)
        for control in (report.congestion,) if report.congestion else CONTROLS:
            try:
                measure_with(report, room, work, control)
            except LinkError as error:
                report.missing(f"longfat-{control}", str(error))


def measure_with(report: Report, room: Path, work: Work, control: str) -> None:
    """Measure with one congestion control at both ends."""
    named = Work(f"longfat {control} 64 MiB", work.source, work.files, work.bytes)
    contest = Contest(report, named, LIMIT)
    seeds = seeds_of(report)[: SEEDS.get(control)]
    contest.run_over("longfat", CONTENDERS, room, seeds=seeds, congestion=control)
    goals = [
        Goal(f"pynet-get-{lanes}", "seconds", Target(1.1), f"raw-{lanes}-warm") for lanes in LANES
    ]
    if control in BEST:
        goals.append(Goal("pynet-get", "seconds", Target(1.1), BEST[control]))
        goals.append(Goal("pynet-get", "lanes", REACHED[control]))
    contest.tell(goals)
    check_control(contest, control)


def check_control(contest: Contest, control: str) -> None:
    """Say it, if sockets were sent with another control than wanted: then all figures are void."""
    told = [
        used.facts.get("congestion", [control]) for some in contest.used.values() for used in some
    ]
    if odd := {name for names in told for name in names} - {control}:
        contest.report.missing(f"longfat-{control}", f"sent with {', '.join(odd)} instead")
        print(f"{control} was asked for, {odd} was used", file=sys.stderr)
