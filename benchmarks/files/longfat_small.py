"""Small files over a long fat link: whoever waits for an answer to each is lost."""

from __future__ import annotations

from benchmarks.files.contenders import pynet
from benchmarks.files.contenders.http import ARIA2_8
from benchmarks.files.contenders.pipes import TAR
from benchmarks.files.contenders.raw import raw
from benchmarks.files.contenders.rsync import RSYNC
from benchmarks.files.contenders.ssh import SCP
from benchmarks.files.contest import Contest, Goal
from benchmarks.files.room import room_in_memory
from benchmarks.files.sets import small
from benchmarks.files.small import METRICS
from benchmarks.harness import Report, Target

CONTENDERS = (raw(1), raw(8), TAR, RSYNC, ARIA2_8, SCP, pynet.GET, pynet.PUT, pynet.COLD)
LIMIT = 22.0
GOALS = (
    Goal("pynet-get", "seconds", Target(1.4, of_ratio=False), "rsync"),
    Goal("pynet-put", "seconds", Target(1.4, of_ratio=False), "rsync"),
)


def measure(report: Report) -> None:
    """Seconds, beside peers."""
    with room_in_memory() as room:
        work = small(room, "longfat 1000 small", 100 if report.quick else 1000)
        contest = Contest(report, work, LIMIT)
        contest.run_over("longfat", CONTENDERS, room)
        contest.tell(GOALS, METRICS)
