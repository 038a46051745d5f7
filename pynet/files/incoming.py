"""The folder of unfinished files: who is at work in it, and what of earlier work nobody needs."""

from __future__ import annotations

import contextlib
import errno
import itertools
import os
import re
import time
from dataclasses import dataclass

from pynet.errors import FilesError
from pynet.files import system
from pynet.files.names import INCOMING, PART, temporary
from pynet.files.tree import CLOEXEC, NO_FOLLOW, Folder, Tree

KEPT_FOR = 7 * 24 * 3600.0
"""Seconds after which a part that nobody went on with is removed."""

JOURNAL = b".journal"
LOCK = b".lock"
CREATE = os.O_RDWR | os.O_CREAT | os.O_EXCL | NO_FOLLOW | CLOEXEC

_OF_SESSION = re.compile(rb"(s[0-9a-f]{16})-.*", re.DOTALL)
_GRAINS = (1, 100, 1_000, 1_000_000, 10_000_000, 1_000_000_000, 2_000_000_000)
_INSTANT = 1_000_000_001_123_456_789  # ns; no coarser clock than the first has it


@dataclass(frozen=True, slots=True)
class Traits:
    """What a file system does to names and times.

    Attributes:
        folds: names that differ in case or in how accents are written are one name.
        picky: some names that Linux has are not taken; see :func:`pynet.files.names.portable`.
        grain: nanoseconds that times are rounded down to.
    """

    folds: bool
    picky: bool
    grain: int


class Incoming:
    """This program's place in the folder of unfinished files. Any thread.

    Files named after the session are of use to this program only; when its lock is gone, whoever
    comes next removes them. Parts that can be gone on with are named after what they are of.

    Args:
        tree: in which it is; made if need be.
        kept_for: seconds; older parts that nobody has open are removed.
    """

    def __init__(self, tree: Tree, kept_for: float = KEPT_FOR) -> None:
        self._tree = tree
        self._numbers = itertools.count()
        self._fd = -1
        for _ in range(100):
            self.folder: Folder = tree.incoming(create=True)
            self.session = b"s" + os.urandom(8).hex().encode()
            if self._begin():
                break
        else:
            raise FilesError(f"{tree.path}: no place for unfinished files could be made")
        try:
            self._sweep(kept_for)
            self.traits = self._probe()
        except BaseException:
            self.close()
            raise

    def _begin(self) -> bool:
        """Lock this session's file; False if somebody removed it, or the folder, meanwhile."""
        try:
            self._fd = os.open(
                self.folder.prefix + self.session + LOCK, CREATE, 0o600, dir_fd=self.folder.fd
            )
        except FileNotFoundError:
            self.folder.close()
            return False
        if system.lock(self._fd) and os.fstat(self._fd).st_nlink:
            return True
        os.close(self._fd)
        self._fd = -1
        self.folder.close()
        return False

    def name(self) -> bytes:
        """For a new file of this session."""
        return b"%b-%x%b" % (self.session, next(self._numbers), PART)

    def create(self, name: bytes) -> int:
        """Make a file; raises FileExistsError if there is one."""
        return os.open(self.folder.prefix + name, CREATE, 0o600, dir_fd=self.folder.fd)

    def remove(self, name: bytes) -> None:
        """Remove a file, if it is there."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.folder.prefix + name, dir_fd=self.folder.fd)

    def open_locked(self, name: bytes) -> int | None:
        """Open a file of which nobody else is at work; None if somebody is.

        Raises:
            FileNotFoundError: it is not there, or was removed just now.
        """
        flags = os.O_RDWR | NO_FOLLOW | CLOEXEC
        try:
            fd = os.open(self.folder.prefix + name, flags, dir_fd=self.folder.fd)
        except OSError as error:
            if error.errno != errno.ELOOP:
                raise
            self.remove(name)  # a link was never made here
            raise FileNotFoundError from None
        if not system.lock(fd):
            os.close(fd)
            return None
        if not os.fstat(fd).st_nlink:
            os.close(fd)
            raise FileNotFoundError
        return fd

    # ---- what others left ----------------------------------------------------------------

    def _names(self) -> list[bytes]:
        place = self.folder.listing()
        try:
            return [os.fsencode(name) for name in os.listdir(place)]
        finally:
            if isinstance(place, int):
                os.close(place)

    def _sweep(self, kept_for: float) -> None:
        ended: dict[bytes, bool] = {self.session: False}
        names = self._names()
        for name in names:
            of = _OF_SESSION.fullmatch(name)
            if of is not None:
                session = of[1]
                if session not in ended:
                    ended[session] = self._end(session + LOCK)
                if ended[session]:
                    with contextlib.suppress(OSError):
                        self.remove(name)
            elif name.endswith(LOCK) and name[: -len(LOCK)] not in ended:
                ended[name[: -len(LOCK)]] = self._end(name)
        before = time.time() - kept_for
        for name in names:
            if name.endswith((PART, JOURNAL, JOURNAL + b".bad")) and not _OF_SESSION.match(name):
                self._expire(name, before)

    def _end(self, lock: bytes) -> bool:
        """Remove the lock of a session that is over; whether it is."""
        try:
            fd = self.open_locked(lock)
        except FileNotFoundError:
            return True
        except OSError:
            return False
        if fd is None:
            return False
        self.remove(lock)
        os.close(fd)
        return True

    def _expire(self, name: bytes, before: float) -> None:
        """Remove what nobody went on with. Times of content are the source's; this one is not."""
        with contextlib.suppress(OSError):
            if self.folder.lstat(name).st_ctime >= before:
                return
            fd = self.open_locked(name)
            if fd is None:
                return
            key = name.partition(b".")[0]
            if name.endswith(PART) or not self._exists(temporary(key.decode())):
                self.remove(name)
                if name.endswith(PART):
                    self.remove(key + JOURNAL)
            os.close(fd)

    def _exists(self, name: bytes) -> bool:
        try:
            self.folder.lstat(name)
        except FileNotFoundError:
            return False
        return True

    # ---- what kind of file system it is --------------------------------------------------

    def _probe(self) -> Traits:
        stem = self.session + b"-"
        name = stem + "Prob\u00e9".encode()
        fd = self.create(name)
        try:
            system.dress(fd, self.folder.prefix + name, 0o600, _INSTANT)
        finally:
            os.close(fd)
        after = self.folder.lstat(name).st_mtime_ns
        grain = next((grain for grain in _GRAINS if _INSTANT // grain * grain == after), 1)
        folds = any(self._exists(stem + other.encode()) for other in ("pROB\u00e9", "Probe\u0301"))
        self.remove(name)
        picky = os.name == "nt" or not all(self._takes(stem + odd) for odd in (b'a:b?"', b"\xff"))
        return Traits(folds, picky, grain)

    def _takes(self, name: bytes) -> bool:
        try:
            os.close(self.create(name))
        except OSError:
            return False
        self.remove(name)
        return True

    def close(self) -> None:
        """Leave; the last one removes the folder if nothing waits in it."""
        fd, self._fd = self._fd, -1
        if fd < 0:
            return
        with contextlib.suppress(OSError):  # who comes next removes it
            self.remove(self.session + LOCK)
        os.close(fd)
        self.folder.close()
        with contextlib.suppress(OSError):
            self._tree.remove_folder(INCOMING)
