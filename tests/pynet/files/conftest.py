"""Small disks that can be filled."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest


@pytest.fixture
def tmpfs(tmp_path: Path) -> Iterator[Callable[[int], Path]]:
    """Makes file systems of their own, of so many bytes; needs root."""
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("mounting a small disk needs root on Linux")
    disks: list[Path] = []

    def mount(size: int) -> Path:
        disk = tmp_path / f"disk{len(disks)}"
        disk.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(disk)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"mounting is not allowed here: {done.stderr.strip()}")
        disks.append(disk)
        return disk

    try:
        yield mount
    finally:
        for disk in disks:
            subprocess.run(["umount", "-l", str(disk)], check=True)


@pytest.fixture
def small_disk(tmpfs: Callable[[int], Path]) -> Path:
    """A file system of its own of 1 MiB; needs root."""
    return tmpfs(1024 * 1024)
