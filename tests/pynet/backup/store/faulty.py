"""A store on this disk that fails when it is told to, for fsspec as ``faulty://``."""

from __future__ import annotations

import errno
import itertools
import os
from typing import Any

import fsspec
from fsspec.implementations.local import LocalFileSystem

FLIPS, REFUSES, FULL, CUT, DOWN = "flips", "refuses", "full", "cut", "down"


class Faulty(LocalFileSystem):
    """As the local one, but for the file that is written n-th, and for all after it."""

    protocol = "faulty"
    what = ""
    number = 0
    passed = itertools.count(1)
    spoilt: frozenset[str] = frozenset()
    is_down = False

    def _open(self, path: str, mode: str = "rb", block_size: Any = None, **more: Any) -> Any:
        cls = type(self)
        if cls.is_down:
            raise ConnectionResetError("the store went away")
        opened = super()._open(path, mode, block_size, **more)
        if "w" not in mode or ".pynet-mark" in path or path.endswith("-check"):
            return opened
        if next(cls.passed) >= cls.number:
            return self._failing(opened)
        return opened

    def _failing(self, opened: Any) -> Any:
        cls = type(self)
        if cls.what == REFUSES:
            opened.close()
            raise PermissionError(errno.EACCES, "not you")
        write = opened.write

        def spoilt(data: bytes) -> int:
            if cls.what == FLIPS:
                return int(write(bytes([data[0] ^ 1]) + data[1:]))
            write(data[: len(data) // 2])
            if cls.what == FULL:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            cls.is_down = cls.what == DOWN
            raise ConnectionResetError("cut in the middle")

        opened.write = spoilt
        return opened

    def info(self, path: str, **more: Any) -> Any:
        if type(self).is_down:
            raise ConnectionResetError("the store went away")
        return super().info(path, **more)


def register(what: str = "", number: int = 1) -> None:
    """Let there be such a store in this process."""
    Faulty.what, Faulty.number, Faulty.is_down = what, number, False
    if not what:
        Faulty.number = 1 << 62
    Faulty.passed = itertools.count(1)
    fsspec.register_implementation("faulty", Faulty, clobber=True)
