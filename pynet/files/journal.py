"""A file of records that only grows, and of which a crash can only take the newest.

The file begins with :data:`MAGIC`. A record is its length and a checksum (u32 each, little
endian), then msgpack ``[kind, *values]``; the first is the header. A checksum goes on from the one
before it, so a record counts only after all that were before it when it was written: whatever is
cut, flipped or left over from earlier, what is read is a prefix of what was committed. A length of
zero is the end: what follows is space that was taken in advance.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import struct
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

import msgpack

from pynet.errors import Busy, Closed, NoSpace
from pynet.files.crashing import AFTER, BEFORE, TORN, VARIABLE, crash_point, die, is_due

__all__ = ["Journal", "crash_point", "sync_data", "sync_folder"]

log = logging.getLogger("pynet.files")

MAGIC = b"PYNETJ1\n"
HEADER = "header"
LONGEST = 16 * 1024 * 1024
"""Bytes of one record; a longer one cannot have been written here."""

_PREFIX = struct.Struct("<II")
_FULL = (errno.ENOSPC, errno.EDQUOT)
_LOCKED_BYTE = 1 << 40  # far beyond the end; where locks are on bytes, reading is not hindered

Record = list[Any]


class Journal:
    """Records on a disk: what :meth:`commit` has returned for is there after a power cut.

    One thread at a time. While it is open, no other process can open it.

    Args:
        path: of the file, which need not exist; below ``folder`` if that is given.
        header: what, version, owner: one that was begun with another is set aside as ``.bad``.
        preallocate: bytes to take when it is begun, so that a full disk can still be written to.
            What there is of them is taken; more comes as it is needed.
        folder: descriptor of an open folder that ``path`` is in.

    Attributes:
        records: what was found, each ``[kind, *values]``, oldest first.
        cut: bytes of a torn end that were dropped.

    Raises:
        Busy: another one has it open.
        NoSpace: not even the header fits.
        OSError: the disk fails.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        header: dict[str, Any],
        *,
        preallocate: int = 0,
        folder: int | None = None,
    ) -> None:
        self._place = _Place(path, folder)
        self.records: list[Record] = []
        self.cut = 0
        self._header = [HEADER, header]
        self._pending: list[bytes] = []
        self._kinds: set[str] = set()
        self._reserved = False
        self._end = self._committed = 0
        self._fd = -1
        try:
            self._fd = self._place.open()
            if not self._read():
                self._begin(preallocate)
        except BaseException:
            self.close()
            raise
        self._checksum = self._committed

    # ---- writing ------------------------------------------------------------------------

    def append(self, kind: str, *values: Any) -> None:
        """Add a record; it is on the disk when :meth:`commit` has returned."""
        framed, self._checksum = _framed([kind, *values], self._checksum)
        self._pending.append(framed)
        self._kinds.add(kind)

    def commit(self) -> None:
        """Write what was added, as one, and wait until the disk has it.

        Raises:
            NoSpace: the disk is full. Nothing that was added is in it; later ones may fit.
            OSError: the disk fails. What it holds is not known; the journal is closed.
            Closed: it is closed.
        """
        if self._fd < 0:
            raise Closed(f"{self._place.path}: this journal was closed, or its disk failed")
        if not self._pending:
            return
        data, kinds = b"".join(self._pending), self._kinds
        self._pending, self._kinds = [], set()
        if VARIABLE in os.environ:
            self._maybe_crash(data, kinds)
        try:
            _write(self._fd, data, self._end)
        except OSError as error:
            self._checksum = self._committed
            self._forget_tail()
            raise _full(error, self._place.path) from error
        try:
            sync_data(self._fd)
        except OSError:
            # After one failure the kernel may call lost pages clean: another try would lie.
            self.close()
            raise
        self._end += len(data)
        self._committed = self._checksum
        if VARIABLE in os.environ and is_due(kinds, AFTER):
            die()

    def _maybe_crash(self, data: bytes, kinds: set[str]) -> None:
        if is_due(kinds, BEFORE):
            die()
        if is_due(kinds, TORN):
            _write(self._fd, data[: len(data) // 2], self._end)
            die()

    def _forget_tail(self) -> None:
        """Some of it may have been written; without this, it would be read when opened next."""
        with contextlib.suppress(OSError):
            self._drop_tail()

    def _drop_tail(self) -> None:
        size = os.fstat(self._fd).st_size
        if self._reserved:
            _write(self._fd, bytes(max(size - self._end, 0)), self._end)
        else:
            os.ftruncate(self._fd, self._end)

    # ---- opening ------------------------------------------------------------------------

    def _begin(self, preallocate: int) -> None:
        framed, self._committed = _framed(self._header, 0)
        head = MAGIC + framed
        try:
            _write(self._fd, head, 0)
            self._reserve(len(head), preallocate)
            os.fsync(self._fd)
        except OSError as error:
            with self._let_go():
                self._place.unlink()
            raise _full(error, self._place.path) from error
        self._place.sync()
        self._end = len(head)

    def _reserve(self, start: int, size: int) -> None:
        """Zeros and no fallocate: to turn that to use needs blocks, which a full disk has not."""
        self._reserved = size > 0
        step = 64 * 1024
        for at in range(start, size, step):
            try:
                _write(self._fd, bytes(min(step, size - at)), at)
            except OSError as error:
                if error.errno not in _FULL:
                    raise
                log.warning("%s: %d of %d bytes could be reserved", self._place.path, at, size)
                return

    def _read(self) -> bool:
        """Take in what there is; whether it is this journal."""
        data = _read_all(self._fd)
        if not data.strip(b"\0"):
            return False
        records, self._end, self._committed = _parse(data)
        if not records or records[0] != _as_read(self._header):
            self._set_aside()
            return False
        self.records = records[1:]
        tail = data[self._end :]
        torn = tail.rstrip(b"\0")
        self._reserved = len(tail) > len(torn)
        if torn:
            self.cut = len(torn)
            log.warning("%s: a torn end of %d bytes was dropped", self._place.path, self.cut)
            self._drop_tail()
            sync_data(self._fd)
        return True

    def _set_aside(self) -> None:
        log.warning("%s is of another kind or damaged; set aside as .bad", self._place.path)
        with self._let_go():
            self._place.set_aside()
        self._fd = self._place.open()

    @contextlib.contextmanager
    def _let_go(self) -> Iterator[None]:
        """Close the file after its name was taken away; before, where an open one keeps it."""
        fd, self._fd = self._fd, -1
        if sys.platform == "win32":
            os.close(fd)
            yield
            return
        try:
            yield
        finally:
            os.close(fd)

    # ---- the end ------------------------------------------------------------------------

    def remove(self) -> None:
        """Close it and delete the file; that it is gone is on the disk when this returns."""
        if self._fd >= 0:
            with self._let_go():
                self._place.unlink()
            self._place.sync()
        self.close()

    def close(self) -> None:
        """Leave the file as it is; what was added and not committed is dropped."""
        self._pending, self._kinds = [], set()
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
        self._place.close()

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class _Place:
    """A name in a folder, which stays that folder whatever is renamed above it."""

    def __init__(self, path: str | os.PathLike[str], folder: int | None) -> None:
        self.path = Path(path)
        self._name = str(self.path)
        self._folder: int | None = None
        if os.open in os.supports_dir_fd:
            if folder is not None:
                self._folder = os.dup(folder)
            else:
                self._folder = os.open(self.path.parent, os.O_RDONLY)
                self._name = self.path.name

    def open(self) -> int:
        """The file, made if need be and locked."""
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
        while True:
            fd = os.open(
                self._name, flags | getattr(os, "O_CLOEXEC", 0), 0o600, dir_fd=self._folder
            )
            try:
                _lock(fd, self.path)
                if self._is_still(fd):
                    return fd
            except BaseException:
                os.close(fd)
                raise
            os.close(fd)

    def _is_still(self, fd: int) -> bool:
        """The one that held the lock may have removed the file before it let go."""
        try:
            there = os.stat(self._name, dir_fd=self._folder, follow_symlinks=False)
        except FileNotFoundError:
            return False
        return os.path.samestat(there, os.fstat(fd))

    def set_aside(self) -> None:
        # The newest is kept: a journal that is bad at every start must not fill the disk.
        os.replace(
            self._name, self._name + ".bad", src_dir_fd=self._folder, dst_dir_fd=self._folder
        )

    def unlink(self) -> None:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._name, dir_fd=self._folder)

    def sync(self) -> None:
        if self._folder is not None:
            sync_folder(self._folder)

    def close(self) -> None:
        if self._folder is not None:
            os.close(self._folder)
            self._folder = None


def sync_data(fd: int) -> None:
    """Wait until the disk has what was written to a file, and its size."""
    if sys.platform == "darwin":
        import fcntl

        fcntl.fcntl(fd, fcntl.F_FULLFSYNC)
    elif hasattr(os, "fdatasync"):
        os.fdatasync(fd)
    else:
        os.fsync(fd)


def sync_folder(fd: int) -> None:
    """Wait until the disk has the names that were made or removed in a folder."""
    try:
        os.fsync(fd)
    except OSError as error:
        # Some file systems have no such thing for folders; of others a failure is one.
        if error.errno not in (errno.EINVAL, errno.ENOTSUP, errno.EBADF):
            raise


def _lock(fd: int, path: Path) -> None:
    try:
        if sys.platform == "win32":
            import msvcrt

            os.lseek(fd, _LOCKED_BYTE, os.SEEK_SET)
            msvcrt.locking(fd, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError) as error:
        raise Busy(f"{path}: another program is at work with this journal; wait for it") from error


def _framed(record: Record, checksum: int) -> tuple[bytes, int]:
    payload = msgpack.packb(record, use_bin_type=True)
    if len(payload) > LONGEST:
        raise ValueError(f"a record of {len(payload)} bytes; a journal takes up to {LONGEST}")
    after = _checked(payload, checksum)
    return _PREFIX.pack(len(payload), after) + payload, after


def _checked(payload: bytes | memoryview, checksum: int) -> int:
    return zlib.crc32(payload, zlib.crc32(len(payload).to_bytes(4, "little"), checksum))


def _parse(data: bytes) -> tuple[list[Record], int, int]:
    """The records, where they end, and the last one's checksum."""
    records: list[Record] = []
    at, checksum = len(MAGIC), 0
    if data[:at] != MAGIC:
        return [], 0, 0
    view = memoryview(data)
    while at + _PREFIX.size <= len(data):
        length, stated = _PREFIX.unpack_from(data, at)
        end = at + _PREFIX.size + length
        if not 0 < length <= LONGEST or end > len(data):
            break
        payload = view[at + _PREFIX.size : end]
        after = _checked(payload, checksum)
        if after != stated:
            break
        try:
            record = msgpack.unpackb(payload, strict_map_key=False)
        except ValueError:
            break
        if not isinstance(record, list) or not record or not isinstance(record[0], str):
            break
        records.append(record)
        at, checksum = end, after
    return records, at, checksum


def _as_read(record: Record) -> Record:
    """As it comes back: tuples as lists."""
    back: Record = msgpack.unpackb(msgpack.packb(record), strict_map_key=False)
    return back


def _read_all(fd: int) -> bytes:
    os.lseek(fd, 0, os.SEEK_SET)
    chunks = []
    while chunk := os.read(fd, 1 << 20):
        chunks.append(chunk)
    return b"".join(chunks)


def _write(fd: int, data: bytes, at: int) -> None:
    """All of it at a place in the file, which need not be where it ends."""
    view = memoryview(data)
    while view:
        if hasattr(os, "pwrite"):
            written = os.pwrite(fd, view, at)
        else:
            os.lseek(fd, at, os.SEEK_SET)
            written = os.write(fd, view)
        view, at = view[written:], at + written


def _full(error: OSError, path: Path) -> Exception:
    if error.errno in _FULL:
        return NoSpace(f"{path}: the disk is full; make room there and go on")
    return error
