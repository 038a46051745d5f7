"""Making files durable, and sure: steps 4 to 6 of a safe move, for a group of files at once.

All are synced; a failure is final, because the kernel calls pages clean that it could not write.
Then what is in memory is dropped, each file is read back from the disk and compared with what
came, and only then gets its name; last, the folders are synced that the names are in.
"""

from __future__ import annotations

import os
import stat
import threading
import time
from dataclasses import dataclass

from pynet.errors import Damaged, FilesError
from pynet.files import system
from pynet.files.crashing import crash_point
from pynet.files.hashing import LEAF, hasher, leaf_count, leaf_size, root_digest, zeros_digest
from pynet.files.incoming import Incoming
from pynet.files.info import FileInfo, Problem, shown
from pynet.files.part import Part
from pynet.files.problems import problem
from pynet.files.publish import Publisher
from pynet.files.tree import READ, Folder, Tree

_SEEK_DATA = getattr(os, "SEEK_DATA", None)
_AGAIN = 16  # groups after which the other way of syncing is tried again


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
    """

    info: FileInfo
    target: bytes
    temporary: bytes
    root: bytes
    part: Part | None = None
    problem: Problem | None = None
    settled: Settled | None = None

    def fail(self, error: BaseException) -> None:
        """Keep the first reason."""
        if self.problem is None:
            self.problem = problem(self.info.name, error)


class Settler:
    """What waits, and the settling of it. Any thread adds, one settles."""

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
            for one in group:
                if one.problem is None:
                    self._read_back_and_publish(one)
            crash_point("published")
            self._sync_folders(group)
        finally:
            for one in group:
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
                os.fsync(one.part.fd)
            except OSError as error:
                one.fail(error)
        self._syncer.sync(small)

    # ---- steps 5 and 6 -------------------------------------------------------------------

    def _read_back_and_publish(self, one: Waiting) -> None:
        try:
            if one.part is not None:
                self._check(one, one.part.fd, one.part.digests)
                self._publish(one, one.part.fd)
                return
            folder = self._incoming.folder
            fd = os.open(folder.prefix + one.temporary, READ, dir_fd=folder.fd)
            try:
                self._check(one, fd, [one.root])
                if not one.info.mode & 0o400:
                    os.fchmod(fd, one.info.mode & 0o777)
                    os.fsync(fd)
                self._publish(one, fd)
            finally:
                os.close(fd)
        except (OSError, FilesError) as error:
            one.fail(error)

    def _check(self, one: Waiting, fd: int, digests: list[bytes]) -> None:
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
            hole = _hole(fd, index, size)
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
        def same(folder: Folder, part: bytes) -> bool:
            return self._has(folder, part, one.info, one.root)

        final = self._publisher.publish(self._incoming.folder, one.temporary, one.target, same)
        status = os.fstat(fd)
        folder, part = self._tree.place(final)
        there = folder.lstat(part)
        if (there.st_dev, there.st_ino) != (status.st_dev, status.st_ino):
            status = there  # the very same file was here already
        one.settled = Settled(one.info, final, one.root, status.st_dev, status.st_ino)

    def _has(self, folder: Folder, part: bytes, info: FileInfo, root: bytes) -> bool:
        """Whether a file of that name has this content, durably."""
        status = folder.lstat(part)
        if not stat.S_ISREG(status.st_mode) or status.st_size != info.size:
            return False
        grain = self._incoming.traits.grain
        if status.st_mtime_ns // grain != info.mtime_ns // grain:
            return False
        fd = os.open(folder.prefix + part, READ, dir_fd=folder.fd)
        try:
            return self._durable_root(fd, info.size) == root
        finally:
            os.close(fd)

    def _durable_root(self, fd: int, size: int) -> bytes | None:
        os.fsync(fd)
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
            one.part.close(keep=False)
        else:
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


class Syncer:
    """Syncs groups of small files: one call for the whole disk, or each by itself.

    Which is quicker depends on the disk, and on what others have written to it. It tries both,
    keeps to the quicker, and looks at the other again from time to time.
    """

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        self._cost: dict[bool, float] = {}  # seconds for each file, by whether it is all at once
        self._groups = 0

    def sync(self, group: list[Waiting]) -> None:
        """Make them durable; those that could not be made so have a problem then."""
        if not group:
            return
        together = self._choice(len(group))
        start = time.perf_counter()
        if together:
            self._all_at_once(group)
        else:
            self._one_by_one(group)
        cost = (time.perf_counter() - start) / len(group)
        self._cost[together] = (self._cost.get(together, cost) + cost) / 2

    def _choice(self, many: int) -> bool:
        if not system.HAS_SYNCFS or self._folder.fd is None or many < 4:
            return False
        self._groups += 1
        for together in (True, False):
            if together not in self._cost:
                return together
        return (self._cost[True] < self._cost[False]) != (self._groups % _AGAIN == 0)

    def _all_at_once(self, group: list[Waiting]) -> None:
        # The folder was opened before any of the files was written, so failures since then count.
        try:
            system.sync_all(self._folder.fd or 0)
        except OSError as error:
            for one in group:
                one.fail(error)

    def _one_by_one(self, group: list[Waiting]) -> None:
        for one in group:
            try:
                folder = self._folder
                fd = os.open(folder.prefix + one.temporary, os.O_RDWR | READ, dir_fd=folder.fd)
                try:
                    os.fsync(fd)
                finally:
                    os.close(fd)
            except OSError as error:
                one.fail(error)


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
