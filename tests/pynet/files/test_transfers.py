"""Whole transfers between a real Gateway's file process and this one, both ways."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import stat
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pynet import Controller, Gateway, RemoteGateway
from pynet.errors import (
    BadName,
    Cancelled,
    ConfigurationError,
    ConnectionLost,
    Forbidden,
    NoSpace,
    NotShared,
)
from pynet.files.client import Files
from pynet.files.hashing import LEAF

Until = Callable[..., None]
RANDOM = os.urandom(3 * LEAF + 12_345)


@pytest.fixture
def there(tmp_path: Path) -> Path:
    """The folder that is shared."""
    folder = tmp_path / "there"
    folder.mkdir()
    return folder


@pytest.fixture
def here(tmp_path: Path) -> Path:
    return tmp_path / "here"


BOTH = pytest.mark.parametrize("shared", ["tls", "plain"], indirect=True)


@pytest.fixture
def shared(request: pytest.FixtureRequest, there: Path) -> Iterator[Gateway]:
    insecure = getattr(request, "param", "tls") == "plain"
    with Gateway(port=0, name="bench", heartbeat=0.1, insecure=insecure) as gateway:
        gateway.share("logs", there, write=True)
        yield gateway


@pytest.fixture
def car(shared: Gateway) -> Iterator[RemoteGateway]:
    with Controller(name="desk", heartbeat=0.1, insecure=shared.insecure) as controller:
        yield controller.connect(shared.address, timeout=5)


@pytest.fixture
def files(car: RemoteGateway) -> Files:
    return car.files


def fill(folder: Path) -> None:
    """A tree with everything that is not quite usual."""
    (folder / "deep" / "er").mkdir(parents=True)
    (folder / "empty folder").mkdir()
    (folder / "large.bin").write_bytes(RANDOM)
    (folder / "one leaf").write_bytes(RANDOM[:LEAF])
    (folder / "one more").write_bytes(RANDOM[: LEAF + 1])
    (folder / "nothing").touch()
    (folder / "-rf\n*").write_bytes(b"a name with everything")
    (folder / "grün.txt").write_text("unicode")
    Path(os.fsdecode(os.fsencode(folder) + b"/no\xff\xfeutf8")).write_bytes(b"raw")
    for number in range(300):
        (folder / "deep" / "er" / f"{number}.txt").write_bytes(RANDOM[: number * 37])
    (folder / "run.sh").write_bytes(b"#!")
    (folder / "run.sh").chmod(0o755)
    os.utime(folder / "run.sh", ns=(1, 1_600_000_000_123_456_789))
    os.utime(folder / "empty folder", ns=(1, 1_500_000_000_000_000_001))


def snapshot(folder: Path) -> dict[str, tuple[int, int, bytes | None]]:
    """Names, modes, times and contents; of folders the time counts too."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if ".pynet-incoming" in path.parts:
            continue
        status = path.lstat()
        content = path.read_bytes() if path.is_file() else None
        found[str(path.relative_to(folder))] = (
            stat.S_IMODE(status.st_mode), status.st_mtime_ns, content,
        )  # fmt: skip
    return found


@BOTH
@pytest.mark.parametrize("own_process", [True, False])
def test_a_tree_arrives_as_it_is_and_a_second_time_nothing_is_sent(
    files: Files, there: Path, here: Path, own_process: bool
):
    fill(there)
    report = files.get("logs/", here, own_process=own_process).wait(30)
    assert report.problems == ()
    assert snapshot(here) == snapshot(there)
    assert report.files == 308
    again = files.get("logs/", here, own_process=own_process).wait(30)
    assert (again.files, again.identical, again.arrived) == (308, 308, 0)
    assert not list((here / ".pynet-incoming").glob("*part*"))


@BOTH
def test_a_tree_is_put_there_and_fetched_from_there(files: Files, there: Path, here: Path):
    here.mkdir()
    fill(here)
    report = files.put(here, "logs/from desk", own_process=False).wait(30)
    assert report.problems == ()
    assert snapshot(there / "from desk" / "here") == snapshot(here)
    back = here.parent / "back"
    files.get("logs/from desk/here/", back, own_process=False).wait(30)
    assert snapshot(back) == snapshot(here)


