"""The source's end of a move: a file goes only after a receipt, and only if nothing has changed.

The order for each file: its receipt is on this disk (RECEIPT), a last look at it (GUARD), its name
is taken away, that is on this disk (DELETED), and how full the disk is now says whether to go on.
Whatever is cut where: the destination has the file, durable under its final name, or it is here.
"""

from __future__ import annotations

import contextlib
import enum
import os
from collections.abc import Callable, Iterable, Sequence
from types import TracebackType

from pynet.errors import BadName, NoSpace
from pynet.files.guard import Guarded, Kept, Protect
from pynet.files.info import FileInfo, Usage
from pynet.files.inuse import OpenFiles
from pynet.files.journal import Journal, crash_point, sync_folder
from pynet.files.moving import DELETED, Moving, Ready
from pynet.files.receipts import ENOUGH, GONE, REMOVED, Outcome, Receipt, Sent
from pynet.files.system import HAS_SYNCFS, sync_all
from pynet.files.tree import Folder, Tree

MANY = 8  # folders after which one sync of the whole disk is quicker than one of each


class Decision(enum.Enum):
    """What to do after a look at how full the disk is."""

    GO_ON = "go on"
    SETTLE = "settle"
    """What was removed does not show yet: make it durable, and look again before going on."""
    STOP = "stop"


Brake = Callable[[Usage, int], Decision]
"""Asked before the first and after each removal: the usage, and the bytes that should be free by
what was removed since it was asked last."""


