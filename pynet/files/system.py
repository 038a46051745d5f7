"""What the system offers to files beyond Python's own, and what stands in where it is missing."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import platform
import re
import sys
import threading

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

_LINUX = sys.platform == "linux"
_KEEP_SIZE = 1  # FALLOC_FL_KEEP_SIZE
_NO_REPLACE = 1  # RENAME_NOREPLACE
_LOCKED_BYTE = 1 << 62  # behind any file: Windows denies reading what is locked
_NOT_HERE = (errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL, errno.ENOTSUP)

_libc = ctypes.CDLL(None, use_errno=True) if _LINUX else None
_renameat2 = getattr(_libc, "renameat2", None)
_seeking = threading.Lock()


def read_into(fd: int, view: memoryview, offset: int) -> int:
    """Read at a place until the view is full or the file ends; return the bytes read."""
    done = 0
    while done < len(view):
        if hasattr(os, "preadv"):
            got = os.preadv(fd, [view[done:]], offset + done)
        else:
            with _seeking:
                os.lseek(fd, offset + done, os.SEEK_SET)
                data = os.read(fd, len(view) - done)
            got = len(data)
            view[done : done + got] = data
        if not got:
            break
        done += got
    return done


def write_at(fd: int, view: memoryview, offset: int) -> None:
    """Write all of it at a place."""
    while view:
        if hasattr(os, "pwrite"):
            done = os.pwrite(fd, view, offset)
        else:
            with _seeking:
                os.lseek(fd, offset, os.SEEK_SET)
                done = os.write(fd, view)
        view = view[done:]
        offset += done


def lock(fd: int) -> bool:
    """Lock a file for this descriptor until it is closed; False if somebody else has it."""
    try:
        if sys.platform == "win32":
            os.lseek(fd, _LOCKED_BYTE, os.SEEK_SET)
            msvcrt.locking(fd, msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    return True


def sync(fd: int) -> None:
    """Wait until the disk has a file, with its mode and times."""
    if sys.platform == "darwin":
        fcntl.fcntl(fd, fcntl.F_FULLFSYNC)
    else:
        os.fsync(fd)


def sync_data(fd: int) -> None:
    """Wait until the disk has what was written to a file, and its size."""
    if hasattr(os, "fdatasync"):
        os.fdatasync(fd)
    else:
        sync(fd)


def sync_folder(fd: int) -> None:
    """Wait until the disk has the names in a folder; some file systems have no such call."""
    try:
        os.fsync(fd)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP):
            raise


def reserve(fd: int, size: int) -> bool:
    """Reserve disk space; False where the file system cannot without writing zeros.

    Raises:
        OSError: there is not enough.
    """
    if _libc is None or size <= 0:
        return False
    if _libc.fallocate(fd, _KEEP_SIZE, ctypes.c_longlong(0), ctypes.c_longlong(size)) == 0:
        return True
    number = ctypes.get_errno()
    if number in (*_NOT_HERE, errno.EINTR):
        return False
    raise OSError(number, os.strerror(number))


def dress(fd: int, path: bytes, mode: int, mtime_ns: int) -> None:
    """Give a file its mode and the time of its last change."""
    if os.utime not in os.supports_fd:
        os.utime(path, ns=(mtime_ns, mtime_ns))
        return
    os.fchmod(fd, mode)
    os.utime(fd, ns=(mtime_ns, mtime_ns))


def _reports_lost_writes() -> bool:
    """Whether ``syncfs`` tells of writes that failed: Linux 5.8 and later."""
    numbers = re.match(r"(\d+)\.(\d+)", platform.release())
    return _LINUX and numbers is not None and tuple(map(int, numbers.groups())) >= (5, 8)


HAS_SYNCFS = _libc is not None and hasattr(_libc, "syncfs") and _reports_lost_writes()


def sync_all(fd: int) -> None:
    """Make all of a file system durable, of which ``fd`` is any file opened before the writes."""
    assert _libc is not None
    if _libc.syncfs(fd):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def drop_cache(fd: int) -> None:
    """Ask that the next read of a durable file comes from the disk."""
    if hasattr(os, "posix_fadvise"):
        with contextlib.suppress(OSError):
            os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)


def read_ahead(fd: int) -> None:
    """Have the disk begin to read a file that is wanted soon."""
    if hasattr(os, "posix_fadvise"):
        with contextlib.suppress(OSError):
            os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_WILLNEED)


def rename_new(source: bytes, target: bytes, source_fd: int | None, target_fd: int | None) -> bool:
    """Rename unless the target exists, in one step; False where the file system cannot.

    Raises:
        FileExistsError: it does.
    """
    if sys.platform == "win32":
        os.rename(source, target)  # never replaces there
        return True
    if _renameat2 is None:
        return False
    if _renameat2(source_fd, source, target_fd, target, _NO_REPLACE) == 0:
        return True
    number = ctypes.get_errno()
    if number in _NOT_HERE:
        return False
    raise OSError(number, os.strerror(number))
