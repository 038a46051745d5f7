"""What the file process of a Gateway offers for backups: plans, moves, and what was cut off."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import re
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pynet.backup.departure import Departure, pack_outcomes, receipt_of
from pynet.backup.drain import Drain
from pynet.backup.plan import Plan, plan
from pynet.backup.policy import Policy
from pynet.backup.probe import Probe
from pynet.backup.restored import staying
from pynet.backup.sheet import pack_head, pack_skips, pack_steps, unpack_files
from pynet.backup.words import FAR, HAVE, KEPT, REMOVED, SETTLED
from pynet.errors import Busy, ConfigurationError, NoSpace, RemoteProtocolError, TalkEnded
from pynet.files.info import Usage
from pynet.files.journal import Journal
from pynet.files.locality import is_local
from pynet.files.names import INCOMING
from pynet.files.problems import FULL
from pynet.files.receipts import Receipt, Sent
from pynet.files.removal import Removal
from pynet.files.selection import Selection
from pynet.files.service import Service
from pynet.files.shares import Share
from pynet.files.tree import Tree
from pynet.talk import Talk

if TYPE_CHECKING:
    from pynet.gateway import Gateway

log = logging.getLogger("pynet.backup")

ALGORITHM = "blake3"
"""Of the digests in receipts: they are believed before the only other copy is removed."""

RESERVED = 1024 * 1024
"""Bytes of a move's journal that are taken in advance: the disk is full when it is needed."""

MEMORY = "/dev/shm"
"""Where Linux keeps files in memory."""

_JOURNAL = "move-{peer}-{job}.log"
_JOB = re.compile(r"[0-9a-f]{8,64}(-\d+)?")


def register_backup(gateway: Gateway, files: Service) -> None:
    """Offer backups of the same shares; who moves files must own the machine."""
    service = BackupService(files)
    gateway.batch(service.plan, name="backup.plan", role="viewer")
    gateway.talk(service.move, name="backup.move", role="viewer")
    gateway.talk(service.recover, name="backup.recover", role="viewer")