@pytest.mark.parametrize(
    ("what", "match", "names"),
    [
        ("logs/large.bin", None, ["large.bin"]),
        ("logs/deep", r"/1\d\.txt$", [f"deep/er/{n}.txt" for n in range(10, 20)]),
        ("logs/deep/", "^er/7.txt$", ["er/7.txt"]),
        ("logs/deep/er/29?.txt", None, [f"{n}.txt" for n in range(290, 300)]),
        ("logs/**/12.txt", None, ["deep/er/12.txt"]),
        (["logs/run.sh", "logs/one*"], None, ["one leaf", "one more", "run.sh"]),
    ],
)
def test_what_is_asked_for_is_what_comes(files: Files, there: Path, here: Path, what, match, names):
    fill(there)
    found = files.find(what, match=match)
    files.get(what, here, match=match, own_process=False).wait(30)
    came = sorted(name for name, (_, _, content) in snapshot(here).items() if content is not None)
    assert came == sorted(names)
    assert len(found) == len(names)


def test_links_and_special_files_are_told_of_and_never_followed(
    files: Files, there: Path, here: Path
):
    (there / "real").write_bytes(b"1")
    (there / "link").symlink_to("real")
    (there / "out").symlink_to("/etc")
    os.mkfifo(there / "pipe")
    report = files.get("logs/", here, own_process=False).wait(30)
    assert sorted(snapshot(here)) == ["real"]
    assert {(p.name, p.code) for p in report.problems} == {
        (b"link", "link"), (b"out", "link"), (b"pipe", "special"),
    }  # fmt: skip


def test_a_sparse_file_stays_sparse(files: Files, there: Path, here: Path):
    size = 40 * 1024**3
    with (there / "sparse").open("wb") as file:
        file.seek(5 * 1024**3)
        file.write(RANDOM)
        file.truncate(size)
    report = files.get("logs/sparse", here, own_process=False).wait(60)
    copy = here / "sparse"
    assert (copy.stat().st_size, report.files) == (size, 1)
    assert copy.stat().st_blocks * 512 < 16 * LEAF
    assert report.arrived < 8 * LEAF
    with copy.open("rb") as file:
        file.seek(5 * 1024**3)
        assert file.read(len(RANDOM)) == RANDOM


@pytest.mark.parametrize(
    ("conflict", "kept", "copy"),
    [("keep", b"old", b"new!"), ("overwrite", b"new!", None), ("skip", b"old", None)],
)
def test_another_file_of_the_name_is_dealt_with_as_asked(
    files: Files, there: Path, here: Path, conflict, kept, copy
):
    here.mkdir()
    (there / "a.txt").write_bytes(b"new!")
    (here / "a.txt").write_bytes(b"old")
    report = files.get("logs/", here, conflict=conflict, own_process=False).wait(30)
    assert (here / "a.txt").read_bytes() == kept
    second = here / "a (2).txt"
    assert (second.read_bytes() if second.exists() else None) == copy
    assert [p.code for p in report.problems] == (["conflict"] if conflict == "skip" else [])


def test_what_is_not_shared_is_refused(files: Files, here: Path, there: Path):
    with pytest.raises(NotShared, match="nothing is shared here as 'nope'"):
        files.get("nope/x", here, own_process=False).wait(30)
    with pytest.raises(BadName):
        files.look("logs/../..")
    (there / "x").touch()
    with pytest.raises(ConfigurationError, match="lanes=0"):
        files.get("logs/x", here, lanes=0)
    with pytest.raises(ConfigurationError, match="nothing is named"):
        files.get([], here)


def test_a_share_for_reading_takes_nothing(tmp_path: Path):
    (tmp_path / "x").write_bytes(b"1")
    with Gateway(port=0, insecure=True, heartbeat=0.1) as gateway:
        gateway.share("logs", tmp_path)
        with Controller(insecure=True, heartbeat=0.1) as controller:
            car = controller.connect(gateway.address)
            with pytest.raises(Forbidden, match="reading only"):
                car.put(tmp_path / "x", "logs/y", own_process=False).wait(30)


def test_progress_is_told_and_adds_up(files: Files, there: Path, here: Path):
    fill(there)
    told = []
    transfer = files.get("logs/", here, callback=told.append, own_process=False)
    seen = list(transfer)
    report = transfer.wait(30)
    assert seen[-1].state == told[-1].state == "done"
    assert seen[-1].bytes == report.bytes == seen[-1].bytes_total
    assert [p.bytes for p in told] == sorted(p.bytes for p in told)
    assert seen[-1].total_known


@pytest.mark.parametrize("own_process", [True, False])
@pytest.mark.parametrize("direction", ["get", "put"])
def test_pause_goes_on_and_cancel_keeps_what_arrived(
    files: Files, there: Path, here: Path, own_process: bool, direction: str, until: Until
):
    here.mkdir()
    source, target = (there, here) if direction == "get" else (here, there)
    (source / "large").write_bytes(os.urandom(LEAF) * 64)
    first = threading.Event()
    if direction == "get":
        transfer = files.get("logs/large", here, callback=lambda _: first.set(), lanes=1)
    else:
        transfer = files.put(here / "large", "logs/", callback=lambda _: first.set(), lanes=1)
    assert first.wait(10)
    transfer.pause()
    until(lambda: transfer.state in ("paused", "done"))
    if transfer.state == "paused":
        transfer.resume()
    transfer.wait(30)
    assert (target / "large").read_bytes() == (source / "large").read_bytes()
    transfer.cancel()  # too late: nothing happens
    assert transfer.state == "done"


