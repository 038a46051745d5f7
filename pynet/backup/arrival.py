"""The destination's end of a move: gives receipts for what it has for good, and keeps a ledger."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from pynet.backup.words import ENOUGH, FAILED, FAR, KEPT, REMOVED, SETTLED
from pynet.files.durable import DurableReceiving
from pynet.files.info import FileInfo, Problem
from pynet.files.landing import Landing
from pynet.files.ledger import Entry, Ledger
from pynet.files.receipts import Outcome, told
from pynet.files.settle import Settled


class Arrival(DurableReceiving):
    """As :class:`DurableReceiving`; done when the source has said what became of each file.

    Args:
        landing, say, algorithm: see :class:`DurableReceiving`.
        ledger: in which everything is that has a receipt. This object's thread alone writes to it
            while it runs, but for outcomes, which wait in :attr:`outcomes`.
        job: of the ledger.
        files: that were planned, by their numbers; nothing else is taken.
        store: where they are for good; ``""`` for this machine.

    Attributes:
        outcomes: what became of files at the source.
        enough: the source needs no more room.
        settled: files that were settled, by name there, with their final names here.
    """

    def __init__(
        self,
        landing: Landing,
        say: Callable[[Any], None],
        algorithm: str,
        ledger: Ledger,
        job: str,
        files: Sequence[FileInfo],
        store: str = "",
    ) -> None:
        self._algorithm = algorithm
        self._ledger = ledger
        self._job = job
        self._files = files
        self._where = store
        self._heard_of = [False] * len(files)
        self._unanswered: set[int] = set()
        self.outcomes: list[Outcome] = []
        self.enough = False
        self.settled: dict[bytes, bytes] = {}
        super().__init__(landing, say, algorithm)

    @property
    def done(self) -> bool:
        """Each receipt was answered, and nothing more is to come."""
        if self._unsettled or self._unanswered or self._storing:
            return False
        return self.enough or super().done

    def _take(self, word: str, message: list[Any]) -> None:
        if word == REMOVED:
            outcomes = read_outcomes(message[1])
            self.outcomes += outcomes
            with self._lock:
                self._unanswered -= {one.id for one in outcomes}
        elif word == ENOUGH:
            self.enough = True
            self._wake.set()
        elif word == FAR:
            self.landing.write_own_copies()
        else:
            super()._take(word, message)

    def _decide(self, id: int, info: FileInfo) -> Any:
        if not 0 <= id < len(self._files) or self._heard_of[id]:
            raise ValueError(f"file {id}, which nobody asked for")
        self._heard_of[id] = True
        planned = self._files[id]
        if told(*_facts(info)) != told(*_facts(planned)):
            text = f"{planned.text} stays: what came is not what was planned"
            self._gone_wrong(id, Problem(planned.name, "damaged", text))
            return None
        return super()._decide(id, info)

    def tell_all(self) -> None:
        """Also keep the outcomes, and say that the source may forget them."""
        super().tell_all()
        self._ledger.settled(self._job, {one.name: one.code for one in self.outcomes})
        self._say([KEPT])

    def _told_of(self, settled: list[tuple[int, Settled]]) -> None:
        """What the ledger has on its disk may have a receipt."""
        now = time.time()
        entries = [
            entry_of(self._job, one, self._algorithm, now, self._where) for _, one in settled
        ]
        self._ledger.received(entries)
        with self._lock:
            self._unanswered |= {number for number, _ in settled}
            self.settled |= {one.info.name: one.name for _, one in settled}
        if settled:
            numbers = (number for number, _ in settled)
            self._say([SETTLED, list(map(receipt, numbers, entries))])

    def _gone_wrong(self, id: int, problem: Problem) -> None:
        super()._gone_wrong(id, problem)
        if id >= 0:
            self._say([FAILED, [id]])


def _facts(info: FileInfo) -> tuple[bytes, int, int, int]:
    return info.name, info.size, info.mtime_ns, info.mode


def receipt(number: int, entry: Entry) -> list[Any]:
    """For the source."""
    known = told(entry.name, entry.size, entry.mtime_ns, entry.mode)
    return [number, entry.root, entry.final_name, entry.device, entry.inode, known]


def entry_of(job: str, one: Settled, algorithm: str, now: float, store: str = "") -> Entry:
    """What the ledger keeps of a settled file."""
    info = one.info
    return Entry(
        job,
        info.name,
        one.name,
        info.size,
        info.mtime_ns,
        info.mode,
        one.root,
        algorithm,
        one.device,
        one.inode,
        now,
        store,
    )


def read_outcomes(packed: list[Any]) -> list[Outcome]:
    """What the source said became of files there.

    Raises:
        TypeError, ValueError: it makes no sense.
    """
    return [
        Outcome(int(number), bytes(name), str(code), str(text), int(freed))
        for number, name, code, text, freed in packed
    ]
