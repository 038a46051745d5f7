from __future__ import annotations

import contextlib
import errno
import os
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pynet.errors import BadName, ConfigurationError, Damaged
from pynet.files import publish, system
from pynet.files.hashing import LEAF, hasher
from pynet.files.info import FileInfo
from pynet.files.landing import SMALL, Identical, Landing, Refused, Wanted
from pynet.files.selection import Selection
from pynet.files.source import read_small
from pynet.files.tree import Tree

Write = Callable[..., FileInfo]
Read = Callable[[Tree, bytes], bytes]
Send = Callable[[Landing, Tree, FileInfo], bytes]
Leftovers = Callable[[Tree], list[str]]

ODD = [
    b"plain",
    "日本/é".encode(),
    b"\xff\xfe/\x80",
    b"new\nline",
    b"-rf",
    b"x" * 255,
    b"/".join([b"y" * 200] * 15),
    b"back\\slash",
    b" ",
]
SIZES = [0, 1, SMALL, SMALL + 1, LEAF, LEAF + 1, 3 * LEAF]


def names(tree: Tree) -> list[bytes]:
    return [thing.name for thing in tree.scan(Selection.parse("**")) if isinstance(thing, FileInfo)]


@pytest.mark.parametrize("size", SIZES)
def test_files_of_all_sizes_arrive_as_they_were(
    source: Tree,
    target: Tree,
    write: Write,
    read: Read,
    send: Send,
    leftovers: Leftovers,
    size: int,
) -> None:
    data = os.urandom(size)
    info = write(source, b"a/file", data, 0o751)
    with Landing(target) as landing:
        assert send(landing, source, info) == b"a/file"
        assert landing.consider(info) == Identical(b"a/file")
    assert read(target, b"a/file") == data
    arrived = target.info(b"a/file")
    assert (arrived.mode, arrived.mtime_ns, arrived.links) == (0o751, info.mtime_ns, 1)
    assert leftovers(target) == []
    assert names(target) == [b"a", b"a/file"]


@pytest.mark.parametrize("name", ODD)
@pytest.mark.parametrize("size", [1, SMALL + 1])
def test_odd_names(
    source: Tree, target: Tree, write: Write, read: Read, send: Send, name: bytes, size: int
) -> None:
    info = write(source, name, bytes(size))
    with Landing(target, b"from/car") as landing:
        assert send(landing, source, info) == b"from/car/" + name
    assert read(target, b"from/car/" + name) == bytes(size)


@pytest.mark.parametrize("mode", [0, 0o200, 0o444, 0o4755, 0o2777, 0o1777])
@pytest.mark.parametrize("durable", [False, True])
def test_modes_without_the_dangerous_bits(
    source: Tree, target: Tree, write: Write, send: Send, mode: int, durable: bool
) -> None:
    info = replace(write(source, b"file"), mode=mode)
    with Landing(target, durable=durable) as landing:
        landing.small(info, b"x")
        landing.settle()
    assert os.lstat(target.path / "file").st_mode & 0o7777 == mode & 0o777


@pytest.mark.parametrize(
    "name", [b"../x", b"/etc/x", b"a/../../x", b"C:\\x", b"a\0", b"", b"a//b", b"x" * 300,
             b".pynet-incoming/x", b".pynet-incoming"]
)  # fmt: skip
def test_hostile_names_are_refused(target: Tree, name: bytes, leftovers: Leftovers) -> None:
    info = FileInfo(name, "file", 1)
    with Landing(target) as landing:
        verdict = landing.consider(info)
        assert isinstance(verdict, Refused)
        assert verdict.problem.code == "name"
        for act in (lambda: landing.small(info, b"x"), lambda: landing.part(info)):
            with pytest.raises(BadName):
                act()
        with pytest.raises(BadName):
            landing.folder(replace(info, kind="folder"))
    assert names(target) == []


