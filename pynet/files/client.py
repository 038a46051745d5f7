"""The files of a Gateway as its Controller sees them."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from typing import Any, TypeVar

from pynet.dial import Dialler
from pynet.errors import ConfigurationError
from pynet.files.engine import Engine, Wishes
from pynet.files.governor import Governor
from pynet.files.info import FileInfo, Usage
from pynet.files.progress import Report
from pynet.files.publish import Conflict
from pynet.files.relay import RelayedRun
from pynet.files.transfer import OnProgress, Transfer
from pynet.files.way import Way
from pynet.files.worker import Worker
from pynet.remote import RemoteGateway

CONFLICTS = ("keep", "overwrite", "skip")

PATIENCE = 120.0
"""Seconds without a way to the other machine after which a transfer fails."""

Path = str | os.PathLike[str]

R = TypeVar("R")


class Files:
    """What a Gateway shares: lists, and transfers both ways. Any thread.

    Places there are written ``root/folder/file``. Transfers run in a process of their own, so that
    nothing live in this one shares its interpreter with them.

    Args:
        remote: the Gateway's file process.
        dialler: opens lanes to it.
        way: leads another process of this machine there.
        origin: whose files they are.

    Attributes:
        engine: runs those transfers that run in this process.
        governor: sees to it that they leave live flows alone.
        remote: as given.
    """

    def __init__(self, remote: RemoteGateway, dialler: Dialler, way: Way, origin: str) -> None:
        self.remote = remote
        self._way = way
        self._origin = origin
        self.engine = Engine(remote, dialler, origin)
        self.governor = Governor()
        self._worker = Worker("pynet.backup.methods")
        self._lock = threading.Lock()
        self._runs: set[RelayedRun[Any]] = set()

    # ---- looking ------------------------------------------------------------------------

    def roots(self) -> list[dict[str, Any]]:
        """The shares that this machine may see: ``name``, ``write``, ``usage`` of each."""
        rows: list[dict[str, Any]] = self.remote.call("files.roots")
        return rows

    def look(self, place: str) -> list[FileInfo]:
        """What is in one folder; names below it.

        Raises:
            NotShared: there is no such folder, or not for this machine.
        """
        found: list[FileInfo] = self.remote.call("files.look", place)
        return found

    def total(self, place: str) -> dict[str, Any]:
        """``files`` and ``bytes`` below a folder; not ``whole`` if counting took too long."""
        found: dict[str, Any] = self.remote.call("files.total", place)
        return found

    def usage(self, place: str) -> Usage:
        """How full the disk is that a share is on.

        Raises:
            NotShared: there is no such share.
        """
        found: Usage = self.remote.call("files.usage", place)
        return found

    def find(self, what: str | Sequence[str], *, match: str | None = None) -> list[FileInfo]:
        """The files that :meth:`get` would fetch; names below their roots."""
        batches = self.remote.batches("files.find", _listed(what), match)
        return [info for some in batches for info in some]

    # ---- transfers ----------------------------------------------------------------------

    def get(
        self,
        what: str | Sequence[str],
        to: Path,
        *,
        match: str | None = None,
        lanes: int | None = None,
        conflict: Conflict = "keep",
        callback: OnProgress | None = None,
        patience: float = PATIENCE,
        own_process: bool = True,
    ) -> Transfer[Report]:
        """Begin to fetch files; wait for them with :meth:`Transfer.wait`.

        What was interrupted, by whatever, goes on where it was when it is asked for again.

        Args:
            what: ``root/file``, ``root/folder``, a pattern such as ``root/logs/**/*.csv``, or
                several; of a folder with a slash at its end, what is in it.
            to: folder of this machine, made if it is missing.
            match: only files whose name below the folder holds this regular expression.
            lanes: pairs to use, 1 to 64; by default as many, up to 8, as gain something.
            conflict: where another file has a name already: ``"keep"`` both, ``"overwrite"`` it, or
                ``"skip"``. A file of the same size and time is the same and not sent again.
            callback: called with each :class:`Progress`, on a thread of the transfer's.
            patience: seconds without a way to the Gateway after which it fails.
            own_process: run it in a process of its own; False in a program that does little else.

        Raises:
            NotShared: the folder cannot be used.
            ConfigurationError: an argument cannot work.
        """
        wishes = self._wishes(match, lanes, conflict, patience)
        places = _listed(what)
        return self._begin("get", places, os.fspath(to), wishes, callback, own_process)

    def put(
        self,
        what: Path | Sequence[Path],
        to: str,
        *,
        match: str | None = None,
        lanes: int | None = None,
        conflict: Conflict = "keep",
        callback: OnProgress | None = None,
        patience: float = PATIENCE,
        own_process: bool = True,
    ) -> Transfer[Report]:
        """Begin to send files; as :meth:`get`.

        Args:
            what: files, folders or patterns of this machine.
            to: ``root/folder`` there, made if it is missing; the root must be shared for writing.
            match, lanes, conflict, callback, patience, own_process: see :meth:`get`.

        Raises:
            As :meth:`get`.
        """
        wishes = self._wishes(match, lanes, conflict, patience)
        places = [os.path.abspath(place) + _slash(place) for place in _listed(what)]
        return self._begin("put", places, to, wishes, callback, own_process)

    def relay(self, method: str, args: Sequence[Any], transfer: Transfer[R]) -> Transfer[R]:
        """Run a job of the worker process, and follow it."""
        job = self._worker.open(method, self._way, self._origin, *args, on_event=transfer.tell)
        run: RelayedRun[R] = RelayedRun(transfer, job, self._over)
        with self._lock:
            self._runs.add(run)
        run.start()
        self.governor.watch(transfer)
        return transfer

    def warm(self, lanes: int = 2, *, own_process: bool = True) -> None:
        """Open lanes now, so that the next transfer need not.

        Raises:
            ConnectError, Busy: as with a transfer.
        """
        if own_process:
            self._worker.call("warm", self._way, self._origin, lanes)
        else:
            self.engine.lanes.warm(lanes)

    def close(self) -> None:
        """Cancel what runs, and close every lane. Idempotent."""
        self.engine.close()
        self._worker.close()
        self.governor.close()
        with self._lock:
            runs = list(self._runs)
        for run in runs:
            run.join()
        self.remote.close()

    def _begin(
        self,
        direction: str,
        what: list[str],
        to: str,
        wishes: Wishes,
        callback: OnProgress | None,
        own_process: bool,
    ) -> Transfer[Report]:
        transfer: Transfer[Report] = Transfer(", ".join(what), callback)
        if not own_process:
            begin = self.engine.get if direction == "get" else self.engine.put
            begin(transfer, what, to, wishes)
            self.governor.watch(transfer)
            return transfer
        return self.relay(direction, (what, to, wishes), transfer)

    def _over(self, run: RelayedRun[Any]) -> None:
        with self._lock:
            self._runs.discard(run)

    @staticmethod
    def _wishes(
        match: str | None, lanes: int | None, conflict: Conflict, patience: float
    ) -> Wishes:
        check_lanes(lanes)
        if conflict not in CONFLICTS:
            raise ConfigurationError(f"conflict={conflict!r} is none of {', '.join(CONFLICTS)}")
        return Wishes(match, lanes, conflict, patience)


def check_lanes(lanes: int | None) -> None:
    """Raise ConfigurationError for a number of pairs that cannot be."""
    if lanes is not None and (type(lanes) is not int or not 1 <= lanes <= 64):
        raise ConfigurationError(f"lanes={lanes!r} is not within 1 to 64; leave it out to adapt")


def _listed(what: Path | Sequence[Path]) -> list[str]:
    listed = [what] if isinstance(what, str | os.PathLike) else list(what)
    if not listed:
        raise ConfigurationError("nothing is named that could be transferred")
    return [os.fspath(place) for place in listed]


def _slash(place: str) -> str:
    return "/" if place.endswith(("/", os.sep)) else ""
