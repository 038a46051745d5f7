"""Making files durable, and sure: steps 4 to 6 of a safe move, for a group of files at once.

All are synced; a failure is final, because the kernel calls pages clean that it could not write.
Then what is in memory is dropped, each file is read back from the disk and compared with what
came, and only then gets its name; last, the folders are synced that the names are in.
"""

from __future__ import annotations

import contextlib
import os
import stat
import threading
from dataclasses import dataclass

from pynet.errors import Damaged, FilesError
from pynet.files import system
from pynet.files.crashing import crash_point
from pynet.files.hashing import LEAF, hasher, leaf_count, leaf_size, root_digest, zeros_digest
from pynet.files.incoming import Incoming
from pynet.files.info import FileInfo, Problem, shown
from pynet.files.locality import is_local
from pynet.files.part import Part
from pynet.files.problems import problem
from pynet.files.publish import Publisher
from pynet.files.syncing import Syncer
from pynet.files.tree import READ, Folder, Tree

_SEEK_DATA = getattr(os, "SEEK_DATA", None)
_OPEN = 128  # small files that are open at a time to be read back


@dataclass(frozen=True, slots=True)
class Settled:
    """A file that is here for good.

    Attributes:
        info: of the file at the source.
        name: its final name, below the tree.
        root: digest of what the disk holds of it.
        device, inode: which file it is here.
    """

    info: FileInfo
    name: bytes
    root: bytes
    device: int
    inode: int


@dataclass(slots=True)
class Waiting:
    """A file that came and is to be settled.

    Attributes:
        info: of the file at the source.
        target: the name that it is to have.
        temporary: the name that it has.
        root: digest of what came.
        part: of a large one.
        problem: why it is not settled.
        settled: what has become of it.
        moved: it has its final name, and no other.
    """

    info: FileInfo
    target: bytes
    temporary: bytes
    root: bytes
    part: Part | None = None
    problem: Problem | None = None
    settled: Settled | None = None
    moved: bool = False

    def fail(self, error: BaseException) -> None:
        """Keep the first reason."""
        if self.problem is None:
            self.problem = problem(self.info.name, error)


