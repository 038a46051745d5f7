"""Wi-Fi in the same room: a large file, and small ones. Nobody may be slower for all this care."""

from __future__ import annotations

from benchmarks.files.contenders import pynet
from benchmarks.files.contenders.pipes import TAR
from benchmarks.files.contenders.raw import raw
from benchmarks.files.contenders.rsync import RSYNC
from benchmarks.files.contest import Contest, Goal
from benchmarks.files.room import room_in_memory
from benchmarks.files.sets import MIB, large, small
from benchmarks.files.small import METRICS
from benchmarks.harness import Report, Target

PROFILE = "wifi-good"
CONTENDERS = (raw(1), raw(8), TAR, RSYNC, pynet.GET, pynet.PUT)
GOALS = tuple(Goal(name, "seconds", Target(1.05), "rsync") for name in ("pynet-get", "pynet-put"))


def measure(report: Report) -> None:
    """Seconds, beside peers."""
    with room_in_memory() as room:
        work = large(room, "wifi-good 64 MiB", (8 if report.quick else 64) * MIB)
        contest = Contest(report, work)
        contest.run_over(PROFILE, CONTENDERS, room)
        contest.tell(GOALS)
    with room_in_memory() as room:
        work = small(room, "wifi-good 1000 small", 100 if report.quick else 1000)
        contest = Contest(report, work)
        contest.run_over(PROFILE, CONTENDERS, room)
        contest.tell(GOALS, METRICS)
