"""What a person asks of the car once: the wheel, arming. STOP has a thread of its own.

One order after the other, on a thread of its own, so that the GUI never waits for a link.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from typing import Any

logger = logging.getLogger("rcapp.orders")

TIMEOUT = 1.0
"""Seconds that the car has for its answer: a person waits for it."""

JOIN_LIMIT = 0.3
"""Seconds that :meth:`Orders.close` waits for a call; closing the connection ends it."""

MOST_WAITING = 8

Call = Callable[[str, tuple[Any, ...], float], object]
"""``call(subroutine, arguments, timeout)``: asks the car; raises when it does not answer well."""


class Orders:
    """Gives the car orders, one after the other.

    Args:
        call: asks the car.
        on_answer: gets the name of the subroutine and what it returned.
        on_trouble: gets the name of the subroutine and why it did not answer well.
    """

    def __init__(
        self,
        call: Call,
        *,
        on_answer: Callable[[str, object], None],
        on_trouble: Callable[[str, Exception], None],
    ) -> None:
        self._call = call
        self._on_answer = on_answer
        self._on_trouble = on_trouble
        self._changed = threading.Condition()
        self._waiting: deque[tuple[str, tuple[Any, ...]]] = deque()
        self._now = ""
        self._quit = False
        self._thread: threading.Thread | None = None

    @property
    def pending(self) -> str:
        """The subroutine that is asked now or next, or empty."""
        with self._changed:
            return self._now or (self._waiting[0][0] if self._waiting else "")

    def give(self, subroutine: str, *arguments: Any) -> None:
        """Ask the car for something; the same order that still waits is not given twice."""
        with self._changed:
            order = (subroutine, arguments)
            if self._quit or order in self._waiting or len(self._waiting) >= MOST_WAITING:
                return
            self._waiting.append(order)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="rcapp-orders", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def give_up(self) -> None:
        """Forget what waits: the person left this car, or pressed STOP."""
        with self._changed:
            self._waiting.clear()

    def close(self) -> None:
        """Stop and join the thread. The call it is in is ended by closing the connection."""
        with self._changed:
            self._quit = True
            self._waiting.clear()
            self._changed.notify_all()
            thread = self._thread
        if thread is not None:
            thread.join(JOIN_LIMIT)

    def _run(self) -> None:
        while True:
            with self._changed:
                self._now = ""
                while not self._waiting and not self._quit:
                    self._changed.wait()
                if self._quit:
                    return
                self._now, arguments = self._waiting.popleft()
                subroutine = self._now
            try:
                answer = self._call(subroutine, arguments, TIMEOUT)
            except Exception as error:
                # Whatever went wrong, the person who asked must learn it.
                logger.info("%s was not done: %s", subroutine, error)
                self._on_trouble(subroutine, error)
            else:
                self._on_answer(subroutine, answer)
