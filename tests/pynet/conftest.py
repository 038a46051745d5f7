"""A real Gateway and a real Controller on loopback, and small disks, for tests that want them."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pynet import Controller, Gateway, RemoteGateway


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    """Running on a free port, with room for ten pairs."""
    with Gateway(port=0, pool_size=10, name="bench", heartbeat=0.1) as gateway:
        yield gateway


@pytest.fixture
def controller() -> Iterator[Controller]:
    with Controller(name="desk", heartbeat=0.1) as controller:
        yield controller


@pytest.fixture
def car(gateway: Gateway, controller: Controller) -> RemoteGateway:
    """The Gateway as the Controller sees it."""
    return controller.connect(gateway.address, timeout=3)


def until(condition: Callable[[], object], limit: float = 5.0) -> None:
    """Wait for a condition; fail after a generous limit."""
    deadline = time.monotonic() + limit
    pause = threading.Event()
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        pause.wait(0.005)


@pytest.fixture(name="until")
def until_fixture() -> Callable[..., None]:
    return until


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
