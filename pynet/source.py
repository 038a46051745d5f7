"""A generator from which one Handler, or several of one swarm, take numbered items."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from pynet.errors import WrongKind
from pynet.subroutines import Subroutine

MEMORY = 30.0
"""Seconds for which a swarm whose generator has ended is remembered for lanes still to come."""


class Source:
    """Numbers the items of an iterator and lets several threads pull from it.

    The iterator is advanced by one thread at a time; what each thread does with its item
    (packing, sending) runs side by side.

    Args:
        iterator: where the items come from.
        lanes: how many threads will :meth:`join`.

    Attributes:
        iterator: to be advanced directly only by the one thread of a source that is
            :attr:`alone`.
        alone: nobody else will ever pull.
    """

    def __init__(self, iterator: Iterator[Any], lanes: int = 1) -> None:
        self.iterator = iterator
        self.alone = lanes == 1
        self._expected = lanes
        self._lock = threading.Lock()
        self._users = 0
        self._next_id = 0
        self._ended = False

    def join(self) -> None:
        """One more thread pulls; after the end it will only see the end."""
        with self._lock:
            self._users += 1
            self._expected -= 1

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
                value = next(self.iterator)
            except BaseException:
                self._ended = True
                raise
            item_id = self._next_id
            self._next_id = item_id + 1
            return item_id, value

    def leave(self) -> bool:
        """One thread less; when nobody pulls any more the iterator is closed, in this thread.

        Returns:
            True when nobody is left and nobody else is expected.
        """
        with self._lock:
            self._users -= 1
            if self._users:
                return False
            self._ended = True
            close = getattr(self.iterator, "close", None)
            if close is not None:
                close()
            return self._expected <= 0


def open_source(
    subroutine: Subroutine, args: list[Any], kwargs: dict[str, Any], lanes: int = 1
) -> Source:
    """Run a generator function whose items are streamed.

    Raises:
        WrongKind: it is none.
        BaseException: what the function raises.
    """
    made = subroutine.run(args, kwargs)
    if not isinstance(made, Iterator):
        raise WrongKind(
            f"{subroutine.name} returned {type(made).__name__}, but a {subroutine.kind} that is "
            "streamed must be a generator or return an iterator; use yield in it"
        )
    return Source(made, lanes=lanes)


class _Slot:
    """A group's place, with a lock of its own because making a source runs user code."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.source: Source | None = None


class Sources:
    """The sources of swarms, by the group name that their lanes have in common."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._slots: dict[str, _Slot] = {}
        self._abandoned: dict[str, float] = {}

    def join(self, group: str | None, make: Callable[[], Source]) -> Source:
        """The source of a group, made by the first who asks; without a group, one of its own."""
        slot = _Slot()
        if group is not None:
            with self._lock:
                self._forget_old()
                slot = self._slots.setdefault(group, slot)
        with slot.lock:
            if slot.source is None:
                slot.source = make()
            slot.source.join()
            return slot.source

    def leave(self, group: str | None, source: Source) -> None:
        """One thread pulls no more. The last lane takes the group away, or time does."""
        last = source.leave()
        if group is None:
            return
        with self._lock:
            if last:
                self._slots.pop(group, None)
                self._abandoned.pop(group, None)
            else:
                self._abandoned[group] = time.monotonic() + MEMORY

    def _forget_old(self) -> None:
        now = time.monotonic()
        for group in [g for g, when in self._abandoned.items() if when < now]:
            self._slots.pop(group, None)
            del self._abandoned[group]
