"""What the Files tab needs of whoever lists, moves and backs up the files of a car.

Folders and files of the car are named with the root first, ``"recordings/2026-11/a.mcap"``; the
empty name is the list of roots. Names are texts in which bytes that are no UTF-8 are kept as
:func:`os.fsdecode` keeps them. All methods may wait for the network: none is called by the window.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from pynet.files.info import FILE, FOLDER, Problem, Usage
from rcapp.core.files.policy import BackupPolicy

LISTING, RUNNING, PAUSED, RECONNECTING = "listing", "running", "paused", "reconnecting"
DONE, FAILED, CANCELLED = "done", "failed", "cancelled"
UNDER_WAY = frozenset((LISTING, RUNNING, PAUSED, RECONNECTING))
OVER = frozenset((DONE, FAILED, CANCELLED))
UNKNOWN = -1


@dataclass(frozen=True, slots=True)
class Root:
    """A folder that the car shares.

    Attributes:
        name: what it is called.
        writable: files may be put there.
        usage: of the disk it lies on.
    """

    name: str
    writable: bool
    usage: Usage


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a folder.

    Attributes:
        name: in its folder.
        kind: as in :class:`pynet.files.info.FileInfo`.
        size: bytes; of a folder everything below it, or :data:`UNKNOWN`.
        mtime: when it was changed, seconds since 1970.
        files: in a folder, with all below it, or :data:`UNKNOWN`.
    """

    name: str
    kind: str = FILE
    size: int = 0
    mtime: float = 0.0
    files: int = UNKNOWN

    @property
    def is_folder(self) -> bool:
        """It can be opened."""
        return self.kind == FOLDER


@dataclass(frozen=True, slots=True)
class Lane:
    """What one pair of a transfer does.

    Attributes:
        number: from 1.
        bytes: it has carried.
        rate: bytes a second, over the last two.
    """

    number: int
    bytes: int
    rate: float


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a transfer stands.

    Attributes:
        state: ``"listing"``, ``"running"``, ``"paused"``, ``"reconnecting"``, ``"done"``,
            ``"failed"`` or ``"cancelled"``.
        files, files_total, bytes, bytes_total: done, and to be done as far as it is known.
        total_known: all files have been counted.
        rate: bytes a second over the last two.
        eta: seconds left, or None.
        lanes: the pairs.
        current: the file on its way.
        note: a sentence about the pace, such as why it holds back.
    """

    state: str = LISTING
    files: int = 0
    files_total: int = 0
    bytes: int = 0
    bytes_total: int = 0
    total_known: bool = False
    rate: float = 0.0
    eta: float | None = None
    lanes: tuple[Lane, ...] = ()
    current: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """What came of a transfer.

    Attributes:
        files, bytes: moved.
        identical: files that were there already.
        removed: files that were removed from the car, after their copies were verified.
        problems: files that were not moved, and why.
        verified: how the copies were checked, such as ``"BLAKE3 verified from disk"``.
        note: what a person should know of the whole, such as that a mark was not reached.
    """

    files: int = 0
    bytes: int = 0
    identical: int = 0
    removed: int = 0
    problems: tuple[Problem, ...] = ()
    verified: str = ""
    note: str = ""


class Transfer(Protocol):
    """One transfer on its way. Any thread."""

    @property
    def progress(self) -> Progress:
        """Where it stands now; cheap."""

    def pause(self) -> None:
        """Send nothing more until :meth:`resume`."""

    def resume(self) -> None:
        """Go on."""

    def cancel(self) -> None:
        """End it; what has arrived whole stays."""

    def report(self) -> Report:
        """What came of it, once it is over.

        Raises:
            Exception: it failed.
        """

    def close(self) -> None:
        """Let go of everything; cancels what is not over. Twice is fine."""


@dataclass(frozen=True, slots=True)
class PlanRow:
    """A file, or a folder that moves as a whole, that the backup would move.

    Attributes:
        name: with its root.
        size: bytes.
        mtime: when it was changed, seconds since 1970.
        share_after: how full the car is after it has gone, 0 to 1.
        files: in it; 1 for a file.
    """

    name: str
    size: int
    mtime: float
    share_after: float
    files: int = 1


@dataclass(frozen=True, slots=True)
class Stay:
    """A file that stays on the car.

    Attributes:
        name: with its root.
        size: bytes.
        mtime: when it was changed, seconds since 1970.
        code: of the reason, for grouping.
        reason: a few words for a person.
    """

    name: str
    size: int
    mtime: float
    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What the backup would do now.

    Attributes:
        rows: files to be moved, oldest first.
        stays: files that are not, with the reason.
        usage: of the car's disk when it was made.
        lowest: how empty the car would be if all that may go had gone, 0 to 1.
        reaches: the lower mark is reached.
        needed: the car is as full as the upper mark says, or a drain is under way.
        outside: bytes that are used outside of the folders that may be moved.
        made_at: seconds since 1970.
        room: of the destination's disk, or None when it is not known.
        floor: bytes that must stay free there.
        full: more would have to move than the destination may take.
        note: a warning, or empty.
    """

    rows: tuple[PlanRow, ...]
    stays: tuple[Stay, ...]
    usage: Usage
    lowest: float
    reaches: bool
    needed: bool
    outside: int = 0
    made_at: float = 0.0
    room: Usage | None = None
    floor: int = 0
    full: bool = False
    note: str = ""

    @property
    def bytes(self) -> int:
        """To be moved."""
        return sum(row.size for row in self.rows)

    @property
    def files(self) -> int:
        """To be moved."""
        return sum(row.files for row in self.rows)

    @property
    def end_share(self) -> float:
        """How full the car is afterwards, 0 to 1."""
        return self.rows[-1].share_after if self.rows else self.usage.share


