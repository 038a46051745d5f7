"""The folder in memory that transfers happen in, and what may be said of folders in it."""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.files.sets import files_below
from benchmarks.harness import RESULTS

MEMORY = Path("/dev/shm")
BUFFER = 4 << 20


@contextlib.contextmanager
def room_in_memory() -> Iterator[Path]:
    """Make a folder on a file system in memory, where there is one; remove it in the end."""
    above = MEMORY if os.access(MEMORY, os.W_OK) else Path(tempfile.gettempdir())
    with _room(above) as room:
        yield room


@contextlib.contextmanager
def room_on_disk() -> Iterator[Path]:
    """Make a folder on the disk that results are kept on; remove it in the end."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    with _room(RESULTS.resolve()) as room:
        yield room


@contextlib.contextmanager
def _room(above: Path) -> Iterator[Path]:
    room = Path(tempfile.mkdtemp(prefix="pynet-files-", dir=above))
    try:
        yield room
    finally:
        shutil.rmtree(room, ignore_errors=True)


_numbers = itertools.count(1)


@contextlib.contextmanager
def target_in(room: Path) -> Iterator[Path]:
    """Make an empty folder to write into; remove it and all that has come."""
    target = room / f"target-{next(_numbers)}"
    target.mkdir()
    try:
        yield target
    finally:
        shutil.rmtree(target)


def landed(target: Path) -> int:
    """Return the bytes that have come so far, of files that are not whole too."""
    total = 0
    for path in files_below(target):
        with contextlib.suppress(FileNotFoundError):
            status = path.lstat()
            # A file with holes is as long as if all were there.
            total += min(status.st_size, status.st_blocks * 512)
    return total


def difference(source: Path, target: Path) -> str | None:
    """Compare two trees, byte for byte; return what differs first, None if nothing does."""
    ours, theirs = names_below(source), names_below(target)
    if odd := ours ^ theirs:
        name = min(odd)
        return f"{len(odd)} files are at one end only, such as {name}"
    for name in sorted(ours):
        if not same(source / name, target / name):
            return f"{name} has another content"
    return None


def names_below(folder: Path) -> set[str]:
    """Return the names of all files below a folder."""
    return {str(path.relative_to(folder)) for path in files_below(folder)}


def same(one: Path, other: Path) -> bool:
    """Tell whether two files hold the same bytes."""
    with one.open("rb", buffering=0) as first, other.open("rb", buffering=0) as second:
        while True:
            left, right = first.read(BUFFER), second.read(BUFFER)
            if left != right:
                return False
            if not left:
                return True