@pytest.mark.parametrize(
    "odd",
    [
        {"size": -1},
        {"size": 1 << 63},
        {"size": (1 << 44) + 1},
        {"mtime_ns": 1 << 64},
        {"kind": "link"},
    ],
)
def test_things_that_no_disk_holds_are_refused(target: Tree, odd: dict[str, object]) -> None:
    info = replace(FileInfo(b"x", "file", 1), **odd)  # type: ignore[arg-type]
    with Landing(target) as landing:
        assert isinstance(landing.consider(info), Refused)


@pytest.mark.parametrize("mtime_ns", [0, -1_000_000_000, 4_000_000_000_000_000_000])
def test_times_far_off_are_kept(
    source: Tree, target: Tree, send: Send, write: Write, mtime_ns: int
) -> None:
    info = write(source, b"file", mtime_ns=mtime_ns)
    with Landing(target) as landing:
        send(landing, source, info)
        assert target.info(b"file").mtime_ns == info.mtime_ns


def test_what_is_damaged_on_the_way_does_not_arrive(
    source: Tree, target: Tree, write: Write, fill: Callable[..., int], leftovers: Leftovers
) -> None:
    small, large = write(source, b"small", b"12345"), write(source, b"large", bytes(SMALL + 1))
    digest = hasher("xxh3")
    with Landing(target) as landing:
        with pytest.raises(Damaged):
            landing.small(small, b"1234")
        with pytest.raises(Damaged):
            landing.small(small, b"12346", digest(b"12345"))
        part = landing.part(large)
        with pytest.raises(Damaged, match="not complete"):
            landing.publish(part)
        fill(part, source)
        with pytest.raises(Damaged):
            landing.publish(part, digest(b"other"))
        assert landing.small(small, b"12345", digest(b"12345")) == b"small"
    assert names(target) == [b"small"]
    assert leftovers(target) == []


# ---- conflicts --------------------------------------------------------------------------


@pytest.mark.parametrize("size", [3, SMALL + 3])
def test_both_are_kept(
    source: Tree, target: Tree, write: Write, read: Read, send: Send, size: int
) -> None:
    write(target, b"a.txt", b"mine")
    info = write(source, b"a.txt", bytes(size))
    with Landing(target) as landing:
        assert send(landing, source, info) == b"a (2).txt"
        assert send(landing, source, info) == b"a (2).txt"
        other = write(source, b"a.txt", b"\1" * size, mtime_ns=info.mtime_ns + 1)
        assert send(landing, source, other) == b"a (3).txt"
    assert read(target, b"a.txt") == b"mine"
    assert read(target, b"a (2).txt") == bytes(size)


@pytest.mark.parametrize("size", [3, SMALL + 3])
def test_overwriting_is_asked_for(
    source: Tree, target: Tree, write: Write, read: Read, send: Send, size: int
) -> None:
    write(target, b"a", b"mine")
    os.symlink("elsewhere", target.path / "link")
    (target.path / "folder").mkdir()
    with Landing(target, conflict="overwrite") as landing:
        for name in (b"a", b"link"):
            assert send(landing, source, write(source, name, bytes(size))) == name
            assert read(target, name) == bytes(size)
        with pytest.raises(FileExistsError):
            send(landing, source, write(source, b"folder", bytes(size)))
    assert target.info(b"link").kind == "file"
    assert target.info(b"folder").kind == "folder"


def test_skipping(source: Tree, target: Tree, write: Write, read: Read) -> None:
    write(target, b"a", b"mine")
    info = write(source, b"a", b"other")
    with Landing(target, conflict="skip") as landing:
        verdict = landing.consider(info)
        assert isinstance(verdict, Refused)
        assert verdict.problem.code == "conflict"
        with pytest.raises(FileExistsError):
            landing.small(info, b"other")
        with pytest.raises(ConfigurationError):
            Landing(target, conflict="guess")  # type: ignore[arg-type]
    assert read(target, b"a") == b"mine"


def test_a_file_is_in_the_way_of_a_folder(source: Tree, target: Tree, write: Write) -> None:
    write(target, b"a")
    with Landing(target) as landing:
        with pytest.raises(BadName, match="no folder"):
            landing.small(write(source, b"a/b"), b"x")
        verdict = landing.consider(source.info(b"a/b"))
        assert isinstance(verdict, Refused)


