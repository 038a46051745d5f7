"""The stores that a run needs, and where files lie on their way."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from pynet.backup.spool import Spool
from pynet.backup.store import Store
from pynet.errors import PynetError
from pynet.files.ledger import Entry

log = logging.getLogger("pynet.backup")


class Stores:
    """The store of an order, and those that the ledger names. One thread.

    Args:
        url: of the order's; None for none.
        algorithm: of digests.
        destination: folder of this machine, made if it is missing.
        spool: name of the part of the spool; by default a new one.

    Attributes:
        own: the order's, or None.
    """

    def __init__(self, url: str | None, algorithm: str, destination: Path, spool: str = "") -> None:
        self._spool_name = spool
        self._algorithm = algorithm
        self._destination = destination
        self._by_text: dict[str, Store] = {}
        self._spool: Spool | None = None
        self._stopped = False
        self.own: Store | None = None
        if url is not None:
            self.own = self._made(url)

    def _made(self, url: str) -> Store:
        store = Store(url, self._algorithm, self._destination)
        self._by_text[store.text] = store
        if self._stopped:
            store.stop()
        return store

    @property
    def spool(self) -> Spool:
        """Where files lie on their way."""
        if self._spool is None:
            self._spool = Spool(self._destination, self._spool_name)
        return self._spool

    def of(self, entry: Entry) -> Store:
        """The one that a file of the ledger is in.

        Raises:
            ConfigurationError: there can be none.
        """
        return self._by_text.get(entry.store) or self._made(entry.store)

    def proven(self, entries: Sequence[Entry]) -> list[bool]:
        """Which of them the stores give back as they were."""
        answers = [False] * len(entries)
        for text in {entry.store for entry in entries}:
            numbers = [number for number, entry in enumerate(entries) if entry.store == text]
            some = [entries[number] for number in numbers]
            try:
                store = self.of(some[0])
            except PynetError as error:
                log.warning("%s", error)
                continue
            for number, good in zip(numbers, store.each(store.proven, some), strict=True):
                answers[number] = good
        return answers

    def stop(self) -> None:
        """As :meth:`Store.stop`, for all. Any thread."""
        self._stopped = True
        for store in list(self._by_text.values()):
            store.stop()

    def close(self) -> None:
        """Close all. Idempotent."""
        for store in self._by_text.values():
            store.close()
        if self._spool is not None:
            self._spool.close()

    def __enter__(self) -> Stores:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
