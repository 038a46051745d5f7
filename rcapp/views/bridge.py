"""From network threads to the GUI thread, without a queue that could grow."""

from __future__ import annotations

import threading

from PySide6.QtCore import QObject, Signal


class WakeBridge(QObject):
    """Turns many calls of :meth:`wake` into one queued signal at a time.

    Queued signals are never dropped by Qt, so a slow GUI thread would be handed a backlog;
    with the flag there is at most one on its way.
    """

    woken = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._pending = threading.Event()

    def wake(self) -> None:
        """Something new is there. Any thread; returns at once."""
        if not self._pending.is_set():
            self._pending.set()
            self.woken.emit()

    def taken(self) -> None:
        """The GUI thread is about to look: what comes from now on wakes it again."""
        self._pending.clear()
