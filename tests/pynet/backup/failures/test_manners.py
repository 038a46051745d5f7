"""Classes 20 and 21: two at once, and an end that is asked for."""

from __future__ import annotations

import signal

import pytest

from tests.pynet.backup.failures.bench import Bench, Made, tree_of


def test_two_runs_into_one_folder(bench: Bench) -> None:
    hold = bench.hold("published")
    bench.device()
    one = bench.laptop(**hold.order)
    hold.reached(one)
    other = bench.laptop(patience=0.0).result()
    assert other["error"] == "Busy", other
    bench.check()
    hold.go()
    bench.check_over(one.result())


@pytest.mark.parametrize("at", ["published", "synced"])
def test_two_laptops_empty_one_device(bench: Bench, benches: Made, at: str) -> None:
    """Both may get a file; none is lost, and each says what it has moved."""
    hold = bench.hold(at)
    bench.device()
    other = benches(disk=bench.place)
    other.address = bench.address
    one = bench.laptop(**hold.order)
    hold.reached(one)
    reports = [other.laptop().result()]
    hold.go()
    reports.append(one.result())
    copies = {**tree_of(bench.copies), **tree_of(other.copies)}
    there = tree_of(bench.root)
    assert copies.keys() | there.keys() == bench.originals.keys()
    for name, data in {**copies, **there}.items():
        assert data == bench.originals[name]
    for report in reports:
        assert report["verdict"] in ("done", "idle"), report
    bench.check_tidy()
    other.check_tidy()


def test_both_laptops_run_at_the_same_time(bench: Bench, benches: Made) -> None:
    bench.device()
    other = benches(disk=bench.place)
    other.address = bench.address
    runs = [bench.laptop(), other.laptop()]
    for run in runs:
        assert run.result()["verdict"] in ("done", "idle", "exhausted")
    copies = {**tree_of(bench.copies), **tree_of(other.copies)}
    there = tree_of(bench.root)
    for name, data in bench.originals.items():
        assert data in (copies.get(name), there.get(name)), name


@pytest.mark.parametrize("end", ["device", "laptop"])
@pytest.mark.parametrize("at", [("device", "GUARDED", 5), ("laptop", "published", 2),
                                ("device", "read", 6)])  # fmt: skip
def test_an_end_is_asked_to_end(bench: Bench, end: str, at: tuple[str, str, int]) -> None:
    """It does so at once, and the next run goes on."""
    where, point, number = at
    hold = bench.hold(point, number)
    device = bench.device(**hold.order if where == "device" else {})
    laptop = bench.laptop(patience=0.0, **hold.order if where == "laptop" else {})
    hold.reached(device if where == "device" else laptop)
    asked = device if end == "device" else laptop.child
    asked.signal(signal.SIGTERM)
    if where == end == "device":
        hold.go()  # its Gateway lets a subroutine that is under way come to its end
    asked.wait(5)
    for child in bench.children:
        child.end()
    bench.check()
    bench.check_over(bench.move())


def test_a_laptop_that_is_interrupted_says_that_nothing_is_lost(bench: Bench) -> None:
    hold = bench.hold("published", 2)
    bench.device()
    laptop = bench.laptop(cancel=True, **hold.order)
    hold.reached(laptop)
    laptop.child.signal(signal.SIGTERM)
    hold.go()
    report = laptop.result()
    assert report["error"] == "Cancelled", report
    bench.check()
    bench.check_over(bench.laptop().result())


@pytest.mark.parametrize("place", ["RECEIPT:1", "UNLINKED:5", "published:1"])
def test_in_processes_of_their_own(bench: Bench, place: str) -> None:
    """As usual: the file process of the device and the worker of the laptop are killed.

    The Gateway starts another file process for the next connection; a worker's end ends its run.
    """
    device = bench.device("" if place == "published:1" else place, own_process=True)
    laptop = bench.laptop(place if place == "published:1" else "", own_process=True, patience=1.0)
    report = laptop.result(60)
    bench.check()
    assert report["error"] in ("ConnectionLost", "Busy", "ConnectError"), report
    device.signal(signal.SIGTERM)
    assert device.wait() == 0
    bench.device(own_process=True)
    bench.check_over(bench.laptop(own_process=True).result())
