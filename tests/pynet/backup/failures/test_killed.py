"""Classes 1, 2 and 3: an end, or both, are killed at each record and between any two effects."""

from __future__ import annotations

import signal

import pytest

from tests.pynet.backup.failures.bench import Bench

WAYS = ("", ":before", ":torn")
"""After the commit that has the record; before it; when half of it is written."""

DEVICE = [f"{kind}:1{way}" for kind in ("UNIT", "SENT") for way in WAYS]
DEVICE += [f"{kind}:{n}{way}" for kind in ("RECEIPT", "DELETED") for n in (1, 2) for way in WAYS]
DEVICE += [f"{point}:{n}" for point in ("GUARDED", "UNLINKED") for n in (1, 5, 6, 7, 9)]
DEVICE += ["SYNCED:1", "SYNCED:2"]

LAPTOP = [f"{kind}:1{way}" for kind in ("JOB", "leaves", "SETTLED") for way in WAYS]
LAPTOP += [f"RECEIVED:{n}{way}" for n in (1, 2) for way in WAYS]
LAPTOP += [f"{point}:{n}" for point in ("synced", "published") for n in (1, 2, 3)]


BOTH = ["RECEIPT:1", "DELETED:1:torn", "UNLINKED:6", "GUARDED:9", "SYNCED:1"]
BOTH_LAPTOP = ["RECEIVED:1", "RECEIVED:2:torn", "SETTLED:1:before", "leaves:1", "published:2"]
"""Where the other end goes with the one that dies; one alone has the same records to go on from."""


def test_nothing_happens(bench: Bench) -> None:
    report = bench.move()
    bench.check_over(report)
    assert report["files"] == 9


@pytest.mark.parametrize("place", DEVICE)
def test_the_device_is_killed(bench: Bench, place: str) -> None:
    device = bench.device(place)
    laptop = bench.laptop(patience=0.0)
    assert device.wait() == -signal.SIGKILL
    assert laptop.result()["error"] in ("ConnectionLost", "ConnectError")
    bench.check()
    bench.check_over(bench.move())


@pytest.mark.parametrize("place", LAPTOP)
def test_the_laptop_is_killed(bench: Bench, place: str) -> None:
    bench.device()
    assert bench.laptop(place).child.wait() == -signal.SIGKILL
    bench.check()
    bench.check_over(bench.laptop().result())


@pytest.mark.parametrize("place", [*BOTH, *BOTH_LAPTOP])
def test_both_are_killed(bench: Bench, place: str) -> None:
    device = bench.device(place if place in BOTH else "")
    laptop = bench.laptop(place if place in BOTH_LAPTOP else "")
    first, second = (device, laptop.child) if place in BOTH else (laptop.child, device)
    assert first.wait() == -signal.SIGKILL
    second.end()
    bench.check()
    bench.check_over(bench.move())
