"""Putting files back: to where they were, as they were, and only if the copy here still is that."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace

from pynet.backup.history import read_history
from pynet.backup.place import Place
from pynet.backup.report import Order
from pynet.backup.rooted import Rooted
from pynet.backup.service import ALGORITHM
from pynet.backup.stores import Stores
from pynet.errors import BadName, Cancelled, Damaged, FilesError, NoSpace, PynetError
from pynet.files.engine import Engine
from pynet.files.hashing import hasher
from pynet.files.info import FILE, FileInfo, Problem, shown
from pynet.files.ledger import Entry, Job
from pynet.files.local import LocalRun
from pynet.files.messages import SMALL
from pynet.files.problems import problem
from pynet.files.progress import LISTING, Progress, Report
from pynet.files.receipts import GONE, REMOVED
from pynet.files.sending import Say, Thing, problem_of
from pynet.files.source import read_small
from pynet.files.transfer import Transfer
from pynet.files.tree import Tree

_LEAST = 4  # signs of a job's id that may stand for all of it


def begin_restore(
    engine: Engine, transfer: Transfer[Report], order: Order, entries: Sequence[Entry]
) -> None:
    """Send these copies back; what is there of another content stays, too."""
    place = place_of(order)
    place.restored().add(entry.name for entry in entries)
    tree = place.tree()
    engine.run(RestoreRun(transfer, engine, order, tree, entries))


def place_of(order: Order) -> Place:
    """Where the files of an order are."""
    return Place(order.destination, order.device, order.root, order.machine)


def find_entries(order: Order, what: str) -> list[Entry]:
    """The files that somebody wants back.

    Args:
        order: from which device and root.
        what: as for :meth:`pynet.backup.backup.Backup.restore`.

    Raises:
        FilesError: there are none.
    """
    jobs = [job for job in read_history(place_of(order)) if _is_of(job, order)]
    head, _, rest = what.partition("/")
    job = find_job(jobs, head)
    if job is not None:
        jobs, what = [job], rest
    what = what.strip("/")
    found: dict[bytes, Entry] = {}
    for one in jobs:  # newest first: of a name that moved twice the newer one
        for name, entry in one.entries.items():
            if _fits(entry, what):
                found.setdefault(name, entry)
    if not found or (job is None and not what):
        raise FilesError(
            f"{what!r} is neither a job nor a file that was moved from {order.root}; "
            "the history lists both"
        )
    return list(found.values())


def find_job(jobs: Sequence[Job], id: str) -> Job | None:
    """The job of that id, or the only one whose id begins so."""
    some = [job for job in jobs if len(id) >= _LEAST and job.id.startswith(id)]
    return some[0] if len(some) == 1 else None


def _is_of(job: Job, order: Order) -> bool:
    same = job.machine == order.machine if order.machine else job.owner == order.device
    return same and job.source == order.root


def _fits(entry: Entry, what: str) -> bool:
    names = {shown(entry.name), os.fsdecode(entry.name)}
    if what in names:
        return True
    stayed = entry.outcome not in ("", REMOVED, GONE)
    return not stayed and (not what or any(name.startswith(f"{what}/") for name in names))


class RestoreRun(LocalRun):
    """Puts files back; what is in a store comes here first.

    Args:
        transfer: to tell.
        engine: that it runs in.
        order: whose files.
        tree: the destination; closed at last.
        entries: of the ledger.
    """

    def __init__(
        self,
        transfer: Transfer[Report],
        engine: Engine,
        order: Order,
        tree: Tree,
        entries: Sequence[Entry],
    ) -> None:
        self._stores = Stores(order.store, ALGORITHM, tree.path)
        self._tree = tree
        self._entries = entries
        self._missing: list[Problem] = []
        args = (order.root, {"conflict": "keep", "algorithm": ALGORITHM, "durable": True})
        super().__init__(
            transfer, engine.lanes, "files.put", args, self._end, order.lanes, order.patience,
            engine.over, [tree],
        )  # fmt: skip

    def _end(self, say: Say) -> Returning:
        return Returning(self._tree, self._entries, say, self._missing)

    def cancel(self) -> None:
        """See :meth:`Transfer.cancel`."""
        super().cancel()
        self._stores.stop()

    def _run_attempts(self) -> Report:
        with self._stores:
            if any(entry.store for entry in self._entries):
                self._fetch_all()
            return super()._run_attempts()

    def _fetch_all(self) -> None:
        """Let what is in a store be here; what cannot be is told of and stays away."""
        size = sum(entry.size for entry in self._entries if entry.store)
        if size > self._tree.usage().available:
            raise NoSpace(
                f"{self._tree.path}: {size} bytes come from a store first, and do not fit on the "
                "disk here; put back some of them at a time"
            )
        self._transfer.tell(Progress(LISTING, note="fetched from the store"))
        self._stores.spool.path.mkdir(exist_ok=True)
        here: list[Entry] = []
        some: list[tuple[int, Entry]] = []
        for number, entry in enumerate(self._entries):
            if entry.store:
                some.append((number, entry))
            else:
                here.append(entry)
        for text in {entry.store for _, entry in some}:
            these = [one for one in some if one[1].store == text]
            for found in self._stores.of(these[0][1]).each(self._fetched, these):
                if isinstance(found, Problem):
                    self._missing.append(found)
                else:
                    here.append(found)
        self._entries = here

    def _fetched(self, numbered: tuple[int, Entry]) -> Entry | Problem:
        """On one of the store's threads."""
        number, entry = numbered
        store = self._stores.of(entry)
        try:
            store.fetch(entry, self._stores.spool.path / str(number))
        except Cancelled:
            raise
        except FileNotFoundError:
            text = f"the copy {shown(entry.final_name)} is not in {entry.store} any more"
            return Problem(entry.name, "vanished", text)
        except PynetError as error:
            return problem(entry.name, error)
        except Exception as error:
            return Problem(entry.name, "io", f"{entry.store}: {store.reason(error)}")
        name = self._stores.spool.base + f"/{number}".encode()
        return replace(entry, final_name=name)


