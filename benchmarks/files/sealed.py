"""One large file on this machine, encrypted."""

from __future__ import annotations

from benchmarks.files.contenders import pynet
from benchmarks.files.contenders.ssh import RSYNC_SSH, RSYNC_SSH_AES, SCP, SCP_AES
from benchmarks.files.contest import Contest, Goal, rounds_of
from benchmarks.files.ends import Ends
from benchmarks.files.room import room_in_memory
from benchmarks.files.sets import MIB, large
from benchmarks.harness import Report, Target

CONTENDERS = (
    *(SCP, SCP_AES, RSYNC_SSH, RSYNC_SSH_AES),
    *(pynet.GET_TLS, pynet.PUT_TLS, pynet.COLD_TLS),
)
GOALS = (
    Goal("pynet-get-tls", "seconds", Target(0.8), "scp"),
    Goal("pynet-put-tls", "seconds", Target(0.8), "scp"),
)


def measure(report: Report) -> None:
    """Seconds and processor time, beside peers; beside scp with AES-GCM without a target."""
    with room_in_memory() as room:
        size = (64 if report.quick else 1024) * MIB
        contest = Contest(report, large(room, "1 GiB sealed", size))
        contest.run(CONTENDERS, Ends(room), rounds_of(report, 3))
        contest.tell(GOALS)
        figures = contest.figures()
        if "pynet-get-tls" in figures and "scp-aes-gcm" in figures:
            ours, theirs = (figures[name]["seconds"] for name in ("pynet-get-tls", "scp-aes-gcm"))
            report.figure("pynet-get-tls_beside_scp-aes-gcm", ours, "s", baseline=theirs)
