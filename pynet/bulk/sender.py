"""What a bulk sender holds: asks the live flows, decides the rate, says when to send."""

from __future__ import annotations

import logging
import math
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from pynet.bulk.delays import LiveDelays, live_delays
from pynet.bulk.rate import FLOOR, TARGET, UNLIMITED, DelayYield, Pacer
from pynet.context import sleep

T = TypeVar("T")

log = logging.getLogger("pynet.bulk")

LOOK = 0.02
"""Seconds between two looks at the live flows."""

LONGEST_WAIT = 0.25
"""Seconds after which a sender that waits should ask again: the live flows may have ended."""

SO_MAX_PACING_RATE = 47
"""Linux, include/uapi/asm-generic/socket.h; Python's socket module does not name it."""

NO_PACING = 0xFFFFFFFF


class Bulk:
    """One bulk transfer that yields to the live flows of this process. Safe from any thread.

    Several transfers at a time share nothing: each yields for itself, and each adds to the delay
    that all of them see.

    Args:
        delays: where live flows report.
        target: seconds that it may add to their delay.
        floor: bytes/s, never less.
        clock: monotonic time.
    """

    def __init__(
        self,
        delays: LiveDelays = live_delays,
        *,
        target: float = TARGET,
        floor: float = FLOOR,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._delays = delays
        self._clock = clock
        self._control = DelayYield(target, floor)
        now = clock()
        self._pacer = Pacer(UNLIMITED, now)
        self._lock = threading.Lock()
        self._looked = -math.inf
        self._window_began = now
        self._in_window = 0
        self._sent = 0.0

    @property
    def rate(self) -> float:
        """Bytes/s allowed now; infinite while there is no live flow."""
        return self._control.rate

    def allow(self, size: int) -> float:
        """Whether an item of so many bytes may be sent now.

        Returns:
            0.0, and it counts as sent; or the seconds to wait before asking again.
        """
        with self._lock:
            now = self._look()
            wait = self._pacer.allow(size, now)
            if not wait:
                self._in_window += size
        return min(wait, LONGEST_WAIT)

    def ask(self, wanted: int) -> tuple[int, float]:
        """How many bytes of so many may be sent now.

        Returns:
            Bytes, which count as sent, and 0.0; or 0 and the seconds to wait.
        """
        with self._lock:
            now = self._look()
            size, wait = self._pacer.ask(wanted, now)
            self._in_window += size
        return size, min(wait, LONGEST_WAIT)

    def _look(self) -> float:
        now = self._clock()
        if now - self._looked >= LOOK:
            self._looked = now
            passed = now - self._window_began
            if passed >= 0.5:
                self._sent = self._in_window / passed
                self._window_began, self._in_window = now, 0
            self._pacer.set_rate(
                self._control.update(self._delays.reading(now), self._sent, now), now
            )
        return now


def paced_bulk(
    items: Iterable[T], bulk: Bulk | None = None, *, size: Callable[[T], int] | None = None
) -> Iterator[T]:
    """The items, each when the live flows leave room for it.

    Wrap what a bulk stream yields::

        @gateway.stream
        def logbook():
            yield from pynet.bulk.paced_bulk(blocks_of("drive.mcap"))

    While it waits it ends at once when the other side cancels, as :func:`pynet.sleep` does.

    Args:
        items: bytes, arrays, or anything else with ``size``.
        bulk: the transfer they belong to; by default one of their own.
        size: of an item, in bytes; by default its ``nbytes`` or length.
    """
    bulk = bulk or Bulk()
    measure = size or _size_of
    for item in items:
        wait = bulk.allow(measure(item))
        while wait:
            sleep(wait)
            wait = bulk.allow(measure(item))
        yield item


def limit_socket(sock: socket.socket, rate: float) -> bool:
    """Let the kernel space out a TCP connection's packets (Linux), as help to a :class:`Pacer`.

    What a sender hands over in one piece then does not leave in one piece.

    Args:
        sock: connected.
        rate: bytes/s; infinite for no limit.

    Returns:
        False where the system cannot.
    """
    if not sys.platform.startswith("linux"):
        return False
    limit = NO_PACING if rate == UNLIMITED else max(1, min(int(rate), NO_PACING - 1))
    try:
        sock.setsockopt(socket.SOL_SOCKET, SO_MAX_PACING_RATE, struct.pack("=I", limit))
    except OSError as error:
        log.debug("the system refuses to pace a connection: %s", error)
        return False
    return True


def _size_of(item: Any) -> int:
    raw = getattr(item, "nbytes", None)
    return len(item) if raw is None else int(raw)
