"""Files and disks that exist only as figures."""

from __future__ import annotations

from typing import Any

from pynet.files.info import FILE, FOLDER, FileInfo, Usage

NOW = 1_800_000_000.0
MIB = 1024 * 1024


def file(name: str, age: float = 5000.0, size: int = MIB, **other: Any) -> FileInfo:
    """A file that was changed so many seconds ago."""
    values: dict[str, Any] = {
        "mtime_ns": int((NOW - age) * 1e9),
        "allocated": size,
        "inode": hash(name) & 0xFFFFFFFF,
        **other,
    }
    return FileInfo(name.encode(), FILE, size, **values)


def folder(name: str) -> FileInfo:
    return FileInfo(name.encode(), FOLDER)


def disk(share: float, size: int = 100 * MIB) -> Usage:
    used = round(share * size)
    return Usage(used, size - used)
