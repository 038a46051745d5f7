"""Folders of this laptop and of the car, read for a pane. On the threads of the pane only."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from pynet.files.info import FILE, FOLDER, kind_of
from rcapp.core.files.engine import UNKNOWN, Entry, FilesEngine

MOST_COUNTED = 200_000
"""Files after which the size of a folder is left open: nobody waits for a whole home folder."""

Crumb = tuple[str, str]
"""What a person reads of a folder, and its path."""


class Folders(Protocol):
    """One side's folders. Every method may take a while."""

    def home(self) -> str:
        """Where to begin."""

    def read(self, folder: str) -> list[Entry]:
        """What is in a folder; sizes of folders are not known yet."""

    def sized(self, folder: str, entries: list[Entry], stop: Callable[[], bool]) -> list[Entry]:
        """The same with sizes of folders; what was counted so far when ``stop`` says so."""

    def stamp(self, folder: str) -> object:
        """Something that differs when the folder has changed; None where that is not known."""

    def writable(self, folder: str) -> bool:
        """Files may be put there."""

    def parent(self, folder: str) -> str | None:
        """The folder around it, or None at the top. Never waits."""

    def crumbs(self, folder: str) -> tuple[Crumb, ...]:
        """The way to a folder. Never waits."""

    def join(self, folder: str, name: str) -> str:
        """The path of something in a folder. Never waits."""


class LocalFolders:
    """Folders of this laptop; their paths are those of the system."""

    def __init__(self, begin: str = "") -> None:
        self._begin = begin

    def home(self) -> str:
        """The folder given at first if it is there, else the person's own."""
        if self._begin and os.path.isdir(self._begin):
            return self._begin
        return str(Path.home())

    def read(self, folder: str) -> list[Entry]:
        """What is in a folder.

        Raises:
            OSError: it cannot be read.
        """
        found = []
        with os.scandir(folder) as listing:
            for one in listing:
                # What vanishes meanwhile was never there.
                with contextlib.suppress(FileNotFoundError):
                    found.append(_entry(one.name, one.stat(follow_symlinks=False)))
        return found

    def sized(self, folder: str, entries: list[Entry], stop: Callable[[], bool]) -> list[Entry]:
        """Count what is in each folder."""
        made = []
        for entry in entries:
            if entry.is_folder and entry.size < 0 and not stop():
                size, files = _count(os.path.join(folder, entry.name), stop)
                entry = Entry(entry.name, FOLDER, size, entry.mtime, files)
            made.append(entry)
        return made

    def stamp(self, folder: str) -> object:
        """When an entry was added or removed last."""
        try:
            return os.stat(folder).st_mtime_ns
        except OSError as error:
            return type(error)

    def writable(self, folder: str) -> bool:
        """This user may write there."""
        return os.access(folder, os.W_OK | os.X_OK)

    def parent(self, folder: str) -> str | None:
        """The folder around it."""
        above = os.path.dirname(folder.rstrip(os.sep)) or folder
        return None if above == folder else above

    def crumbs(self, folder: str) -> tuple[Crumb, ...]:
        """From the person's own folder on, or from the disk."""
        home = str(Path.home())
        path = folder
        found: list[Crumb] = []
        while path != home:
            above = self.parent(path)
            if above is None:
                return ((path, path), *reversed(found))
            found.append((os.path.basename(path.rstrip(os.sep)), path))
            path = above
        return (("Home", home), *reversed(found))

    def join(self, folder: str, name: str) -> str:
        """The path of something in a folder."""
        return os.path.join(folder, name)


def _entry(name: str, status: os.stat_result) -> Entry:
    kind = kind_of(status.st_mode)
    size = UNKNOWN if kind == FOLDER else status.st_size if kind == FILE else 0
    return Entry(name, kind, size, status.st_mtime)


def _count(folder: str, stop: Callable[[], bool]) -> tuple[int, int]:
    """Bytes and files below a folder, or unknown where it ended early or was not allowed."""
    size = files = 0
    waiting = [folder]
    while waiting:
        if stop() or files > MOST_COUNTED:
            return UNKNOWN, UNKNOWN
        try:
            with os.scandir(waiting.pop()) as listing:
                for one in listing:
                    with contextlib.suppress(FileNotFoundError):
                        status = one.stat(follow_symlinks=False)
                        if stat.S_ISDIR(status.st_mode):
                            waiting.append(one.path)
                        elif stat.S_ISREG(status.st_mode):
                            size += status.st_size
                            files += 1
        except OSError:
            return UNKNOWN, UNKNOWN
    return size, files


class CarFolders:
    """Folders that a car shares; a path begins with the name of a root, the top is empty.

    Args:
        engine: asks the car.
    """

    def __init__(self, engine: FilesEngine) -> None:
        self._engine = engine
        self._writable: dict[str, bool] = {}
        self._roots: list[str] | None = None

    def home(self) -> str:
        """The only root, or the list of them."""
        self._look()
        assert self._roots is not None
        return self._roots[0] if len(self._roots) == 1 else ""

    def read(self, folder: str) -> list[Entry]:
        """What is in a folder."""
        if not folder:
            self._look()
            return [Entry(name, FOLDER, UNKNOWN) for name in self._roots or ()]
        return self._engine.look(folder)

    def sized(self, folder: str, entries: list[Entry], stop: Callable[[], bool]) -> list[Entry]:
        """Ask the car for each folder, so that opening another one need not wait for long."""
        made = []
        for entry in entries:
            if entry.is_folder and entry.size < 0 and not stop():
                total = self._engine.total(self.join(folder, entry.name))
                if total is not None:
                    entry = Entry(entry.name, FOLDER, total[0], entry.mtime, total[1])
            made.append(entry)
        return made

    def stamp(self, folder: str) -> object:
        """The car does not tell."""
        return None

    def writable(self, folder: str) -> bool:
        """The root of the folder was shared for writing."""
        if self._roots is None:
            self._look()
        return self._writable.get(folder.partition("/")[0], False)

    def parent(self, folder: str) -> str | None:
        """The folder around it; a lone root is the top."""
        if not folder:
            return None
        above, slash, _ = folder.rpartition("/")
        return None if not slash and len(self._roots or ()) == 1 else above

    def crumbs(self, folder: str) -> tuple[Crumb, ...]:
        """From the root on."""
        parts = folder.split("/") if folder else []
        way = tuple((part, "/".join(parts[: depth + 1])) for depth, part in enumerate(parts))
        return way if len(self._roots or ()) == 1 and way else (("Shared folders", ""), *way)

    def join(self, folder: str, name: str) -> str:
        """The path of something in a folder."""
        return f"{folder}/{name}" if folder else name

    def _look(self) -> None:
        found = self._engine.roots()
        self._writable = {root.name: root.writable for root in found}
        self._roots = [root.name for root in found]
