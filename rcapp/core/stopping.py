"""STOP, pressed until the car has acknowledged it.

A thread of its own, so that neither the GUI nor a slow link is in the way, and
so that a STOP pressed while the link is down goes out as soon as it is back.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

logger = logging.getLogger("rcapp.stop")

ATTEMPT_TIMEOUT = 1.0
"""Seconds that one attempt waits for its answer."""

RETRY = 0.2
"""Seconds between two attempts."""

JOIN_LIMIT = 0.3
"""Seconds that :meth:`StopButton.close` waits for an attempt that dials a car which does not
answer; it then ends by itself within its time limit."""

Call = Callable[[float], object]
"""``call(timeout)``: stops the car; raises when that is not acknowledged in so many seconds."""


class StopButton:
    """Presses STOP on one car at a time. Only the driver's arming clears it again.

    Args:
        call: stops the car.
        on_stopped: told the seconds that the acknowledgement took.
        on_trouble: told an error of an attempt.
    """

    def __init__(
        self,
        call: Call,
        *,
        on_stopped: Callable[[float], None],
        on_trouble: Callable[[Exception], None],
    ) -> None:
        self._call = call
        self._on_stopped = on_stopped
        self._on_trouble = on_trouble
        self._changed = threading.Condition()
        self._why: str | None = None
        self._pressed_at = 0.0
        self._failed_at = 0.0
        self._quit = False
        self._thread: threading.Thread | None = None

    @property
    def pending(self) -> bool:
        """STOP is pressed and not acknowledged."""
        with self._changed:
            return self._why is not None

    def press(self, why: str) -> None:
        """Press STOP, until the car has acknowledged it."""
        with self._changed:
            if self._why is None:
                self._pressed_at = time.monotonic()
            self._why = why
            self._wake()

    def give_up(self) -> None:
        """Forget what is pending: the person left this car."""
        with self._changed:
            self._why = None
            self._changed.notify_all()

    def close(self) -> None:
        """Stop and join the thread. The call it is in must be ended by closing the connection."""
        with self._changed:
            self._quit = True
            self._changed.notify_all()
            thread = self._thread
        if thread is not None:
            thread.join(JOIN_LIMIT)

    def _wake(self) -> None:
        if self._thread is None and not self._quit:
            self._thread = threading.Thread(target=self._run, name="rcapp-stop", daemon=True)
            self._thread.start()
        self._changed.notify_all()

    def _run(self) -> None:
        while True:
            with self._changed:
                while self._why is None and not self._quit:
                    self._changed.wait()
                if self._quit or self._why is None:
                    return
                why, pressed_at = self._why, self._pressed_at
            self._try_to_stop(why, pressed_at)

    def _try_to_stop(self, why: str, pressed_at: float) -> None:
        try:
            self._call(ATTEMPT_TIMEOUT)
        except Exception as error:
            # Whatever went wrong, a STOP is not given up.
            level = logging.WARNING if self._failed_at != pressed_at else logging.DEBUG
            self._failed_at = pressed_at
            logger.log(level, "STOP not acknowledged: %s", error)
            self._on_trouble(error)
            with self._changed:
                if not self._quit and self._why is not None:
                    self._changed.wait(RETRY)
            return
        took = time.monotonic() - pressed_at
        with self._changed:
            if self._why == why:
                self._why = None
        logger.info("STOP acknowledged after %.0f ms", took * 1000)
        self._on_stopped(took)
