"""The files of a connected car, over pynet."""

from __future__ import annotations

import glob
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pynet.files.info import FOLDER, FileInfo
from rcapp.core.files.engine import (
    UNKNOWN,
    Entry,
    Lane,
    PastJob,
    Plan,
    Progress,
    Report,
    Root,
    Transfer,
)
from rcapp.core.files.policy import BackupPolicy

if TYPE_CHECKING:
    import pynet
    from pynet.files.transfer import Transfer as PynetTransfer


class RunningTransfer:
    """A transfer of pynet in the words of the tab.

    Args:
        transfer: it.
    """

    def __init__(self, transfer: PynetTransfer) -> None:
        self._transfer = transfer

    @property
    def progress(self) -> Progress:
        """Where it stands now."""
        now = self._transfer.progress
        return Progress(
            now.state,
            now.files,
            now.files_total,
            now.bytes,
            now.bytes_total,
            now.total_known,
            now.rate,
            now.eta,
            tuple(Lane(lane.number, lane.bytes, lane.rate) for lane in now.lanes),
            now.current,
            now.note,
        )

    def pause(self) -> None:
        """Send nothing more until :meth:`resume`."""
        self._transfer.pause()

    def resume(self) -> None:
        """Go on."""
        self._transfer.resume()

    def cancel(self) -> None:
        """End it."""
        self._transfer.cancel()

    def report(self) -> Report:
        """What came of it."""
        report = self._transfer.wait()
        return Report(report.files, report.bytes, report.identical, problems=report.problems)

    def close(self) -> None:
        """Cancel what is not over."""
        self._transfer.close()


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
        return [
            Root(row["name"], row["write"], row["usage"]) for row in self._gateway.files.roots()
        ]

    def look(self, folder: str) -> list[Entry]:
        """A folder's entries."""
        return [_entry(info) for info in self._gateway.files.look(folder)]

    def total(self, folder: str) -> tuple[int, int] | None:
        """Bytes and files below a folder; None if counting them takes too long."""
        told = self._gateway.files.total(folder)
        return (told["bytes"], told["files"]) if told["whole"] else None

    def get(self, names: Sequence[str], to: str) -> Transfer:
        """Copy files and folders of the car into a folder of this laptop."""
        return RunningTransfer(self._gateway.files.get([glob.escape(name) for name in names], to))

    def put(self, paths: Sequence[str], to: str) -> Transfer:
        """Copy files and folders of this laptop into a folder of the car."""
        return RunningTransfer(self._gateway.files.put([glob.escape(path) for path in paths], to))

    def plan(self, policy: BackupPolicy) -> Plan:
        """What the backup would do now."""
        raise NotImplementedError

    def run(self, policy: BackupPolicy, *, rehearse: bool = False) -> Transfer:
        """Move what the plan says; a rehearsal does everything but moving."""
        raise NotImplementedError

    def history(self, policy: BackupPolicy) -> Sequence[PastJob]:
        """Runs of the backup, newest first."""
        raise NotImplementedError

    def restore(self, policy: BackupPolicy, job: str, names: Sequence[str]) -> Transfer:
        """Copy files of a run back to where they were on the car; none for all of them."""
        raise NotImplementedError

    def close(self) -> None:
        """The car belongs to the session, which closes it with everything that is open to it."""


def _entry(info: FileInfo) -> Entry:
    folder = info.kind == FOLDER
    size = UNKNOWN if folder else info.size
    return Entry(os.fsdecode(info.name), info.kind, size, info.mtime_ns / 1e9)
