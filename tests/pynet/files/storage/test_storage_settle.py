from __future__ import annotations

import errno
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pynet.files import system
from pynet.files.hashing import LEAF, hasher
from pynet.files.info import FileInfo, Problem
from pynet.files.landing import Landing, Wanted
from pynet.files.settle import Settled
from pynet.files.tree import Tree

Write = Callable[..., FileInfo]
Read = Callable[[Tree, bytes], bytes]
Send = Callable[[Landing, Tree, FileInfo], bytes]
Leftovers = Callable[[Tree], list[str]]
BIG = 2 * LEAF + 3


@pytest.fixture
def group(source: Tree, write: Write) -> list[FileInfo]:
    files = [write(source, b"a/%d" % n, os.urandom(n * 1000)) for n in range(6)]
    return [*files, write(source, b"b/c/big", os.urandom(BIG)), write(source, b"z", b"", 0o200)]


def test_nothing_is_there_before_it_is_settled_and_all_is_then(
    source: Tree,
    target: Tree,
    group: list[FileInfo],
    read: Read,
    send: Send,
    leftovers: Leftovers,
) -> None:
    with Landing(target, durable=True, algorithm="blake3") as landing:
        for info in group:
            assert send(landing, source, info) == b""
        assert landing.waiting == len(group)
        assert os.listdir(target.path) == [".pynet-incoming"]
        settled = landing.settle()
        assert landing.settle() == []
    for info, one in zip(group, settled, strict=True):
        assert isinstance(one, Settled)
        assert (one.info, one.name) == (info, info.name)
        here = target.info(info.name)
        assert (here.device, here.inode) == (one.device, one.inode)
        assert (here.mode, here.mtime_ns, here.links) == (info.mode, info.mtime_ns, 1)
        assert read(target, info.name) == read(source, info.name)
        if info.size < LEAF:
            assert one.root == hasher("blake3")(read(source, info.name))
    assert leftovers(target) == []


def test_what_is_not_settled_is_not_published(
    source: Tree, target: Tree, group: list[FileInfo], send: Send, leftovers: Leftovers
) -> None:
    with Landing(target, durable=True, origin="car") as landing:
        for info in group:
            send(landing, source, info)
    # What came of the large one is kept, to be gone on with.
    assert [name.rpartition(".")[2] for name in leftovers(target)] == ["journal", "pynet-part"]
    assert os.listdir(target.path) == [".pynet-incoming"]
    with Landing(target, durable=True, origin="car") as landing:
        assert landing.consider(group[-2]) == Wanted([])
        landing.publish(landing.part(group[-2]))
        (one,) = landing.settle()
        assert isinstance(one, Settled)


def test_the_same_content_is_found_and_other_content_kept(
    source: Tree, target: Tree, write: Write, send: Send, leftovers: Leftovers
) -> None:
    for size in (5, BIG):
        data = os.urandom(size)
        same = write(source, b"same%d" % size, data)
        there = write(target, b"same%d" % size, data)
        other = write(source, b"other%d" % size, data)
        write(target, b"other%d" % size, bytes(size))
        with Landing(target, durable=True) as landing:
            for info in (same, other):
                assert isinstance(landing.consider(info), Wanted)
                send(landing, source, info)
            found, kept = landing.settle()
        assert isinstance(found, Settled)
        assert isinstance(kept, Settled)
        assert (found.name, found.inode) == (same.name, there.inode)
        assert kept.name == other.name + b" (2)"
    assert leftovers(target) == []


def test_a_disk_that_gives_back_something_else_is_found_out(
    source: Tree, target: Tree, group: list[FileInfo], send: Send, leftovers: Leftovers
) -> None:
    with Landing(target, durable=True) as landing:
        for info in group:
            send(landing, source, info)
        for path in (target.path / ".pynet-incoming").glob("*.pynet-part"):
            if path.stat().st_size in (3000, BIG):
                with path.open("r+b") as file:
                    file.seek(path.stat().st_size - 1)
                    last = file.read(1)[0]
                    file.seek(-1, os.SEEK_CUR)
                    file.write(bytes([last ^ 1]))
        results = landing.settle()
    bad = [one for one in results if isinstance(one, Problem)]
    assert [(one.name, one.code) for one in bad] == [(b"a/3", "damaged"), (b"b/c/big", "damaged")]
    assert not (target.path / "a" / "3").exists()
    assert (target.path / "a" / "4").exists()
    assert leftovers(target) == []


