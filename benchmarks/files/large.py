"""One large file on this machine, in memory at both ends; plain, and verified where they can."""

from __future__ import annotations

from benchmarks.files.contenders import pynet
from benchmarks.files.contenders.http import PYTHON_HTTP
from benchmarks.files.contenders.pipes import CP, TAR
from benchmarks.files.contenders.raw import raw
from benchmarks.files.contenders.rsync import RSYNC
from benchmarks.files.contest import Contest, Goal, rounds_of
from benchmarks.files.ends import Ends
from benchmarks.files.room import room_in_memory
from benchmarks.files.sets import MIB, large
from benchmarks.harness import Report, Target

CONTENDERS = (
    *(CP, raw(1), raw(4), TAR, PYTHON_HTTP, RSYNC),
    *(pynet.GET, pynet.PUT, pynet.COLD),
)
GOALS = (
    Goal("pynet-get", "seconds", Target(1.0), "rsync"),
    Goal("pynet-get", "cpu", Target(1.3), "rsync"),
    Goal("pynet-put", "seconds", Target(1.0), "rsync"),
    Goal("pynet-put", "cpu", Target(1.3), "rsync"),
)


def measure(report: Report) -> None:
    """Seconds and processor time, beside peers."""
    with room_in_memory() as room:
        size = (64 if report.quick else 1024) * MIB
        contest = Contest(report, large(room, "1 GiB", size))
        contest.run(CONTENDERS, Ends(room), rounds_of(report))
        contest.tell(GOALS, ("seconds", "rate", "cpu_source", "cpu_sink", "cpu"))
