"""A destination that gives nothing its name before the disk has it and gives it back."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

from pynet.errors import FilesError, NoSpace, PynetError
from pynet.files.info import FileInfo, Problem
from pynet.files.landing import Landing
from pynet.files.messages import SMALL
from pynet.files.receiving import Receiving
from pynet.files.settle import Settled

log = logging.getLogger("pynet.files")

GROUP = 256
"""Files that are settled together: each costs a part of one sync of the disk."""

PATIENCE = 0.2
"""Seconds that a file waits for others to be settled with."""


class DurableReceiving(Receiving):
    """As :class:`Receiving`, into a durable landing. A thread of its own settles groups of files.

    Args:
        landing, say, algorithm: see :class:`Receiving`.
    """

    def __init__(self, landing: Landing, say: Callable[[Any], None], algorithm: str) -> None:
        super().__init__(landing, say, algorithm)
        self._numbers: dict[bytes, int] = {}
        self._unsettled = 0
        self._wake = threading.Event()
        self._stopping = False
        self._settler = threading.Thread(
            target=self._settle_groups, name="pynet-files-settle", daemon=True
        )
        self._settler.start()

    @property
    def done(self) -> bool:
        """Nothing is missing any more, and nothing waits to be settled."""
        return super().done and not self._unsettled

    def _decide(self, id: int, info: FileInfo) -> Any:
        self._numbers[info.name] = id
        return super()._decide(id, info)

    def _came(self, id: int, info: FileInfo) -> None:
        with self._lock:
            self._unsettled += 1
            full = self._unsettled >= GROUP
        if full or (self.all_told and not (self._small or self._large)):
            self._wake.set()

    def _settle_groups(self) -> None:
        while not self._stopping:
            self._wake.wait(PATIENCE)
            self._wake.clear()
            if self.landing.waiting:
                try:
                    self._take_settled(self.landing.settle())
                except PynetError as error:
                    self._fail(error)
                except OSError as error:  # of the disk, and not of one file
                    self._fail_by(error)
                except Exception as error:
                    log.exception("files could not be settled, by a fault of pynet itself")
                    self._fail(FilesError(f"what has arrived could not be settled: {error!r}"))

    def _take_settled(self, settled: list[Settled | Problem]) -> None:
        """A group of files is here for good, or is not."""
        good: list[tuple[int, Settled]] = []
        for one in settled:
            if isinstance(one, Problem):
                self._gone_wrong(self._numbers[one.name], one)
                if one.code in ("space", "readonly"):  # as the next ones will
                    self._fail((NoSpace if one.code == "space" else FilesError)(one.text))
                continue
            good.append((self._numbers[one.info.name], one))
            with self._lock:
                self.files += 1
                if one.info.size <= SMALL:
                    self.bytes += one.info.size
        self._told_of(good)
        with self._lock:
            self._unsettled -= len(settled)

    def _told_of(self, settled: list[tuple[int, Settled]]) -> None:
        """For who has to tell others of it, before it counts as done."""

    def close(self) -> None:
        """Also end the thread. Idempotent."""
        self._stopping = True
        self._wake.set()
        self._settler.join()
        super().close()
