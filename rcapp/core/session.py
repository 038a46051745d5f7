"""One car as the app sees it: polled by the GUI thread, fed by pynet's threads."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from types import TracebackType

from rcapp.core.drive import DriveInput
from rcapp.core.events import EventLog
from rcapp.core.series import SeriesBuffer
from rcapp.core.state import Frame, Link, Snapshot

__all__ = ["CarSession", "Frame", "Link", "Snapshot"]


class CarSession:
    """One car. Every method may be called from any thread and returns at once.

    Args:
        name: what this app is called at the car (``CarStatus.driver``).
        on_wake: called from network threads when a new picture or state is there; must be cheap.

    Attributes:
        drive: the inputs and what is sent of them.
        series: one buffer for each announced sensor, plus ``"command_age"`` (ms); replaced
            as a whole when the car is described, so read it anew at each use.
        events: what happened, for the person.
    """

    def __init__(self, *, name: str = "rcapp", on_wake: Callable[[], None] | None = None) -> None:
        self.drive = DriveInput()
        self.events = EventLog()
        self.series: dict[str, SeriesBuffer] = {}
        self._name = name
        self._on_wake = on_wake
        self._lock = threading.Lock()

    def connect(self, address: str) -> None:
        """Begin to connect to ``host:port`` and go on until :meth:`disconnect`."""

    def disconnect(self) -> None:
        """Leave the car; a STOP that was not acknowledged is given up."""

    def close(self) -> None:
        """Leave and join every thread; < 1 s; twice is fine."""

    def __enter__(self) -> CarSession:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def snapshot(self, now: float | None = None) -> Snapshot:
        """Everything the views show, at ``now`` (local monotonic)."""
        now = time.monotonic() if now is None else now
        return Snapshot()

    def take_frame(self) -> Frame | None:
        """The newest decoded picture that was not taken yet, else None."""
        return None

    def painted(self, frame: Frame, now: float | None = None) -> None:
        """``frame`` is on the screen; counts once per frame."""

    def stop(self, why: str) -> None:
        """Latch STOP on the car: tried until it acknowledges. Driving sends neutral at once."""

    def clear_stop(self) -> None:
        """Ask the car to release STOP; the answer shows in the snapshot and the events."""
