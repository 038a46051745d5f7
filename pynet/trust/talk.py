"""Short messages over TLS between two machines that do not know each other yet."""

from __future__ import annotations

import contextlib
import socket
import ssl
import time

from pynet.errors import AuthenticationError, PairingError
from pynet.io.syscalls import wait_for
from pynet.io.tls import Tls

OPEN, CLOSED, BUSY, PLAIN = b"OPEN\n", b"CLOSED\n", b"BUSY\n", b"PLAIN\n"
"""What a Gateway answers in the clear to the word that asks for pairing: go on, no window is open,
somebody else is pairing, and: it speaks plain TCP."""

MOST_BYTES = 4096
"""Of one message."""

LENGTH = 2
"""Bytes of the length before each message, big-endian."""

MOST_IN_ALL = 64 * 1024
"""Bytes that are read in one talk: TLS can be kept busy with records that carry nothing."""


class Talk:
    """One end, on one thread; only :meth:`hang_up` may be called from others.

    Args:
        sock: connected; this object's from now on.
        context: with our certificate.
        server: True for the end that was called.

    Attributes:
        peer: the other end's address, for the log.
    """

    def __init__(self, sock: socket.socket, context: ssl.SSLContext, *, server: bool) -> None:
        self._sock = sock
        sock.setblocking(False)
        self._tls = Tls(context, server=server)
        self._text = b""
        self._heard = 0
        self.peer = _address(sock)

    @property
    def certificate(self) -> bytes:
        """The one that the other end shows, DER; empty if it need not."""
        return self._tls.certificate

    def shake_hands(self, until: float) -> None:
        """TLS.

        Args:
            until: monotonic time.

        Raises:
            PairingError: the other end is silent, hangs up, or speaks no TLS 1.3.
        """
        try:
            rest = self._tls.handshake()
            self._write(rest, until)
            while not self._tls.ready:
                self._write(self._tls.handshake(self._read(until)), until)
        except PairingError:
            raise
        except AuthenticationError as error:
            with contextlib.suppress(PairingError):
                self._write(error.alert, until)
            raise PairingError(f"{self.peer} breaks off the pairing: {error}") from error

    def send(self, message: bytes, until: float) -> None:
        """Send a message; arguments and errors as :meth:`shake_hands`."""
        self._write(self._tls.seal([len(message).to_bytes(LENGTH, "big"), message]), until)

    def receive(self, until: float) -> bytes:
        """The next message; arguments and errors as :meth:`shake_hands`.

        Raises:
            PairingError: it is too long, too.
        """
        size = int.from_bytes(self._take(LENGTH, until), "big")
        if size > MOST_BYTES:
            raise PairingError(f"{self.peer} sent a message of {size} bytes; is it a pynet?")
        return self._take(size, until)

    def hang_up(self) -> None:
        """End whatever this talk waits for. Any thread."""
        with contextlib.suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Hang up and free the socket. Idempotent."""
        self._sock.close()

    def _take(self, size: int, until: float) -> bytes:
        try:
            while len(self._text) < size:
                text = self._tls.take(MOST_BYTES)
                if text:
                    self._text += text
                else:
                    self._tls.feed(self._read(until))
        except EOFError:
            raise _gone(self.peer) from None
        except PairingError:
            raise
        except AuthenticationError as error:
            raise PairingError(f"{self.peer} breaks off the pairing: {error}") from error
        taken, self._text = self._text[:size], self._text[size:]
        return taken

    def _read(self, until: float) -> bytes:
        while True:
            self._wait(until, write=False)
            try:
                data = self._sock.recv(MOST_BYTES)
            except (BlockingIOError, InterruptedError):
                continue
            except OSError as error:
                raise _gone(self.peer) from error
            self._heard += len(data)
            if not data:
                raise _gone(self.peer)
            if self._heard > MOST_IN_ALL:
                raise PairingError(f"{self.peer} sends on and on; is it a pynet?")
            return data

    def _write(self, data: bytes, until: float) -> None:
        while data:
            self._wait(until, write=True)
            try:
                data = data[self._sock.send(data) :]
            except (BlockingIOError, InterruptedError):
                continue
            except OSError as error:
                raise _gone(self.peer) from error

    def _wait(self, until: float, *, write: bool) -> None:
        left = until - time.monotonic()
        if left <= 0 or not wait_for(self._sock, write=write, timeout=left):
            raise PairingError(f"{self.peer} fell silent in the middle of pairing; try again")


def _gone(peer: str) -> PairingError:
    return PairingError(f"{peer} hung up in the middle of pairing; try again")


def _address(sock: socket.socket) -> str:
    try:
        host, port = sock.getpeername()[:2]
    except OSError:
        return "somebody who has gone"
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