@pytest.mark.parametrize("way", ["rename", "link", "look"])
def test_nothing_is_replaced_whatever_the_file_system_offers(
    source: Tree,
    target: Tree,
    write: Write,
    read: Read,
    monkeypatch: pytest.MonkeyPatch,
    way: str,
) -> None:
    if way != "rename":
        monkeypatch.setattr(system, "rename_new", lambda *args: False)
    if way == "look":

        def refuse(*args: object, **kwargs: object) -> None:
            raise OSError(errno.EPERM, "no links here")

        monkeypatch.setattr(publish.os, "link", refuse)
    write(target, b"a", b"mine")
    info = write(source, b"a", b"other")
    with Landing(target) as landing:
        assert landing.small(info, b"other") == b"a (2)"
        assert landing.small(replace(info, name=b"b"), b"other") == b"b"
    assert [read(target, name) for name in (b"a", b"a (2)", b"b")] == [b"mine", b"other", b"other"]


def test_many_threads_give_every_file_a_name(source: Tree, target: Tree, write: Write) -> None:
    info = write(source, b"f/a", b"0")
    results: list[bytes] = []
    with Landing(target) as landing:

        def work(number: int) -> None:
            for at in range(20):
                mine = replace(info, mtime_ns=info.mtime_ns + number * 1000 + at)
                results.append(landing.small(mine, b"0"))

        threads = [threading.Thread(target=work, args=(n,), name=f"lane {n}") for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(set(results)) == 80
    assert len(os.listdir(target.path / "f")) == 80


def test_after_closing_nothing_is_written_anywhere(
    target: Tree, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    landing = Landing(target)
    landing.close()
    landing.close()
    with pytest.raises(OSError, match="Bad file descriptor"):
        landing.small(FileInfo(b"a", "file", 1), b"x")
    target.close()
    with pytest.raises(OSError, match="Bad file descriptor"):
        target.folder(b"a", create=True)
    assert os.listdir(tmp_path / "here") == []


# ---- links and races --------------------------------------------------------------------


def test_links_in_the_destination_are_not_followed(
    source: Tree, target: Tree, write: Write, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    os.symlink(outside, target.path / "way")
    info = write(source, b"way/file")
    with Landing(target) as landing:
        assert isinstance(landing.consider(info), Refused)
        with pytest.raises(BadName):
            landing.small(info, b"x")
        with pytest.raises(BadName):
            landing.folder(source.info(b"way"))
    with pytest.raises(BadName), Landing(target, b"way") as landing:
        landing.small(replace(info, name=b"file"), b"x")
    assert os.listdir(outside) == []


def test_the_folder_of_unfinished_files_is_no_link(target: Tree, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    os.symlink(outside, target.path / ".pynet-incoming")
    with pytest.raises(BadName):
        Landing(target)
    assert os.listdir(outside) == []


def test_a_folder_swapped_for_a_link_while_files_arrive(
    source: Tree, target: Tree, write: Write, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    info = write(source, b"way/file")
    way, aside, over = target.path / "way", target.path / "aside", threading.Event()
    way.mkdir()

    def flip() -> None:
        while not over.is_set():
            os.rename(way, aside)
            with contextlib.suppress(FileExistsError):
                os.symlink(outside, way)
            with contextlib.suppress(OSError):
                os.unlink(way)
            while aside.exists():
                # The landing may have made one of its own, which is as good.
                with contextlib.suppress(OSError):
                    os.rename(way, target.path / f"was-{os.urandom(4).hex()}")
                with contextlib.suppress(OSError):
                    os.rename(aside, way)

    flipper = threading.Thread(target=flip, name="flipper")
    flipper.start()
    try:
        with Landing(target) as landing:
            for number in range(500):
                target.forget(b"way")
                with contextlib.suppress(BadName, FileNotFoundError):
                    landing.small(replace(info, name=b"way/%d" % number), b"x")
    finally:
        over.set()
        flipper.join()
    assert os.listdir(outside) == []


def test_a_folder_removed_meanwhile_is_made_again(
    source: Tree, target: Tree, write: Write, send: Send
) -> None:
    with Landing(target) as landing:
        send(landing, source, write(source, b"a/one"))
        os.unlink(target.path / "a" / "one")
        os.rmdir(target.path / "a")
        assert send(landing, source, write(source, b"a/two")) == b"a/two"
    assert names(target) == [b"a", b"a/two"]


# ---- folders ----------------------------------------------------------------------------


def test_folders_get_their_modes_and_times_last(source: Tree, target: Tree, write: Write) -> None:
    write(source, b"a/b/file")
    os.mkdir(source.path / "empty")
    os.chmod(source.path / "a" / "b", 0o555)
    for name in ("a/b", "a", "empty"):
        os.utime(source.path / name, ns=(0, 1_600_000_000_000_000_007))
    with Landing(target) as landing:
        for info in list(source.scan(Selection.parse("**"))):
            assert isinstance(info, FileInfo)
            if info.kind == "folder":
                landing.folder(info)
            else:
                landing.small(info, read_small(source, info))
        landing.finish()
    for name in (b"a", b"a/b", b"empty"):
        here, there = target.info(name), source.info(name)
        assert (here.mode, here.mtime_ns) == (there.mode, there.mtime_ns)


def test_a_folder_that_was_there_keeps_its_mode(source: Tree, target: Tree) -> None:
    os.mkdir(source.path / "a", 0o755)
    os.mkdir(target.path / "a")
    os.chmod(target.path / "a", 0o700)
    with Landing(target) as landing:
        landing.folder(source.info(b"a"))
        landing.finish()
    assert target.info(b"a").mode == 0o700


def test_a_landing_does_not_bring_a_new_folder_if_it_holds_nothing(target: Tree) -> None:
    Landing(target).close()
    assert os.listdir(target.path) == []


# ---- file systems of other kinds --------------------------------------------------------


@pytest.fixture
def fat(tmp_path: Path) -> Iterator[Tree]:
    """A FAT file system: names without case, no links, no modes, times of two seconds."""
    image, place = tmp_path / "fat.img", tmp_path / "fat"
    with image.open("wb") as file:
        file.truncate(40 << 20)
    place.mkdir()
    for command in (
        ["mkfs.vfat", str(image)],
        ["mount", "-o", "loop,utf8=1", str(image), str(place)],
    ):
        try:
            done = subprocess.run(command, capture_output=True, check=False, text=True)
        except OSError as error:
            pytest.skip(f"no FAT here: {error}")
        if done.returncode:
            pytest.skip(f"no FAT here: {done.stderr.strip()}")
    try:
        with Tree(place) as tree:
            yield tree
    finally:
        subprocess.run(["umount", str(place)], check=True)


def test_fat(source: Tree, fat: Tree, write: Write, read: Read, send: Send) -> None:
    with Landing(fat) as landing:
        for name, data, expected in [
            (b"A.txt", b"1", b"A.txt"),
            (b"a.txt", b"2", b"a (2).txt"),
            (b"a:b?", b"3", b"a_b_"),
            (b"con", b"4", b"_con"),
            (b"dot.", bytes(SMALL + 1), b"dot_"),
        ]:
            assert send(landing, source, write(source, name, data)) == expected
            assert read(fat, expected) == data
    with Landing(fat) as landing:
        assert landing.consider(source.info(b"A.txt")) == Identical(b"A.txt")
        huge = FileInfo(b"huge", "file", 5 << 30, allocated=1)
        assert isinstance(landing.consider(huge), Wanted)


def test_names_that_the_disk_takes_for_one_are_kept_apart(
    source: Tree, target: Tree, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Where no such disk can be mounted: the landing believes that it is on one.
    with Landing(target, conflict="overwrite") as landing:
        publisher = landing._publisher
        publisher.folds = True
        folder = target.folder(b"")
        assert publisher.is_exact(folder, b"a.txt")
        write(target, b"A.txt")
        assert publisher.is_exact(folder, b"A.txt")
        lstat = type(folder).lstat
        monkeypatch.setattr(
            type(folder), "lstat", lambda self, part: lstat(self, part.replace(b"a", b"A"))
        )
        assert not publisher.is_exact(folder, b"a.txt")
