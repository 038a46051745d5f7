"""The source's end of a move: sends files, and removes those for which it gets a receipt."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from pynet.backup.rooted import Rooted
from pynet.backup.words import ENOUGH, FAILED, KEPT, REMOVED, SETTLED
from pynet.files.info import FileInfo
from pynet.files.receipts import Outcome, Receipt, told
from pynet.files.removal import Removal
from pynet.files.sending import Say, Thing


class Departure(Rooted):
    """Sends as :class:`Rooted` does; what it reads is what receipts have to name.

    The control talk's owner does all that the Removal does; lanes only tell it what they read.

    Args:
        things, say, algorithm: see :class:`Rooted`; all are files, in the order of the plan.
        removal: removes them.

    Attributes:
        kept: the destination has written down what became of the files.
    """

    def __init__(self, things: Iterable[Thing], say: Say, algorithm: str, removal: Removal) -> None:
        super().__init__(things, say, algorithm)
        self._removal = removal
        self._read: deque[tuple[int, bytes]] = deque()
        self._dropped: deque[int] = deque()
        self._expected: set[int] = set()
        self._stopped = False
        self.kept = False

    # ---- on lanes' threads --------------------------------------------------------------

    def _was_read(self, id: int, leaf: int, digest: bytes) -> None:
        if id in self._large:
            super()._was_read(id, leaf, digest)
        else:
            self._read.append((id, digest))

    def _has_root(self, id: int, root: bytes) -> None:
        self._read.append((id, root))

    def _drop(self, id: int, error: Exception) -> None:
        self._dropped.append(id)
        super()._drop(id, error)

    # ---- on the control talk's owner's --------------------------------------------------

    def settle(self) -> None:
        """Take in what lanes have read and given up."""
        while self._read:
            number, root = self._read.popleft()
            if number not in self._expected:
                self._expected.add(number)
                self._removal.expect(number, self._infos[number], root, self._algorithm)
        dropped = []
        while self._dropped:
            dropped.append(self._dropped.popleft())
        if dropped:
            self._tell_outcomes(self._removal.skip(dropped))

    def _take(self, word: str, message: list[Any]) -> None:
        self.settle()
        if word == SETTLED:
            receipts = [receipt_of(entry, self._infos, self._algorithm) for entry in message[1]]
            self._tell_outcomes(self._removal.receive(receipts))
        elif word == FAILED:
            self._tell_outcomes(self._removal.skip(message[1]))
        elif word == KEPT:
            self.kept = True
        else:
            super()._take(word, message)

    def _tell_outcomes(self, outcomes: list[Outcome]) -> None:
        if outcomes:
            self._say([REMOVED, pack_outcomes(outcomes)])
            # A receipt that is not believed settles nothing; the file stays, others go on.
            doubted = [one.id for one in outcomes if one.code in ("damaged", "refused")]
            if doubted:
                self._tell_outcomes(self._removal.skip(doubted))
        if self._removal.stopped and not self._stopped:
            self._stopped = True
            self.work.close()
            self._say([ENOUGH])


def receipt_of(
    entry: list[Any], infos: list[FileInfo] | dict[int, FileInfo], algorithm: str
) -> Receipt:
    """A receipt as it came; it is for the file that this end knows by that number.

    If the other end knows that file by another name, size, time or mode, it is for none: what was
    told of it was spoilt on the way.

    Raises:
        LookupError, TypeError, ValueError: it makes no sense.
    """
    number, root, final_name, device, inode, known = entry
    if type(number) is not int or number < 0:
        raise ValueError(number)
    info = infos[number]
    if known != told(info.name, info.size, info.mtime_ns, info.mode):
        info = replace(info, name=b"")
    return Receipt(number, info, bytes(root), algorithm, bytes(final_name), int(device), int(inode))


def pack_outcomes(outcomes: Iterable[Outcome]) -> list[list[Any]]:
    """For the other end."""
    return [[one.id, one.name, one.code, one.text, one.freed] for one in outcomes]
