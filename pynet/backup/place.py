"""Where a backup is on this machine: the files by device, and beside them what is known of them."""

from __future__ import annotations

import os
from pathlib import Path

from pynet.backup.restored import Restored
from pynet.backup.state import State
from pynet.files.ledger import Ledger
from pynet.files.names import portable
from pynet.files.tree import Tree

FOLDER = ".pynet-backup"
"""In the destination: the ledger, and the state of each root."""


FAT = ("vfat", "msdos")
LARGEST_ON_FAT = 2**32 - 1


class Place:
    """A destination folder.

    Files of a device lie in ``device/share/...``, as they lay there.

    Args:
        destination: the folder, made if it is missing.
        device: what the other machine is called.
        root: of it.
        machine: its device id; two devices of one name share a folder, and nothing else.

    Attributes:
        path: the folder.
        base: name of the device's folder of the root, below it.
    """

    def __init__(
        self, destination: str | os.PathLike[str], device: str, root: str, machine: str = ""
    ) -> None:
        self.path = Path(destination).expanduser().absolute()
        parts = [_folder(part) for part in (device or "device", root)]
        self.base = b"/".join(parts)
        which = [os.fsdecode(part)[:80] for part in parts] + [machine[:15]] * bool(machine)
        self._name = "-".join(which)

    def tree(self) -> Tree:
        """The destination.

        Raises:
            NotShared: it cannot be used.
        """
        return Tree(self.path, create=True)

    def ledger(self, tree: Tree) -> Ledger:
        """What was received; one program at a time.

        Raises:
            Busy: another one has it.
        """
        return Ledger(self.path / FOLDER, tree)

    @property
    def ledger_path(self) -> Path:
        """Where the ledger is kept."""
        return self.path / FOLDER

    def state(self) -> State:
        """Whether the root is being emptied, and whether a person has agreed to that."""
        return State(self.path / FOLDER / f"{self._name}.json")

    def restored(self) -> Restored:
        """What was put back there lately."""
        return Restored(self.path / FOLDER / f"{self._name}.restored.json")

    def largest(self) -> int | None:
        """Bytes that a file can have here; None where that is no concern."""
        try:
            device = os.stat(self.path).st_dev
            mounts = Path("/proc/self/mountinfo").read_text("utf-8", "replace")
        except OSError:
            return None
        return LARGEST_ON_FAT if kind_of_disk(device, mounts) in FAT else None


def kind_of_disk(device: int, mounts: str) -> str:
    """The kind of a file system, from Linux's list of what is mounted; ``""`` if unknown."""
    number = f"{os.major(device)}:{os.minor(device)}"
    for line in mounts.splitlines():
        head, _, tail = line.partition(" - ")
        if head.split(" ")[2:3] == [number]:
            return tail.split(" ")[0]
    return ""


def _folder(name: str) -> bytes:
    """A name that comes from the other machine, as a folder that is none of pynet's own."""
    part = portable(os.fsencode(name))
    return b"_" + part[1:] if part.startswith(b".") else part
