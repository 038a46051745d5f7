"""One large file that arrives leaf by leaf, in any order, and can be gone on with after a crash."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import stat
import threading
import time
from collections.abc import Iterable, Iterator
from typing import Any

from pynet.errors import BadName, Busy, Closed, Damaged, NoSpace
from pynet.files import system
from pynet.files.hashing import (
    ALGORITHMS,
    LEAF,
    leaf_count,
    leaf_size,
    root_digest,
    zeros_digest,
)
from pynet.files.incoming import JOURNAL, Incoming
from pynet.files.info import FileInfo, shown
from pynet.files.journal import Journal
from pynet.files.names import temporary
from pynet.files.problems import told
from pynet.files.space import Space

log = logging.getLogger("pynet.files")

SYNC_BYTES, SYNC_SECONDS = 16 * 1024 * 1024, 1.0
"""After so much, or so long, what was written is made durable and journalled.

As much again may come while that lasts, then the lanes wait. What is on its way by then is lost in
a crash as well: up to :data:`pynet.files.work.WINDOW`.
"""

_TRIED, _TRIED_SECONDS = 16 * 1024 * 1024, 0.002
"""Bytes reserved first; a disk slower than that fills them with zeros, tmpfs for one."""

LEAVES, HOLE = "leaves", "hole"
_LONGEST = 65_536  # leaves in one record, so that it stays a few MiB


class Part:
    """A file being received. Any thread may write any leaf; none is written by two at a time.

    Made by :meth:`pynet.files.landing.Landing.part`.

    Attributes:
        info: of the file at the source.
        target: the name that it is to have, below the tree.
        resumed: leaves that were here already when it was opened.
    """

    def __init__(
        self,
        incoming: Incoming,
        key: str,
        fd: int,
        info: FileInfo,
        target: bytes,
        header: dict[str, Any],
        space: Space,
    ) -> None:
        self.info = info
        self.target = target
        self.algorithm: str = header["algorithm"]
        self.name = temporary(key)
        self.fd = fd
        self._incoming = incoming
        self._journal_name = key.encode() + JOURNAL
        self._header = header
        self._journal: Journal | None = None
        self._space = space
        self._leaves: list[bytes | None] = [None] * leaf_count(info.size)
        self._left = len(self._leaves)
        self._unreserved = 0
        self._pending: list[int] = []
        self._pending_bytes = 0
        self._pending_holes: list[tuple[int, int]] = []
        self._since = 0.0
        self._failed: OSError | None = None
        self._lock = threading.Lock()
        self._idle = threading.Condition(self._lock)
        self._users = 0
        self._closing = False
        self._syncing = threading.Lock()
        self.resumed = 0

    # ---- writing -------------------------------------------------------------------------

    # A part may be closed while pieces of it still come: its file was changed. They do nothing.

    def write(self, offset: int, view: memoryview) -> None:
        """Write some bytes at their place.

        Raises:
            NoSpace: the disk is full.
            OSError: as the disk says.
        """
        if offset < 0 or offset + len(view) > self.info.size:
            raise Damaged(f"{self.info.text}: bytes came for beyond its end")
        with self._used() as here:
            try:
                if here:
                    system.write_at(self.fd, view, offset)
            except OSError as error:
                raise told(error, self.info.name) from error

    def read(self, index: int) -> bytes:
        """What was written of one leaf."""
        view = memoryview(bytearray(leaf_size(self.info.size, index)))
        with self._used() as here:
            if here:
                system.read_into(self.fd, view, index * LEAF)
        return view.tobytes()

    def leaf_written(self, index: int, digest: bytes) -> None:
        """Take note that a leaf is there as a whole; from time to time, make it durable.

        Raises:
            Damaged: it came twice, and not the same.
            OSError: the disk failed; nothing more can be done with this part.
        """
        if not 0 <= index < len(self._leaves) or len(digest) != ALGORITHMS[self.algorithm]:
            raise Damaged(f"{self.info.text}: a piece came that it cannot have")
        with self._lock:
            before = self._leaves[index]
            if before is not None:
                if before != digest:
                    raise Damaged(f"{self.info.text}: two versions of one piece of it came")
                return
            self._leaves[index] = digest
            self._left -= 1
            size = leaf_size(self.info.size, index)
            if not self._pending_bytes:
                self._since = time.monotonic()
            self._pending.append(index)
            self._pending_bytes += size
            due = self._pending_bytes >= SYNC_BYTES or time.monotonic() - self._since > SYNC_SECONDS
            self._written(size)
            whole = not self._left
        if due and not whole:
            with self._used() as here:
                if here:
                    self.sync()

    def skip(self, index: int, count: int) -> None:
        """Take note that some leaves lie in a hole; nothing is written for them."""
        if index < 0 or count < 0 or index + count > len(self._leaves):
            raise Damaged(f"{self.info.text}: a hole beyond its end")
        zeros = zeros_digest(self.algorithm, min(LEAF, self.info.size))
        last = len(self._leaves) - 1
        with self._lock:
            if any(self._leaves[at] is not None for at in range(index, index + count)):
                raise Damaged(f"{self.info.text}: a hole where something is")
            self._leaves[index : index + count] = [zeros] * count
            if index <= last < index + count:
                self._leaves[last] = zeros_digest(self.algorithm, leaf_size(self.info.size, last))
            self._left -= count
            self._pending_holes.append((index, count))

    def missing(self) -> list[tuple[int, int]]:
        """The leaves that are not there, as runs of (first, count)."""
        with self._lock:
            return list(_runs(at for at, leaf in enumerate(self._leaves) if leaf is None))

    @property
    def complete(self) -> bool:
        """Whether all leaves are there."""
        return not self._left

    def check(self) -> None:
        """Make sure that it is whole and the disk took it.

        Raises:
            Damaged: leaves are missing.
            OSError: the disk has failed.
        """
        self._raise_failure()
        if self._left:
            raise Damaged(f"{self.info.text} is not complete: {self._left} pieces are missing")

    @property
    def digests(self) -> list[bytes]:
        """Of all leaves; only when complete."""
        self.check()
        return [leaf for leaf in self._leaves if leaf is not None]

    def root(self) -> bytes:
        """The digest of the whole file; only when complete."""
        return root_digest(self.algorithm, self.info.size, self.digests)

    @contextlib.contextmanager
    def _used(self) -> Iterator[bool]:
        """Keep the file open meanwhile; whether it is."""
        with self._lock:
            here = not self._closing
            self._users += here
        try:
            yield here
        finally:
            if here:
                with self._lock:
                    self._users -= 1
                    self._idle.notify_all()

    def _written(self, size: int) -> None:
        if self._unreserved:
            self._unreserved = max(0, self._unreserved - size)
            self._space.promise(self, self._unreserved)

    # ---- what survives a crash -----------------------------------------------------------

    def sync(self) -> None:
        """Make durable what was written, and only then journal it.

        Raises:
            OSError: the disk failed. That is final: a second try would succeed without the data.
        """
        behind = self._pending_bytes >= SYNC_BYTES
        if not self._syncing.acquire(blocking=behind):
            return  # another lane is at it
        try:
            with self._lock:
                self._raise_failure()
                if behind and self._pending_bytes < SYNC_BYTES:
                    return  # another lane that waited has done it
                pending, self._pending = self._pending, []
                holes, self._pending_holes = self._pending_holes, []
                self._pending_bytes = 0
            if pending or holes:
                self._make_durable(pending)
                self._record(pending, holes)
        finally:
            self._syncing.release()

    def _make_durable(self, pending: list[int]) -> None:
        if not pending:
            return
        try:
            system.sync_data(self.fd)
        except OSError as error:
            self._failed = error
            raise

    def _record(self, pending: list[int], holes: list[tuple[int, int]]) -> None:
        try:
            journal = self._opened_journal()
            for first, count in holes:
                journal.append(HOLE, first, count)
            for first, count in _runs(sorted(pending)):
                for start in range(first, first + count, _LONGEST):
                    many = min(_LONGEST, first + count - start)
                    joined = b"".join(leaf or b"" for leaf in self._leaves[start : start + many])
                    journal.append(LEAVES, start, many, joined)
            journal.commit()
        except NoSpace:
            # The part has its space already; only going on after a crash costs more.
            with self._lock:
                self._pending += pending
                self._pending_holes += holes

    def _opened_journal(self) -> Journal:
        if self._journal is None:
            folder = self._incoming.folder
            path = os.fsdecode(folder.prefix + self._journal_name)
            self._journal = Journal(path, self._header, folder=folder.fd)
        return self._journal

    def _raise_failure(self) -> None:
        if self._failed is not None:
            raise OSError(self._failed.errno, self._failed.strerror)

    def _begin(self) -> None:
        """A new part: its full size, and where the source has no holes, the space for it."""
        size = self.info.size
        try:
            os.ftruncate(self.fd, size)
            need = min(size, self.info.allocated or size)
            self._space.take(need)
            if self.info.allocated >= size and self._reserve():
                return
            self._unreserved = need
            self._space.promise(self, need)
        except OSError as error:
            raise told(error, self.info.name) from error

    def _reserve(self) -> bool:
        """Have the disk set the space aside, unless it is one that takes its time for that."""
        size = self.info.size
        start = time.perf_counter()
        quick = system.reserve(self.fd, min(size, _TRIED)) and (
            time.perf_counter() - start < _TRIED_SECONDS
        )
        return size <= _TRIED or (quick and system.reserve(self.fd, size))

    def _take_up(self) -> bool:
        """What the journal says is there; False if this is not that file."""
        status = os.fstat(self.fd)
        if not stat.S_ISREG(status.st_mode) or status.st_size != self.info.size:
            return False
        try:
            self._incoming.folder.lstat(self._journal_name)
            journal = self._opened_journal()
        except (FileNotFoundError, Busy):
            return False
        if not journal.records:
            return False
        size = ALGORITHMS[self.algorithm]
        for kind, first, count, *rest in journal.records:
            if kind == HOLE:
                self.skip(first, count)
                continue
            if not 0 <= first <= first + count <= len(self._leaves) or len(rest[0]) != count * size:
                return False
            for at in range(count):
                if self._leaves[first + at] is None:
                    self._left -= 1
                self._leaves[first + at] = rest[0][at * size : (at + 1) * size]
        self._pending_holes.clear()
        self.resumed = len(self._leaves) - self._left
        left = sum(leaf_size(self.info.size, a) for a, leaf in enumerate(self._leaves) if not leaf)
        self._unreserved = max(0, min(left, (self.info.allocated or left) - status.st_blocks * 512))
        self._space.promise(self, self._unreserved)
        return True

    # ---- the end -------------------------------------------------------------------------

    def published(self) -> None:
        """It has its final name; what was needed to go on with it is removed."""
        if self._journal is None:
            self._incoming.remove(self._journal_name)
        else:
            self._journal.remove()
        self._let_go()

    def close(self, keep: bool = True) -> None:
        """Stop here. It can be gone on with later, unless ``keep`` is False or the disk failed."""
        with self._lock:
            self._closing = True
            while self._users:
                self._idle.wait()
        if self.fd < 0:
            return
        if keep and self._failed is None:
            with contextlib.suppress(OSError, NoSpace, Closed):
                self.sync()
        if not keep or self._failed is not None or (self._journal is None and not self.resumed):
            with contextlib.suppress(OSError):  # of a disk that fails; who comes next removes it
                self._incoming.remove(self.name)
                self.published()
        self._let_go()

    def _let_go(self) -> None:
        self._space.promise(self, 0)
        if self._journal is not None:
            self._journal.close()
        fd, self.fd = self.fd, -1
        if fd >= 0:
            os.close(fd)


def open_part(
    incoming: Incoming,
    space: Space,
    info: FileInfo,
    target: bytes,
    algorithm: str,
    origin: str,
    *,
    create: bool,
) -> Part | None:
    """The part of an interrupted transfer of that very file, or a new one if ``create``.

    A part that another program is at work on is left alone: this one gets its own.

    Raises:
        NoSpace: it does not fit.
    """
    facts = {
        "what": "pynet part 1",
        "origin": origin,
        "name": target,
        "size": info.size,
        "mtime_ns": info.mtime_ns,
        "algorithm": algorithm,
    }
    digest = hashlib.sha256(repr(sorted(facts.items())).encode()).hexdigest()[:32]
    for number in range(1, 1000):
        key = f"{digest}-{number}" if number > 1 else digest
        with contextlib.suppress(FileNotFoundError):
            fd = incoming.open_locked(temporary(key))
            if fd is None:
                continue
            found = Part(incoming, key, fd, info, target, _header(facts, fd), space)
            if _taken_up(found):
                return found
        if not create:
            return None
        with contextlib.suppress(FileExistsError):
            return _new(incoming, key, info, target, facts, space)
    raise BadName(f"{shown(info.name)} is being received by too many others")


def _header(facts: dict[str, Any], fd: int) -> dict[str, Any]:
    # The file's number, so that a journal is not believed about another file of its name.
    return {**facts, "inode": os.fstat(fd).st_ino}


def _taken_up(part: Part) -> bool:
    try:
        good = part._take_up()
    except (Damaged, ValueError, IndexError, TypeError, OSError) as error:
        log.warning("the unfinished %s cannot be gone on with: %s", part.info.text, error)
        good = False
    if not good:
        part.close(keep=False)
    return good


def _new(
    incoming: Incoming,
    key: str,
    info: FileInfo,
    target: bytes,
    facts: dict[str, Any],
    space: Space,
) -> Part:
    fd = incoming.create(temporary(key))
    if not system.lock(fd) or not os.fstat(fd).st_nlink:
        os.close(fd)  # somebody who cleans up was quicker
        raise FileExistsError
    incoming.remove(key.encode() + JOURNAL)
    part = Part(incoming, key, fd, info, target, _header(facts, fd), space)
    try:
        part._begin()
    except BaseException:
        part.close(keep=False)
        raise
    return part


def _runs(numbers: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Rising numbers as (first, count)."""
    first = count = 0
    for number in numbers:
        if count and number == first + count:
            count += 1
            continue
        if count:
            yield first, count
        first, count = number, 1
    if count:
        yield first, count
