"""The files of a connected car, over pynet."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from pynet.errors import NotShared, SubroutineError
from pynet.files.info import FOLDER, FileInfo
from rcapp.core.files import pynet_backup
from rcapp.core.files.engine import UNKNOWN, Entry, PastJob, Plan, Report, Root, Transfer
from rcapp.core.files.policy import BackupPolicy
from rcapp.core.files.pynet_transfer import Rehearsal, RunningTransfer, Several

if TYPE_CHECKING:
    import pynet
    from pynet.files.progress import Report as PynetReport

ANSWER = 5.0
"""Seconds that the car has for a small question."""

_NO_TEXT = re.compile("[\udc80-\udcff]")


class PynetEngine:
    """Asks a connected car.

    Args:
        gateway: the car.
        car_id: tells cars apart.
        car_name: what people call it.
    """

    def __init__(self, gateway: pynet.RemoteGateway, car_id: str, car_name: str) -> None:
        self._gateway = gateway
        self._id = car_id
        self._name = car_name

    @property
    def car_id(self) -> str:
        """Tells cars apart."""
        return self._id

    @property
    def car_name(self) -> str:
        """What people call it."""
        return self._name

    def roots(self) -> list[Root]:
        """What the car shares."""
        try:
            rows = self._gateway.files.roots()
        except NotShared:
            return []
        return [Root(row["name"], row["write"], row["usage"]) for row in rows]

    def look(self, folder: str) -> list[Entry]:
        """A folder's entries."""
        return [_entry(info) for info in self._gateway.files.look(folder)]

    def total(self, folder: str) -> tuple[int, int] | None:
        """Bytes and files below a folder; None if counting them takes too long."""
        told = self._gateway.files.total(folder)
        return (told["bytes"], told["files"]) if told["whole"] else None

    def get(self, names: Sequence[str], to: str) -> Transfer:
        """Copy files and folders of the car into a folder of this laptop."""
        what = [_exactly(name) for name in names]
        return RunningTransfer(self._gateway.files.get(what, to), _copied)

    def put(self, paths: Sequence[str], to: str) -> Transfer:
        """Copy files and folders of this laptop into a folder of the car."""
        what = [_exactly(path) for path in paths]
        return RunningTransfer(self._gateway.files.put(what, to), _copied)

    def suggestion(self, root: str) -> dict[str, Any]:
        """How the car suggests to empty a shared folder; empty if it does not."""
        try:
            table = self._gateway.call("backup_policy", root, timeout=ANSWER)
        except (SubroutineError, NotShared):
            return {}
        return table if isinstance(table, dict) else {}

    def plan(self, policy: BackupPolicy) -> Plan:
        """What the backup would do now."""
        return pynet_backup.plan(self._gateway, policy)

    def run(self, policy: BackupPolicy, *, rehearse: bool = False) -> Transfer:
        """Move what the plan says; a rehearsal does everything but moving."""
        if rehearse:
            return Rehearsal(lambda: self.plan(policy))
        backup = pynet_backup.backup_of(self._gateway, policy)
        backup.agree()
        return RunningTransfer(backup.run(), lambda report: pynet_backup.moved(report, policy))

    def history(self, policy: BackupPolicy) -> Sequence[PastJob]:
        """Runs of the backup, newest first."""
        return pynet_backup.history(self._gateway, policy)

    def restore(self, policy: BackupPolicy, job: str, names: Sequence[str]) -> Transfer:
        """Copy files of a run back to where they were on the car; none for all of them."""
        backup = pynet_backup.backup_of(self._gateway, policy)
        if not names:
            return RunningTransfer(backup.restore(job), _copied)
        inside = [name.partition("/")[2] for name in names]

        def begin(name: str) -> Transfer:
            return RunningTransfer(backup.restore(name), _copied)

        return Several([partial(begin, name) for name in inside])

    def close(self) -> None:
        """The car belongs to the session, which closes it with everything that is open to it."""


def _exactly(name: str) -> str:
    """A pattern for a name that a person chose, whatever signs are in it.

    Bytes that are no text cannot be named in a pattern: any sign does in their place.
    """
    return _NO_TEXT.sub("?", glob.escape(name))


def _entry(info: FileInfo) -> Entry:
    folder = info.kind == FOLDER
    size = UNKNOWN if folder else info.size
    return Entry(os.fsdecode(info.name), info.kind, size, info.mtime_ns / 1e9)


def _copied(report: PynetReport) -> Report:
    return Report(report.files, report.bytes, report.identical, problems=report.problems)
