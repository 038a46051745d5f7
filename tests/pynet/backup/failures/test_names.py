"""Classes 10 to 14: names, links, kinds of files and what may not be touched, from end to end."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
from pathlib import Path

import pytest

from pynet.files.hashing import LEAF
from tests.pynet.backup.failures.bench import Bench, Made, tree_of
from tests.pynet.backup.failures.conftest import ROOT, Disks

NOBODY = 65534

ODD = [
    b"A.txt", b"a.txt", "é".encode(), "e\u0301".encode(), b"dot.", b"space ", b"CON", b"aux.txt",
    b"a:b", b"C:\\x", b"-rf", b"new\nline", b"tab\t", b"\xff\xfe", b"*?[a]", b"'\"`$(x)", b"~",
    b"n" * 255, b"/".join([b"d" * 200] * 18) + b"/x", b" ", b"...", b"..a", b"%ff",
]  # fmt: skip


def test_all_names_that_linux_has(benches: Made) -> None:
    bench = benches()
    for number, name in enumerate(ODD):
        if name != b"C:\\x":
            bench.write(name, os.urandom(1000 + number))
    bench.write(b"same/name", os.urandom(500))
    bench.write(b"same too/name", os.urandom(500))
    bench.write(b"large", os.urandom(6 * LEAF))
    bench.check_over(bench.move())
    assert tree_of(bench.root) == {}


def test_what_looks_like_a_drive_stays(bench: Bench) -> None:
    """The laptop may be one where that leads elsewhere."""
    bench.write(b"C:\\x", b"x" * 1000)
    bench.move()
    bench.check()
    assert b"C:\\x" in tree_of(bench.root)


def test_what_has_the_name_at_the_laptop_stays_too(bench: Bench) -> None:
    bench.copies.mkdir(parents=True)
    (bench.copies / "a").write_bytes(b"something else")
    same = bench.copies / "deep/er/b"
    same.parent.mkdir(parents=True)
    same.write_bytes(bench.originals[b"deep/er/b"])
    when = os.stat(bench.root / "deep/er/b").st_mtime_ns
    os.utime(same, ns=(when, when))
    before = same.stat().st_ino
    bench.move()
    bench.check()
    assert (bench.copies / "a").read_bytes() == b"something else"
    assert (bench.copies / "a (2)").read_bytes() == bench.originals[b"a"]
    assert same.stat().st_ino == before
    assert not (bench.root / "deep/er/b").exists()


def test_two_devices_of_one_name_into_one_folder(benches: Made) -> None:
    one = benches()
    one.fill()
    two = benches(destination=one.destination)
    two.fill()
    one.move()
    two.move()
    for bench in (one, two):
        bench.check()
        bench.check_tidy()
    assert len(tree_of(one.copies)) == 18


@pytest.fixture
def one_place(benches: Made, disks: Disks) -> Bench:
    """The source's folder is where the copies are to go."""
    bench = benches(disk=disks.tmpfs(40 * LEAF))
    bench.destination = bench.disk / "top"
    bench.root = bench.copies = bench.destination / "car" / "rec"
    bench.root.mkdir(parents=True)
    bench.policy = {**bench.policy, "high": 0.02, "low": 0.01}
    for number in range(4):
        bench.write(b"%d" % number, os.urandom(LEAF + number))
    return bench


@pytest.mark.parametrize("end", ["laptop", "device"])
def test_the_destination_is_the_source_over_a_network(one_place: Bench, end: str) -> None:
    """The laptop has mounted what the device shares, or the device what the laptop keeps."""
    far = {end: {"far": True}}
    one_place.device(**far.get("device", {}))
    report = one_place.laptop(renumbered=True, **far.get("laptop", {})).result()
    assert (report["verdict"], report["files"]) == ("exhausted", 0)
    assert tree_of(one_place.root) == one_place.originals


@pytest.mark.parametrize("end", ["laptop", "device"])
def test_nothing_shows_that_the_destination_is_the_source(one_place: Bench, end: str) -> None:
    """What one end writes the other does not see at once: folders are remembered for a while."""
    far = {end: {"far": True}}
    one_place.device(**far.get("device", {}))
    order = {"renumbered": True, "unmarked": True, **far.get("laptop", {})}
    report = one_place.laptop(**order).result()
    one_place.check()
    assert report["verdict"] in ("held elsewhere", "exhausted")