class Settler:
    """What waits, and the settling of it. Any thread adds, one settles.

    Attributes:
        own_copies: what is here already counts for nothing. On a network it may be the source's
            own file, seen from the other side: its only copy.
    """

    def __init__(
        self, tree: Tree, incoming: Incoming, publisher: Publisher, algorithm: str
    ) -> None:
        self._tree = tree
        self._incoming = incoming
        self._publisher = publisher
        self._algorithm = algorithm
        self._hash = hasher(algorithm)
        self._lock = threading.Lock()
        self._queue: list[Waiting] = []
        self._syncer = Syncer(incoming.folder)
        self.own_copies = not is_local(tree.path)

    def add(self, waiting: Waiting) -> None:
        """One more."""
        with self._lock:
            self._queue.append(waiting)

    @property
    def waiting(self) -> int:
        """How many there are."""
        return len(self._queue)

    def settle(self) -> list[Settled | Problem]:
        """See :meth:`pynet.files.landing.Landing.settle`."""
        with self._lock:
            group, self._queue = self._queue, []
        if not group:
            return []
        try:
            self._sync(group)
            crash_point("synced")
            self._read_back_and_publish(group)
            crash_point("published")
            self._sync_folders(group)
        finally:
            for one in group:
                with contextlib.suppress(OSError):  # whoever comes next removes it
                    self._end(one)
        return [one.settled if one.problem is None and one.settled else _why(one) for one in group]

    # ---- step 4 --------------------------------------------------------------------------

    def _sync(self, group: list[Waiting]) -> None:
        small = []
        for one in group:
            if one.part is None:
                small.append(one)
                continue
            try:
                mode = one.info.mode & 0o777
                path = self._incoming.folder.prefix + one.part.name
                system.dress(one.part.fd, path, mode, one.info.mtime_ns)
                system.sync(one.part.fd)
            except OSError as error:
                one.fail(error)
        self._syncer.sync(small)

    # ---- steps 5 and 6 -------------------------------------------------------------------

    def _read_back_and_publish(self, group: list[Waiting]) -> None:
        for one in group:
            if one.part is not None and one.problem is None:
                try:
                    self._check(one, one.part.fd, one.part.digests)
                    self._publish(one, one.part.fd)
                except (OSError, FilesError) as error:
                    one.fail(error)
        small = [one for one in group if one.part is None and one.problem is None]
        for start in range(0, len(small), _OPEN):
            self._read_back_small(small[start : start + _OPEN])

    def _read_back_small(self, group: list[Waiting]) -> None:
        """Ask for all of them before the first is waited for: a disk is quicker so."""
        where, opened = self._incoming.folder, []
        try:
            for one in group:
                try:
                    fd = os.open(where.prefix + one.temporary, READ, dir_fd=where.fd)
                except OSError as error:
                    one.fail(error)
                    continue
                opened.append((one, fd))
                system.drop_cache(fd)
            for _, fd in opened:
                system.read_ahead(fd)
            for one, fd in opened:
                try:
                    self._check(one, fd, [one.root])
                    if not one.info.mode & 0o400:
                        system.dress(fd, b"", one.info.mode & 0o777, one.info.mtime_ns)
                        system.sync(fd)
                    self._publish(one, fd)
                except (OSError, FilesError) as error:
                    one.fail(error)
        finally:
            for _, fd in opened:
                os.close(fd)

    def _check(self, one: Waiting, fd: int, digests: list[bytes]) -> None:
        if one.part is not None:
            system.drop_cache(fd)
        if self._leaves(fd, one.info.size) != digests:
            raise Damaged(f"{one.info.text}: the disk does not give back what was written to it")

    def _leaves(self, fd: int, size: int) -> list[bytes] | None:
        """What the disk has, leaf by leaf; None if it is not that much."""
        if os.fstat(fd).st_size != size:
            return None
        buffer = memoryview(bytearray(min(size, LEAF)))
        leaves: list[bytes] = []
        for index in range(leaf_count(size)):
            if index < len(leaves):
                continue
            hole = _hole(fd, index, size) if size > LEAF else 0
            leaves += [
                zeros_digest(self._algorithm, leaf_size(size, index + n)) for n in range(hole)
            ]
            if hole:
                continue
            view = buffer[: leaf_size(size, index)]
            if system.read_into(fd, view, index * LEAF) != len(view):
                return None
            leaves.append(self._hash(view))
        return leaves

    def _publish(self, one: Waiting, fd: int) -> None:
        status = os.fstat(fd)
        moved = True

        def same(folder: Folder, part: bytes) -> bool:
            nonlocal status, moved
            if self.own_copies:
                return False
            there = self._has(folder, part, one.info, one.root)
            if there is not None:
                status, moved = there, False
            return there is not None

        final = self._publisher.publish(self._incoming.folder, one.temporary, one.target, same)
        one.settled = Settled(one.info, final, one.root, status.st_dev, status.st_ino)
        one.moved = moved

    def _has(
        self, folder: Folder, part: bytes, info: FileInfo, root: bytes
    ) -> os.stat_result | None:
        """What is under that name, if it has this content and time, durably."""
        status, grain = folder.lstat(part), self._incoming.traits.grain
        if (
            not stat.S_ISREG(status.st_mode)
            or status.st_size != info.size
            or status.st_mtime_ns // grain != info.mtime_ns // grain
        ):
            return None
        fd = os.open(folder.prefix + part, READ, dir_fd=folder.fd)
        try:
            if self._durable_root(fd, info.size) != root:
                return None
            return os.fstat(fd)
        finally:
            os.close(fd)

    def _durable_root(self, fd: int, size: int) -> bytes | None:
        system.sync(fd)
        system.drop_cache(fd)
        leaves = self._leaves(fd, size)
        return None if leaves is None else root_digest(self._algorithm, size, leaves)

    def proven(self, name: bytes, size: int, root: bytes) -> bool:
        """Whether that file is here, durable, and what the disk gives back has that digest."""
        try:
            fd = self._tree.open(name)
        except (OSError, FilesError):
            return False
        try:
            good = self._durable_root(fd, size) == root
        finally:
            os.close(fd)
        for folder in self._above(name) if good else ():
            folder.sync()
        return good

    # ---- the folders ---------------------------------------------------------------------

    def _above(self, name: bytes) -> list[Folder]:
        """The folder of a file, and all above it: some of them may be new."""
        folders = []
        while name:
            name = name.rpartition(b"/")[0]
            folders.append(self._tree.folder(name))
        return folders

    def _sync_folders(self, group: list[Waiting]) -> None:
        results: dict[bytes, BaseException | None] = {}
        for one in group:
            if one.settled is None:
                continue
            try:
                for folder in self._above(one.settled.name):
                    if folder.name not in results:
                        results[folder.name] = _synced(folder)
                    error = results[folder.name]
                    if error is not None:
                        one.fail(error)
            except (OSError, FilesError) as error:
                one.fail(error)

    def _end(self, one: Waiting) -> None:
        """Remove what is left of the unfinished file."""
        if one.part is not None:
            if one.moved:
                one.part.published()
            else:
                one.part.close(keep=False)
        elif not one.moved:
            self._incoming.remove(one.temporary)

    def close(self) -> None:
        """Nothing that still waits is published."""
        with self._lock:
            group, self._queue = self._queue, []
        for one in group:
            if one.part is not None:
                one.part.close()
            else:
                self._end(one)


def _why(one: Waiting) -> Problem:
    return one.problem or Problem(one.info.name, "io", f"{shown(one.info.name)} was not settled")


def _synced(folder: Folder) -> BaseException | None:
    try:
        folder.sync()
    except OSError as error:
        return error
    return None


def _hole(fd: int, index: int, size: int) -> int:
    """How many whole leaves from here on the file system says are holes."""
    if _SEEK_DATA is None:
        return 0
    try:
        data = os.lseek(fd, index * LEAF, _SEEK_DATA)
    except OSError:
        return leaf_count(size) - index if size else 0
    return max(0, data // LEAF - index)
