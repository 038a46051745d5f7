"""Many small files on this machine, in memory at both ends."""

from __future__ import annotations

from benchmarks.files.contenders import pynet
from benchmarks.files.contenders.http import ARIA2_8
from benchmarks.files.contenders.pipes import CP, TAR
from benchmarks.files.contenders.raw import raw
from benchmarks.files.contenders.rsync import RSYNC
from benchmarks.files.contenders.ssh import RSYNC_SSH, SCP
from benchmarks.files.contest import Contest, Goal, rounds_of
from benchmarks.files.ends import Ends
from benchmarks.files.room import room_in_memory
from benchmarks.files.sets import small
from benchmarks.harness import Report, Target

CONTENDERS = (
    *(CP, raw(1), raw(4), TAR, RSYNC, RSYNC_SSH, SCP, ARIA2_8),
    *(pynet.GET, pynet.PUT, pynet.GET_TLS, pynet.COLD),
)
GOALS = (
    Goal("pynet-get", "seconds", Target(1.3), "rsync"),
    Goal("pynet-put", "seconds", Target(1.3), "rsync"),
)
METRICS = ("seconds", "files_per_second", "cpu_source", "cpu_sink")


def measure(report: Report) -> None:
    """Seconds and processor time, beside peers."""
    with room_in_memory() as room:
        contest = Contest(report, small(room, "10 000 small", 500 if report.quick else 10_000))
        contest.run(CONTENDERS, Ends(room), rounds_of(report))
        contest.tell(GOALS, METRICS)
