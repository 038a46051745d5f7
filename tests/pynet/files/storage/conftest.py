"""Two folders on this machine, and a transfer between them without a network."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pynet.files.hashing import LEAF, hasher
from pynet.files.info import FileInfo
from pynet.files.landing import Identical, Landing, Refused
from pynet.files.part import Part
from pynet.files.source import SourceFile, read_small
from pynet.files.tree import Tree

SMALL = 256 * 1024
WHEN = 1_700_000_000_123_456_789


@pytest.fixture
def source(tmp_path: Path) -> Iterator[Tree]:
    with Tree(tmp_path / "source", create=True) as tree:
        yield tree


@pytest.fixture
def target(tmp_path: Path) -> Iterator[Tree]:
    with Tree(tmp_path / "target", create=True) as tree:
        yield tree


@pytest.fixture
def write() -> Callable[..., FileInfo]:
    """Make a file in a tree, and tell what it is."""

    def make(
        tree: Tree, name: bytes, data: bytes = b"x", mode: int = 0o644, mtime_ns: int = WHEN
    ) -> FileInfo:
        path = os.path.join(os.fsencode(tree.path), name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(data)
        os.chmod(path, mode)
        os.utime(path, ns=(mtime_ns, mtime_ns))
        return tree.info(name)

    return make


@pytest.fixture
def read() -> Callable[[Tree, bytes], bytes]:
    def content(tree: Tree, name: bytes) -> bytes:
        return Path(os.fsdecode(os.path.join(os.fsencode(tree.path), name))).read_bytes()

    return content


@pytest.fixture
def fill() -> Callable[..., int]:
    """Write what a part lacks, up to a number of leaves; return how many were written."""

    def copy(part: Part, tree: Tree, limit: int = 1 << 30) -> int:
        digest, buffer, done = hasher(part.algorithm), memoryview(bytearray(LEAF)), 0
        with SourceFile(tree, part.info) as file:
            for first, count in part.missing():
                index = first
                while index < first + count and done < limit:
                    hole = file.hole(index)
                    if hole:
                        part.skip(index, hole)
                    else:
                        view = file.read(index, buffer)
                        part.write(index * LEAF, view)
                        part.leaf_written(index, digest(view))
                    index += hole or 1
                    done += 1
            file.check()
        return done

    return copy


@pytest.fixture
def send(fill: Callable[..., int]) -> Callable[[Landing, Tree, FileInfo], bytes]:
    """What a transfer does with one file; return its final name, ``b""`` when it only waits."""

    def transfer(landing: Landing, tree: Tree, info: FileInfo) -> bytes:
        verdict = landing.consider(info)
        if isinstance(verdict, Identical):
            return verdict.final_name
        assert not isinstance(verdict, Refused), verdict
        if info.size <= SMALL:
            return landing.small(info, read_small(tree, info))
        part = landing.part(info)
        fill(part, tree)
        return landing.publish(part)

    return transfer


@pytest.fixture
def leftovers() -> Callable[[Tree], list[str]]:
    """What lies in the folder of unfinished files."""

    def names(tree: Tree) -> list[str]:
        folder = tree.path / ".pynet-incoming"
        return sorted(os.listdir(folder)) if folder.is_dir() else []

    return names
