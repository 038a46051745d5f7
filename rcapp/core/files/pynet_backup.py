"""Plans, runs and history of pynet's backup in the words of the Files tab."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from pynet.backup import Backup, BackupReport, Policy
from pynet.backup.plan import Plan as PynetPlan
from pynet.backup.plan import Status, Step
from pynet.backup.policy import PROTECT
from pynet.backup.units import Skip
from pynet.files.info import Problem
from pynet.files.ledger import Entry, Job
from pynet.files.receipts import REMOVED
from rcapp.core.files import words
from rcapp.core.files.engine import Kept, PastJob, Plan, PlanRow, Report, Stay
from rcapp.core.files.policy import BackupPolicy

if TYPE_CHECKING:
    import pynet

REASONS = {
    "young": "changed moments ago",
    "recent": "of the last days, which stay",
    "newest": "among the newest, which stay",
    "protected": "protected by the policy",
    "kept": "kept by a .pynet-keep beside it",
    "locked": "being written: a .lock lies beside it",
    "open": "in use by a program on the car",
    "linked": "has other names: moving one would free nothing",
    "link": "a link, which is never followed",
    "special": "a pipe or device, no file",
    "future": "dated in the future: the car's clock may be wrong",
    "empty": "empty: moving it would free nothing",
    "large": "larger than a file can be on this laptop's disk",
    "denied": "the car may not read or remove it",
    "io": "cannot be read: the car's disk may be failing",
    "vanished": "went while it was looked at",
    "name": "has a name that cannot be kept here",
    "stays": "stayed at the last try",
    "same": "at the destination already: it is inside what is moved",
}
"""Why something stays, for a group of files; each file's own sentence is more exact."""


def backup_of(gateway: pynet.RemoteGateway, policy: BackupPolicy) -> Backup:
    """The backup by these rules."""
    rules = Policy(
        high=policy.high,
        low=policy.low,
        urgent=max(policy.high, Policy().urgent),
        min_age=policy.min_age,
        keep_newest=policy.keep_newest,
        keep_days=policy.keep_days,
        protect=(*PROTECT, *(one for one in policy.protect if one not in PROTECT)),
        groups=policy.groups,
        floor_share=policy.floor_share,
        floor_bytes=policy.floor_bytes,
    )
    return Backup(gateway, policy.root, os.path.expanduser(policy.destination), rules)


def plan(gateway: pynet.RemoteGateway, policy: BackupPolicy) -> Plan:
    """What the backup would do now."""
    backup = backup_of(gateway, policy)
    made = backup.plan()
    with backup.place.tree() as tree:
        room = tree.usage()
    return Plan(
        tuple(_row(policy.root, step) for step in made.steps),
        tuple(_stay(policy.root, skip) for skip in made.skipped),
        made.usage,
        made.lowest,
        reaches=made.status in (Status.READY, Status.IDLE),
        needed=made.status is not Status.IDLE,
        outside=_outside(made),
        made_at=made.time,
        room=room,
        floor=backup.policy.floor(room.capacity),
        full=made.status is Status.DEST_FULL,
        note=" ".join(f"{warning[:1].upper()}{warning[1:]}." for warning in made.warnings),
    )


def _row(root: str, step: Step) -> PlanRow:
    unit = step.unit
    name = f"{root}/{os.fsdecode(unit.name)}"
    return PlanRow(
        name, unit.size, unit.mtime_ns / 1e9, step.after.share, len(unit.files) if unit.group else 1
    )


def _stay(root: str, skip: Skip) -> Stay:
    name = f"{root}/{os.fsdecode(skip.name)}"
    reason = REASONS.get(skip.code, skip.text)
    return Stay(name, skip.allocated, skip.mtime_ns / 1e9, skip.code, reason)


def _outside(made: PynetPlan) -> int:
    return sum(held.size for held in made.held if held.code == "outside")


def moved(report: BackupReport, policy: BackupPolicy) -> Report:
    """What came of a run."""
    kept = tuple(Problem(one.name, one.code, one.text) for one in report.kept)
    return Report(
        report.files,
        report.bytes,
        removed=report.files,
        problems=kept,
        verified="BLAKE3 verified from disk",
        note=_verdict(report, policy),
    )


def _verdict(report: BackupReport, policy: BackupPolicy) -> str:
    low, now = words.mark(policy.low), words.share(report.after.share)
    return {
        "exhausted": f"{low} not reached: all that may go has gone, the car is {now} full",
        "destination full": f"{low} not reached: this laptop's disk may take no more",
        "held elsewhere": "removing files frees nothing: something on the car holds their space",
        "idle": "nothing had to move",
        "preview": "nothing was moved: nobody has agreed to it yet",
    }.get(report.verdict, "")


def history(gateway: pynet.RemoteGateway, policy: BackupPolicy) -> list[PastJob]:
    """Runs for this car and this shared folder, newest first."""
    backup = backup_of(gateway, policy)
    machine = "" if gateway.peer is None else gateway.peer.id
    return [
        _past(job, str(backup.place.path))
        for job in backup.history()
        if job.source == policy.root and job.machine == machine
    ]


def _past(job: Job, folder: str) -> PastJob:
    entries = list(job.entries.values())
    outcomes = {entry.outcome for entry in entries}
    state = "open" if "" in outcomes else "done" if outcomes <= {REMOVED} else "partly"
    last = max((entry.time for entry in entries), default=job.time)
    files = tuple(_kept(job.source, entry) for entry in entries)
    return PastJob(job.id, job.time, last - job.time, state, folder, files)


def _kept(root: str, entry: Entry) -> Kept:
    return Kept(
        f"{root}/{os.fsdecode(entry.name)}",
        os.fsdecode(entry.final_name),
        entry.size,
        entry.mtime_ns / 1e9,
        entry.root.hex(),
        entry.algorithm.upper(),
        entry.outcome == REMOVED,
    )
