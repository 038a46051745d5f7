"""What a move's source knows: what it sent, what was promised for it, and whose turn it is."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, fields
from operator import attrgetter

from pynet.errors import NoSpace
from pynet.files.info import FileInfo
from pynet.files.journal import Journal, Record
from pynet.files.receipts import Outcome, Receipt, Sent

UNIT, SENT, RECEIPT, DELETED = "UNIT", "SENT", "RECEIPT", "DELETED"
"""Kinds of records. UNIT and SENT are written with the next RECEIPT, which they come before."""

_fields = attrgetter(*(field.name for field in fields(FileInfo)))

Unit = tuple[range, bytes | None]
"""The ids of files that go together, and the folder that they fill."""


@dataclass(frozen=True, slots=True)
class Ready:
    """Files whose turn it is.

    Attributes:
        receipts: in order of ids.
        folder: that they fill, for a unit of several.
        whole: nothing of the unit is missing.
    """

    receipts: tuple[Receipt, ...]
    folder: bytes | None
    whole: bool


class Moving:
    """The state of one job, as its journal has it.

    Args:
        journal: that was found or begun.
        ordered: files take turns by their ids.

    Attributes:
        sent: what was sent and has no receipt, by number.
        received: what has one and was not its turn, by number.
        removed: what the process before has removed.
    """

    def __init__(self, journal: Journal, ordered: bool) -> None:
        self._journal = journal
        self._ordered = ordered
        self.sent: dict[int, Sent] = {}
        self.received: dict[int, Receipt] = {}
        self.removed: list[Receipt] = []
        self._missing: set[int] = set()
        self._over: set[int] = set()
        self._units: dict[int, Unit] = {}
        self._turn = 0
        self._known = 0
        self._ripe: deque[int] = deque()
        for record in journal.records:
            self._replay(record)
        journal.records.clear()

    # ---- what happens -------------------------------------------------------------------

    def unit(self, first: int, count: int, folder: bytes) -> None:
        """Files that go together."""
        self._journal.append(UNIT, first, count, folder)
        self._add_unit(first, count, folder)

    def expect(self, sent: Sent) -> None:
        """A file was sent."""
        if self._is_known(sent.id):
            raise ValueError(f"file {sent.id} of this job was sent or given up already")
        self._journal.append(SENT, sent.id, _fields(sent.info), sent.root, sent.algorithm)
        self._add_sent(sent)

    def skip(self, ids: Iterable[int]) -> None:
        """Files do not come; of others it is too late to say so."""
        for number in ids:
            if number not in self.received and number not in self._over:
                self.sent.pop(number, None)
                self._missing.add(number)
                self._ripe.append(number)

    def doubt(self) -> None:
        """Receipts that wait count as never come."""
        for number, one in self.received.items():
            self.sent[number] = Sent(number, one.info, one.root, one.algorithm)
        self.received.clear()
        self._ripe.clear()

    def give_up(self) -> None:
        """Nothing comes any more of what is known and not received."""
        self.skip(number for number in range(self._known) if number not in self.received)

    def receive(self, receipts: Sequence[Receipt]) -> list[Outcome]:
        """Take in, durably, those that were asked for; the others are returned with a reason."""
        refused: list[Outcome] = []
        taken: dict[int, Receipt] = {}
        for receipt in receipts:
            fault = self._fault(receipt, taken)
            if fault is None:
                taken[receipt.id] = receipt
                self._journal.append(
                    RECEIPT, receipt.id, receipt.final_name, receipt.device, receipt.inode
                )
            else:
                refused.append(fault)
        try:
            self._journal.commit()
        except NoSpace:
            self._commit_only(taken.values())
        for receipt in taken.values():
            self._add_receipt(receipt)
        return refused

    def _commit_only(self, receipts: Collection[Receipt]) -> None:
        """Write what these need, without all that was sent since the last ones."""
        for first in dict.fromkeys(self._units[one.id][0][0] for one in receipts
                                   if one.id in self._units):  # fmt: skip
            ids, folder = self._units[first]
            self._journal.append(UNIT, first, len(ids), folder)
        for one in receipts:
            sent = self.sent[one.id]
            self._journal.append(SENT, one.id, _fields(sent.info), sent.root, sent.algorithm)
            self._journal.append(RECEIPT, one.id, one.final_name, one.device, one.inode)
        self._journal.commit()

    def next(self) -> Ready | None:
        """Whose turn it is; each file has one turn only."""
        while (first := self._candidate()) is not None:
            ids, folder = self._units.get(first, (range(first, first + 1), None))
            if not all(self._is_settled(number) for number in ids):
                if self._ordered:
                    return None
                continue
            self._turn = ids.stop
            receipts = tuple(self.received.pop(number) for number in ids if number in self.received)
            whole = self._missing.isdisjoint(ids)
            self._over.update(ids)
            if receipts:
                return Ready(receipts, folder, whole)
        return None

    # ---- how it is known ----------------------------------------------------------------

    def _candidate(self) -> int | None:
        if self._ordered:
            return self._turn if self._turn < self._known else None
        while self._ripe:
            number = self._ripe.popleft()
            if number not in self._over:
                return number
        return None

    def _is_settled(self, number: int) -> bool:
        return number in self.received or number in self._missing or number in self._over

    def _is_known(self, number: int) -> bool:
        return number in self.sent or self._is_settled(number)

    def _fault(self, receipt: Receipt, taken: dict[int, Receipt]) -> Outcome | None:
        """Why a receipt is not believed."""
        number = receipt.id
        numbers = (number, receipt.device, receipt.inode)
        if not all(isinstance(one, int) for one in numbers):
            return Outcome(-1, b"", "refused", "a receipt that makes no sense was refused")
        sent = self.sent.get(number)
        if sent is None or number in taken:
            text = f"a receipt for file {number}, for which none is awaited, was refused"
            return Outcome(number, b"", "refused", text)
        name = sent.info.name
        if receipt.info != sent.info or not isinstance(receipt.final_name, bytes):
            text = f"{sent.info.text} stays: its receipt is for another file"
            return Outcome(number, name, "refused", text)
        if (receipt.algorithm, receipt.root) != (sent.algorithm, sent.root) or not sent.root:
            text = f"{sent.info.text} stays: what the destination has is not what was sent"
            return Outcome(number, name, "damaged", text)
        return None

    def _add_unit(self, first: int, count: int, folder: bytes) -> None:
        ids = range(first, first + count)
        for number in ids:
            self._units[number] = (ids, folder)
        self._known = max(self._known, ids.stop)

    def _add_sent(self, sent: Sent) -> None:
        self.sent[sent.id] = sent
        self._known = max(self._known, sent.id + 1)

    def _add_receipt(self, receipt: Receipt) -> None:
        self.sent.pop(receipt.id)
        self.received[receipt.id] = receipt
        self._ripe.append(receipt.id)

    def _replay(self, record: Record) -> None:
        """One record of the process before."""
        kind, number, *rest = record
        if kind == UNIT:
            self._add_unit(number, *rest)
        elif kind == SENT:
            info, root, algorithm = rest
            self._add_sent(Sent(number, FileInfo(*info), root, algorithm))
        elif kind == RECEIPT and number in self.sent:
            final_name, device, inode = rest
            sent = self.sent[number]
            self._add_receipt(
                Receipt(number, sent.info, sent.root, sent.algorithm, final_name, device, inode)
            )
        elif kind == DELETED and number in self.received:
            self.removed.append(self.received.pop(number))
            self._over.add(number)
