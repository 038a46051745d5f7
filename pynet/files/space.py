"""How much may still be written to a disk: what is free, less what is promised, less a floor."""

from __future__ import annotations

import threading
import time

from pynet.errors import NoSpace
from pynet.files.tree import Tree

_BLOCK = 4096  # what a small file takes at least
_FRESH = 0.25  # seconds that a measurement is good for: others write to the disk too


class Space:
    """The room on a tree's disk. Any thread.

    Args:
        tree: on that disk.
        floor_bytes, floor_share: so much stays free, whichever is more.
    """

    def __init__(self, tree: Tree, floor_bytes: int = 0, floor_share: float = 0.0) -> None:
        self._tree = tree
        self._floor_bytes = floor_bytes
        self._floor_share = floor_share
        self._lock = threading.Lock()
        self._promises: dict[object, int] = {}
        self._room = -1
        self._measured = 0.0

    def take(self, size: int) -> None:
        """Count what is about to be written.

        Raises:
            NoSpace: the disk would be fuller than it may get.
        """
        size = size + _BLOCK & -_BLOCK
        with self._lock:
            now = time.monotonic()
            if self._room < size or now - self._measured > _FRESH:
                self._measure(now)
            self._room -= size
            if self._room >= 0:
                return
            missing = -self._room
            self._room += size
        raise NoSpace(self._told(missing))

    def _told(self, missing: int) -> str:
        path, quota = self._tree.path, self._tree.quota
        if quota is not None:
            return f"{path} may hold {quota.limit:,} bytes and lacks {missing:,}; make room there"
        floor = " above what has to stay free" if self._floor_bytes or self._floor_share else ""
        return f"the disk of {path} lacks {missing:,} bytes{floor}"

    def promise(self, whose: object, size: int) -> None:
        """Keep that much for what somebody is still going to write, instead of what was before."""
        with self._lock:
            before = self._promises.pop(whose, 0)
            if size:
                self._promises[whose] = size
            self._room += before - size

    def _measure(self, now: float) -> None:
        usage = self._tree.usage()
        floor = max(self._floor_bytes, int(self._floor_share * usage.capacity))
        self._room = usage.available - floor - sum(self._promises.values())
        if usage.files_free == 0:
            self._room = 0
        self._measured = now
