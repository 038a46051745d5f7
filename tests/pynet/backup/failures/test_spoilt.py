"""Classes 17 to 19: what is left of a cut is spoilt, a clock is wrong, the laptop knows nothing."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.pynet.backup.failures.bench import WHEN, Bench, Made, list_of, tree_of

YEAR = 365 * 86400


def cut(bench: Bench, device: str = "", laptop: str = "") -> None:
    """A run until one of its ends dies there; the other goes with it."""
    one = bench.device(device)
    other = bench.laptop(laptop).child
    first, second = (one, other) if device else (other, one)
    assert first.wait() < 0
    second.end()


# ---- what is left of a cut -------------------------------------------------------------------


def flip(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2)
        (byte,) = file.read(1)
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte ^ 1]))


def flip_all(path: Path) -> None:
    path.write_bytes(bytes(byte ^ 0x55 for byte in path.read_bytes()))


def shorten(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def lengthen(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"garbage" * 1000)


def empty(path: Path) -> None:
    path.write_bytes(b"")


SPOILT = [flip, flip_all, shorten, lengthen, empty]


@pytest.mark.parametrize("spoil", SPOILT)
@pytest.mark.parametrize("what", [".pynet-part", ".journal"])
def test_a_part_or_its_journal_is_spoilt(
    bench: Bench, spoil: Callable[[Path], None], what: str
) -> None:
    cut(bench, laptop="leaves:2")
    incoming = bench.destination / ".pynet-incoming"
    found = [name for name in list_of(incoming) if name.endswith(what) and name[0] != "s"]
    assert found
    for name in found:
        spoil(incoming / name)
    report = bench.move()
    # What was believed and is not so is found when it is read back, and the file begins anew.
    if report["kept"]:
        assert {code for code, _ in report["kept"].values()} == {"damaged"}
        bench.check()
        report = bench.move()
    shutil.rmtree(incoming, ignore_errors=True) if what == ".journal" else None
    bench.check_over(report)


@pytest.mark.parametrize("spoil", SPOILT)
def test_the_journal_of_a_move_is_spoilt(bench: Bench, spoil: Callable[[Path], None]) -> None:
    cut(bench, device="UNLINKED:5")
    (journal,) = (bench.root / ".pynet-incoming").glob("move-*")
    spoil(journal)
    report = bench.move()
    for bad in (bench.root / ".pynet-incoming").glob("*.bad"):
        bad.unlink()
        (bench.root / ".pynet-incoming").rmdir()
    bench.check()
    bench.check_tidy()
    assert report["verdict"] in ("done", "idle")
    assert tree_of(bench.copies).keys() | tree_of(bench.root).keys() == bench.originals.keys()


def test_the_journal_of_another_job_leads_to_nothing(bench: Bench, benches: Made) -> None:
    """One that was copied here from another disk, whose files have the same names."""
    other = benches()
    other.fill()
    cut(other, device="RECEIPT:1")
    (journal,) = (other.root / ".pynet-incoming").glob("move-*")
    (bench.root / ".pynet-incoming").mkdir()
    shutil.copy(journal, bench.root / ".pynet-incoming")
    bench.check_over(bench.move())


# ---- the laptop knows nothing ----------------------------------------------------------------


@pytest.mark.parametrize("place", ["SENT:1", "RECEIPT:2", "GUARDED:1"])
@pytest.mark.parametrize("lost", ["ledger", "copies", "all", "one copy", "restored"])
def test_the_laptop_was_installed_anew(bench: Bench, place: str, lost: str) -> None:
    """What it has promised before does not count any more, wherever that is written down."""
    earlier = bench.place / "earlier"
    (bench.destination / ".pynet-backup").mkdir(parents=True)
    shutil.copytree(bench.destination, earlier)
    cut(bench, device=place)
    gone = bench.originals.keys() - tree_of(bench.root).keys()
    copies = tree_of(bench.copies)
    if lost == "ledger":
        (bench.destination / ".pynet-backup" / "ledger").unlink()
    elif lost == "copies":
        shutil.rmtree(bench.copies)
    elif lost == "one copy":
        flip(bench.copies / "deep/er/b")
    else:
        shutil.rmtree(bench.destination)
        if lost == "restored":
            shutil.copytree(earlier, bench.destination)
    if lost != "ledger":
        for name in gone:  # these are lost with the laptop's disk, and not by a move
            del bench.originals[name]
    left = {name: data for name, data in tree_of(bench.root).items() if name in bench.originals}
    report = bench.move()
    bench.check()
    assert report["verdict"] in ("done", "idle"), report
    here = tree_of(bench.copies).values()
    for name, data in left.items():
        assert data in here or tree_of(bench.root)[name] == data
    assert copies


# ---- clocks ----------------------------------------------------------------------------------


@pytest.mark.parametrize("end", ["device", "laptop"])
@pytest.mark.parametrize("years", [-45, 10])
def test_a_clock_is_wrong(bench: Bench, end: str, years: int) -> None:
    clock = {end: {"clock": years * YEAR}}
    device = bench.device(**clock.get("device", {}))
    report = bench.laptop(**clock.get("laptop", {})).result()
    bench.check()
    if end == "device" and years < 0:
        # To it all files are of the future, and how old they are cannot be said.
        assert report["verdict"] == "exhausted"
        assert report["files"] == 0
        device.end()
        bench.device()
        report = bench.laptop().result()
    bench.check_over(report)


@pytest.mark.parametrize("years", [-45, 10])
def test_a_clock_jumps_in_the_middle(bench: Bench, years: int) -> None:
    cut(bench, device="RECEIPT:1")
    bench.device(clock=years * YEAR)
    bench.laptop(clock=years * YEAR).result()
    bench.check()
    for child in bench.children:
        child.end()
    bench.device()
    bench.check_over(bench.laptop().result())


def test_times_of_files_far_off(bench: Bench) -> None:
    odd: dict[bytes, Any] = {
        b"of 1970": 0,
        b"before 1970": -(10**9),
        b"of 2040": int((time.time() + 14 * YEAR) * 1e9),
        b"one second from now": int((time.time() + 3600) * 1e9),
    }
    for name, when in odd.items():
        bench.write(name, os.urandom(1000), when)
    bench.check_over(bench.move())
    here = {name for name in odd if name in tree_of(bench.copies)}
    assert here == {b"of 1970", b"before 1970"}
    for name in here:
        assert os.stat(os.fsencode(bench.copies) + b"/" + name).st_mtime_ns == odd[name]


def test_a_file_that_was_changed_and_has_its_old_time(bench: Bench) -> None:
    """Also its size: only the time of that change of its time tells."""
    hold = bench.hold("published")
    bench.device()
    laptop = bench.laptop(**hold.order)
    hold.reached(laptop)
    bench.write(b"a", b"!", WHEN)
    hold.go()
    report = laptop.result()
    assert report["kept"]["a"][0] == "changed"
    bench.check()
