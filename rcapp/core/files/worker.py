"""A thread that does the newest of what was asked, so that the window never waits."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from types import TracebackType

logger = logging.getLogger("rcapp.files")

JOIN_LIMIT = 2.0
"""Seconds that :meth:`Worker.close` waits for the task in progress. What asks the car ends at once
when the car is left; reading a slow disk may take longer, and then ends by itself."""


class Worker:
    """Does tasks one after the other on a thread of its own, which starts with the first.

    Args:
        name: of the thread.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._changed = threading.Condition()
        self._tasks: dict[str, Callable[[], None]] = {}
        self._kept: set[str] = set()
        self._quit = threading.Event()
        self._thread: threading.Thread | None = None

    def ask(self, key: str, task: Callable[[], None], *, last: bool = False) -> None:
        """Do ``task`` soon, in place of one with the same ``key`` that still waits.

        Args:
            key: tells tasks apart.
            task: what to do.
            last: do it even if all ends before, as what a person has set must be kept.
        """
        with self._changed:
            if self._quit.is_set():
                return
            self._tasks.pop(key, None)
            self._tasks[key] = task
            if last:
                self._kept.add(key)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                self._thread.start()
            self._changed.notify_all()

    @property
    def wanted_elsewhere(self) -> bool:
        """Something else waits, or it all ends: a long task should give way."""
        return self._quit.is_set() or bool(self._tasks)

    def close(self) -> None:
        """Stop and join. Twice is fine."""
        self._quit.set()
        with self._changed:
            self._tasks = {key: self._tasks[key] for key in self._tasks if key in self._kept}
            self._changed.notify_all()
            thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(JOIN_LIMIT)

    def __enter__(self) -> Worker:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._tasks and not self._quit.is_set():
                    self._changed.wait()
                if not self._tasks:
                    return
                key = next(iter(self._tasks))
                task = self._tasks.pop(key)
            try:
                task()
            except Exception:
                # Each task says what went wrong where a person sees it; this is a mistake of ours,
                # and the next task must not suffer.
                logger.exception("%s: %s failed", self._name, key)
