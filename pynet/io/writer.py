"""What leaves a lane: frames one after the other, heartbeats before them, sealed as they go.

Writing is tried at once by the thread that sends. What the kernel does not take is left to the
reactor, or, for a *patient* sender, written by that thread as room appears. No lock is held while
waiting.
"""

from __future__ import annotations

import socket
import threading
from collections import deque
from collections.abc import Callable

from pynet.errors import PynetError
from pynet.io.syscalls import DONTWAIT, after, owned, send_several, wait_for
from pynet.io.tls import Tls
from pynet.wire.values import Buffer

FRAMES_PER_WRITE = 16

SEALED_AT_ONCE = 64 * 1024
"""Bytes encrypted before the first of them is sent: they are in the processor's cache still, and
the other end decrypts meanwhile."""

PATIENT_WAIT = 0.25
"""Seconds a patient writer waits in the kernel before it looks whether the lane still lives."""


class Writer:
    """Owns the order of bytes on one socket.

    Args:
        sock: connected.
        lock: the lane's; held by callers where a method says so.
        want_writable: called when the reactor is to tell that the kernel takes bytes again, and
            when no longer.

    Attributes:
        bytes_sent: that the kernel has taken.
        tls: encrypts, or None for plain TCP.
        waits: the reactor is to say when the kernel takes bytes again.
    """

    def __init__(
        self, sock: socket.socket, lock: threading.Lock, want_writable: Callable[[], None]
    ) -> None:
        self._sock = sock
        self._lock = lock
        self._drained = threading.Condition(lock)
        self._want_writable = want_writable
        self.bytes_sent = 0
        self.tls: Tls | None = None
        self.waits = False
        self._error: PynetError | None = None
        self._outbox: deque[list[Buffer]] = deque()
        self._held: list[Buffer] = []
        self._plain: list[Buffer] = []
        self._current: list[Buffer] = []
        self._writing = False

    @property
    def drained(self) -> bool:
        """True when the kernel has taken all that was sent."""
        return not self._writing

    def hold(self, buffers: list[Buffer]) -> None:
        """Keep a small frame for the next one: both fit one packet. The caller holds the lock."""
        self._held += buffers

    def submit(self, buffers: list[Buffer], patient: bool) -> bool | None:
        """Begin to send a frame. The caller holds the lock.

        Returns:
            True: the kernel has it. False: it goes out after others. None: :meth:`write` it, once
            the lock is free.
        """
        if self._held:
            buffers = [b"".join((*self._held, *buffers))]
            self._held = []
        if self._writing:
            self._outbox.append(buffers if patient else owned(buffers))
            return False
        if len(buffers) == 1 and self._send_whole(buffers[0]):
            return True
        if not self._current:
            self._take_over(buffers)
        self._writing = True
        return None

    def submit_first(self, buffers: list[Buffer]) -> None:
        """Send heartbeats before data, between frames. The caller holds the lock."""
        if self._writing:
            self._outbox.appendleft(buffers)
        elif not self._send_whole(b"".join(buffers)):
            if not self._current:
                self._take_over(buffers)
            self._writing = self.waits = True
            self._want_writable()

    def submit_raw(self, data: bytes) -> None:
        """Send what TLS itself wants the other end to get. The caller holds the lock."""
        if self._writing:
            self._current.append(data)
            return
        try:
            sent = self._sock.send(data, DONTWAIT)
        except OSError:
            sent = 0
        if sent < len(data):
            self._current = [memoryview(data)[sent:]]
            self._writing = self.waits = True
            self._want_writable()

    def _take_over(self, buffers: list[Buffer]) -> None:
        if self.tls is None:
            self._current = buffers
        else:
            self._plain = buffers

    def _send_whole(self, data: Buffer) -> bool:
        """The common case: a small frame that the kernel takes at once. Holds the lock."""
        if self.tls is not None:
            if len(data) > SEALED_AT_ONCE:
                return False
            data = self.tls.seal((data,))
        try:
            sent = self._sock.send(data, DONTWAIT)
        except OSError:
            sent = 0  # full or broken; the long way finds out
        self.bytes_sent += sent
        if sent == len(data):
            return True
        if sent or self.tls is not None:  # what is sealed must go out as it is, and in this order
            self._current = [memoryview(data)[sent:]]
        return False

    def write(self, patient: bool) -> bool:
        """Write until all is gone or the kernel is full. The caller is the writer now.

        Returns:
            True when the kernel has everything.

        Raises:
            OSError: the connection is broken.
            PynetError: the lane has ended meanwhile.
        """
        while True:
            self._seal_more()
            sent = self._send(self._current, patient)
            self.bytes_sent += sent
            rest = after(self._current, sent)
            if rest and patient:
                if self._error is not None:
                    raise self._error
                self._current = rest
                if not DONTWAIT:
                    wait_for(self._sock, write=True, timeout=PATIENT_WAIT)
                continue
            with self._lock:
                if rest:
                    self._current, self._plain = owned(rest), owned(self._plain)
                    self.waits = True
                    break
                self._current = []
                if not self._plain and not self._next_batch():
                    self._writing = False
                    self._drained.notify_all()
                    return True
        self._want_writable()
        return False

    def _send(self, buffers: list[Buffer], patient: bool) -> int:
        flags = 0 if patient else DONTWAIT
        try:
            if len(buffers) == 1:
                return self._sock.send(buffers[0], flags)
            return send_several(self._sock, buffers, flags)
        except (BlockingIOError, InterruptedError):
            return 0

    def _seal_more(self) -> None:
        """Encrypt the next piece, if all before it is gone."""
        if self._current or not self._plain:
            return
        assert self.tls is not None
        piece: list[Buffer] = []
        size = 0
        while self._plain and size < SEALED_AT_ONCE:
            view = memoryview(self._plain[0])
            part = view[: SEALED_AT_ONCE - size]
            piece.append(part)
            size += len(part)
            if len(part) == len(view):
                del self._plain[0]
            else:
                self._plain[0] = view[len(part) :]
        self._current = [self.tls.seal(piece)]

    def _next_batch(self) -> bool:
        """Take frames over that wait. Holds the lock. False when there are none."""
        batch: list[Buffer] = []
        for _ in range(min(FRAMES_PER_WRITE, len(self._outbox))):
            batch += self._outbox.popleft()
        if batch:
            self._take_over(batch)
        return bool(batch)

    def on_writable(self) -> bool:
        """The reactor: the kernel takes bytes again. Returns and raises as :meth:`write`."""
        with self._lock:
            if not self.waits:
                return False
            self.waits = False
        return self.write(patient=False)

    def wait_drained(self) -> None:
        """Wait until the kernel has everything, or the lane ends."""
        with self._lock:
            while self._writing and self._error is None:
                self._drained.wait(PATIENT_WAIT)

    def end(self, error: PynetError) -> None:
        """The lane has ended: nobody waits any longer. The caller holds the lock."""
        self._error = error
        self._want_writable = _nothing  # or the lane would hold itself
        self._drained.notify_all()


def _nothing() -> None:
    """Nobody is to be told any more."""
