"""What a running subroutine may ask about itself."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import Protocol

from pynet.flow import Flow
from pynet.trust.peers import Role


@dataclass(frozen=True, slots=True)
class Caller:
    """Whose request a subroutine serves.

    Attributes:
        name: of the machine as it was paired; what the Controller calls itself if it runs on this
            machine, or comes over plain TCP.
        id: the machine's device id; empty over plain TCP.
        role: what it may do.
        session: one running Controller: two programs on one machine have one id and two sessions.
    """

    name: str
    id: str
    role: Role
    session: str


class Running(Protocol):
    """The Handler as its subroutine sees it."""

    @property
    def cancelled(self) -> threading.Event:
        """Set when the other side is not interested any more."""

    def caller(self) -> Caller | None:
        """Whose request it serves; None if several people's."""

    def flow(self) -> Flow | None:
        """A reading of the stream that runs, or None."""


_local = threading.local()


def enter(handler: Running | None) -> None:
    """Tell which Handler runs on this thread."""
    _local.handler = handler


def cancelled() -> bool:
    """True inside a subroutine whose other side cancelled, closed or was lost."""
    handler: Running | None = getattr(_local, "handler", None)
    return handler is not None and handler.cancelled.is_set()


def sleep(seconds: float) -> None:
    """Like :func:`time.sleep`, but ends the subroutine at once when it is cancelled.

    Inside a stream, batch or sink it raises GeneratorExit on cancellation, so that
    ``finally`` blocks run at once. Elsewhere it just sleeps.

    Args:
        seconds: 0 or more.
    """
    handler: Running | None = getattr(_local, "handler", None)
    if handler is None:
        time.sleep(seconds)
    elif handler.cancelled.wait(seconds):
        raise GeneratorExit("the subroutine was cancelled")


def caller() -> Caller | None:
    """Inside a subroutine: whose request it serves; in a shared stream and elsewhere None."""
    handler: Running | None = getattr(_local, "handler", None)
    return None if handler is None else handler.caller()


def flow() -> Flow | None:
    """Inside a stream's generator: how its items fare on their way; elsewhere None.

    A generator that can make more or less of something (a camera's pictures) reads it before
    each item and adapts. The reading is cheap.
    """
    handler: Running | None = getattr(_local, "handler", None)
    return None if handler is None else handler.flow()
