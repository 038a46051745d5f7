"""Making many small files durable in the quicker of two ways."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from typing import Protocol

from pynet.files import system
from pynet.files.tree import READ, Folder

_AGAIN, _TRIED = 16, 8  # every so many groups, so many files are synced one by one, to compare


class Unsynced(Protocol):
    """A file that was written and closed."""

    temporary: bytes

    def fail(self, error: BaseException) -> None:
        """It could not be made durable, for good."""


class Syncer:
    """Syncs groups of small files: one call for the whole disk, or each by itself.

    Which is quicker depends on the disk, and on what others have written to it: from time to time
    both are tried, and the quicker is kept to.
    """

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        self._together = self._each = 0.0  # seconds for each file, when it was done last
        self._groups = 0

    def sync(self, group: Sequence[Unsynced]) -> None:
        """Make them durable; those that could not be made so have a problem then."""
        if not system.HAS_SYNCFS or self._folder.fd is None or not group:
            self._one_by_one(group)
            return
        tried = group[:_TRIED] if self._groups % _AGAIN == 0 else []
        rest = group[len(tried) :]
        self._groups += 1
        if tried:
            self._each = _timed(self._one_by_one, tried)
        if tried or self._together <= self._each:
            self._together = _timed(self._all_at_once, rest)
        else:
            self._each = _timed(self._one_by_one, rest)

    def _all_at_once(self, group: Sequence[Unsynced]) -> None:
        if not group:
            return
        # The folder was opened before any of the files was written, so failures since then count.
        try:
            system.sync_all(self._folder.fd or 0)
        except OSError as error:
            for one in group:
                one.fail(error)

    def _one_by_one(self, group: Sequence[Unsynced]) -> None:
        folder = self._folder
        for one in group:
            try:
                # Its owner may not be allowed to write to it any more; Windows wants to anyway.
                flags = READ if folder.fd is not None else READ | os.O_RDWR
                fd = os.open(folder.prefix + one.temporary, flags, dir_fd=folder.fd)
                try:
                    system.sync(fd)
                finally:
                    os.close(fd)
            except OSError as error:
                one.fail(error)


def _timed(way: Callable[[Sequence[Unsynced]], None], group: Sequence[Unsynced]) -> float:
    """Seconds that it took for each."""
    start = time.perf_counter()
    way(group)
    return (time.perf_counter() - start) / max(1, len(group))