def test_the_destination_is_the_source_on_one_machine(one_place: Bench) -> None:
    report = one_place.move(unmarked=True)
    one_place.check()
    assert {code for code, _ in report["kept"].values()} == {"same"}, report


# ---- links and kinds -------------------------------------------------------------------------


def test_links_and_special_files_stay_and_lead_nowhere(bench: Bench, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_bytes(b"secret" * 1000)
    (bench.root / "link").symlink_to(outside / "secret")
    (bench.root / "folder").symlink_to(outside)
    (bench.root / "dead").symlink_to("nowhere")
    os.mkfifo(bench.root / "pipe")
    report = bench.move()
    bench.check()
    assert report["verdict"] == "done"
    assert (outside / "secret").exists()
    assert b"secret" * 1000 not in tree_of(bench.copies).values()
    assert stat.S_ISFIFO((bench.root / "pipe").lstat().st_mode)


@pytest.mark.parametrize("where", ["car", "car/rec", "car/rec/deep"])
def test_a_link_at_the_laptop_is_not_followed(bench: Bench, tmp_path: Path, where: str) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    link = bench.destination / where
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(outside)
    report = bench.move(patience=0.0)
    assert "error" in report or report["kept"], report
    assert list(outside.iterdir()) == []
    bench.check()


def test_holes_empty_files_and_one_byte_more_than_a_leaf(benches: Made, disks: Disks) -> None:
    bench = benches()
    sparse = bench.write(b"sparse", b"")
    with sparse.open("r+b") as file:
        file.seek(20 * LEAF)
        file.write(os.urandom(3 * LEAF))
        file.truncate(60 * LEAF)
    os.utime(sparse, ns=(10**18, 10**18))
    bench.originals[b"sparse"] = sparse.read_bytes()
    bench.write(b"one more", os.urandom(2 * LEAF + 1))
    bench.write(b"exact", os.urandom(LEAF))
    bench.write(b"nothing", b"")
    bench.check_over(bench.move())
    assert (bench.copies / "sparse").stat().st_blocks * 512 < 8 * LEAF


@pytest.mark.skipif(not ROOT, reason="gives files to another user")
@pytest.mark.parametrize("what", ["unreadable", "folder", "sticky"])
def test_what_the_device_may_not_touch_stays(bench: Bench, what: str) -> None:
    bench.let_all_in()
    subprocess.run(["chown", "-R", f"{NOBODY}:{NOBODY}", str(bench.root)], check=True)
    names = {b"deep/er/b", b"deep/large"}
    deep = bench.root / "deep"
    if what == "unreadable":
        names = {b"deep/er/b"}
        (deep / "er/b").chmod(0)
        os.chown(deep / "er/b", 0, 0)
    elif what == "folder":
        for folder in (deep, deep / "er"):
            os.chown(folder, 0, 0)
            folder.chmod(0o755)
    else:
        for folder in (deep, deep / "er"):
            os.chown(folder, 0, 0)
            folder.chmod(0o1777)
        for name in names:
            os.chown(bench.root / os.fsdecode(name), 0, 0)
    device = bench.device(user=NOBODY)
    report = bench.laptop().result()
    bench.check()
    assert names <= tree_of(bench.root).keys()
    assert report["verdict"] in ("exhausted", "done"), report
    device.signal(signal.SIGTERM)


@pytest.mark.skipif(not ROOT, reason="becomes another user")
@pytest.mark.parametrize("where", ["", "car", "car/rec"])
def test_where_the_laptop_may_not_write(bench: Bench, where: str) -> None:
    folder = bench.destination / where
    folder.mkdir(parents=True)
    bench.let_all_in()
    subprocess.run(["chown", "-R", f"{NOBODY}:{NOBODY}", str(bench.destination)], check=True)
    os.chown(folder, 0, 0)
    folder.chmod(0o555)
    bench.device()
    report = bench.laptop(user=NOBODY, patience=0.0).result()
    assert "error" in report or report["kept"], report
    text = report.get("text") or str(report["kept"])
    assert "permission" in text.lower(), report
    bench.check()
    assert tree_of(bench.root).keys() == bench.originals.keys()
