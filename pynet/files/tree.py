"""A folder that everything happens below, whatever names and links try.

Every part of a name is opened from the folder before it and never through a link, so that nobody
who swaps a folder for a link meanwhile can lead outside. Where the system has no such calls
(Windows) each part is looked at before it is used.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

from pynet.errors import BadName, NotShared
from pynet.files import system
from pynet.files.info import FileInfo, Problem, Usage, shown
from pynet.files.names import INCOMING, check
from pynet.files.quota import Quota, allocated
from pynet.files.selection import Selection
from pynet.files.walk import walk

BY_DESCRIPTOR = os.open in os.supports_dir_fd and os.stat in os.supports_dir_fd

CLOEXEC = getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)
_FOLDER = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | CLOEXEC
READ = os.O_RDONLY | NO_FOLLOW | getattr(os, "O_NONBLOCK", 0) | CLOEXEC

KEPT = 128  # folders kept open; trees are walked in order
FRESH = 1.0  # seconds after which a kept folder is looked up again: it may have been moved


class Folder:
    """An open folder; closed by itself when nobody holds it any more.

    ``os.open(folder.prefix + part, flags, dir_fd=folder.fd)`` reaches what is in it.

    Attributes:
        name: below the root; ``b""`` is the root.
        fd: what ``dir_fd`` wants, None where the system has no such calls.
        prefix: comes before a part's name; empty where there is ``fd``.
    """

    __slots__ = ("expires", "fd", "name", "prefix")

    def __init__(self, name: bytes, fd: int | None, prefix: bytes = b"") -> None:
        self.name = name
        self.fd = fd
        self.prefix = prefix
        self.expires = time.monotonic() + FRESH

    def lstat(self, part: bytes) -> os.stat_result:
        """What ``lstat`` tells of one thing in it."""
        return os.stat(self.prefix + part, dir_fd=self.fd, follow_symlinks=False)

    def listing(self) -> int | bytes:
        """What ``os.scandir`` wants: a descriptor that is the caller's to close, or a path."""
        if self.fd is None:
            return self.prefix
        return os.open(b".", _FOLDER, dir_fd=self.fd)

    def sync(self) -> None:
        """Make what was created in it last; raises what ``fsync`` raises."""
        if self.fd is not None:
            system.sync_folder(self.fd)

    def close(self) -> None:
        """Let go of it."""
        fd = self.fd
        if fd is not None and fd >= 0:
            self.fd = -1  # and not None: that would mean the working directory
            os.close(fd)

    def __del__(self) -> None:
        self.close()


def _is_junction(status: os.stat_result) -> bool:
    """A folder of Windows that leads elsewhere."""
    tag = getattr(stat, "IO_REPARSE_TAG_MOUNT_POINT", None)
    return tag is not None and getattr(status, "st_reparse_tag", 0) == tag