def test_a_cancelled_transfer_goes_on_where_it_was(files: Files, there: Path, here: Path):
    (there / "large").write_bytes(os.urandom(LEAF) * 200)
    cut = threading.Event()
    transfer = files.get(
        "logs/large",
        here,
        callback=lambda p: cut.set() if p.bytes > 40 * LEAF else None,
        own_process=False,
        lanes=1,
    )
    assert cut.wait(20)
    transfer.cancel()
    try:
        transfer.wait(20)
    except Cancelled:
        assert transfer.state == "cancelled"
        assert not (here / "large").exists()
    report = files.get("logs/large", here, own_process=False).wait(30)
    assert report.arrived <= 165 * LEAF
    assert (here / "large").read_bytes() == (there / "large").read_bytes()


@BOTH
def test_lanes_that_are_cut_are_replaced_and_nothing_is_missing(
    files: Files, there: Path, here: Path, until: Until
):
    (there / "large").write_bytes(os.urandom(LEAF) * 300)
    for number in range(500):
        (there / f"{number}").write_bytes(RANDOM[: number * 50])
    running = threading.Event()
    transfer = files.get(
        "logs/", here, lanes=3, own_process=False, callback=lambda p: p.lanes and running.set()
    )
    assert running.wait(20)
    engine = files.engine
    for _ in range(4):
        with engine._lock:
            runs = list(engine._runs)
        attempt = runs[0]._last if runs else None
        if attempt is None:
            break
        for lane in lanes_of(attempt):
            with contextlib.suppress(OSError):  # it has just ended by itself
                lane._sock.shutdown(socket.SHUT_RDWR)
        threading.Event().wait(0.05)
    report = transfer.wait(60)
    assert report.problems == ()
    assert (here / "large").read_bytes() == (there / "large").read_bytes()
    assert len(list(here.glob("*"))) == 501


def lanes_of(attempt):
    return list(attempt.carrying.values())


def test_the_file_process_is_killed_and_the_transfer_goes_on(
    shared: Gateway, files: Files, there: Path, here: Path, until: Until
):
    (there / "large").write_bytes(os.urandom(LEAF) * 400)
    some = threading.Event()
    transfer = files.get(
        "logs/large",
        here,
        lanes=1,
        own_process=False,
        callback=lambda p: some.set() if p.bytes > 20 * LEAF else None,
    )
    assert some.wait(20)
    os.kill(shared._files.pid, signal.SIGKILL)
    report = transfer.wait(60)
    assert (here / "large").read_bytes() == (there / "large").read_bytes()
    assert report.files == 1


def test_the_worker_process_is_killed_and_says_so(files: Files, there: Path, here: Path):
    (there / "large").write_bytes(os.urandom(LEAF) * 400)
    some = threading.Event()
    transfer = files.get("logs/large", here, lanes=1, callback=lambda _: some.set())
    assert some.wait(20)
    os.kill(files._worker.pid, signal.SIGKILL)
    with pytest.raises(ConnectionLost, match="goes on where it was"):
        transfer.wait(30)
    assert files.get("logs/large", here).wait(60).files == 1
    assert (here / "large").read_bytes() == (there / "large").read_bytes()


def test_a_source_that_changes_is_not_published(files: Files, there: Path, here: Path):
    large = there / "large"
    large.write_bytes(os.urandom(LEAF) * 64)
    stop = threading.Event()

    def writer() -> None:
        with large.open("r+b") as file:
            while not stop.is_set():
                file.seek(0)
                file.write(os.urandom(64))
                file.flush()

    thread = threading.Thread(target=writer)
    thread.start()
    try:
        report = files.get("logs/large", here, own_process=False).wait(60)
    finally:
        stop.set()
        thread.join()
    assert [p.code for p in report.problems] == ["changed"]
    assert not (here / "large").exists()


def test_a_full_disk_is_told_and_what_arrived_is_kept(
    files: Files, there: Path, tmp_path: Path, tmpfs: Callable[..., Path]
):
    small = tmpfs(8 * LEAF)
    (there / "large").write_bytes(os.urandom(LEAF) * 20)
    with pytest.raises(NoSpace, match=r"full|does not fit|free"):
        files.get("logs/large", small, own_process=False).wait(30)
    assert not (small / "large").exists()
