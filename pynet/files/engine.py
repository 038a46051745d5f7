"""Transfers with one Gateway, on threads of this process, over lanes that stay warm."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, Protocol

from pynet.dial import Dialler
from pynet.errors import Closed
from pynet.files.attempt import MakeEnd
from pynet.files.landing import Landing
from pynet.files.lanes import WarmLanes
from pynet.files.local import LocalRun
from pynet.files.progress import Report
from pynet.files.publish import Conflict
from pynet.files.receiving import Receiving
from pynet.files.selection import Selection
from pynet.files.sending import Origin, Sending
from pynet.files.transfer import Transfer
from pynet.files.tree import Tree
from pynet.remote import RemoteGateway
from pynet.wire.registry import register

ALGORITHM = "xxh3"
"""Of the digests: what TLS has brought is only to be told from what a disk or a program spoilt."""


@register
@dataclass(frozen=True, slots=True)
class Wishes:
    """How a transfer is to go.

    Attributes:
        match: regular expression that names below the selected folder must hold, or None.
        lanes: that many; None for as many as gain something.
        conflict: where another file has the name: ``"keep"`` both, ``"overwrite"``, or ``"skip"``.
        patience: seconds without a way to the other machine after which it fails.
    """

    match: str | None
    lanes: int | None
    conflict: Conflict
    patience: float


class Run(Protocol):
    """Work on a thread of its own."""

    thread: threading.Thread

    def start(self) -> None:
        """Begin."""

    def cancel(self) -> None:
        """End as soon as possible."""


class Engine:
    """Runs transfers. Any thread.

    Args:
        remote: the Gateway's file process.
        dialler: opens lanes to it.
        origin: whose files they are: their parts are found again by it.

    Attributes:
        remote: as given.
        lanes: that transfers borrow.
    """

    def __init__(self, remote: RemoteGateway, dialler: Dialler, origin: str) -> None:
        self.remote = remote
        self.lanes = WarmLanes(dialler)
        self._origin = origin
        self._lock = threading.Lock()
        self._runs: set[Run] = set()
        self._closed = False

    def get(self, transfer: Transfer[Report], what: Sequence[str], to: str, wishes: Wishes) -> None:
        """Begin to fetch files.

        Raises:
            NotShared: the folder cannot be used.
        """
        tree = Tree(Path(to).expanduser(), create=True)

        def make_end(say: Any) -> Receiving:
            landing = Landing(
                tree, conflict=wishes.conflict, algorithm=ALGORITHM, origin=self._origin
            )
            return Receiving(landing, say, ALGORITHM)

        args = (list(what), {"match": wishes.match, "algorithm": ALGORITHM})
        self.begin(transfer, "files.get", args, make_end, wishes, [tree])

    def put(self, transfer: Transfer[Report], what: Sequence[str], to: str, wishes: Wishes) -> None:
        """Begin to send files.

        Raises:
            NotShared: what is to be sent is not there.
        """
        origins = [local_origin(path, wishes.match) for path in what]

        def make_end(say: Any) -> Sending:
            return Sending(chain(*(origin.things() for origin in origins)), say, ALGORITHM)

        args = (to, {"conflict": wishes.conflict, "algorithm": ALGORITHM})
        trees = [origin.tree for origin in origins]
        self.begin(transfer, "files.put", args, make_end, wishes, trees)

    def begin(
        self,
        transfer: Transfer[Report],
        name: str,
        args: tuple[Any, ...],
        make_end: MakeEnd,
        wishes: Wishes,
        trees: Sequence[Tree],
    ) -> None:
        """Begin any transfer; ``name`` and ``args`` are for the subroutine at the other end.

        The trees are closed with it.
        """
        run = LocalRun(
            transfer,
            self.lanes,
            name,
            args,
            make_end,
            wishes.lanes,
            wishes.patience,
            self.over,
            trees,
        )
        self.run(run)

    def run(self, run: Run) -> None:
        """Let it run; it says :meth:`over` at last."""
        with self._lock:
            if self._closed:
                raise Closed("the files of this Gateway were closed by this side")
            self._runs.add(run)
        run.start()

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

    def over(self, run: Run) -> None:
        """It has ended."""
        with self._lock:
            self._runs.discard(run)


def local_origin(path: str, match: str | None) -> Origin:
    """Where files of this machine are: the folder before any wildcard, and the rest as pattern.

    Raises:
        NotShared: there is no such folder.
    """
    head, tail = os.path.expanduser(path), ""
    while any(sign in head for sign in "*?["):
        if os.path.lexists(head):  # a name that has such signs itself
            break
        head, part = os.path.split(head)
        tail = f"{part}/{tail}" if tail else part
    if tail:
        return Origin(Tree(os.path.abspath(head)), Selection.parse(os.fsencode(tail), match=match))
    whole = os.path.abspath(head)
    if path.endswith(("/", os.sep)) or whole == os.path.dirname(whole):
        return Origin(Tree(whole), Selection.parse(b"", match=match))
    head, part = os.path.split(whole)
    return Origin(Tree(head), Selection.exactly(os.fsencode(part), match=match))
