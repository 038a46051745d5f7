"""A tree as it lies on a real system: files of all sizes, in memory at both ends."""

from __future__ import annotations

from benchmarks.files.contenders import pynet
from benchmarks.files.contenders.pipes import CP, TAR
from benchmarks.files.contenders.raw import raw
from benchmarks.files.contenders.rsync import RSYNC
from benchmarks.files.contenders.ssh import RSYNC_SSH, SCP
from benchmarks.files.contest import Contest, Goal, rounds_of
from benchmarks.files.ends import Ends
from benchmarks.files.room import room_in_memory
from benchmarks.files.sets import REAL_FILES, real
from benchmarks.files.small import METRICS
from benchmarks.harness import Report, Target

CONTENDERS = (
    *(CP, raw(1), raw(4), TAR, RSYNC, RSYNC_SSH, SCP),
    *(pynet.GET, pynet.PUT, pynet.GET_TLS, pynet.COLD),
)
GOALS = (
    Goal("pynet-get", "seconds", Target(1.2), "rsync"),
    Goal("pynet-put", "seconds", Target(1.2), "rsync"),
)


def measure(report: Report) -> None:
    """Seconds and processor time, beside peers; and what the tree is made of."""
    with room_in_memory() as room:
        work = real(room, "real tree", 500 if report.quick else REAL_FILES)
        report.figure("files_in_the_tree", work.files, "files")
        report.figure("bytes_in_the_tree", work.bytes / 1e6, "MB")
        contest = Contest(report, work)
        contest.run(CONTENDERS, Ends(room), rounds_of(report))
        contest.tell(GOALS, METRICS)