class BackupService:
    """The functions behind it. Any thread.

    Args:
        files: of the same Gateway; its lanes carry moves, too.
    """

    def __init__(self, files: Service) -> None:
        self._files = files

    def plan(
        self, place: str, policy: dict[str, Any], options: dict[str, Any]
    ) -> Iterator[dict[str, Any]]:
        """What would move: a head, then its steps and what stays, some at a time."""
        share, _ = self._files.find_place(place)
        with share.tree() as tree:
            made = self._plan(tree, Policy.from_dict(policy), options)
        yield {"head": pack_head(made)}
        yield from pack_steps(made)
        yield from pack_skips(made)

    @staticmethod
    def _plan(tree: Tree, policy: Policy, options: dict[str, Any]) -> Plan:
        destination = options.get("destination")
        return plan(
            policy,
            tree.usage(),
            tree.scan(Selection.parse(b"")),
            time.time(),
            draining=bool(options.get("draining")),
            destination=destination if isinstance(destination, Usage) else None,
            largest=options.get("largest"),
            probe=Probe(tree, policy).unit,
            stay=staying(options.get("restored", b"")) | options.get("stay", {}),
            mark=options.get("mark", b""),
        )

    # ---- moving -------------------------------------------------------------------------

    def move(
        self, talk: Talk, token: str, place: str, job: str, work: dict[str, Any]
    ) -> dict[str, Any]:
        """Send files, and remove those that the Controller has for good.

        Args:
            talk: of the control.
            token: by which lanes find it.
            place: the share.
            job: of the Controller's ledger, with the number of the plan.
            work: ``policy``, ``files`` (packed, in the order of the plan) and ``units``
                ``[[first, count, folder], ...]``.
        """
        share, _ = self._files.find_place(place, write=True)
        policy = Policy.from_dict(work["policy"])
        infos = unpack_files(work["files"])
        units = _units(work["units"], len(infos))
        drain = Drain(policy.low)
        with share.tree() as tree, self._notes(share, tree, job) as journal:
            removal = Removal(tree, journal, protect=Probe(tree, policy).protect, brake=drain)
            for first, count, folder in units:
                removal.unit(first, count, folder)
            if not is_local(share.path):
                talk.say([FAR])
            things = ((tree, info.name, info) for info in infos)
            departure = Departure(things, talk.say, ALGORITHM, removal)
            self._files.send(talk, token, departure)
            if talk.cancelled:  # what arrived is asked for next time, and need not come again
                journal.commit()
                return {}
            removal.resume()
            if departure.kept:
                removal.finish()
            return {"held": drain.held, "usage": _packed(tree.usage()),
                    "repeated": departure.repeated}  # fmt: skip

    def recover(self, talk: Talk, place: str, rules: dict[str, Any]) -> int:
        """Finish what was cut off: ask the Controller what it has, and remove that here.

        Args:
            talk: to ask over.
            place: the share.
            rules: the policy, as it is now.

        Returns:
            How many moves are under way still, and were left alone: another run's, or one that has
            not noticed yet that nobody listens.
        """
        share, _ = self._files.find_place(place, write=True)
        policy = Policy.from_dict(rules)
        busy = 0
        with share.tree() as tree, contextlib.suppress(TalkEnded):
            for job in self._unfinished(share):
                try:
                    journal = self._journal(share, tree, job)
                except Busy:
                    busy += 1
                    continue
                with journal:
                    # Without a brake: of what goes together, some may be gone already.
                    removal = Removal(tree, journal, protect=Probe(tree, policy).protect)
                    self._recover_one(talk, removal, job)
        return busy

    @staticmethod
    def _recover_one(talk: Talk, removal: Removal, job: str) -> None:
        removal.doubt()
        sent: list[Sent] = removal.unanswered
        outcomes = removal.removed_before
        if sent:
            asked = [[one.id, one.info.name, one.root, one.algorithm] for one in sent]
            talk.say([HAVE, job, asked])
            said = talk.hear()
            if said is not None and said.value[0] == SETTLED:
                outcomes += removal.receive(_receipts(said.value[1], sent))
        outcomes += removal.resume()
        talk.say([REMOVED, job, pack_outcomes(outcomes)])
        said = talk.hear()
        if said is not None and said.value[0] == KEPT:
            removal.finish()

    # ---- journals -----------------------------------------------------------------------

    @contextlib.contextmanager
    def _notes(self, share: Share, tree: Tree, job: str) -> Iterator[Journal]:
        """The journal of a new move.

        Where there is no room for it on the disk, it is in memory: if that is lost, nothing is
        removed for its receipts, and the files are there and here.
        """
        journal = None
        if tree.usage().available >= RESERVED:
            try:
                journal = self._journal(share, tree, job)
            except NoSpace:
                log.info("%s takes no journal", share.path)
            except OSError as error:  # it may take bytes, but no more files
                if error.errno not in FULL:
                    raise
        if journal is not None:
            with journal:
                yield journal
            return
        memory = MEMORY if os.access(MEMORY, os.W_OK) else None
        with (
            tempfile.TemporaryDirectory(prefix="pynet-move-", dir=memory) as folder,
            Journal(Path(folder) / "move.log", self._header(job)) as journal,
        ):
            yield journal

    def _header(self, job: str) -> dict[str, Any]:
        return {"what": "move", "version": 1, "peer": self._peer(), "job": job}

    def _journal(self, share: Share, tree: Tree, job: str) -> Journal:
        # It comes from a stranger, who may say a number.
        if not _JOB.fullmatch(str(job)):
            raise ConfigurationError(f"{job!r:.80} is no id of a job")
        tree.incoming(create=True).close()
        path = share.path / os.fsdecode(INCOMING) / _JOURNAL.format(peer=self._peer(), job=job)
        return Journal(path, self._header(job), preallocate=RESERVED)

    def _unfinished(self, share: Share) -> list[str]:
        """Jobs of the caller's that were cut off."""
        before, _, after = _JOURNAL.format(peer=self._peer(), job="*").partition("*")
        folder: Path = share.path / os.fsdecode(INCOMING)
        jobs = (path.name[len(before) : -len(after)] for path in folder.glob(f"{before}*{after}"))
        return sorted(job for job in jobs if _JOB.fullmatch(job))

    def _peer(self) -> str:
        return hashlib.sha256(self._files.sender().encode()).hexdigest()[:16]


def _units(rows: Any, files: int) -> list[tuple[int, int, bytes]]:
    """Files that go together, read as what a stranger sent."""
    try:
        units = [(int(first), int(count), memoryview(folder)) for first, count, folder in rows]
    except (TypeError, ValueError) as error:
        raise RemoteProtocolError(f"the groups that came make no sense: {error!r}") from error
    if any(not 0 <= first < first + count <= files for first, count, _ in units):
        raise RemoteProtocolError("groups came of files that cannot be")
    return [(first, count, bytes(folder)) for first, count, folder in units]


def _receipts(rows: Any, sent: list[Sent]) -> list[Receipt]:
    """For files of a move that was cut off, read as what a stranger sent."""
    known = {one.id: one for one in sent}
    infos = {one.id: one.info for one in sent}
    try:
        return [receipt_of(row, infos, known[row[0]].algorithm) for row in rows]
    except (LookupError, TypeError, ValueError) as error:
        raise RemoteProtocolError(f"the receipts that came make no sense: {error!r}") from error


def _packed(usage: Usage) -> list[int]:
    return [usage.used, usage.available, usage.files_free]