class Removal:
    """Steps 8 to 11 of a move. One thread at a time.

    Say what was sent with :meth:`expect`, hand over what the destination promises with
    :meth:`receive`. Files go in the order of their ids: an older one that still waits for its
    receipt holds up those after it, until it is given up with :meth:`skip`. The files of a
    :meth:`unit` go together or stay together.

    Args:
        tree: where the files are.
        journal: of this job; when it was begun by a process that died, :attr:`unanswered` says
            what to ask the destination about, and :meth:`resume` goes on.
        protect: why a file must stay whatever the receipts say; asked at the last moment.
        brake: when to stop; None removes all.
        ordered: False removes each file as its receipt comes.

    Attributes:
        usage: how full the disk was when it was looked at last.
        stopped: nothing is removed any more.
    """

    def __init__(
        self,
        tree: Tree,
        journal: Journal,
        *,
        protect: Protect | None = None,
        brake: Brake | None = None,
        ordered: bool = True,
    ) -> None:
        self._tree = tree
        self._journal = journal
        self._protect = protect
        self._brake = brake
        self._moving = Moving(journal, ordered)
        self._touched: dict[bytes, Folder] = {}
        self._others = OpenFiles()
        self.usage = tree.usage()
        self.stopped = False

    # ---- what is known of the job -------------------------------------------------------

    @property
    def unanswered(self) -> list[Sent]:
        """What was sent and has no receipt, oldest first; it may be over there all the same."""
        return [sent for _, sent in sorted(self._moving.sent.items())]

    @property
    def removed_before(self) -> list[Outcome]:
        """What the process before has removed; it may not have come to tell of it."""
        gone = self._moving.removed
        return [Outcome(one.id, one.info.name, REMOVED, "", one.info.allocated) for one in gone]

    @property
    def waiting(self) -> int:
        """How many receipts wait for an older file's."""
        return len(self._moving.received)

    def unit(self, first: int, count: int, folder: bytes) -> None:
        """Say that ``count`` files from ``first`` on go together, and their folder after them."""
        self._moving.unit(first, count, folder)

    def expect(self, id: int, info: FileInfo, root: bytes, algorithm: str) -> None:
        """Say that a file was sent, and what its receipt has to hold."""
        self._moving.expect(Sent(id, info, root, algorithm))

    def skip(self, ids: Iterable[int]) -> list[Outcome]:
        """Give up files that were not sent or not received; those after them wait no longer."""
        self._moving.skip(ids)
        return self._work()

    # ---- the work -----------------------------------------------------------------------

    def receive(self, receipts: Sequence[Receipt]) -> list[Outcome]:
        """Take receipts in, and remove what may be removed now.

        Returns:
            One for each file that is settled by it, and for each receipt that is not believed.

        Raises:
            NoSpace: the journal could not take the receipts; nothing was removed.
            OSError: the disk fails.
        """
        refused = self._moving.receive(receipts)
        return refused + self._work()

    def doubt(self) -> None:
        """Ask for each receipt that the journal holds once more: the destination may be another.

        It may have been installed anew since, or its disk may be lost. They are
        :attr:`unanswered` then.
        """
        self._moving.doubt()

    def resume(self) -> list[Outcome]:
        """Go on after a crash with the receipts that the journal holds, and give up the rest."""
        self._moving.give_up()
        return self._work()

    def close(self) -> None:
        """Close the journal; what it holds can be gone on with."""
        self._touched.clear()
        self._journal.close()

    def finish(self) -> None:
        """The job is over: its journal goes."""
        self._touched.clear()
        self._journal.remove()

    def __enter__(self) -> Removal:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _work(self) -> list[Outcome]:
        outcomes: list[Outcome] = []
        self._others = OpenFiles()
        asked = False
        while (ready := self._moving.next()) is not None:
            if not asked:
                self._ask(0)
                asked = True
            done = self._take(ready)
            if any(one.code == REMOVED for one in done):
                self._ask(sum(one.freed for one in done))
            outcomes += done
        self._settle()
        return outcomes

    def _ask(self, freed: int) -> None:
        if self._brake is None or self.stopped:
            return
        self.usage = self._tree.usage()
        decision = self._brake(self.usage, freed)
        if decision is Decision.SETTLE:
            self._settle()
            self._flush()
            self.usage = self._tree.usage()
            decision = self._brake(self.usage, 0)
        self.stopped = decision is Decision.STOP

    def _take(self, ready: Ready) -> list[Outcome]:
        """Remove the files of one unit, or say why they stay."""
        receipts = ready.receipts
        if self.stopped:
            return _kept(receipts, ENOUGH, "enough is free already")
        if not ready.whole:
            return _kept(receipts, "group", "it goes only with others that were not received")
        if len(receipts) > 1 and (kept := self._guard_all(receipts)):
            return kept
        outcomes = [self._remove(receipt) for receipt in receipts]
        if ready.folder is not None and all(outcome.removed for outcome in outcomes):
            self._prune(ready.folder, [receipt.info.name for receipt in receipts])
        return outcomes

    def _guard_all(self, receipts: Sequence[Receipt]) -> list[Outcome]:
        """If one of a unit's files has to stay, all do; else nothing is returned."""
        for receipt in receipts:
            try:
                with Guarded(self._tree, receipt.info, self._protect, self._others):
                    pass
            except FileNotFoundError:
                continue
            except Kept as kept:
                others = [one for one in receipts if one is not receipt]
                reason = f"it goes only with another that has to stay: {kept.text}"
                own = Outcome(receipt.id, receipt.info.name, kept.code, kept.text)
                return [own, *_kept(others, "group", reason)]
        return []

    def _remove(self, receipt: Receipt) -> Outcome:
        info = receipt.info
        code, text, freed = REMOVED, "", info.allocated
        try:
            if (receipt.device, receipt.inode) == (info.device, info.inode):
                raise Kept("same", f"{info.text} is the very file at the destination; it stays")
            with Guarded(self._tree, info, self._protect, self._others) as guarded:
                crash_point("GUARDED")
                guarded.remove()
                self._touched[guarded.folder.name] = guarded.folder
        except FileNotFoundError:
            code, text, freed = GONE, f"{info.text} was gone already; the copy is there", 0
        except Kept as kept:
            return Outcome(receipt.id, info.name, kept.code, kept.text)
        crash_point("UNLINKED")
        self._journal.append(DELETED, receipt.id)
        return Outcome(receipt.id, info.name, code, text, freed)

    def _settle(self) -> None:
        """Make the removals durable, and then say so in the journal."""
        touched = [folder.fd for folder in self._touched.values() if folder.fd is not None]
        if len(touched) > MANY and HAS_SYNCFS:
            sync_all(touched[0])
        else:
            for fd in touched:
                sync_folder(fd)
        self._touched.clear()
        crash_point("SYNCED")
        # Without it a restart finds the receipts and no files, which says the same.
        with contextlib.suppress(NoSpace):
            self._journal.commit()

    def _flush(self) -> None:
        """Let the file system free what it frees late: btrfs and XFS do in the background."""
        folder = self._tree.folder(b"")
        with contextlib.suppress(OSError):
            if HAS_SYNCFS and folder.fd is not None:
                sync_all(folder.fd)

    def _prune(self, folder: bytes, names: Iterable[bytes]) -> None:
        """Remove the folders that a unit has left empty, its own last."""
        inside = {folder}
        for name in names:
            above = name.rpartition(b"/")[0]
            while above.startswith(folder + b"/"):
                inside.add(above)
                above = above.rpartition(b"/")[0]
        for name in sorted(inside, key=lambda name: name.count(b"/"), reverse=True):
            with contextlib.suppress(OSError, BadName):
                parent, part = self._tree.place(name)
                os.rmdir(parent.prefix + part, dir_fd=parent.fd)
                self._touched.pop(name, None)
                self._touched[parent.name] = parent


def _kept(receipts: Iterable[Receipt], code: str, reason: str) -> list[Outcome]:
    return [
        Outcome(one.id, one.info.name, code, f"{one.info.text} stays: {reason}") for one in receipts
    ]
