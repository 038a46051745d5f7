"""What comes in on a lane: bytes of one socket, unsealed where they are sealed, as frames."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable

from pynet.errors import AuthenticationError
from pynet.io.syscalls import DONTWAIT, timeval, wait_for
from pynet.io.tls import RECORD, Tls
from pynet.io.writer import Writer
from pynet.wire.connection import Connection
from pynet.wire.frames import Frame

SMALL_READ, LARGE_READ = 4 * 1024, 64 * 1024
"""Bytes asked for after a small read, and after one that was not: memory for 64 KiB costs a call
of 64 bytes about 5 % of its time."""


File = Callable[[list[Frame]], bool]


class Reader:
    """Reads one socket. One thread at a time may use it: who holds the lane's read lock.

    Args:
        sock: connected.
        connection: makes frames of the bytes, and answers some by itself.
        writer: takes those answers; what comes in is sealed if it seals what goes out.
        lock: the lane's, which guards both.

    Attributes:
        bytes_received: as they came in, with what encryption adds.
    """

    def __init__(
        self,
        sock: socket.socket,
        connection: Connection,
        writer: Writer,
        lock: threading.Lock,
    ) -> None:
        self._sock = sock
        self._connection = connection
        self._writer = writer
        self._tls = writer.tls
        self._lock = lock
        self._size = SMALL_READ
        self._timeout: float | None = None if DONTWAIT else -1.0
        self.bytes_received = 0

    def expect_within(self, timeout: float | None) -> bool:
        """Make the next read wait that many seconds. False when that wait is over, in vain."""
        if timeout is self._timeout:
            return True
        if not DONTWAIT:
            return wait_for(self._sock, write=False, timeout=1.0 if timeout is None else timeout)
        if timeout is not None and timeout <= 0:
            return wait_for(self._sock, write=False, timeout=0)
        known = self._timeout
        # An earlier end is harmless, the caller waits again: set it only if it is far off.
        if known is None or timeout is None or not 0.5 * timeout <= known <= timeout + 0.002:
            self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, timeval(timeout))
            self._timeout = timeout
        return True

    def read(self, flags: int, file: File) -> None:
        """One system call's worth of bytes, filed.

        Args:
            flags: of ``recv``.
            file: takes frames, in their order; False when no more may come.

        Raises:
            EOFError: the other side has closed the connection.
            PynetError: it has broken the rules, or may not come in.
            BlockingIOError, InterruptedError: nothing has come.
            OSError: the connection broke.
        """
        if self._tls is not None:
            self._read_sealed(self._tls, flags, file)
            return
        connection = self._connection
        if connection.partial is not None:
            view = connection.wanted()
            assert view is not None
            size = self._sock.recv_into(view, 0, flags)
            if not size:
                raise EOFError
            with self._lock:
                frames = connection.received_in_place(size, time.monotonic())
                self._reply()
        else:
            data = self._sock.recv(self._size, flags)
            size = len(data)
            if not size:
                raise EOFError
            self._size = SMALL_READ if size < SMALL_READ else LARGE_READ
            with self._lock:
                frames = connection.receive(data, time.monotonic())
                self._reply()
        self.bytes_received += size
        file(frames)

    def _read_sealed(self, tls: Tls, flags: int, file: File) -> None:
        """The same through TLS: what has come may be no whole record, or several frames."""
        data = self._sock.recv(self._size, flags)
        if not data:
            raise EOFError
        self._size = SMALL_READ if len(data) < SMALL_READ else LARGE_READ
        self.bytes_received += len(data)
        if tls.ready:
            tls.feed(data)
        elif not self._go_on_with_handshake(tls, data):
            return
        go_on = True
        while go_on and tls.waiting:
            with self._lock:
                frames = self._unseal(tls)
                self._reply()
            go_on = frames is not None and file(frames)

    def _unseal(self, tls: Tls) -> list[Frame] | None:
        """Frames of one more record; None when no more is whole. Holds the lock."""
        connection = self._connection
        if connection.partial is None:
            data = tls.take(min(RECORD, self._size))
            return connection.receive(data, time.monotonic()) if data else None
        view = connection.wanted()
        assert view is not None
        size = tls.take_into(view)
        return connection.received_in_place(size, time.monotonic()) if size else None

    def _go_on_with_handshake(self, tls: Tls, data: bytes) -> bool:
        """True when it is complete."""
        try:
            self._send_raw(tls.handshake(data))
        except AuthenticationError as error:
            self._send_raw(error.alert)
            raise
        return tls.ready

    def _send_raw(self, data: bytes) -> None:
        if data:
            with self._lock:
                self._writer.submit_raw(data)

    def _reply(self) -> None:
        """Send what the protocol answers by itself. Holds the lock."""
        if self._connection.replies:
            self._writer.submit_first(self._connection.take_replies())
