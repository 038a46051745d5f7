from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pynet.errors import Damaged, NoSpace
from pynet.files import part as parts
from pynet.files import system
from pynet.files.hashing import LEAF, hasher, root_digest, zeros_digest
from pynet.files.info import FileInfo
from pynet.files.landing import Landing, Refused, Wanted
from pynet.files.space import Space
from pynet.files.tree import Tree

Write = Callable[..., FileInfo]
Fill = Callable[..., int]
Leftovers = Callable[[Tree], list[str]]
LEAVES = 5
SIZE = 4 * LEAF + 7


@pytest.fixture
def info(source: Tree, write: Write) -> FileInfo:
    return write(source, b"big", os.urandom(SIZE))


def missing(landing: Landing, info: FileInfo) -> list[tuple[int, int]]:
    verdict = landing.consider(info)
    assert isinstance(verdict, Wanted)
    return list(verdict.missing)


def begun(target: Tree, source: Tree, info: FileInfo, fill: Fill, leaves: int = 3) -> Path:
    """A transfer that ended after some leaves; return the folder of unfinished files."""
    with Landing(target, origin="car") as landing:
        fill(landing.part(info), source, leaves)
    return target.path / ".pynet-incoming"


def test_what_came_need_not_come_again(
    source: Tree, target: Tree, info: FileInfo, fill: Fill, leftovers: Leftovers
) -> None:
    begun(target, source, info, fill)
    assert len(leftovers(target)) == 2
    with Landing(target, origin="car") as landing:
        assert missing(landing, info) == [(3, 2)]
        part = landing.part(info)
        assert part.resumed == 3
        assert fill(part, source) == 2
        assert landing.publish(part) == b"big"
    assert (target.path / "big").read_bytes() == (source.path / "big").read_bytes()
    assert leftovers(target) == []


@pytest.mark.parametrize(
    "other", [{"mtime_ns": 7}, {"size": SIZE - 1}, {"name": b"big2"}, "origin", "algorithm"]
)
def test_only_parts_of_the_very_same_file_are_gone_on_with(
    source: Tree, target: Tree, info: FileInfo, fill: Fill, other: dict[str, object] | str
) -> None:
    begun(target, source, info, fill)
    origin = "robot" if other == "origin" else "car"
    algorithm = "blake3" if other == "algorithm" else "xxh3"
    if isinstance(other, dict):
        info = replace(info, **other)  # type: ignore[arg-type]
    with Landing(target, origin=origin, algorithm=algorithm) as landing:
        assert missing(landing, info) == [(0, LEAVES)]


def spoil(kind: str, folder: Path) -> None:
    (part,) = folder.glob("*.pynet-part")
    (journal,) = folder.glob("*.journal")
    if kind == "shorter":
        os.truncate(part, SIZE - 1)
    elif kind == "longer":
        os.truncate(part, SIZE + 1)
    elif kind == "no journal":
        journal.unlink()
    elif kind == "empty journal":
        os.truncate(journal, 0)
    elif kind == "foreign journal":
        journal.write_bytes(os.urandom(300))
    elif kind == "other part":
        data = part.read_bytes()
        part.rename(folder / "kept")
        part.write_bytes(data)
    elif kind == "link":
        part.rename(folder / "kept")
        part.symlink_to("kept")


@pytest.mark.parametrize(
    "kind",
    ["shorter", "longer", "no journal", "empty journal", "foreign journal", "other part", "link"],
)
def test_a_part_that_cannot_be_trusted_starts_over(
    source: Tree, target: Tree, info: FileInfo, fill: Fill, kind: str
) -> None:
    spoil(kind, begun(target, source, info, fill))
    with Landing(target, origin="car") as landing:
        verdict = landing.consider(info)
        if not isinstance(verdict, Refused):
            assert verdict == Wanted(((0, LEAVES),))
        part = landing.part(info)
        assert fill(part, source) == LEAVES
        assert landing.publish(part) == b"big"
    assert (target.path / "big").read_bytes() == (source.path / "big").read_bytes()


