"""Class 4: the power goes. What a disk was not made to keep is lost, on either side.

Both disks are ext4 in a file, see ``Powered``.
"""

from __future__ import annotations

import subprocess

import pytest

from tests.pynet.backup.failures.bench import Bench, Made
from tests.pynet.backup.failures.conftest import Disks, Powered

SIZE = 24 * 1024 * 1024

DEVICE = ["SENT:1:before", "RECEIPT:1", "UNLINKED:6", "DELETED:1:before", "DELETED:2"]
LAPTOP = ["leaves:1", "synced:1", "published:2", "RECEIVED:1", "SETTLED:1:torn"]


@pytest.fixture
def powered(benches: Made, disks: Disks) -> tuple[Bench, Powered, Powered]:
    there, here = disks.ext4(SIZE), disks.ext4(SIZE)
    bench = benches(disk=there.disk, destination=here.disk / "laptop")
    bench.whole, bench.policy = False, {**bench.policy, "high": 0.02, "low": 0.01}
    bench.fill()
    subprocess.run(["sync", "-f", str(there.disk)], check=True)
    return bench, there, here


@pytest.mark.parametrize("place", DEVICE + LAPTOP)
def test_the_power_goes_at_both(powered: tuple[Bench, Powered, Powered], place: str) -> None:
    bench, there, here = powered
    device = bench.device(place if place in DEVICE else "")
    laptop = bench.laptop(place if place in LAPTOP else "").child
    first, second = (device, laptop) if place in DEVICE else (laptop, device)
    assert first.wait() < 0
    second.end()
    there.lose()
    here.lose()
    bench.check()
    bench.check_over(bench.move())


@pytest.mark.parametrize("which", ["here", "there"])
def test_the_power_goes_right_after_a_run(
    powered: tuple[Bench, Powered, Powered], which: str
) -> None:
    bench, there, here = powered
    report = bench.move()
    assert report["verdict"] in ("done", "exhausted")
    (here if which == "here" else there).lose()
    bench.check_over(report)


def test_the_model_loses_what_was_not_synced(
    powered: tuple[Bench, Powered, Powered],
) -> None:
    _, there, _ = powered
    late = there.disk / "late"
    late.write_bytes(b"never synced" * 1000)
    there.lose()
    assert not late.exists() or late.read_bytes() != b"never synced" * 1000
