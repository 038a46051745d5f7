"""Classes 5, 6 and 7: disks that take no more, at any moment, on either side."""

from __future__ import annotations

import errno
import os
import subprocess
from pathlib import Path

import pytest

from pynet.files.hashing import LEAF
from tests.pynet.backup.failures.bench import DISK, Bench, Made
from tests.pynet.backup.failures.conftest import Disks

KIB = 1024


def remount(disk: Path, options: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{options}", str(disk)], check=True)


def ended(report: dict[str, object]) -> None:
    """It says that the laptop's disk is full, one way or the other."""
    assert report.get("error") == "NoSpace" or report.get("verdict") == "destination full", report


@pytest.mark.parametrize("size", [4, 8, 32, 100, 340, 700, 2000, 4500])
def test_the_laptop_s_disk_is_full_at_any_moment(benches: Made, disks: Disks, size: int) -> None:
    """It does not see it coming, so that each of its calls is once the one that is refused."""
    disk = disks.tmpfs(size * KIB)
    bench = benches(destination=disk)
    bench.fill()
    bench.device()
    report = bench.laptop(blind=True, patience=0.0).result()
    ended(report)
    bench.check()
    remount(disk, "size=20m")
    bench.check_over(bench.laptop().result())


@pytest.mark.parametrize("files", [2, 4, 6, 9, 13])
def test_the_laptop_s_disk_holds_no_more_files(benches: Made, disks: Disks, files: int) -> None:
    disk = disks.tmpfs(20 * LEAF, f",nr_inodes={files}")
    bench = benches(destination=disk)
    bench.fill()
    bench.device()
    ended(bench.laptop(blind=True, patience=0.0).result())
    bench.check()
    remount(disk, "nr_inodes=5000")
    bench.check_over(bench.laptop().result())


@pytest.mark.parametrize("number", [1, 5])
@pytest.mark.parametrize(
    ("call", "code"),
    [
        ("fsync", errno.EIO),
        ("fdatasync", errno.EIO),
        ("fsync", errno.ENOSPC),
        ("fdatasync", errno.ENOSPC),
        ("write", errno.EDQUOT),
     ("pwrite", errno.EDQUOT), ("mkdir", errno.EDQUOT)],
)  # fmt: skip
def test_the_laptop_s_disk_fails_in_a_call(bench: Bench, call: str, code: int, number: int) -> None:
    """What no small disk here does by itself; from the n-th call on."""
    bench.device()
    report = bench.laptop(fault=[call, number, code], patience=0.0).result()
    full = report.get("verdict") == "destination full"
    assert full or "error" in report or report["kept"], report
    bench.check()
    bench.check_over(bench.laptop().result())


@pytest.mark.parametrize("size", [100, 1400, 4000])
def test_the_laptop_s_user_may_write_no_more(benches: Made, disks: Disks, size: int) -> None:
    options = f"usrquota,usrquota_block_hardlimit={size}K"
    disk = disks.mount("-t", "tmpfs", "-o", options)
    if disk is None:
        pytest.skip("there are no quotas here, or mounting needs root")
    bench = benches(destination=disk / "laptop")
    bench.fill()
    bench.let_all_in()
    bench.destination.mkdir()
    os.chown(bench.destination, 65534, 65534)
    bench.device()
    ended(bench.laptop(user=65534, patience=0.0).result())
    bench.check()
    bench.check_over(bench.laptop().result())


def test_it_sees_it_coming_and_moves_what_fits(benches: Made, disks: Disks) -> None:
    bench = benches(destination=disks.tmpfs(2 * LEAF))
    bench.fill()
    report = bench.move()
    assert report["verdict"] == "destination full"
    assert report["files"] == 8  # all but one that is larger than the disk
    bench.check()
    bench.check_tidy()


def test_the_laptop_s_floor_stays_free(benches: Made, disks: Disks) -> None:
    disk = disks.tmpfs(8 * LEAF)
    bench = benches(destination=disk)
    bench.fill()
    report = bench.move(policy={"floor_bytes": 6 * LEAF})
    assert report["verdict"] == "destination full"
    status = os.statvfs(disk)
    assert status.f_bavail * status.f_frsize >= 6 * LEAF
    bench.check()


@pytest.mark.parametrize("at", ["synced", "published"])
@pytest.mark.parametrize("number", [1, 2])
def test_the_laptop_s_disk_becomes_read_only(
    benches: Made, disks: Disks, at: str, number: int
) -> None:
    """As the kernel does it when it finds a disk to be damaged."""
    powered = disks.ext4(24 * LEAF, "errors=remount-ro")
    disk = powered.disk
    bench = benches(destination=disk / "laptop")
    bench.fill()
    bench.device()
    hold = bench.hold(at, number)
    laptop = bench.laptop(**hold.order, patience=0.0)
    hold.reached(laptop)
    emergency(disk)
    hold.go()
    report = laptop.result()
    assert "error" in report, report
    assert "read-only" in report["text"].lower(), report
    bench.check()
    powered.repair()
    bench.check_over(bench.laptop().result())


def emergency(disk: Path) -> None:
    mounts = [line.split() for line in Path("/proc/mounts").read_text().splitlines()]
    device = next(Path(words[0]).name for words in mounts if words[1] == str(disk))
    trigger = Path("/sys/fs/ext4", device, "trigger_fs_error")
    if not trigger.exists():
        pytest.skip("this kernel cannot be made to find a disk damaged")
    trigger.write_text("1")


def test_the_laptop_s_disk_is_read_only_from_the_start(benches: Made, disks: Disks) -> None:
    disk = disks.tmpfs(20 * LEAF)
    bench = benches(destination=disk)
    bench.fill()
    bench.device()
    assert bench.laptop().result()["verdict"] == "done"
    bench.write(b"more", os.urandom(5 * LEAF))
    remount(disk, "ro")
    report = bench.laptop(patience=0.0).result()
    assert "read-only" in report["text"].lower(), report
    bench.check()


@pytest.mark.parametrize("what", ["bytes", "files"])
def test_the_device_s_disk_is_full_to_the_last(benches: Made, disks: Disks, what: str) -> None:
    """The very case that a backup is for; not even a record of it fits."""
    options = "" if what == "bytes" else ",nr_inodes=20"
    disk = disks.tmpfs(DISK, options)
    bench = benches(disk=disk)
    bench.fill()
    if what == "bytes":
        fill(disk / "filler")
    else:
        number = 0
        while os.statvfs(disk).f_favail:
            (disk / f"filler{number}").touch()
            number += 1
    report = bench.move(policy={"low": 0.3})
    bench.check()
    assert report["verdict"] in ("done", "exhausted"), report
    assert report["files"] >= 8
    bench.check_tidy()


@pytest.mark.parametrize("place", ["GUARDED:5", "UNLINKED:5", "SYNCED:1"])
def test_the_device_is_killed_while_its_disk_is_full(
    benches: Made, disks: Disks, place: str
) -> None:
    disk = disks.tmpfs(DISK)
    bench = benches(disk=disk)
    bench.fill()
    fill(disk / "filler")
    device = bench.device(place)
    bench.laptop(patience=0.0).result()
    assert device.wait() < 0
    bench.check()
    report = bench.move(policy={"low": 0.02})
    bench.check()
    bench.check_tidy()
    assert report["verdict"] == "exhausted", report


def fill(path: Path) -> None:
    with path.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            pass


def test_a_laptop_without_a_name_for_it(bench: Bench) -> None:
    """Its destination is a file, or lies in what it may not write to."""
    bench.place.joinpath("laptop").write_bytes(b"a file")
    report = bench.move(patience=0.0)
    assert report["error"] == "NotShared", report
    bench.check()


@pytest.mark.parametrize("left", [4, 600, 1100])
def test_the_device_s_disk_has_room_for_some_records_only(
    benches: Made, disks: Disks, left: int
) -> None:
    """Long names of many files: what was sent is more than the journal can take."""
    disk = disks.tmpfs(12 * LEAF, ",nr_inodes=10000")
    bench = benches(disk=disk)
    for number in range(1500):
        bench.write(b"%04d" % number + b"n" * 245, b"%04d" % number * 256)
    fill(disk / "filler")
    with (disk / "filler").open("r+b") as file:
        file.truncate((disk / "filler").stat().st_size - left * KIB)
    report = bench.move(policy={"low": 0.3}, group=256, lanes=4)
    assert report["verdict"] in ("done", "exhausted"), report
    assert report["files"] == 1500
    bench.check()
    bench.check_tidy()
