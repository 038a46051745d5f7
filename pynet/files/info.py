"""What both ends say about files: one thing in a folder, how full a disk is, what went wrong."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass

from pynet.wire.registry import register

FILE, FOLDER, LINK, OTHER = "file", "folder", "link", "other"


@register
@dataclass(frozen=True, slots=True)
class FileInfo:
    """One thing below a root, as it was when it was looked at.

    Attributes:
        name: below the root, with ``/`` between its parts, as the file system has it.
        kind: ``"file"``, ``"folder"``, ``"link"`` (never followed) or ``"other"`` (pipe, device).
        size: bytes; 0 for what is no file.
        mtime_ns: when its content was changed, nanoseconds since 1970.
        mode: permission bits, 0 to 0o777.
        ctime_ns: when anything about it was changed.
        device, inode: which file it is.
        links: how many names it has.
        allocated: bytes that it takes on the disk, which removing its last name gives back.
    """

    name: bytes
    kind: str
    size: int = 0
    mtime_ns: int = 0
    mode: int = 0
    ctime_ns: int = 0
    device: int = 0
    inode: int = 0
    links: int = 1
    allocated: int = 0

    @classmethod
    def of(cls, name: bytes, status: os.stat_result) -> FileInfo:
        """From what ``lstat`` tells."""
        kind = kind_of(status.st_mode)
        return cls(
            name,
            kind,
            status.st_size if kind == FILE else 0,
            status.st_mtime_ns,
            status.st_mode & 0o777,
            status.st_ctime_ns,
            status.st_dev,
            status.st_ino,
            status.st_nlink,
            getattr(status, "st_blocks", -(-status.st_size // 512)) * 512,
        )

    @property
    def text(self) -> str:
        r"""The name for people; bytes that are no UTF-8 as ``\xff``."""
        return shown(self.name)


@register
@dataclass(frozen=True, slots=True)
class Usage:
    """How full a disk is, counted as df does.

    Attributes:
        used: bytes taken, also by the system and others.
        available: bytes that a user may still write; what is reserved for root is not in it.
        files_free: how many more files fit; -1 where the file system has no such limit.
    """

    used: int
    available: int
    files_free: int = -1

    @property
    def share(self) -> float:
        """``used / (used + available)``, 0.0 to 1.0."""
        total = self.used + self.available
        return self.used / total if total else 1.0

    @property
    def capacity(self) -> int:
        """Bytes that the share is of; removing files does not change it."""
        return self.used + self.available


@register
@dataclass(frozen=True, slots=True)
class Problem:
    """A file that was not transferred, or not removed, and why.

    Attributes:
        name: of the file, as in :class:`FileInfo`.
        code: one word for programs: ``"link"``, ``"special"``, ``"changed"``, ``"vanished"``,
            ``"denied"``, ``"open"``, ``"name"``, ``"conflict"``, ``"space"``, ``"readonly"``,
            ``"damaged"`` or ``"io"``.
        text: a sentence for people: what happened and what to do.
    """

    name: bytes
    code: str
    text: str


def kind_of(mode: int) -> str:
    """``st_mode`` as a word."""
    if stat.S_ISREG(mode):
        return FILE
    if stat.S_ISDIR(mode):
        return FOLDER
    return LINK if stat.S_ISLNK(mode) else OTHER


def shown(name: bytes) -> str:
    """A name for people."""
    return name.decode("utf-8", "backslashreplace")
