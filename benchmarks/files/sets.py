"""What is carried: the same bytes in every run, made from seeds, and one tree of a real system."""

from __future__ import annotations

import os
import random
import shutil
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

MIB = 1 << 20
PIECE = 16 * MIB
LEAST, MOST = 1 << 10, 16 << 10
IN_A_FOLDER = 100
REAL_FILES = 9_900
REAL_PLACES = ("/usr/lib", "/usr/share/doc")


@dataclass(frozen=True)
class Work:
    """A folder to be carried.

    Attributes:
        title: what figures call it.
        source: where it is.
        files: how many there are.
        bytes: in all of them.
    """

    title: str
    source: Path
    files: int
    bytes: int

    @classmethod
    def of(cls, title: str, source: Path) -> Work:
        """Count what is there."""
        sizes = [path.stat().st_size for path in files_below(source)]
        return cls(title, source, len(sizes), sum(sizes))


def files_below(folder: Path) -> Iterator[Path]:
    """Yield all files, in the same order each time."""
    for above, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            yield Path(above, name)


def large(room: Path, title: str, size: int, seed: int = 1) -> Work:
    """Make one file that cannot be compressed."""
    source = room / f"large-{size}-{seed}"
    source.mkdir()
    chance = random.Random(seed)
    with (source / "large.bin").open("wb") as file:
        for begin in range(0, size, PIECE):
            file.write(chance.randbytes(min(PIECE, size - begin)))
    return Work.of(title, source)


def small(room: Path, title: str, count: int, seed: int = 1) -> Work:
    """Make files of 1 to 16 KiB, a hundred in each folder."""
    source = room / f"small-{count}-{seed}"
    chance = random.Random(seed)
    for number in range(count):
        folder = source / f"{number // IN_A_FOLDER:03}"
        if number % IN_A_FOLDER == 0:
            folder.mkdir(parents=True)
        content = chance.randbytes(chance.randint(LEAST, MOST))
        (folder / f"file-{number:05}.dat").write_bytes(content)
    return Work.of(title, source)


def real(room: Path, title: str, most: int = REAL_FILES) -> Work:
    """Copy files of this system: Python's own and what is written about packages.

    Some 9 900 of them; links are left out, and what cannot be read.
    """
    source = room / "real"
    count = 0
    for place in real_places():
        for path in files_below(place):
            if count >= most:
                return Work.of(title, source)
            if path.is_symlink() or not path.is_file() or not os.access(path, os.R_OK):
                continue
            target = source / path.relative_to("/")
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, target)
            count += 1
    return Work.of(title, source)


def real_places() -> list[Path]:
    """Return the folders that a real tree is made of, as far as they are here."""
    lib, docs = map(Path, REAL_PLACES)
    own = Path(sysconfig.get_paths()["stdlib"])
    places = [*sorted(lib.glob("python3*")), docs, own]
    return [place for place in places if place.is_dir()]
