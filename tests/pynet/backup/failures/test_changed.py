"""Classes 8 and 9: files that change while they move, and files that others have open."""

from __future__ import annotations

import mmap
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pynet.files.hashing import LEAF
from tests.pynet.backup.failures.bench import Bench, Made, tree_of
from tests.pynet.backup.failures.conftest import Disks


def append(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"more")


def truncate(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def replace(path: Path) -> None:
    """As programs write: a new file, renamed over the old one, of the same size and time."""
    status = path.stat()
    draft = path.with_name("draft")
    draft.write_bytes(os.urandom(status.st_size))
    os.utime(draft, ns=(status.st_mtime_ns, status.st_mtime_ns))
    draft.replace(path)


def overwrite(path: Path) -> None:
    """In place, with the old size and time."""
    status = path.stat()
    with path.open("r+b") as file:
        file.write(os.urandom(min(100, status.st_size)))
    os.utime(path, ns=(status.st_mtime_ns, status.st_mtime_ns))


def touch(path: Path) -> None:
    os.utime(path)


def link(path: Path) -> None:
    os.link(path, path.with_name("another name"))


def delete(path: Path) -> None:
    path.unlink()


WAYS = [append, truncate, replace, overwrite, touch, link, delete]

MOMENTS: dict[str, tuple[str, str, int, bytes]] = {
    "a small file was read": ("device", "read", 2, b"deep/er/b"),
    "a large file was half read": ("device", "read", 4, b"leaf and one"),
    "the last of a large file was read": ("device", "read", 5, b"leaf and one"),
    "the copy was read back": ("laptop", "published", 1, b"deep/er/b"),
    "the receipt came": ("device", "GUARDED", 2, b"deep/er/b"),
}
"""Who stops where for the n-th time, and the file that this is about."""


@pytest.fixture
def bench(benches: Made, disks: Disks) -> Bench:
    """With room for a file that takes the place of another."""
    bench = benches(disk=disks.tmpfs(10 * LEAF))
    bench.fill()
    return bench


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("change", WAYS)
def test_a_file_changes(
    bench: Bench, moment: str, change: Callable[[Path], None], until: Callable[..., None]
) -> None:
    end, at, number, name = MOMENTS[moment]
    path = bench.root / os.fsdecode(name)
    hold = bench.hold(at, number)
    device = bench.device(**hold.order if end == "device" else {})
    laptop = bench.laptop(lanes=1, **hold.order if end == "laptop" else {})
    hold.reached(device if end == "device" else laptop)
    # Who opens a file that is about to be removed waits until that is decided.
    changing = threading.Thread(target=change, args=(path,))
    changing.start()
    if at == "GUARDED" and change in (append, truncate, overwrite):
        until(lambda: breaking(path))
    else:
        changing.join()
    hold.go()
    changing.join()
    report = laptop.result()
    if change is delete:
        del bench.originals[name]
    else:
        bench.originals[name] = path.read_bytes()
        if change is link:
            bench.originals[name[: -len(path.name)] + b"another name"] = path.read_bytes()
        assert bench.originals[name] == tree_of(bench.root)[name], "it went, and was another"
        assert name.decode() in report.get("kept", ()), report
    bench.check()
    bench.check_tidy()
    for child in bench.children:
        child.end()
    bench.move(policy={"low": 0.02})
    bench.check()
    bench.check_tidy()


def breaking(path: Path) -> bool:
    """Somebody waits for a lease on it to end."""
    number = f":{path.stat().st_ino} "
    lines = Path("/proc/locks").read_text().splitlines()
    return any("BREAKING" in line and number in line for line in lines)


# ---- open files ------------------------------------------------------------------------------


def opened(path: Path, how: str) -> Iterator[Any]:
    with path.open("r+b" if how == "mapped" else how) as file:
        if how == "mapped":
            with mmap.mmap(file.fileno(), 0) as mapped:
                file.close()
                yield mapped
        else:
            yield file


@pytest.mark.parametrize("how", ["rb", "ab", "mapped"])
@pytest.mark.parametrize("when", ["before the plan", "after it"])
@pytest.mark.parametrize("name", [b"deep/er/b", b"leaf and one", b"tub/2"])
def test_a_file_is_open(bench: Bench, how: str, when: str, name: bytes) -> None:
    path = bench.root / os.fsdecode(name)
    users = opened(path, how)
    if when == "before the plan":
        next(users)
    hold = bench.hold("published")
    bench.device()
    laptop = bench.laptop(**hold.order)
    hold.reached(laptop)
    if when == "after it":
        next(users)
    hold.go()
    report = laptop.result()
    bench.check()
    assert path.exists()
    if when == "after it":
        assert report["kept"][name.decode()][0] == "open"
    for other in (b"tub/1", b"tub/2", b"tub/img/3") if name[:3] == b"tub" else ():
        assert other in tree_of(bench.root), "a part of a group went"
    users.close()  # type: ignore[attr-defined]
    bench.check_over(bench.laptop(policy={"low": 0.02}).result() | {"verdict": "done"})


def test_a_file_that_grows_all_the_time(bench: Bench) -> None:
    path = bench.root / "deep/large"
    stop = threading.Event()

    def grow() -> None:
        with path.open("ab", buffering=0) as file:
            while not stop.wait(0.001):
                file.write(b"line\n")

    thread = threading.Thread(target=grow)
    thread.start()
    try:
        report = bench.move()
    finally:
        stop.set()
        thread.join()
    bench.originals[b"deep/large"] = path.read_bytes()
    bench.check()
    assert len(bench.originals[b"deep/large"]) > 4 * LEAF - 5
    assert report["verdict"] in ("exhausted", "done")