@dataclass(frozen=True, slots=True)
class Kept:
    """A file that was moved off the car.

    Attributes:
        name: on the car, with its root.
        final_name: at the destination, below the job's folder.
        size: bytes.
        mtime: seconds since 1970.
        root: digest of its content, hexadecimal.
        algorithm: of ``root``.
        removed: it is no longer on the car.
    """

    name: str
    final_name: str
    size: int
    mtime: float
    root: str
    algorithm: str
    removed: bool = True


@dataclass(frozen=True, slots=True)
class PastJob:
    """One run of the backup.

    Attributes:
        id: names it to :meth:`FilesEngine.restore`.
        began: seconds since 1970.
        seconds: it took, 0 when that is not known.
        state: ``"done"``; ``"partly"``: some files stayed on the car, too; or ``"open"``: what
            became of some there is not known yet.
        folder: where the files are on this laptop.
        files: what was moved, in the order in which it was.
    """

    id: str
    began: float
    seconds: float
    state: str
    folder: str
    files: tuple[Kept, ...]

    @property
    def bytes(self) -> int:
        """Moved in all."""
        return sum(file.size for file in self.files)


class FilesEngine(Protocol):
    """Lists, moves and backs up the files of one car."""

    @property
    def car_id(self) -> str:
        """Tells cars apart."""

    @property
    def car_name(self) -> str:
        """What people call it."""

    def roots(self) -> list[Root]:
        """What the car shares."""

    def look(self, folder: str) -> list[Entry]:
        """A folder's entries; what is in its folders is not counted."""

    def total(self, folder: str) -> tuple[int, int] | None:
        """Bytes and files below a folder; None if counting them takes too long."""

    def get(self, names: Sequence[str], to: str) -> Transfer:
        """Copy files and folders of the car into a folder of this laptop."""

    def put(self, paths: Sequence[str], to: str) -> Transfer:
        """Copy files and folders of this laptop into a folder of the car."""

    def suggestion(self, root: str) -> dict[str, Any]:
        """How the car suggests to empty a shared folder, as a table; empty if it does not."""

    def plan(self, policy: BackupPolicy) -> Plan:
        """What the backup would do now."""

    def run(self, policy: BackupPolicy, *, rehearse: bool = False) -> Transfer:
        """Move what the plan says; a rehearsal does everything but moving."""

    def history(self, policy: BackupPolicy) -> Sequence[PastJob]:
        """Runs of the backup, newest first."""

    def restore(self, policy: BackupPolicy, job: str, names: Sequence[str]) -> Transfer:
        """Copy files of a run back to where they were on the car; none for all of them."""

    def close(self) -> None:
        """Let go of the car. Twice is fine."""
