from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from pynet.errors import BadName, NotShared
from pynet.files.info import FileInfo, Problem
from pynet.files.selection import Selection
from pynet.files.tree import Tree

Write = Callable[..., FileInfo]
ALL = Selection.parse("**")


def problems(tree: Tree) -> dict[str, str]:
    return {one.name.decode(): one.code for one in tree.scan(ALL) if isinstance(one, Problem)}


def test_a_root_must_be_a_folder(tmp_path: Path) -> None:
    with pytest.raises(NotShared):
        Tree(tmp_path / "missing")
    (tmp_path / "file").touch()
    with pytest.raises(NotShared):
        Tree(tmp_path / "file")


def test_what_is_below(source: Tree, write: Write) -> None:
    made = write(source, b"a/b.txt", b"hello", 0o640)
    assert (made.kind, made.size, made.mode, made.links) == ("file", 5, 0o640, 1)
    assert source.info(b"a").kind == "folder"
    assert source.info(b"").kind == "folder"
    with pytest.raises(FileNotFoundError):
        source.info(b"a/c")
    fd = source.open(b"a/b.txt")
    assert os.read(fd, 9) == b"hello"
    os.close(fd)
    source.remove(b"a/b.txt")
    with pytest.raises(FileNotFoundError):
        source.info(b"a/b.txt")


def test_a_walk_is_sorted_and_has_empty_folders(source: Tree, write: Write) -> None:
    for name in (b"b/x", b"a/z", b"a/y", b"\xff\n", b"-rf", "é".encode()):
        write(source, name)
    os.mkdir(source.path / "empty")
    names = [thing.name for thing in source.scan(ALL)]
    assert names == [
        b"-rf", b"a", b"a/y", b"a/z", b"b", b"b/x", b"empty", "é".encode(), b"\xff\n"
    ]  # fmt: skip


def test_links_and_special_files_are_reported_and_never_opened(
    source: Tree, write: Write, tmp_path: Path
) -> None:
    write(source, b"file")
    os.symlink("file", source.path / "link")
    os.symlink(tmp_path, source.path / "way")
    os.mkfifo(source.path / "pipe")
    with contextlib.chdir(source.path), socket.socket(socket.AF_UNIX) as server:
        server.bind("socket")
    expected = {"link": "link", "way": "link", "pipe": "special", "socket": "special"}
    assert problems(source) == expected
    for name in expected:
        with pytest.raises(BadName):
            source.open(name.encode())
    with pytest.raises(BadName, match="not followed"):
        source.info(b"way/x")
    with pytest.raises(BadName):
        source.folder(b"file/x", create=True)


def test_what_is_not_there_is_a_problem(source: Tree) -> None:
    (problem,) = source.scan(Selection.parse("no/such"))
    assert isinstance(problem, Problem)
    assert problem.code == "vanished"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_may_not_be_read_is_a_problem(source: Tree) -> None:
    os.mkdir(source.path / "closed", 0)
    assert problems(source) == {"closed": "denied"}


def test_a_very_deep_tree(source: Tree) -> None:
    deep = b"/".join([b"d"] * 1500)
    source.folder(deep, create=True)
    assert len(list(source.scan(ALL))) == 1500
    assert source.info(deep).kind == "folder"
    # pytest's own cleaning up does not get down there.
    subprocess.run(["rm", "-rf", str(source.path / "d")], check=True)


def test_names_that_would_lead_out_are_refused(source: Tree) -> None:
    for name in (b"..", b"../x", b"/etc", b"a/../../b"):
        for act in (source.info, source.open, source.remove, source.folder):
            with pytest.raises(BadName):
                act(name)


def test_a_folder_that_was_removed_is_looked_up_again(source: Tree, write: Write) -> None:
    first = source.folder(b"a", create=True)
    os.rmdir(source.path / "a")
    source.forget(b"a")
    second = source.folder(b"a", create=True)
    assert os.fstat(first.fd or 0).st_nlink == 0
    assert os.fstat(second.fd or 0).st_nlink > 0


def test_more_folders_than_are_kept_open(source: Tree, write: Write) -> None:
    for number in range(200):
        write(source, b"%d/x" % number)
    for _ in range(2):
        for number in range(200):
            assert source.info(b"%d/x" % number).size == 1
    fds = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
    assert fds < 150


def test_a_folder_swapped_for_a_link_never_leads_outside(
    source: Tree, write: Write, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "file").write_text("secret")
    write(source, b"way/file", b"inside")
    way, aside, over = source.path / "way", source.path / "aside", threading.Event()
    os.symlink(outside, source.path / "trap")

    def flip() -> None:
        while not over.is_set():
            os.rename(way, aside)
            os.rename(source.path / "trap", way)
            os.rename(way, source.path / "trap")
            os.rename(aside, way)

    flipper = threading.Thread(target=flip, name="flipper")
    flipper.start()
    seen = set()
    try:
        for _ in range(1500):
            source.forget(b"way")
            with contextlib.suppress(FileNotFoundError, BadName):
                fd = source.open(b"way/file")
                seen.add(os.read(fd, 10))
                os.close(fd)
            source.forget(b"way")
            with contextlib.suppress(FileNotFoundError, BadName):
                source.remove(b"way/other")
    finally:
        over.set()
        flipper.join()
    assert seen <= {b"inside"}
    assert os.listdir(outside) == ["file"]


def test_usage_is_counted_as_df_does(source: Tree) -> None:
    usage = source.usage()
    status = os.statvfs(source.path)
    assert (
        abs(usage.capacity - (status.f_blocks - status.f_bfree + status.f_bavail) * status.f_frsize)
        < 1 << 30
    )
    assert 0 < usage.share < 1


def test_closing_twice_is_fine(tmp_path: Path) -> None:
    tree = Tree(tmp_path)
    tree.close()
    tree.close()
