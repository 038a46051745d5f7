"""Files being read to be sent: one state of the file is sent, or an error says it is not one."""

from __future__ import annotations

import os
from types import TracebackType

from pynet.errors import BadName, SourceChanged
from pynet.files import system
from pynet.files.hashing import LEAF, leaf_count, leaf_size
from pynet.files.info import FileInfo
from pynet.files.tree import READ, Tree

_SEEK_DATA = getattr(os, "SEEK_DATA", None)


def read_small(tree: Tree, info: FileInfo) -> bytes:
    """The content of a small file, as it was when it was looked at.

    Raises:
        SourceChanged: it is not as it was, or no file any more.
        FileNotFoundError, PermissionError: as the system says.
    """
    folder, part = tree.place(info.name)
    try:
        fd = os.open(folder.prefix + part, READ, dir_fd=folder.fd)
    except OSError as error:
        raise _opening(info, error) from None
    try:
        same = _same(os.fstat(fd), info)
        data = os.read(fd, info.size + 1) if same else b""
        if not same or len(data) != info.size or not _same(os.fstat(fd), info):
            raise _changed(info)
    finally:
        os.close(fd)
    return data


class SourceFile:
    """One large file being read. Any thread may read any leaf.

    Args:
        tree, info: where it lies and what it was when the transfer was planned.

    Raises:
        SourceChanged: it is not that any more.
        FileNotFoundError, PermissionError: as the system says.
    """

    def __init__(self, tree: Tree, info: FileInfo) -> None:
        self._tree = tree
        self.info = info
        self.leaves = leaf_count(info.size)
        try:
            self._fd = tree.open(info.name)
        except (OSError, BadName) as error:
            raise _opening(info, error) from None
        if not _same(os.fstat(self._fd), info):
            self.close()
            raise _changed(info)
        self._sparse = _SEEK_DATA is not None and info.allocated < info.size

    @property
    def fd(self) -> int:
        """For ``sendfile``; -1 when closed."""
        return self._fd

    def read(self, index: int, into: memoryview) -> memoryview:
        """Read one leaf; return the part of ``into`` that it took.

        Raises:
            SourceChanged: the file has become shorter.
        """
        view = into[: leaf_size(self.info.size, index)]
        if system.read_into(self._fd, view, index * LEAF) != len(view):
            raise _changed(self.info)
        return view

    def hole(self, index: int) -> int:
        """How many whole leaves from this one on lie in a hole: zero, and stored nowhere."""
        if not self._sparse:
            return 0
        try:
            data = os.lseek(self._fd, index * LEAF, _SEEK_DATA or 0)
        except OSError:  # ENXIO: nothing is stored from here to the end
            return self.leaves - index
        return max(0, data // LEAF - index)

    def check(self) -> None:
        """Make sure that file and name are what they were.

        Raises:
            SourceChanged: one of them is not.
        """
        try:
            named = self._tree.info(self.info.name)
        except (OSError, BadName):
            raise _changed(self.info) from None
        if not _same(os.fstat(self._fd), self.info) or named.inode != self.info.inode:
            raise _changed(self.info)
        if (named.size, named.mtime_ns, named.ctime_ns) != _times(self.info):
            raise _changed(self.info)

    def close(self) -> None:
        """Let go of it."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)

    def __enter__(self) -> SourceFile:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _times(info: FileInfo) -> tuple[int, int, int]:
    return info.size, info.mtime_ns, info.ctime_ns


def _same(status: os.stat_result, info: FileInfo) -> bool:
    return (
        status.st_mtime_ns == info.mtime_ns
        and status.st_size == info.size
        and status.st_ctime_ns == info.ctime_ns
        and status.st_ino == info.inode
        and status.st_dev == info.device
    )


def _changed(info: FileInfo) -> SourceChanged:
    return SourceChanged(f"{info.text} was changed or replaced since it was looked at")


def _opening(info: FileInfo, error: Exception) -> Exception:
    """A link or a pipe where the file was is a change; what the system forbids stays that."""
    if isinstance(error, (FileNotFoundError, PermissionError)):
        return error
    return SourceChanged(f"{info.text} is not the file any more that was looked at: {error}")
