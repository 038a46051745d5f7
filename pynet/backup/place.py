"""Where a backup is on this machine: the files by device, and beside them what is known of them."""

from __future__ import annotations

import os
from pathlib import Path

from pynet.backup.state import State
from pynet.files.ledger import Ledger
from pynet.files.names import portable
from pynet.files.tree import Tree

FOLDER = ".pynet-backup"
"""In the destination: the ledger, and the state of each root."""


class Place:
    """A destination folder.

    Files of a device lie in ``device/root/...``, as they lay there.

    Args:
        destination: the folder, made if it is missing.
        device: what the other machine is called.
        root: of it.
    """

    def __init__(self, destination: str | os.PathLike[str], device: str, root: str) -> None:
        self.path = Path(destination).expanduser().absolute()
        parts = [portable(os.fsencode(part)) for part in (device or "device", root)]
        self.base = b"/".join(parts)
        self._state = f"{os.fsdecode(parts[0])}-{os.fsdecode(parts[1])}.json"

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
        return State(self.path / FOLDER / self._state)
