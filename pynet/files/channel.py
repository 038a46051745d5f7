"""Messages between two processes of one machine, over a pair of sockets.

A message is any value that travels over a lane, packed in the same way; with it goes, where the
system can do that, a connected socket, which is the other process's from then on.
"""

from __future__ import annotations

import array
import contextlib
import os
import socket
import struct
import threading
from collections import deque
from typing import Any, NamedTuple

import numpy as np

from pynet.wire.values import Decoder, Encoder

PASSES_SOCKETS = hasattr(socket, "AF_UNIX") and hasattr(socket, "send_fds")
"""Whether this system can hand a connection to another process in a message."""

_HEAD = struct.Struct(">II")
_READ = 256 * 1024
_MOST_SOCKETS = 32


class Message(NamedTuple):
    """What came.

    Attributes:
        value: the message.
        sock: that was handed over with it, or None.
    """

    value: Any
    sock: socket.socket | None


class Channel:
    """One end. Any thread may send; one thread receives.

    Args:
        sock: one of a pair; this object's from now on.
    """

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(True)
        self._sock = sock
        self._turn = threading.Lock()
        self._encoder, self._decoder = Encoder(), Decoder()
        self._rest = bytearray()
        self._arrived: deque[int] = deque()

    def send(self, value: Any) -> None:
        """Send, waiting while the other end does not read.

        Raises:
            OSError: the other end is gone, or this one was closed.
            EncodeError: the value cannot travel; nothing was sent.
        """
        with self._turn:
            self._sock.sendall(self._packed(value))

    def offer(self, value: Any, sock: socket.socket | None = None) -> bool:
        """Send a small message without waiting. The socket stays open here, too.

        Returns:
            False when the other end does not read, or is gone.
        """
        with self._turn:
            data = self._packed(value)
            rights = [] if sock is None else [_rights_of(sock)]
            try:
                sent = self._sock.sendmsg([data], rights, socket.MSG_DONTWAIT)
            except OSError:
                return False
        if sent < len(data):  # what follows could not be read any more
            self.hang_up()
        return sent == len(data)

    def receive(self) -> Message | None:
        """The next message; None when the other end is gone."""
        while True:
            message = self._take()
            if message is not None:
                return message
            try:
                data = self._read()
            except OSError:
                return None
            if not data:
                return None
            self._rest += data

    def hang_up(self) -> None:
        """Let both ends see the end; a thread that waits in :meth:`receive` returns. Idempotent."""
        with contextlib.suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)

    def finish(self) -> None:
        """Send no more; the other end sees the end, and may send still. Idempotent."""
        with contextlib.suppress(OSError):
            self._sock.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """Free the socket, and those that came and were not taken. By who receives. Idempotent."""
        self._sock.close()
        while self._arrived:
            os.close(self._arrived.popleft())

    def _packed(self, value: Any) -> bytes:
        meta, body = self._encoder.encode(value)
        raw = b"".join(body)
        return _HEAD.pack(len(meta), len(raw)) + meta + raw

    def _read(self) -> bytes:
        if not PASSES_SOCKETS or self._sock.family != socket.AF_UNIX:
            return self._sock.recv(_READ)
        data, arrived, _, _ = socket.recv_fds(self._sock, _READ, _MOST_SOCKETS)
        for descriptor in arrived:
            os.set_inheritable(descriptor, False)
            self._arrived.append(descriptor)
        return data

    def _take(self) -> Message | None:
        rest = self._rest
        if len(rest) < _HEAD.size:
            return None
        meta_size, body_size = _HEAD.unpack_from(rest)
        start = _HEAD.size + meta_size
        if len(rest) < start + body_size:
            return None
        meta = bytes(rest[_HEAD.size : start])
        body = np.frombuffer(bytes(rest[start : start + body_size]), np.uint8)
        del rest[: start + body_size]
        value = self._decoder.decode(meta, body if body_size else None)
        # A socket comes no later than the first byte of its message, and in the same order.
        handed = isinstance(value, list) and value[:1] == [SOCKET]
        sock = socket.socket(fileno=self._arrived.popleft()) if handed and self._arrived else None
        return Message(value, sock)


SOCKET = "socket"
"""First word of the messages with which a socket goes."""


def _rights_of(sock: socket.socket) -> tuple[int, int, array.array[int]]:
    return socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [sock.fileno()])
