"""Devices and laptops that can be killed, and disks that can be filled."""

from __future__ import annotations

import contextlib
import os
import shutil
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


class Powered:
    """A disk in a file, whose power can go.

    What the kernel has in memory only does not come to the file before it is synced, so a copy of
    the file, taken when no process is at work, is what a power cut leaves.
    """

    def __init__(self, disk: Path, image: Path) -> None:
        self.disk = disk
        self._image = image

    def lose(self) -> None:
        """What was not synced is gone, and the power is back."""
        kept = self._image.with_suffix(".kept")
        shutil.copyfile(self._image, kept)
        subprocess.run(["umount", str(self.disk)], check=True)
        subprocess.run(["mount", "-o", "loop", str(kept), str(self.disk)], check=True)

    def repair(self) -> None:
        """What a person does when the kernel has found it damaged."""
        subprocess.run(["umount", str(self.disk)], check=True)
        subprocess.run(["fsck.ext4", "-fp", self._image], check=False, capture_output=True)
        subprocess.run(["mount", "-o", "loop", str(self._image), str(self.disk)], check=True)


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

    def ext4(self, size: int, options: str = "loop") -> Powered:
        """A real one, in a file."""
        if shutil.which("mkfs.ext4") is None:
            pytest.skip("there is no mkfs.ext4")
        image = self._place / f"image{len(self._mounted)}"
        with image.open("wb") as file:
            file.truncate(size)
        subprocess.run(["mkfs.ext4", "-q", "-m", "0", "-I", "256", str(image)], check=True)
        disk = self.mount("-o", f"loop,{options}", device=str(image))
        if disk is None:
            pytest.skip("mounting a disk in a file needs root on Linux")
        return Powered(disk, image)

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

    def make(
        *, disk: Path | None = None, destination: Path | None = None, kind: type[Bench] = Bench
    ) -> Bench:
        place = tmp_path / f"bench{len(made)}"
        place.mkdir()
        place.chmod(0o777)
        own = disk or disks.mount("-t", "tmpfs", "-o", f"size={DISK}")
        shared = place / "disk"
        if own is None:
            shared.mkdir()
        bench = kind(
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
