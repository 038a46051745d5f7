"""A device with a small disk of its own, and a laptop that empties it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pynet import Controller, Gateway, RemoteGateway
from pynet.backup import Backup, Policy
from pynet.backup.report import BackupReport
from pynet.files.transfer import Transfer

MIB = 1024 * 1024
DISK = 32 * MIB

EASY: dict[str, Any] = {"floor_bytes": 0, "floor_share": 0.0}
"""Of a policy: the laptop of the tests may be as full as it likes."""


class Scene:
    """A device that shares a disk as ``rec``, and a folder of the laptop.

    Attributes:
        disk: the device's.
        home: where files go.
        gateway, car: the device, and how the laptop sees it.
    """

    def __init__(self, disk: Path, home: Path, gateway: Gateway, car: RemoteGateway) -> None:
        self.disk = disk
        self.home = home
        self.gateway = gateway
        self.car = car
        self.content: dict[str, bytes] = {}

    def write(self, name: str, size: int = MIB, age: float = 5000.0) -> Path:
        """A file of that age with content of its own."""
        path = self.disk / name
        path.parent.mkdir(parents=True, exist_ok=True)
        content = os.urandom(min(size, 4096)).ljust(size, name[-1:].encode())
        path.write_bytes(content)
        self.content[name] = content
        set_age(path, age)
        return path

    def fill(self, count: int = 26, size: int = MIB, first: int = 0) -> list[str]:
        """Files, oldest first: of 26 MiB the disk is 81 % full."""
        names = [f"day/{number:03}.bin" for number in range(first, first + count)]
        for number, name in enumerate(names):
            self.write(name, size, 100_000 - 10 * (first + number))
        return names

    def backup(self, own_process: bool = False, home: Path | None = None, **rules: Any) -> Backup:
        """Of the disk, agreed to."""
        backup = Backup(
            self.car, "rec", home or self.home, Policy(**EASY | rules), own_process=own_process
        )
        backup.agree()
        return backup

    def here(self, folder: str = "rover/rec") -> list[str]:
        """What has arrived, and its content is right."""
        return self._names(self.home / folder)

    def there(self) -> list[str]:
        """What is on the device."""
        return self._names(self.disk)

    def share(self) -> float:
        """How full the device's disk is, as df has it."""
        status = os.statvfs(self.disk)
        used = status.f_blocks - status.f_bfree
        return used / (used + status.f_bavail)

    def nothing_is_lost(self) -> None:
        """Every file that was written is there, or here, and whole."""
        for name, content in self.content.items():
            copies = [self.disk / name, self.home / "rover/rec" / name]
            assert any(copy.exists() and copy.read_bytes() == content for copy in copies), name

    def _names(self, folder: Path) -> list[str]:
        names = []
        for path in folder.rglob("*"):
            name = str(path.relative_to(folder))
            if path.is_file() and ".pynet-" not in name:
                assert path.read_bytes() == self.content.get(name, path.read_bytes())
                names.append(name)
        return sorted(names)


def set_age(path: Path, age: float) -> None:
    """Let it be changed so many seconds ago."""
    when = time.time() - age
    os.utime(path, (when, when))


def ran(transfer: Transfer[BackupReport]) -> BackupReport:
    """What came of it."""
    return transfer.wait(40)


@pytest.fixture
def disk(tmpfs: Callable[[int], Path]) -> Path:
    """The device's."""
    return tmpfs(DISK)


@pytest.fixture
def scene(disk: Path, tmp_path: Path) -> Iterator[Scene]:
    with (
        Gateway(port=0, name="rover", heartbeat=0.1) as gateway,
        Controller(name="desk", heartbeat=0.1) as controller,
    ):
        gateway.share("rec", disk, write=True)
        car = controller.connect(gateway.address, timeout=5)
        yield Scene(disk, tmp_path / "home", gateway, car)
