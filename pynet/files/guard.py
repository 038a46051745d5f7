"""The last look at a file before it is removed: is it still the very file that was sent?"""

from __future__ import annotations

import errno
import os
import stat
import sys
from collections.abc import Callable
from types import TracebackType

from pynet.errors import BadName
from pynet.files.info import FileInfo
from pynet.files.inuse import OpenFiles, lease, still_leased
from pynet.files.tree import READ, Folder, Tree

Protect = Callable[[FileInfo, int], str]
"""Says why a file, open under a descriptor, must stay; ``""`` if it need not."""


class Kept(Exception):
    """The file stays, and why."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text


class Guarded:
    """A file that may be removed: it is what it was, and nobody else has it open.

    On Linux, who opens it from now on waits until this is closed.

    Args:
        tree, info: where it is and what it was when the move was planned.
        protect: what else may keep it.
        others: what other processes have open, where the system grants no leases.

    Raises:
        Kept: it has to stay.
        FileNotFoundError: there is no such name any more.
    """

    __slots__ = ("_fd", "_folder", "_info", "_leased", "_part", "_tree")

    def __init__(
        self, tree: Tree, info: FileInfo, protect: Protect | None, others: OpenFiles
    ) -> None:
        self._tree = tree
        self._info = info
        self._leased = False
        self._fd = -1
        try:
            self._folder, self._part = tree.place(info.name)
            self._fd = os.open(self._folder.prefix + self._part, READ, dir_fd=self._folder.fd)
            self._look(protect, others)
        except BadName as error:
            raise Kept("link", f"{error}; it stays") from None
        except OSError as error:
            self.close()
            raise _explained(info, error) from None
        except BaseException:
            self.close()
            raise

    def _look(self, protect: Protect | None, others: OpenFiles) -> None:
        info, status = self._info, os.fstat(self._fd)
        # A name more or less changes ctime too, and that it has more is the better reason.
        if status.st_nlink > 1 and stat.S_ISREG(status.st_mode) and status.st_ino == info.inode:
            raise Kept(
                "linked", f"{info.text} has other names too; it would free nothing, it stays"
            )
        if not is_as_planned(status, info):
            raise Kept("changed", f"{info.text} was changed since it was planned; it stays")
        reason = protect(info, self._fd) if protect is not None else ""
        if reason:
            raise Kept("protected", f"{info.text} stays: {reason}")
        granted = lease(self._fd)
        self._leased = granted is True
        if granted is False or (granted is None and others.holds(status)):
            raise Kept("open", f"{info.text} is open in another program; it stays until closed")

    def remove(self) -> None:
        """Take its name away.

        Raises:
            Kept: somebody did something to it in the last moment, or it may not be removed.
            FileNotFoundError: the name is gone.
        """
        info, folder = self._info, self._folder
        try:
            if not is_as_planned(folder.lstat(self._part), info):
                raise Kept("changed", f"{info.text} was replaced since it was planned; it stays")
            if self._leased and not still_leased(self._fd):
                raise Kept("open", f"{info.text} is being opened by another program; it stays")
            if sys.platform == "win32":
                self.close()  # an open file cannot be removed there
            self._tree.unlink(folder, self._part)
        except OSError as error:
            raise _explained(info, error) from None

    @property
    def folder(self) -> Folder:
        """Where it lies."""
        return self._folder

    def close(self) -> None:
        """Let others have it again."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)

    def __enter__(self) -> Guarded:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def is_as_planned(status: os.stat_result, info: FileInfo) -> bool:
    """Size, times and identity are those of the plan."""
    return (
        status.st_ino == info.inode
        and status.st_size == info.size
        and status.st_mtime_ns == info.mtime_ns
        and status.st_ctime_ns == info.ctime_ns
        and status.st_dev == info.device
        and status.st_nlink == 1
        and stat.S_ISREG(status.st_mode)
    )


def _explained(info: FileInfo, error: OSError) -> Exception:
    if isinstance(error, FileNotFoundError):
        return error
    if isinstance(error, BlockingIOError):
        return Kept("open", f"{info.text} is held by another program; it stays until let go")
    if error.errno in (errno.ELOOP, errno.ENXIO):
        return Kept("link", f"{info.text} is no file any more; it stays")
    if isinstance(error, PermissionError):
        return Kept(
            "denied",
            f"{info.text} stays: this program's user may not remove it; let it write to the folder",
        )
    return Kept("io", f"{info.text} cannot be removed: {error.strerror}; it stays")
