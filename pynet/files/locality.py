"""Whether a folder lies on a disk of this machine, or may lie on one of another machine's."""

from __future__ import annotations

import contextlib
import os
import re
import sys
from pathlib import Path

LOCAL = frozenset(
    [
        "apfs",
        "bcachefs",
        "btrfs",
        "exfat",
        "ext2",
        "ext3",
        "ext4",
        "f2fs",
        "fuseblk",
        "hfs",
        "hfsplus",
        "jffs2",
        "jfs",
        "minix",
        "msdos",
        "nilfs2",
        "ntfs",
        "ntfs3",
        "overlay",
        "ramfs",
        "reiserfs",
        "squashfs",
        "tmpfs",
        "ubifs",
        "udf",
        "ufs",
        "vfat",
        "xfs",
        "zfs",
    ]
)
"""File systems that no other machine has a hand in. Of all others, and where the system does not
tell, that is not known."""

_DRIVES = (2, 3, 6)  # removable, fixed, in memory
_ESCAPED = re.compile(r"\\(\d{3})")


def is_local(path: Path) -> bool:
    """Whether a folder is on a disk of this machine for certain."""
    if sys.platform == "win32":
        import ctypes

        return ctypes.windll.kernel32.GetDriveTypeW(os.path.join(path.anchor, "")) in _DRIVES
    return _type_of(os.path.realpath(path)) in LOCAL


def _type_of(place: str) -> str:
    """The type of the file system that is mounted there, or nearest above."""
    nearest, found = -1, ""
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/mountinfo").read_text(errors="surrogateescape").splitlines():
            head, _, tail = line.partition(" - ")
            point = _ESCAPED.sub(lambda match: chr(int(match[1], 8)), head.split()[4])
            inside = place == point or place.startswith(point.rstrip("/") + "/")
            if inside and len(point) >= nearest:  # what was mounted last is what is seen
                nearest, found = len(point), tail.split()[0]
    return found
