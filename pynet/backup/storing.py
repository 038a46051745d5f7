"""The destination's end of a move into a store: nothing counts as here before the store has it."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pynet.backup.arrival import Arrival
from pynet.backup.spool import Spool
from pynet.backup.store import Store
from pynet.errors import Cancelled, FilesError
from pynet.files.info import FileInfo, Problem
from pynet.files.landing import Landing
from pynet.files.ledger import Ledger
from pynet.files.problems import problem
from pynet.files.settle import Settled

_OURS = ("space", "readonly", "denied")
"""Codes that say of a store what they say of a disk."""


class StoringArrival(Arrival):
    """As :class:`Arrival`; what is settled in the spool goes on into the store.

    The ledger has a file, and its receipt goes out, when the store has given it back. After that
    the spool's copy goes.

    Args:
        landing, say, algorithm, ledger, job, files: see :class:`Arrival`.
        store: where files go.
        spool: where the landing is.
    """

    def __init__(
        self,
        landing: Landing,
        say: Callable[[Any], None],
        algorithm: str,
        ledger: Ledger,
        job: str,
        files: Sequence[FileInfo],
        store: Store,
        spool: Spool,
    ) -> None:
        self._to = store
        self._spool = spool
        super().__init__(landing, say, algorithm, ledger, job, files, store.text)

    def _take_settled(self, settled: list[Settled | Problem]) -> None:
        here = [one for one in settled if isinstance(one, Settled)]
        try:
            self._to.make_room(self._spool.key(one.name) for one in here)
            stored = iter(self._to.each(self._stored, here))
            told = [next(stored) if isinstance(one, Settled) else one for one in settled]
            super()._take_settled(told)
            if sum(isinstance(one, Settled) for one in told) < len(here):
                self._to.check()
        finally:
            for one in here:
                # What cannot be removed goes with the spool.
                with contextlib.suppress(OSError, FilesError):
                    self.landing.tree.remove(one.name)

    def _stored(self, one: Settled) -> Settled | Problem:
        """On one of the store's threads."""
        source = Path(self.landing.tree.path, os.fsdecode(one.name))
        try:
            source.chmod(0o600)  # what its owner may not read can be moved, too
            key = self._to.put(source, self._spool.key(one.name), one.info.size, one.root)
        except Cancelled:
            raise
        except FilesError as error:
            return problem(one.info.name, error)
        except Exception as error:
            code = problem(one.info.name, error).code
            text = f"{one.info.text}: the store {self._to.text}: {self._to.reason(error)}"
            return Problem(one.info.name, code if code in _OURS else "io", text)
        return replace(one, name=key)
