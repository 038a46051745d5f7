"""A source whose files are moved, without a destination: receipts are written by hand."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from pynet.files.info import FileInfo
from pynet.files.journal import Journal
from pynet.files.receipts import Outcome, Receipt
from pynet.files.removal import Removal
from pynet.files.tree import Tree

HEADER = {"what": "move", "version": 1, "owner": "test"}


class Source:
    """Some files below a folder, a journal beside it, and a Removal of them.

    Args:
        place: an empty folder.
        names: of files of 4096 bytes to make, in the order of the plan.
        options: of the Removal.
    """

    def __init__(self, place: Path, names: Iterable[str] = ("a", "b", "c"), **options: Any) -> None:
        self.place = place
        self.root = place / "root"
        self.names = list(names)
        self.options = options
        for number, name in enumerate(self.names):
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(bytes([number % 251]) * 4096)
        self.tree = Tree(self.root)
        self.plan = [self.tree.info(os.fsencode(name)) for name in self.names]
        self.removal = self.opened()

    def opened(self) -> Removal:
        return Removal(self.tree, Journal(self.place / "journal", HEADER), **self.options)

    def reopen(self) -> None:
        """As after a crash: a new process finds the journal."""
        self.removal.close()
        self.removal = self.opened()

    def expect(self, *ids: int) -> None:
        for number in ids or range(len(self.plan)):
            self.removal.expect(number, self.plan[number], digest(number), "xxh3")

    def receipt(self, number: int, **other: Any) -> Receipt:
        return replace(promised(number, self.plan[number]), **other)

    def receive(self, *ids: int) -> dict[int, str]:
        """What became of each."""
        receipts = [self.receipt(number) for number in ids or range(len(self.plan))]
        return codes(self.removal.receive(receipts))

    def left(self) -> list[str]:
        return sorted(
            str(path.relative_to(self.root)) for path in self.root.rglob("*") if path.is_file()
        )

    def close(self) -> None:
        self.removal.close()
        self.tree.close()


def digest(id: int) -> bytes:
    return id.to_bytes(16, "little")


def promised(id: int, info: FileInfo) -> Receipt:
    return Receipt(id, info, digest(id), "xxh3", b"car/" + info.name, 99, 1000 + id)


def codes(outcomes: Iterable[Outcome]) -> dict[int, str]:
    return {outcome.id: outcome.code for outcome in outcomes}


def forked(work: Callable[[], object]) -> int:
    """Do it in a child process: 0, minus the signal that ended it, or 1 if it raised."""
    with warnings.catch_warnings():
        # The child runs nothing of what other threads may have been in the middle of.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if not child:
        code = 1
        try:
            work()
            code = 0
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
