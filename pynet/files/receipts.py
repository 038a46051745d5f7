"""What the two ends of a move promise each other about one file."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import msgpack

from pynet.files.info import FileInfo
from pynet.wire.registry import register

REMOVED, GONE, ENOUGH = "removed", "gone", "enough"
"""Codes of an :class:`Outcome` beside those of :class:`~pynet.files.info.Problem`."""


def told(name: bytes, size: int, mtime_ns: int, mode: int) -> int:
    """A checksum of what the destination keeps of a file beside its content."""
    return zlib.crc32(msgpack.packb([name, size, mtime_ns, mode]))


@register
@dataclass(frozen=True, slots=True)
class Receipt:
    """The destination's promise: this file is here, complete, under its final name, and durable.

    Attributes:
        id: of the file in this job, from 0 in the order of the plan.
        info: what the source said that the file is.
        root: digest of the whole file, of what was read back from the destination's disk.
        algorithm: of the digest.
        final_name: below the destination's root.
        device, inode: which file that is.
    """

    id: int
    info: FileInfo
    root: bytes
    algorithm: str
    final_name: bytes
    device: int
    inode: int


@dataclass(frozen=True, slots=True)
class Sent:
    """A file that was sent, unchanged from the first byte to the last, and waits for its receipt.

    Attributes:
        id, info, root, algorithm: as in the :class:`Receipt` that is expected.
    """

    id: int
    info: FileInfo
    root: bytes
    algorithm: str


@register
@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a file at the source.

    Attributes:
        id: as in its receipt.
        name: of the file, empty for a receipt that nobody asked for.
        code: ``"removed"``; ``"gone"``: somebody else did; ``"enough"``: it stays, for enough is
            free; else why it stays: ``"changed"``, ``"open"``, ``"linked"``, ``"protected"``,
            ``"same"``, ``"denied"``, ``"link"``, ``"io"``, ``"damaged"``, ``"unsent"``,
            ``"group"``, ``"refused"``.
        text: a sentence for people.
        freed: bytes that removing it should have freed.
    """

    id: int
    name: bytes
    code: str
    text: str
    freed: int = 0

    @property
    def removed(self) -> bool:
        """It is not at the source any more."""
        return self.code in (REMOVED, GONE)
