"""A folder that may hold so many bytes: how full it is counts, and not how full its disk is."""

from __future__ import annotations

import os
import stat
import threading
import time
from collections.abc import Iterator
from types import TracebackType
from typing import TYPE_CHECKING

from pynet.errors import BadName
from pynet.files.info import Usage
from pynet.files.names import INCOMING, PART

if TYPE_CHECKING:
    from pynet.files.tree import Folder, Tree

FRESH = 1.0
"""Seconds after which all is counted again: programs of the machine write and remove, too."""

SPARING = 10.0
"""So many times as long as counting took is waited before the next, at least."""


class Quota:
    """What a folder may hold, and holds. Any thread; one for all Trees of that folder.

    Only files count, with what they take on the disk; of unfinished ones what has arrived. What
    pynet itself adds or removes is counted as it happens: inside ``with quota:``, followed by
    :meth:`add`. All the rest is found when everything is counted, from time to time.

    Args:
        limit: bytes.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._lock = threading.Lock()
        self._held = 0
        self._due = 0.0

    def __enter__(self) -> Quota:
        self._lock.acquire()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._lock.release()

    def add(self, size: int) -> None:
        """So many bytes came, or went; inside ``with quota:`` only."""
        self._held = max(self._held + size, 0)

    def usage(self, tree: Tree, disk: Usage) -> Usage:
        """How full the folder is; a disk with less room than the quota leaves counts, too."""
        with self._lock:
            began = time.monotonic()
            if began >= self._due:
                self._held = sum(_held(tree))
                ended = time.monotonic()
                self._due = ended + max(FRESH, SPARING * (ended - began))
            used = self._held + _arriving(tree)
        return Usage(used, max(min(self.limit - used, disk.available), 0), disk.files_free)


def allocated(status: os.stat_result) -> int:
    """Bytes that a file takes on the disk; where that is not told, in whole blocks."""
    blocks = getattr(status, "st_blocks", None)
    return -(-status.st_size // 4096) * 4096 if blocks is None else blocks * 512


def _held(tree: Tree) -> Iterator[int]:
    """What each file below takes, but for pynet's own."""
    linked: set[int] = set()
    waiting = [b""]
    while waiting:
        above = waiting.pop()
        for part, status in _inside(tree, above):
            if stat.S_ISDIR(status.st_mode):
                here = status.st_dev == tree.device or os.name != "posix"
                if here and part != INCOMING:
                    waiting.append(above + b"/" + part if above else part)
            elif stat.S_ISREG(status.st_mode) and status.st_ino not in linked:
                if status.st_nlink > 1:
                    linked.add(status.st_ino)
                yield allocated(status)


def _arriving(tree: Tree) -> int:
    """What unfinished files take; journals beside them do not count, they are soon gone."""
    try:
        folder = tree.incoming()
    except (OSError, BadName):
        return 0
    try:
        return sum(allocated(one) for name, one in _listed(folder) if name.endswith(PART))
    finally:
        folder.close()


def _inside(tree: Tree, name: bytes) -> Iterator[tuple[bytes, os.stat_result]]:
    try:
        yield from _listed(tree.folder(name))
    except (OSError, BadName):
        return  # it went meanwhile, or is not ours to read


def _listed(folder: Folder) -> Iterator[tuple[bytes, os.stat_result]]:
    place = folder.listing()
    try:
        with os.scandir(place) as things:
            for thing in things:
                try:
                    yield os.fsencode(thing.name), thing.stat(follow_symlinks=False)
                except FileNotFoundError:
                    continue
    finally:
        if isinstance(place, int):
            os.close(place)