class Tree:
    """A folder and all below it. Any thread.

    Args:
        path: the folder; links on the way to it are its owner's business and followed.
        create: make it if it is missing, and what it lies in.
        quota: what it may hold; None for all that its disk can.

    Raises:
        NotShared: it is no folder, or cannot be used.
    """

    def __init__(
        self, path: Path | str, *, create: bool = False, quota: Quota | None = None
    ) -> None:
        self.quota = quota
        self.path = Path(os.path.abspath(Path(path).expanduser()))
        try:
            if create:
                self.path.mkdir(parents=True, exist_ok=True)
            place = os.fsencode(self.path)
            fd = os.open(place, _FOLDER) if BY_DESCRIPTOR else None
            self.device = (os.fstat(fd) if fd is not None else os.stat(place)).st_dev
        except OSError as error:
            raise NotShared(f"{self.path} is no folder to use: {error.strerror}") from error
        self._root = Folder(b"", fd, b"" if BY_DESCRIPTOR else os.path.join(place, b""))
        self._folders: OrderedDict[bytes, Folder] = OrderedDict()
        self._lock = threading.Lock()

    def folder(self, name: bytes, *, create: bool = False) -> Folder:
        """Open a folder below, with ``create`` after making it and what it lies in.

        Raises:
            BadName: a link or a file is where a folder should be.
            FileNotFoundError: it is not there.
        """
        if not name:
            return self._root
        with self._lock:
            found = self._folders.get(name)
            if found is not None and found.expires > time.monotonic():
                self._folders.move_to_end(name)
                return found
        check(name)
        return self._walk(name, create)

    def incoming(self, *, create: bool = False) -> Folder:
        """Open the folder of unfinished files, as :meth:`folder` does."""
        return self._step(self._root, INCOMING, create, 0o700)

    def _walk(self, name: bytes, create: bool) -> Folder:
        """Open one part after the other, from the nearest folder that is kept."""
        folder = self._nearest(name.rpartition(b"/")[0])
        rest = name[len(folder.name) :].lstrip(b"/") if folder.name else name
        for part in rest.split(b"/"):
            folder = self._step(folder, part, create)
            with self._lock:
                self._folders[folder.name] = folder
                self._folders.move_to_end(folder.name)
                if len(self._folders) > KEPT:
                    self._folders.popitem(last=False)
        return folder

    def _nearest(self, name: bytes) -> Folder:
        now = time.monotonic()
        with self._lock:
            while name:
                found = self._folders.get(name)
                if found is not None and found.expires > now:
                    self._folders.move_to_end(name)
                    return found
                name = name.rpartition(b"/")[0]
        return self._root

    def make(self, name: bytes) -> bool:
        """Make a folder, and what it lies in, if it is missing; tell whether it was.

        Raises:
            BadName: a link or a file is where a folder should be.
        """
        above, _, part = check(name).rpartition(b"/")
        parent = self.folder(above, create=True)
        try:
            os.mkdir(parent.prefix + part, 0o777, dir_fd=parent.fd)
        except FileExistsError:
            self.folder(name)
            return False
        return True

    def _step(self, above: Folder, part: bytes, create: bool, mode: int = 0o777) -> Folder:
        name = above.name + b"/" + part if above.name else part
        try:
            return self._enter(above, part, name)
        except FileNotFoundError:
            if not create:
                raise
        with contextlib.suppress(FileExistsError):  # somebody was quicker, or it is a dead link
            os.mkdir(above.prefix + part, mode, dir_fd=above.fd)
        return self._enter(above, part, name)

    def _enter(self, above: Folder, part: bytes, name: bytes) -> Folder:
        try:
            if above.fd is not None:
                return Folder(name, os.open(part, _FOLDER | NO_FOLLOW, dir_fd=above.fd))
            status = above.lstat(part)
            if not stat.S_ISDIR(status.st_mode) or _is_junction(status):
                raise NotADirectoryError(errno.ENOTDIR, "no folder")
        except OSError as error:
            if error.errno in (errno.ENOTDIR, errno.ELOOP):
                raise BadName(f"{shown(name)} is no folder here; links are not followed") from None
            raise
        return Folder(name, None, os.path.join(above.prefix + part, b""))

    def place(self, name: bytes) -> tuple[Folder, bytes]:
        """The folder that a file lies in, and its name there."""
        above, _, part = check(name).rpartition(b"/")
        return self.folder(above), part

    def info(self, name: bytes) -> FileInfo:
        """What is under that name; ``b""`` is the root.

        Raises:
            FileNotFoundError: nothing.
            BadName: it lies behind a link.
        """
        if not name:
            root = self._root
            return FileInfo.of(name, os.stat(root.prefix if root.fd is None else root.fd))
        folder, part = self.place(name)
        return FileInfo.of(name, folder.lstat(part))

    def open(self, name: bytes) -> int:
        """Open a file for reading.

        Raises:
            BadName: it is no regular file, or lies behind a link.
            FileNotFoundError, PermissionError: as the system says.
        """
        folder, part = self.place(name)
        if folder.fd is None and not stat.S_ISREG(folder.lstat(part).st_mode):
            raise BadName(f"{shown(name)} is no file")
        try:
            fd = os.open(folder.prefix + part, READ, dir_fd=folder.fd)
        except OSError as error:
            if error.errno in (errno.ELOOP, errno.ENXIO):
                raise BadName(f"{shown(name)} is no file; links are not followed") from None
            raise
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            os.close(fd)
            raise BadName(f"{shown(name)} is no file")
        return fd

    def usage(self) -> Usage:
        """How full it is: its disk, counted as df does, or what it may hold."""
        disk = self._disk()
        return disk if self.quota is None else self.quota.usage(self, disk)

    def _disk(self) -> Usage:
        root = self._root
        if not hasattr(os, "statvfs"):
            import shutil

            total, _, free = shutil.disk_usage(self.path)
            return Usage(total - free, free)
        status = os.statvfs(root.prefix if root.fd is None else root.fd)
        return Usage(
            (status.f_blocks - status.f_bfree) * status.f_frsize,
            status.f_bavail * status.f_frsize,
            status.f_favail if status.f_files else -1,
        )

    def remove(self, name: bytes) -> None:
        """Remove a file's name; raises what ``unlink`` raises."""
        self.unlink(*self.place(name))

    def unlink(self, folder: Folder, part: bytes) -> None:
        """Remove a file's name from a folder of this tree; raises what ``unlink`` raises."""
        if self.quota is None:
            os.unlink(folder.prefix + part, dir_fd=folder.fd)
            return
        with self.quota as quota:
            status = folder.lstat(part)
            os.unlink(folder.prefix + part, dir_fd=folder.fd)
            if status.st_nlink <= 1:
                quota.add(-allocated(status))

    def remove_folder(self, name: bytes) -> None:
        """Remove a folder that is empty; raises what ``rmdir`` raises."""
        above, _, part = name.rpartition(b"/")
        folder = self.folder(above)
        os.rmdir(folder.prefix + part, dir_fd=folder.fd)
        self.forget(name)

    def forget(self, name: bytes) -> None:
        """Look a folder up again when it is wanted next."""
        with self._lock:
            self._folders.pop(name, None)

    def scan(self, selection: Selection) -> Iterator[FileInfo | Problem]:
        """What is selected, sorted, each folder before what is in it.

        Links, special files, other file systems and folders that cannot be read are Problems.
        """
        return walk(self, selection)

    def close(self) -> None:
        """Let go of all folders."""
        with self._lock:
            self._folders.clear()
        self._root.close()

    def __enter__(self) -> Tree:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