def test_a_torn_journal_costs_its_last_records_only(
    source: Tree, target: Tree, info: FileInfo, fill: Fill
) -> None:
    with Landing(target, origin="car") as landing:
        part = landing.part(info)
        for leaves in (1, 2):
            fill(part, source, leaves)
            part.sync()
    (journal,) = (target.path / ".pynet-incoming").glob("*.journal")
    os.truncate(journal, journal.stat().st_size - 3)
    with Landing(target, origin="car") as landing:
        assert missing(landing, info) == [(1, 4)]


def test_two_at_once_do_not_mix(
    source: Tree, target: Tree, info: FileInfo, fill: Fill, leftovers: Leftovers
) -> None:
    with (
        Tree(target.path) as again,
        Landing(target, origin="car") as one,
        Landing(again, origin="car") as two,
    ):
        first, second = one.part(info), two.part(info)
        assert first.name != second.name
        fill(first, source, 2)
        assert fill(second, source) == LEAVES
        assert two.publish(second) == b"big"
        fill(first, source)
        assert one.publish(first) == b"big"
    assert leftovers(target) == []
    assert [path.name for path in target.path.iterdir()] == ["big"]


def test_asking_twice_gives_the_same_part(target: Tree, info: FileInfo) -> None:
    with Landing(target) as landing:
        assert landing.part(info) is landing.part(info)


def test_a_source_that_was_replaced_starts_over(
    source: Tree, target: Tree, info: FileInfo, fill: Fill, leftovers: Leftovers
) -> None:
    with Landing(target) as landing:
        fill(landing.part(info), source, 2)
        part = landing.part(replace(info, inode=info.inode + 1))
        assert part.missing() == [(0, LEAVES)]
        younger = landing.part(replace(info, mtime_ns=7))
        assert younger.name != part.name
    assert leftovers(target) == []


def test_one_leaf_in_two_versions_is_refused(target: Tree, info: FileInfo) -> None:
    with Landing(target) as landing:
        part = landing.part(info)
        part.leaf_written(0, b"1" * 16)
        part.leaf_written(0, b"1" * 16)
        with pytest.raises(Damaged):
            part.leaf_written(0, b"2" * 16)
        with pytest.raises(Damaged):
            part.skip(0, 1)
        with pytest.raises(Damaged):
            part.write(SIZE - 1, memoryview(b"12"))
        with pytest.raises(Damaged):
            part.skip(4, 2)
        for index, digest in ((-1, bytes(16)), (LEAVES, bytes(16)), (1, bytes(15))):
            with pytest.raises(Damaged):
                part.leaf_written(index, digest)


