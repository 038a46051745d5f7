"""What happened, for the person: a bounded log that views read from where they left off."""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import Literal

Level = Literal["good", "info", "warn", "bad"]


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the event log.

    Attributes:
        time: wall clock, seconds since 1970.
        level: how it is coloured; always shown with a word or a shape too.
        text: a short sentence.
        index: counts events from 0; pass the last one's plus 1 to :meth:`EventLog.since`.
    """

    time: float
    level: Level
    text: str
    index: int = 0


class EventLog:
    """The newest events, from any thread.

    Args:
        size: events kept; older ones are forgotten.
    """

    def __init__(self, size: int = 500) -> None:
        self._lock = threading.Lock()
        self._events: deque[Event] = deque(maxlen=size)
        self._count = 0

    def add(self, level: Level, text: str, when: float | None = None) -> Event:
        """Note ``text``; ``when`` is wall clock seconds, now by default."""
        with self._lock:
            event = Event(time.time() if when is None else when, level, text, self._count)
            self._events.append(event)
            self._count += 1
        return event

    @property
    def count(self) -> int:
        """Events added since the start, forgotten ones included."""
        with self._lock:
            return self._count

    def since(self, index: int) -> list[Event]:
        """Events with :attr:`Event.index` >= ``index``, oldest first."""
        with self._lock:
            if index >= self._count:
                return []
            return [event for event in self._events if event.index >= index]