@pytest.mark.parametrize("call", ["sync_all", "fsync", "fdatasync"])
def test_a_failure_of_syncing_is_final(
    source: Tree,
    target: Tree,
    group: list[FileInfo],
    send: Send,
    leftovers: Leftovers,
    monkeypatch: pytest.MonkeyPatch,
    call: str,
) -> None:
    calls = []

    def fail(fd: int) -> None:
        calls.append(fd)
        raise OSError(errno.EIO, "the disk is broken")

    with Landing(target, durable=True) as landing:
        for info in group:
            send(landing, source, info)
        with monkeypatch.context() as patch:
            if call == "fdatasync":
                patch.setattr(system, "HAS_SYNCFS", False)
                patch.setattr(os, "fsync", fail)
            elif call == "fsync":
                patch.setattr(os, "fsync", fail)
            else:
                patch.setattr(landing._settler._syncer, "_groups", 1)
                patch.setattr(system, "sync_all", fail)
            results = landing.settle()
    for info, one in zip(group, results, strict=True):
        if isinstance(one, Problem):
            assert one.code == "io"
        else:
            assert call == "sync_all"
            assert one.info.size == BIG
            continue
        if call != "fsync":
            assert not (target.path / os.fsdecode(info.name)).exists()
    assert calls
    assert leftovers(target) == []


def test_what_is_compared_comes_from_the_disk(
    source: Tree,
    target: Tree,
    group: list[FileInfo],
    send: Send,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if not hasattr(os, "RWF_NOWAIT"):
        pytest.skip("only Linux tells what is in memory")
    drop, given_up = system.drop_cache, []

    def asked(fd: int) -> bool:
        """Whether the kernel gives up the pages of a durable file when asked, however busy it is.

        Its own thread that wrote them may hold them a while longer, on a loaded machine 0.2 s.
        """
        late = time.monotonic() + 3
        while time.monotonic() < late:
            drop(fd)
            try:
                if not os.preadv(fd, [bytearray(4096)], 0, os.RWF_NOWAIT):
                    return True
            except BlockingIOError:
                return True
            except OSError:
                pytest.skip("this file system does not tell what is in memory")
        return False

    with (target.path / "trial").open("w+b") as file:
        file.write(b"trial")
        file.flush()
        os.fsync(file.fileno())
        if not asked(file.fileno()):
            pytest.skip("this file system is in memory")
    monkeypatch.setattr(system, "drop_cache", lambda fd: given_up.append(asked(fd)))
    with Landing(target, durable=True) as landing:
        for info in group:
            send(landing, source, info)
        assert not [one for one in landing.settle() if isinstance(one, Problem)]
    assert given_up == [True] * len(group)


def test_proof_of_a_file_that_is_here(target: Tree, write: Write) -> None:
    write(target, b"a/b", b"hello")
    root = hasher("xxh3")(b"hello")
    with Landing(target, durable=True) as landing:
        assert landing.proven(b"a/b", 5, root)
        assert not landing.proven(b"a/b", 4, root)
        assert not landing.proven(b"a/b", 5, bytes(16))
        assert not landing.proven(b"a/c", 5, root)
        assert not landing.proven(b"../x", 5, root)


def test_either_way_of_syncing(source: Tree, target: Tree, write: Write, send: Send) -> None:
    with Landing(target, durable=True) as landing:
        for group in range(20):
            for n in range(5):
                send(landing, source, write(source, b"%d/%d" % (group, n), b"x"))
            assert all(isinstance(one, Settled) for one in landing.settle())


KILLED = """
import sys
from pynet.files.info import FileInfo
from pynet.files.landing import Landing
from pynet.files.tree import Tree
landing = Landing(Tree(sys.argv[1]), durable=True)
for n in range(5):
    landing.small(FileInfo(b"d/%d" % n, "file", 5), b"hello")
landing.settle()
"""


@pytest.mark.parametrize(("point", "there"), [("synced", False), ("published", True)])
def test_a_crash_leaves_whole_files_or_none(target: Tree, point: str, there: bool) -> None:
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(target.path)],
        env={**os.environ, "PYNET_CRASH_AT": f"{point}:1"},
        check=False,
        timeout=50,
    )
    assert done.returncode == -9
    Landing(target).close()
    assert not (target.path / ".pynet-incoming").exists()
    found = [path.read_bytes() for path in sorted(Path(target.path).glob("d/*"))]
    assert found == ([b"hello"] * 5 if there else [])