class Returning(Rooted):
    """Sends copies, each only if it has the digest that it had when it came.

    Args:
        tree: where they are.
        entries: of the ledger.
        say: see :class:`~pynet.files.sending.Sending`.
        missing: of files that cannot be had.
    """

    def __init__(
        self, tree: Tree, entries: Sequence[Entry], say: Say, missing: Sequence[Problem] = ()
    ) -> None:
        self._tree = tree
        self._missing = missing
        self._roots = {entry.final_name: entry.root for entry in entries}
        super().__init__(self._things(entries), say, ALGORITHM)

    def _things(self, entries: Sequence[Entry]) -> Iterator[Thing]:
        for missing in self._missing:
            yield self._tree, missing.name, missing
        for entry in entries:
            yield self._tree, entry.name, self._looked_at(entry)

    def _looked_at(self, entry: Entry) -> FileInfo | Problem:
        """The copy, with the mode of the file; small ones are read, large ones when they go."""
        try:
            info = self._tree.info(entry.final_name)
            if info.kind != FILE or info.size != entry.size:
                raise _changed(entry.final_name)
            if info.size <= SMALL:
                self._compare(info.name, hasher(ALGORITHM)(read_small(self._tree, info)))
        except FileNotFoundError:
            text = f"the copy {shown(entry.final_name)} is not here any more"
            return Problem(entry.name, "vanished", text)
        except BadName as error:
            return Problem(entry.name, "link", str(error))
        except (OSError, FilesError) as error:
            return problem_of(entry.name, error)
        return replace(info, mode=entry.mode)

    def _judge(self, id: int, root: bytes) -> None:
        self._compare(self._infos[id].name, root)

    def _compare(self, name: bytes, root: bytes) -> None:
        if root != self._roots[name]:
            raise _changed(name)


def _changed(name: bytes) -> Damaged:
    return Damaged(
        f"the copy {shown(name)} is not what came; it is not put back. Copy it yourself if it "
        "was changed on purpose"
    )
