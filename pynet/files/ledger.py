"""What a destination has received, from whom, and where it is: its side of every receipt.

It is what history, restoring and a source's question after a cut are answered from. If it is lost
or is an older copy, it does not know of files that are there; then the source keeps its own.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from operator import attrgetter
from pathlib import Path
from types import TracebackType
from typing import Any

from pynet.errors import BadName
from pynet.files.hashing import LEAF, hasher, leaf_count, leaf_size, root_digest
from pynet.files.info import FILE, shown
from pynet.files.journal import Journal, Record
from pynet.files.system import read_into
from pynet.files.tree import Tree

LEDGER = "ledger"
JOB, RECEIVED, SETTLED = "JOB", "RECEIVED", "SETTLED"


@dataclass(frozen=True, slots=True)
class Entry:
    """A file that was received.

    Attributes:
        job: it belonged to.
        name: at the source, below the root that was moved from.
        final_name: here, below the destination; or in the store.
        size, mtime_ns, mode: of the file.
        root, algorithm: its digest, as read back from this disk.
        device, inode: which file it was here then.
        time: of its receipt, seconds since 1970.
        store: where it is; ``""`` for the destination itself.
        outcome: what became of it at the source, as in :class:`~pynet.files.receipts.Outcome`;
            ``""`` while that is not known.
    """

    job: str
    name: bytes
    final_name: bytes
    size: int
    mtime_ns: int
    mode: int
    root: bytes
    algorithm: str
    device: int
    inode: int
    time: float
    store: str = ""
    outcome: str = ""


@dataclass(slots=True)
class Job:
    """Files that were moved in one go.

    Attributes:
        id: of the job.
        owner: whose they were, for people.
        machine: the owner's device id.
        source: what they were moved from there, for people and for restoring.
        time: when it began, seconds since 1970.
        entries: by name at the source, in the order of receipts.
    """

    id: str
    owner: str
    machine: str
    source: str
    time: float
    entries: dict[bytes, Entry] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """Bytes of all its files."""
        return sum(entry.size for entry in self.entries.values())

    def manifest(self) -> dict[str, Any]:
        """All that is known of it, for JSON; bytes of names that are no UTF-8 in hexadecimal."""
        return {
            "job": self.id,
            "owner": self.owner,
            "machine": self.machine,
            "source": self.source,
            "time": self.time,
            "files": [_described(entry) for entry in self.entries.values()],
        }

    def checksums(self, algorithm: str) -> bytes:
        """As ``b3sum -c`` and ``sha256sum -c`` read it.

        Of files of one leaf: their digest is that of the content. The others' is in the manifest.
        """
        return b"".join(
            _checksum_line(entry)
            for entry in self.entries.values()
            if entry.algorithm == algorithm and leaf_count(entry.size) == 1
        )


_values = attrgetter(*(field.name for field in fields(Entry) if field.name != "outcome"))


class Ledger:
    """The destination's record. One thread at a time, one process at a time.

    Args:
        folder: where the record is kept; it is made if need be.
        tree: where the files are.

    Attributes:
        jobs: by id, oldest first.

    Raises:
        Busy: another program has it open.
    """

    def __init__(self, folder: Path, tree: Tree) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._tree = tree
        self._journal = Journal(folder / LEDGER, {"what": "ledger", "version": 1})
        self.jobs: dict[str, Job] = {}
        for record in self._journal.records:
            self._replay(record)
        self._journal.records.clear()

    # ---- writing ------------------------------------------------------------------------

    def begin(self, job: str, owner: str, machine: str, source: str) -> None:
        """A job begins; nothing happens if it has begun before."""
        if job not in self.jobs:
            now = time.time()
            self._journal.append(JOB, job, owner, machine, source, now)
            self._journal.commit()
            self.jobs[job] = Job(job, owner, machine, source, now)

    def received(self, entries: Iterable[Entry]) -> None:
        """Files are here, complete and durable; their receipts may be sent when this returns.

        Raises:
            NoSpace: the record does not fit; none of these may have a receipt.
        """
        entries = list(entries)
        for entry in entries:
            self._journal.append(RECEIVED, *_values(entry))
        self._journal.commit()
        for entry in entries:
            self.jobs[entry.job].entries[entry.name] = entry

    def settled(self, job: str, outcomes: Mapping[bytes, str]) -> None:
        """The source has said what became of files there: codes by name."""
        known = self.jobs[job].entries
        outcomes = {
            name: code
            for name, code in outcomes.items()
            if name in known and known[name].outcome != code
        }
        for name, code in outcomes.items():
            self._journal.append(SETTLED, job, name, code)
        self._journal.commit()
        for name, code in outcomes.items():
            known[name] = replace(known[name], outcome=code)

    # ---- asking -------------------------------------------------------------------------

    def holds(self, job: str, name: bytes, root: bytes, *, read: bool = False) -> Entry | None:
        """Whether a file that was received is here still: what a source asks after a cut.

        Whether one in a store is there still has to be asked there.

        Args:
            job, name, root: as in its receipt.
            read: compare its content too, and not only that it is there in full.
        """
        found = self.jobs.get(job)
        entry = found.entries.get(name) if found is not None else None
        if entry is None or entry.root != root or not root:
            return None
        return self._looked_at(entry, read)

    def missing(self, job: str) -> list[Entry]:
        """What of a job is not here any more, or not as it was; stores are not asked."""
        return [
            entry for entry in self.jobs[job].entries.values() if not self._looked_at(entry, False)
        ]

    def _looked_at(self, entry: Entry, read: bool) -> Entry | None:
        if entry.store:
            return entry
        try:
            info = self._tree.info(entry.final_name)
            if info.kind != FILE or info.size != entry.size:
                return None
            if (read or info.mtime_ns != entry.mtime_ns) and self._digest(entry) != entry.root:
                return None
        except (OSError, BadName):
            return None
        return replace(entry, device=info.device, inode=info.inode)

    def _digest(self, entry: Entry) -> bytes:
        digest = hasher(entry.algorithm)
        buffer = memoryview(bytearray(min(LEAF, max(entry.size, 1))))
        leaves = []
        fd = self._tree.open(entry.final_name)
        try:
            for index in range(leaf_count(entry.size)):
                view = buffer[: leaf_size(entry.size, index)]
                leaves.append(digest(view[: read_into(fd, view, index * LEAF)]))
        finally:
            os.close(fd)
        return root_digest(entry.algorithm, entry.size, leaves)

    def _replay(self, record: Record) -> None:
        kind, job, *rest = record
        if kind == JOB:
            self.jobs[job] = Job(job, *rest)
        elif job not in self.jobs:
            return
        elif kind == RECEIVED:
            self.jobs[job].entries[rest[0]] = Entry(job, *rest)
        elif kind == SETTLED and rest[0] in self.jobs[job].entries:
            entries = self.jobs[job].entries
            entries[rest[0]] = replace(entries[rest[0]], outcome=rest[1])

    def close(self) -> None:
        """Let others have it."""
        self._journal.close()

    def __enter__(self) -> Ledger:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _described(entry: Entry) -> dict[str, Any]:
    return {
        "name": shown(entry.name),
        "final_name": shown(entry.final_name),
        "size": entry.size,
        "mtime_ns": entry.mtime_ns,
        "mode": f"{entry.mode:04o}",
        "digest": entry.root.hex(),
        "algorithm": entry.algorithm,
        "time": entry.time,
        "store": entry.store,
        "outcome": entry.outcome,
    }


def _checksum_line(entry: Entry) -> bytes:
    """A backslash in front says that the name has signs written as two."""
    name = entry.final_name
    written = name.replace(b"\\", b"\\\\").replace(b"\n", b"\\n").replace(b"\r", b"\\r")
    mark = b"\\" if written != name else b""
    return mark + entry.root.hex().encode() + b"  " + written + b"\n"
