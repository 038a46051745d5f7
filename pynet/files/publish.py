"""Giving a finished file its name: in one step, and never in place of another unasked."""

from __future__ import annotations

import contextlib
import errno
import os
import unicodedata
from collections.abc import Callable, Iterator
from typing import Literal

from pynet.errors import ConfigurationError, FilesError
from pynet.files import system
from pynet.files.info import shown
from pynet.files.names import numbered
from pynet.files.quota import allocated
from pynet.files.tree import Folder, Tree

Conflict = Literal["keep", "overwrite", "skip"]

_CANNOT_LINK = (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK)
_FOLLOW_NOT = {"follow_symlinks": False} if os.link in os.supports_follow_symlinks else {}

Same = Callable[[Folder, bytes], bool]
"""Whether what has the name already is the file that was to get it."""


Move = Callable[[Folder, bytes, Folder, bytes], None]
"""Moves what has a name in one folder to a name in another."""


class Publisher:
    """Moves finished files to their names. Any thread.

    Args:
        tree: in which the names are.
        conflict: what to do where something else has the name: ``"keep"`` both, under another
            name, ``"overwrite"``, or ``"skip"``.

    Attributes:
        folds: the file system takes names for one that are not; see ``Traits``.

    Raises:
        ConfigurationError: there is no such way to deal with conflicts.
    """

    def __init__(self, tree: Tree, conflict: Conflict) -> None:
        if conflict not in ("keep", "overwrite", "skip"):
            raise ConfigurationError(f"conflict is keep, overwrite or skip, not {conflict!r}")
        self.conflict = conflict
        self._tree = tree
        self.folds = False

    def publish(self, where: Folder, temporary: bytes, target: bytes, same: Same) -> bytes:
        """Give a file its name, or one with a number; return what it is.

        If the very same file has the name already, nothing moves: the other one may be removed.

        Raises:
            FileExistsError: something else has it, and conflicts are skipped.
            OSError: as the system says.
        """
        above, _, part = target.rpartition(b"/")
        folder = self._tree.folder(above, create=True)
        try:
            part = self._put(where, temporary, folder, part, same)
        except FileNotFoundError:
            # The folder may have been removed or replaced since it was opened.
            self._tree.forget(above)
            folder = self._tree.folder(above, create=True)
            part = self._put(where, temporary, folder, part, same)
        return above + b"/" + part if above else part

    def _put(
        self, where: Folder, temporary: bytes, folder: Folder, part: bytes, same: Same
    ) -> bytes:
        if self.conflict == "overwrite" and self.is_exact(folder, part):
            try:
                self._move(move_over, where, temporary, folder, part)
            except (IsADirectoryError, NotADirectoryError):
                raise FileExistsError(errno.EEXIST, "a folder has its name") from None
            return part
        for candidate in candidates(part):
            try:
                self._move(move_new, where, temporary, folder, candidate)
            except FileExistsError:
                if same(folder, candidate):
                    return candidate
                if self.conflict == "skip":
                    text = "something else has its name, and conflicts are skipped"
                    raise FileExistsError(errno.EEXIST, text) from None
            else:
                return candidate
        raise FilesError(f"{shown(part)}: there are too many files of that name")

    def _move(
        self, move: Move, where: Folder, temporary: bytes, folder: Folder, part: bytes
    ) -> None:
        """Move it, and count it where the tree may hold so much only."""
        if self._tree.quota is None:
            move(where, temporary, folder, part)
            return
        with self._tree.quota as quota:
            size = allocated(where.lstat(temporary))
            if move is move_over:
                with contextlib.suppress(FileNotFoundError):
                    size -= allocated(folder.lstat(part))
            move(where, temporary, folder, part)
            quota.add(size)

    def is_exact(self, folder: Folder, part: bytes) -> bool:
        """Whether no other name stands in the way that only this file system takes for it."""
        if not self.folds:
            return True
        try:
            folder.lstat(part)
        except FileNotFoundError:
            return True
        place = folder.listing()
        try:
            wanted = _composed(part)
            return any(_composed(os.fsencode(name)) == wanted for name in os.listdir(place))
        finally:
            if isinstance(place, int):
                os.close(place)


def candidates(part: bytes) -> Iterator[bytes]:
    """The names that a file may get: its own, then those with numbers."""
    yield part
    for number in range(2, 10_000):
        yield numbered(part, number)


def move_over(source: Folder, old: bytes, target: Folder, new: bytes) -> None:
    """Rename in place of what has the name, in one step."""
    os.replace(source.prefix + old, target.prefix + new, src_dir_fd=source.fd, dst_dir_fd=target.fd)


def move_new(source: Folder, old: bytes, target: Folder, new: bytes) -> None:
    """Rename without replacing anything, in one step where the file system can.

    Raises:
        FileExistsError: something has the name.
    """
    before, after = source.prefix + old, target.prefix + new
    if system.rename_new(before, after, source.fd, target.fd):
        return
    try:
        os.link(before, after, src_dir_fd=source.fd, dst_dir_fd=target.fd, **_FOLLOW_NOT)
    except OSError as error:
        if error.errno not in _CANNOT_LINK:
            raise
    else:
        os.unlink(before, dir_fd=source.fd)
        return
    # Neither call is there (some network and FUSE file systems): look first, then rename.
    try:
        target.lstat(new)
    except FileNotFoundError:
        os.rename(before, after, src_dir_fd=source.fd, dst_dir_fd=target.fd)
        return
    raise FileExistsError(errno.EEXIST, "something has that name")


def _composed(name: bytes) -> bytes:
    text = name.decode("utf-8", "surrogateescape")
    return unicodedata.normalize("NFC", text).encode("utf-8", "surrogateescape")
