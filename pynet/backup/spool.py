"""Where files lie on their way to a store or back; nothing that is there is a copy of anything."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from pathlib import Path
from types import TracebackType

from pynet.errors import Busy, FilesError
from pynet.files import system
from pynet.files.incoming import CREATE
from pynet.files.tree import NO_FOLLOW

FOLDER = ".pynet-spool"
"""In the destination: a folder for each program that is at work, and beside it its lock."""

_LOCK = ".lock"


class Spool:
    """This program's part of it, and all of it that programs that were killed have left.

    Args:
        destination: the folder in which it is.
        name: of the part. Large files that were cut off are gone on with in one of the same name;
            by default it is a new one.

    Attributes:
        path: the folder for files.
        base: its name below the destination.

    Raises:
        Busy: another program has the part of that name.
    """

    def __init__(self, destination: Path, name: str = "") -> None:
        above = destination / FOLDER
        self._above = above
        name = name or secrets.token_hex(8)
        self.path = above / name
        self.base = f"{FOLDER}/{name}".encode()
        for _ in range(100):
            above.mkdir(parents=True, exist_ok=True)
            if above.is_symlink():
                raise FilesError(f"{above} is a link; remove it")
            if self._begin(name):
                break
        else:
            raise FilesError(f"{above}: no place for files on their way could be made")
        self._sweep(name)
        shutil.rmtree(self.path, ignore_errors=True)
        self.path.mkdir()

    def _begin(self, name: str) -> bool:
        """Lock this part; False if somebody removed the lock, or the folder, meanwhile."""
        try:
            self._fd = os.open(self._above / (name + _LOCK), CREATE & ~os.O_EXCL, 0o600)
        except FileNotFoundError:
            return False
        locked = system.lock(self._fd)
        if locked and os.fstat(self._fd).st_nlink:
            return True
        os.close(self._fd)
        if not locked:
            raise Busy(f"another program has {self.path}")
        return False

    def _sweep(self, own: str) -> None:
        for entry in os.listdir(self._above):
            if entry.endswith(_LOCK) and entry != own + _LOCK:
                with contextlib.suppress(OSError):
                    self._end(entry)

    def _end(self, lock: str) -> None:
        fd = os.open(self._above / lock, os.O_RDWR | NO_FOLLOW)
        try:
            if system.lock(fd):
                shutil.rmtree(self._above / lock.removesuffix(_LOCK), ignore_errors=True)
                os.unlink(self._above / lock)
        finally:
            os.close(fd)

    def key(self, name: bytes) -> bytes:
        """What a file of the spool is called in the store."""
        return name.removeprefix(self.base + b"/")

    def close(self) -> None:
        """Remove all that is in it. Idempotent."""
        fd, self._fd = self._fd, -1
        if fd < 0:
            return
        shutil.rmtree(self.path, ignore_errors=True)
        with contextlib.suppress(OSError):
            os.unlink(f"{self.path}{_LOCK}")
        os.close(fd)
        with contextlib.suppress(OSError):
            self._above.rmdir()

    def __enter__(self) -> Spool:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
