"""What the Controller's worker process can do: transfers and backups."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pynet.backup.report import BackupReport, Order
from pynet.backup.returning import begin_restore, find_entries
from pynet.backup.run import BackupRun
from pynet.files import methods
from pynet.files.jobs import Job
from pynet.files.methods import engine_for, follow
from pynet.files.progress import Report
from pynet.files.transfer import Transfer
from pynet.files.way import Way


def backup(job: Job, way: Way, origin: str, order: Order) -> BackupReport:
    """Run a backup; events are :class:`~pynet.files.progress.Progress`."""
    engine = engine_for(way, origin)

    def begin(transfer: Transfer[BackupReport]) -> None:
        engine.run(BackupRun(transfer, engine.remote, engine.lanes, order, engine.over))

    return follow(job, order.root, begin)


def restore(job: Job, way: Way, origin: str, order: Order, what: str) -> Report:
    """Put files back; events are :class:`~pynet.files.progress.Progress`."""
    engine = engine_for(way, origin)
    entries = find_entries(order, what)
    return follow(job, what, lambda transfer: begin_restore(engine, transfer, order, entries))


METHODS: dict[str, Callable[..., Any]] = {**methods.METHODS, "backup": backup, "restore": restore}
