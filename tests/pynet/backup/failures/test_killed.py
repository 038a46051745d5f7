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


def test_nothing_happens(bench: Bench) -> None:
    report = bench.move()
    bench.check_over(report)
    assert report["files"] == 9


@pytest.mark.parametrize("place", DEVICE)
@pytest.mark.parametrize("both", [False, True], ids=["device", "both"])
def test_the_device_is_killed(bench: Bench, place: str, both: bool) -> None:
    device = bench.device(place)
    laptop = bench.laptop(patience=0.0)
    assert device.wait() == -signal.SIGKILL
    if both:
        laptop.end()
    else:
        assert laptop.result()["error"] in ("ConnectionLost", "ConnectError")
    bench.check()
    bench.check_over(bench.move())


@pytest.mark.parametrize("place", LAPTOP)
@pytest.mark.parametrize("both", [False, True], ids=["laptop", "both"])
def test_the_laptop_is_killed(bench: Bench, place: str, both: bool) -> None:
    device = bench.device()
    laptop = bench.laptop(place)
    assert laptop.child.wait() == -signal.SIGKILL
    if both:
        device.end()
    bench.check()
    if both:
        device = bench.device()
    report = bench.laptop().result()
    bench.check_over(report)
