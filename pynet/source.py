"""A generator from which one Handler, or several of one swarm, take numbered items."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any


class Source:
    """Numbers the items of an iterator and lets several threads pull from it.

    The iterator is advanced by one thread at a time; what each thread does with its item
    (packing, sending) runs side by side. The one who takes the last lane away closes it,
    in its own thread.
    """

    def __init__(self, iterator: Iterator[Any]) -> None:
        self._iterator = iterator
        self._lock = threading.Lock()
        self._users = 0
        self._next_id = 0
        self._ended = False
        self.error: BaseException | None = None

    def join(self) -> None:
        """One more thread pulls."""
        with self._lock:
            self._users += 1

    def pull(self) -> tuple[int, Any]:
        """The next item and its number.

        Raises:
            StopIteration: the iterator has ended; also after it raised at another thread.
            BaseException: what the iterator raised, once, at the thread that met it.
        """
        with self._lock:
            if self._ended:
                raise StopIteration
            try:
                value = next(self._iterator)
            except BaseException as error:
                self._ended = True
                self.error = error
                raise
            item_id = self._next_id
            self._next_id = item_id + 1
            return item_id, value

    def leave(self) -> bool:
        """One thread less; the last one closes the iterator. True for the last."""
        with self._lock:
            self._users -= 1
            if self._users:
                return False
            self._ended = True
            close = getattr(self._iterator, "close", None)
            if close is not None:
                close()
            return True