def test_a_disk_that_fails_is_not_asked_twice(
    source: Tree,
    target: Tree,
    info: FileInfo,
    fill: Fill,
    leftovers: Leftovers,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(fd: int) -> None:
        raise OSError(errno.EIO, "broken")

    with Landing(target) as landing:
        part = landing.part(info)
        fill(part, source, 2)
        with monkeypatch.context() as patch:
            patch.setattr(system, "sync_data", fail)
            with pytest.raises(OSError, match="broken"):
                part.sync()
        with pytest.raises(OSError, match="broken"):
            part.sync()
    assert leftovers(target) == []


def test_old_parts_go_and_those_in_use_stay(
    source: Tree, target: Tree, info: FileInfo, fill: Fill, leftovers: Leftovers
) -> None:
    begun(target, source, info, fill)
    Landing(target).close()
    assert len(leftovers(target)) == 2
    with Landing(target, origin="car") as landing:
        landing.consider(info)
        with Tree(target.path) as again:
            Landing(again, kept_for=-1).close()
        assert len(leftovers(target)) == 3
    Landing(target, kept_for=-1).close()
    assert leftovers(target) == []


KILLED = """
import os, signal, sys
from pynet.files.info import FileInfo
from pynet.files.landing import Landing
from pynet.files.tree import Tree
landing = Landing(Tree(sys.argv[1]), durable=True)
landing.small(FileInfo(b"small", "file", 1), b"x")
part = landing.part(FileInfo(b"large", "file", 3 << 20))
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_killed_program_left_is_removed(target: Tree, leftovers: Leftovers) -> None:
    subprocess.run([sys.executable, "-c", KILLED, str(target.path)], check=False, timeout=50)
    assert len(leftovers(target)) == 3
    with Landing(target):
        # Only the large one might still be gone on with, until it is old.
        assert len([name for name in leftovers(target) if "part" in name]) == 1
    Landing(target, kept_for=-1).close()
    assert os.listdir(target.path) == []


# ---- holes ------------------------------------------------------------------------------


def test_a_terabyte_of_nothing_costs_nothing(
    source: Tree, target: Tree, write: Write, fill: Fill
) -> None:
    write(source, b"sparse", b"")
    size = 64 << 30
    with (source.path / "sparse").open("r+b") as file:
        file.truncate(size)
        file.seek((5 << 30) + 3)
        file.write(b"data")
    info = source.info(b"sparse")
    with Landing(target, origin="car") as landing:
        part = landing.part(info)
        fill(part, source, 2)
        part.sync()
        (journal,) = (target.path / ".pynet-incoming").glob("*.journal")
        assert journal.stat().st_size < 1000
    with Landing(target, origin="car") as landing:
        part = landing.part(info)
        assert part.resumed == 5 * 1024 + 1
        fill(part, source)
        landing.publish(part)
    arrived = target.info(b"sparse")
    assert arrived.size == size
    assert arrived.allocated <= 2 * LEAF
    with (target.path / "sparse").open("rb") as file:
        file.seek(5 << 30)
        assert file.read(10) == b"\0\0\0data\0\0\0"


# ---- space ------------------------------------------------------------------------------


def test_a_floor_is_never_crossed(target: Tree, leftovers: Leftovers) -> None:
    huge = FileInfo(b"huge", "file", target.usage().available + (1 << 30), allocated=1 << 60)
    with Landing(target) as landing, pytest.raises(NoSpace):
        landing.part(huge)
    with Landing(target, floor_share=1.0) as landing, pytest.raises(NoSpace, match="stay free"):
        landing.small(FileInfo(b"a", "file", 1), b"x")
    with Landing(target, floor_bytes=1 << 60) as landing, pytest.raises(NoSpace):
        landing.part(FileInfo(b"b", "file", SIZE))
    assert os.listdir(target.path) == []


def test_promises_are_counted(target: Tree) -> None:
    space = Space(target)
    space.promise("a", target.usage().available)
    with pytest.raises(NoSpace):
        space.take(1)
    space.promise("a", 0)
    space.take(1)


@pytest.fixture
def tiny(tmp_path: Path) -> Iterator[Tree]:
    """A disk of one MiB and few files."""
    if os.geteuid() != 0:
        pytest.skip("only root may mount a small disk")
    place = tmp_path / "tiny"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m,nr_inodes=20", "tmpfs", str(place)]
    done = subprocess.run(command, capture_output=True, check=False, text=True)
    if done.returncode:
        pytest.skip(f"no small disk can be mounted here: {done.stderr.strip()}")
    try:
        with Tree(place) as tree:
            yield tree
    finally:
        subprocess.run(["umount", str(place)], check=True)


@pytest.mark.parametrize("durable", [False, True])
def test_a_full_disk_is_said_and_nothing_half_is_left(
    tiny: Tree, leftovers: Leftovers, durable: bool
) -> None:
    arrived = []
    with Landing(tiny, durable=durable) as landing:

        def fill() -> None:
            for number in range(100):
                name = b"%d" % number
                landing.small(FileInfo(name, "file", 100_000), bytes(100_000))
                landing.settle()
                arrived.append(name)

        with pytest.raises(NoSpace):
            fill()
        with pytest.raises(NoSpace):
            landing.part(FileInfo(b"large", "file", SIZE))
    assert sorted(map(os.fsencode, os.listdir(tiny.path))) == sorted(arrived)
    assert 5 <= len(arrived) < 11
    assert all((tiny.path / os.fsdecode(name)).stat().st_size == 100_000 for name in arrived)


def test_a_disk_that_takes_no_more_files(tiny: Tree) -> None:
    files = [FileInfo(b"%d" % number, "file", 1) for number in range(100)]
    with Landing(tiny) as landing, pytest.raises(NoSpace):
        [landing.small(info, b"x") for info in files]
    assert ".pynet-incoming" not in os.listdir(tiny.path)


def test_a_disk_filled_by_somebody_else_while_a_file_arrives(
    tiny: Tree, source: Tree, write: Write
) -> None:
    info = replace(write(source, b"f", bytes(600_000)), allocated=1)
    with Landing(tiny) as landing:
        part = landing.part(info)
        (tiny.path / "other").write_bytes(bytes(700_000))
        with pytest.raises(NoSpace):
            part.write(0, memoryview(bytes(600_000)))


# ---- any order, any cut -----------------------------------------------------------------


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_any_order_and_any_cuts_give_the_file(data: st.DataObject) -> None:
    size = data.draw(st.sampled_from([LEAF + 1, 3 * LEAF, 3 * LEAF + 5]))
    count = -(-size // LEAF)
    contents = [bytes([n + 1]) * min(LEAF, size - n * LEAF) for n in range(count)]
    zero = data.draw(st.sets(st.integers(0, count - 1), max_size=1))
    for n in zero:
        contents[n] = bytes(len(contents[n]))
    digest = hasher("xxh3")
    info = FileInfo(b"f", "file", size, 1_600_000_000_000_000_001, 0o600)
    done: set[int] = set()
    order = data.draw(st.permutations(range(count)))
    durable: set[int] = set()
    with TemporaryDirectory() as folder, Tree(folder) as tree:
        landing = Landing(tree)
        for n in order:
            part = landing.part(info)
            assert set(covered(part.missing())) == set(range(count)) - done
            if n in zero:
                part.skip(n, 1)
            else:
                part.write(n * LEAF, memoryview(contents[n]))
                part.leaf_written(n, digest(contents[n]))
            done.add(n)
            cut = data.draw(st.sampled_from(["none", "none", "close", "crash", "sync"]))
            if cut == "sync":
                part.sync()
                durable = set(done)
            elif cut == "close":
                landing.close()
                durable = set(done)
                landing = Landing(tree)
            elif cut == "crash":
                crash(landing)
                done = set(durable)
                landing = Landing(tree)
                if not done:
                    durable = set()
        part = landing.part(info)
        for n in covered(part.missing()):
            part.write(n * LEAF, memoryview(contents[n]))
            part.leaf_written(n, digest(contents[n]))
        assert part.root() == root_digest("xxh3", size, [digest(one) for one in contents])
        landing.publish(part)
        landing.close()
        assert (tree.path / "f").read_bytes() == b"".join(contents)
        assert os.listdir(folder) == ["f"]


def covered(runs: list[tuple[int, int]]) -> list[int]:
    return [n for first, count in runs for n in range(first, first + count)]


def crash(landing: Landing) -> None:
    """Lose what a killed process loses: locks, and all that is not journalled."""
    for part in landing._parts.values():
        part._pending.clear()
        part._pending_holes.clear()
        part.resumed = part.resumed or 1  # as if there had been no time to clean up
    landing.close()


def test_syncing_happens_by_itself(
    source: Tree, target: Tree, info: FileInfo, fill: Fill, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts, "SYNC_BYTES", 2 * LEAF)
    with Landing(target, origin="car") as landing:
        part = landing.part(info)
        fill(part, source, 3)
        crash(landing)
    with Landing(target, origin="car") as landing:
        assert missing(landing, info) == [(2, 3)]


def test_the_last_leaf_of_a_hole_is_short(target: Tree) -> None:
    info = FileInfo(b"f", "file", LEAF + 5, allocated=1)
    with Landing(target) as landing:
        part = landing.part(info)
        part.skip(0, 2)
        assert part.digests == [zeros_digest("xxh3", LEAF), zeros_digest("xxh3", 5)]
        landing.publish(part)
    assert (target.path / "f").read_bytes() == bytes(LEAF + 5)
