"""Devices and laptops that can be killed, and disks that can be filled."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.pynet.backup.failures.bench import DISK, Bench, Made
from tests.pynet.backup.failures.zygote import Zygote

ROOT = sys.platform == "linux" and os.geteuid() == 0


@pytest.fixture(scope="session")
def zygote() -> Iterator[Zygote]:
    if sys.platform != "linux":
        pytest.skip("processes are made and watched as only Linux can")
    with contextlib.closing(Zygote()) as zygote:
        yield zygote


class Disks:
    """Small file systems of their own, for root."""

    def __init__(self, place: Path) -> None:
        self._place = place
        self._mounted: list[Path] = []

    def mount(self, *options: str, device: str = "tmpfs") -> Path | None:
        """One more; None if that is not allowed here."""
        if not ROOT:
            return None
        disk = self._place / f"disk{len(self._mounted)}"
        disk.mkdir()
        done = subprocess.run(
            ["mount", *options, device, str(disk)], capture_output=True, check=False
        )
        if done.returncode:
            return None
        self._mounted.append(disk)
        return disk

    def tmpfs(self, size: int, options: str = "") -> Path:
        """One of so many bytes."""
        disk = self.mount("-t", "tmpfs", "-o", f"size={size}{options}")
        if disk is None:
            pytest.skip("mounting a small disk needs root on Linux")
        return disk

    def close(self) -> None:
        for disk in reversed(self._mounted):
            subprocess.run(["umount", "-l", str(disk)], check=True)


@pytest.fixture
def disks(tmp_path: Path) -> Iterator[Disks]:
    with contextlib.closing(Disks(tmp_path)) as disks:
        yield disks


@pytest.fixture
def benches(zygote: Zygote, disks: Disks, tmp_path: Path) -> Iterator[Made]:
    """Makes a bench; with the disks that are given, or some of its own."""
    made: list[Bench] = []

    def make(*, disk: Path | None = None, destination: Path | None = None) -> Bench:
        place = tmp_path / f"bench{len(made)}"
        place.mkdir()
        place.chmod(0o777)
        own = disk or disks.mount("-t", "tmpfs", "-o", f"size={DISK}")
        shared = place / "disk"
        if own is None:
            shared.mkdir()
        bench = Bench(
            zygote, place, own or shared, destination or place / "laptop", whole=own is not None
        )
        made.append(bench)
        return bench

    try:
        yield make
    finally:
        for bench in made:
            bench.close()


@pytest.fixture
def bench(benches: Made) -> Bench:
    """One with files of all kinds."""
    bench = benches()
    bench.fill()
    return bench
