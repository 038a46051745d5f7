"""The files of a Gateway as its Controller sees them."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pynet.dial import Dialler
from pynet.errors import Closed, ConfigurationError, PynetError
from pynet.files.info import FileInfo, Usage
from pynet.files.landing import Landing
from pynet.files.lanecount import MOST
from pynet.files.lanes import WarmLanes
from pynet.files.local import LocalRun
from pynet.files.publish import Conflict
from pynet.files.receiving import Receiving
from pynet.files.selection import Selection
from pynet.files.sending import Origin, Sending
from pynet.files.transfer import OnProgress, Transfer
from pynet.files.tree import Tree
from pynet.remote import RemoteGateway

CONFLICTS = ("keep", "overwrite", "skip")

ALGORITHM = "xxh3"
"""Of the digests: what TLS has brought is only to be told from what a disk or a program spoilt."""

PATIENCE = 120.0
"""Seconds without a way to the other machine after which a transfer fails."""


class Files:
    """What a Gateway shares: lists, and transfers both ways. Any thread.

    Args:
        remote: the Gateway's file process.
        dialler: opens lanes to it.
        peer: device id of whose it is; empty over plain TCP.
    """

    def __init__(self, remote: RemoteGateway, dialler: Dialler, peer: str) -> None:
        self._remote = remote
        self._origin = peer or remote.address
        self.lanes = WarmLanes(dialler)
        self._lock = threading.Lock()
        self._runs: set[LocalRun] = set()
        self._closed = False

    def roots(self) -> list[dict[str, Any]]:
        """The shares that this machine may see: ``name``, ``write``, ``usage`` of each."""
        rows: list[dict[str, Any]] = self._remote.call("files.roots")
        return rows

    def look(self, place: str) -> list[FileInfo]:
        """What is in one folder; names below it.

        Raises:
            NotShared: there is no such folder, or not for this machine.
        """
        found: list[FileInfo] = self._remote.call("files.list", place)
        return found

    def total(self, place: str) -> dict[str, Any]:
        """``files`` and ``bytes`` below a folder; not ``whole`` if counting took too long."""
        found: dict[str, Any] = self._remote.call("files.total", place)
        return found

    def usage(self, place: str) -> Usage:
        """How full the disk is that a share is on.

        Raises:
            NotShared: there is no such share.
        """
        found: Usage = self._remote.call("files.usage", place)
        return found

    def find(self, what: str | Sequence[str], *, match: str | None = None) -> list[FileInfo]:
        """The files that :meth:`get` would fetch; names below their roots."""
        patterns = [what] if isinstance(what, str) else [*what]
        batches = self._remote.batches("files.find", patterns, match)
        return [info for some in batches for info in some]

    def get(
        self,
        what: str | Sequence[str],
        to: str | os.PathLike[str],
        *,
        match: str | None = None,
        lanes: int | None = None,
        conflict: Conflict = "keep",
        callback: OnProgress | None = None,
        patience: float = PATIENCE,
    ) -> Transfer:
        """See :meth:`RemoteGateway.get`."""
        patterns = [what] if isinstance(what, str) else list(what)
        self._check(patterns, lanes, conflict)
        algorithm = ALGORITHM
        landing_tree = Tree(Path(to).expanduser(), create=True)

        def make_end(say: Any) -> Receiving:
            landing = Landing(
                landing_tree, conflict=conflict, algorithm=algorithm, origin=self._origin
            )
            return Receiving(landing, say, algorithm)

        args = (patterns, {"match": match, "algorithm": algorithm})
        transfer = Transfer(", ".join(patterns), callback)
        return self._start(transfer, "files.get", args, make_end, lanes, patience)

    def put(
        self,
        what: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
        to: str,
        *,
        match: str | None = None,
        lanes: int | None = None,
        conflict: Conflict = "keep",
        callback: OnProgress | None = None,
        patience: float = PATIENCE,
    ) -> Transfer:
        """See :meth:`RemoteGateway.put`."""
        paths = [what] if isinstance(what, str | os.PathLike) else list(what)
        self._check(paths, lanes, conflict)
        algorithm = ALGORITHM
        origins = [local_origin(path, match) for path in paths]

        def make_end(say: Any) -> Sending:
            return Sending(origins, say, algorithm)

        args = (to, {"conflict": conflict, "algorithm": algorithm})
        transfer = Transfer(", ".join(os.fspath(path) for path in paths), callback)
        return self._start(transfer, "files.put", args, make_end, lanes, patience)

    def warm(self, lanes: int = MOST) -> None:
        """Open lanes now, so that the next transfer need not.

        Raises:
            ConnectError, Busy: as with a transfer.
        """
        self.lanes.warm(lanes)

    def close(self) -> None:
        """Cancel what runs, and close every lane. Idempotent."""
        with self._lock:
            self._closed = True
            runs = list(self._runs)
        for run in runs:
            run.cancel()
        for run in runs:
            run.thread.join()
        self.lanes.close()
        self._remote.close()

    def _start(
        self,
        transfer: Transfer,
        name: str,
        args: tuple[Any, ...],
        make_end: Any,
        lanes: int | None,
        patience: float,
    ) -> Transfer:
        run = LocalRun(transfer, self.lanes, name, args, make_end, lanes, patience, self._over)
        with self._lock:
            if self._closed:
                raise Closed("the files of this Gateway were closed by this side")
            self._runs.add(run)
        run.start()
        return transfer

    def _over(self, run: LocalRun) -> None:
        with self._lock:
            self._runs.discard(run)

    @staticmethod
    def _check(what: Sequence[object], lanes: int | None, conflict: str) -> None:
        if not what:
            raise ConfigurationError("nothing is named that could be transferred")
        if lanes is not None and (type(lanes) is not int or not 1 <= lanes <= 64):
            raise ConfigurationError(
                f"lanes={lanes!r} is not within 1 to 64; leave it out to adapt"
            )
        if conflict not in CONFLICTS:
            raise ConfigurationError(f"conflict={conflict!r} is none of {', '.join(CONFLICTS)}")


def local_origin(path: str | os.PathLike[str], match: str | None) -> Origin:
    """Where files of this machine are: the folder before any wildcard, and the rest as pattern.

    Raises:
        NotShared: there is no such folder.
    """
    text = os.path.expanduser(os.fspath(path))
    head, tail = text, ""
    while any(sign in head for sign in "*?["):
        head, part = os.path.split(head)
        tail = f"{part}/{tail}" if tail else part
    if not tail:
        whole = os.path.abspath(head)
        if text.endswith(("/", os.sep)) or whole == os.path.dirname(whole):
            return Origin(Tree(whole), Selection.parse(b"", match=match))
        head, part = os.path.split(whole)
        return Origin(Tree(head), Selection.exactly(os.fsencode(part), match=match))
    return Origin(Tree(os.path.abspath(head)), Selection.parse(os.fsencode(tail), match=match))
