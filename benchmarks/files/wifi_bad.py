"""Wi-Fi two walls away: a large file, and small ones."""

from __future__ import annotations

from benchmarks.files.contenders import pynet
from benchmarks.files.contenders.http import ARIA2_8
from benchmarks.files.contenders.pipes import TAR
from benchmarks.files.contenders.raw import raw
from benchmarks.files.contenders.rsync import RSYNC
from benchmarks.files.contenders.ssh import SCP
from benchmarks.files.contest import Contest, Goal
from benchmarks.files.room import room_in_memory
from benchmarks.files.sets import MIB, large, small
from benchmarks.files.small import METRICS
from benchmarks.harness import Report, Target

PROFILE = "wifi-bad"
LARGE = (raw(1), raw(8), RSYNC, pynet.GET, pynet.PUT, pynet.COLD)
SMALL = (raw(1), raw(8), TAR, RSYNC, ARIA2_8, SCP, pynet.GET, pynet.PUT, pynet.COLD)
LIMIT = 30.0


def goals(seconds: float) -> list[Goal]:
    """Return what pynet should reach, both ways; rsync is the peer beside it."""
    target = Target(seconds, of_ratio=False)
    return [Goal(name, "seconds", target, "rsync") for name in ("pynet-get", "pynet-put")]


def measure(report: Report) -> None:
    """Seconds, beside peers."""
    with room_in_memory() as room:
        contest = Contest(report, large(room, "wifi-bad 16 MiB", (4 if report.quick else 16) * MIB))
        contest.run_over(PROFILE, LARGE, room)
        contest.tell(goals(12.4))
    with room_in_memory() as room:
        work = small(room, "wifi-bad 200 small", 50 if report.quick else 200)
        contest = Contest(report, work, LIMIT)
        contest.run_over(PROFILE, SMALL, room)
        contest.tell(goals(1.7), METRICS)
