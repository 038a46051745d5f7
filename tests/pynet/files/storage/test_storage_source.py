from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from pynet.errors import SourceChanged
from pynet.files.hashing import LEAF
from pynet.files.info import FileInfo
from pynet.files.source import SourceFile, read_small
from pynet.files.tree import Tree

Write = Callable[..., FileInfo]


def changes(tree: Tree, name: str) -> dict[str, Callable[[], object]]:
    path = tree.path / name

    def replaced() -> None:
        other = tree.path / "other"
        other.write_bytes(path.read_bytes())
        os.utime(other, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns))
        os.replace(other, path)

    def appended() -> None:
        with path.open("ab") as file:
            file.write(b"more")

    def linked() -> None:
        os.rename(path, tree.path / "real")
        os.symlink("real", path)

    return {
        "appended": appended,
        "truncated": lambda: os.truncate(path, 1),
        "touched": lambda: os.utime(path),
        "replaced": replaced,
        "link": linked,
        "same size": lambda: path.write_bytes(bytes(path.stat().st_size)),
    }


KINDS = ["appended", "truncated", "touched", "replaced", "link", "same size"]


def test_small_files_are_read(source: Tree, write: Write) -> None:
    assert read_small(source, write(source, b"a/b", b"hello")) == b"hello"
    assert read_small(source, write(source, b"empty", b"")) == b""


@pytest.mark.parametrize("kind", KINDS)
def test_a_small_file_that_changed_is_not_sent(source: Tree, write: Write, kind: str) -> None:
    info = write(source, b"file", b"hello")
    changes(source, "file")[kind]()
    with pytest.raises(SourceChanged):
        read_small(source, info)


def test_a_small_file_that_is_gone(source: Tree, write: Write) -> None:
    info = write(source, b"file")
    os.unlink(source.path / "file")
    with pytest.raises(FileNotFoundError):
        read_small(source, info)
    with pytest.raises(FileNotFoundError):
        SourceFile(source, info)


@pytest.mark.parametrize("size", [0, 1, LEAF - 1, LEAF, LEAF + 1, 3 * LEAF])
def test_leaves_make_up_the_file(source: Tree, write: Write, size: int) -> None:
    data = os.urandom(size)
    info = write(source, b"file", data)
    buffer = memoryview(bytearray(LEAF))
    with SourceFile(source, info) as file:
        leaves = [bytes(file.read(index, buffer)) for index in range(file.leaves)]
        file.check()
    assert b"".join(leaves) == data
    assert len(leaves) == max(1, -(-size // LEAF))


@pytest.mark.parametrize("kind", KINDS)
def test_a_large_file_that_changes_while_it_is_read(source: Tree, write: Write, kind: str) -> None:
    info = write(source, b"file", bytes(2 * LEAF))
    with SourceFile(source, info) as file:
        file.check()
        changes(source, "file")[kind]()
        with pytest.raises(SourceChanged):
            file.check()
    with pytest.raises(SourceChanged):
        SourceFile(source, info)


def test_a_file_that_became_shorter_gives_no_half_leaf(source: Tree, write: Write) -> None:
    info = write(source, b"file", bytes(2 * LEAF))
    with SourceFile(source, info) as file:
        os.truncate(source.path / "file", LEAF + 5)
        with pytest.raises(SourceChanged):
            file.read(1, memoryview(bytearray(LEAF)))


def test_holes_are_skipped_whole_leaves_at_a_time(source: Tree, write: Write) -> None:
    write(source, b"file", b"")
    with (source.path / "file").open("r+b") as file:
        file.truncate(10 * LEAF + 5)
        file.seek(4 * LEAF + 100_000)
        file.write(b"data")
    info = source.info(b"file")
    if info.allocated >= info.size:
        pytest.skip("this file system has no holes")
    with SourceFile(source, info) as opened:
        assert opened.hole(0) == 4
        assert opened.hole(3) == 1
        assert opened.hole(4) == 0
        assert opened.hole(5) == 6
        assert opened.hole(10) == 1


def test_a_dense_file_has_no_holes(source: Tree, write: Write) -> None:
    with SourceFile(source, write(source, b"file", os.urandom(LEAF + 1))) as opened:
        assert opened.hole(0) == opened.hole(1) == 0
