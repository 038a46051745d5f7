"""TLS over memory: bytes in, bytes out. Sockets and threads are the lane's."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Sequence

from pynet.errors import AuthenticationError, ConnectionLost
from pynet.wire.values import Buffer

PROTOCOL = "pynet/1"
"""What ALPN says is spoken over it (RFC 7301)."""

RECORD = 16 * 1024
"""Bytes of the largest TLS record (RFC 8446, 5.1); more at once only grows OpenSSL's memory."""


class Tls:
    """One end of one TLS 1.3 connection.

    The object under it must never be used by two threads at once, so that every method takes the
    one lock; none waits for anything else.

    Args:
        context: with our certificate and those that are accepted.
        server: True for the end that was called.
    """

    def __init__(self, context: ssl.SSLContext, *, server: bool) -> None:
        self._lock = threading.Lock()
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._object = context.wrap_bio(self._incoming, self._outgoing, server_side=server)
        self._ready = False
        self._rest = False

    @property
    def waiting(self) -> bool:
        """There may be something to take. For whoever reads, only."""
        return self._rest or self._incoming.pending > 0

    @property
    def ready(self) -> bool:
        """The handshake is complete on this side; the other end may still refuse us."""
        return self._ready

    @property
    def certificate(self) -> bytes:
        """The other end's, as DER; empty where none was asked for."""
        return self._object.getpeercert(binary_form=True) or b""

    def handshake(self, data: Buffer = b"") -> bytes:
        """Go on with the handshake.

        Args:
            data: what came from the other end.

        Returns:
            What the other end must get.

        Raises:
            AuthenticationError: one end does not accept the other, or speaks no TLS 1.3.
        """
        with self._lock:
            self._incoming.write(data)
            try:
                self._object.do_handshake()
                # Python's own check lets a peer through that names other protocols only, or none.
                if self._object.selected_alpn_protocol() != PROTOCOL:
                    raise AuthenticationError("it speaks TLS, but not pynet over it")
                self._ready = True
            except ssl.SSLWantReadError:
                pass
            except ssl.SSLError as error:
                raise AuthenticationError(explained(error), alert=self._outgoing.read()) from error
            return self._outgoing.read()

    def seal(self, buffers: Sequence[Buffer]) -> bytes:
        """Encrypt, in order.

        Of a connection that has failed nothing comes: whoever reads it learns why, and ends it.
        """
        with self._lock:
            try:
                for buffer in buffers:
                    if len(buffer) <= RECORD:
                        self._object.write(buffer)
                        continue
                    view = memoryview(buffer).cast("B")
                    for start in range(0, len(view), RECORD):
                        self._object.write(view[start : start + RECORD])
            except ssl.SSLError:
                return b""
            return self._outgoing.read()

    def feed(self, data: Buffer) -> None:
        """Bytes came from the other end; they are taken out decrypted."""
        with self._lock:
            self._incoming.write(data)

    def take(self, size: int) -> bytes:
        """Decrypted bytes, at most so many; none when no record is whole.

        Raises:
            AuthenticationError: the other end refuses us.
            ConnectionLost: somebody has changed what it sent.
            EOFError: it has closed the connection.
        """
        with self._lock:
            try:
                data = self._object.read(size)
                self._rest = len(data) == size and self._object.pending() > 0
                return data
            except ssl.SSLWantReadError:
                self._rest = False
                return b""
            except ssl.SSLError as error:
                raise _ending(error) from error

    def take_into(self, view: memoryview) -> int:
        """As :meth:`take`, from as many records as there are, into memory; how many."""
        size = 0
        with self._lock:
            try:
                while size < len(view) and (self._rest or self._incoming.pending):
                    part = view[size:]
                    size += self._object.read(len(part), part)  # type: ignore[operator]
                    self._rest = size == len(view) and self._object.pending() > 0
            except ssl.SSLWantReadError:
                self._rest = False
            except ssl.SSLError as error:
                raise _ending(error) from error
        return size


REASONS = {
    "TLSV1_ALERT_UNKNOWN_CA": "it does not know this machine; pair the two",
    "TLSV13_ALERT_CERTIFICATE_REQUIRED": "it wants to know who this is; pair the two",
    "PEER_DID_NOT_RETURN_A_CERTIFICATE": "it does not say who it is",
    "CERTIFICATE_VERIFY_FAILED": "it is not known here; pair the two",
    "TLSV1_ALERT_PROTOCOL_VERSION": "it wants no TLS: it runs with insecure=True, or is too old",
    "UNSUPPORTED_PROTOCOL": "it speaks an old TLS; install the same pynet release on both sides",
    "WRONG_VERSION_NUMBER": "it speaks no TLS: is it no pynet, or one with insecure=True?",
    "DECRYPTION_FAILED_OR_BAD_RECORD_MAC": "somebody on the way has changed what was sent",
}


LATE_REFUSALS = {"TLSV1_ALERT_UNKNOWN_CA", "TLSV13_ALERT_CERTIFICATE_REQUIRED"}
"""What the end that calls learns only when it reads for the first time (RFC 8446, 4.4.2.4)."""


def _ending(error: ssl.SSLError) -> Exception:
    if isinstance(error, ssl.SSLZeroReturnError):
        return EOFError()
    if error.reason in LATE_REFUSALS:
        return AuthenticationError(explained(error))
    return ConnectionLost(explained(error))


def explained(error: ssl.SSLError) -> str:
    """OpenSSL's reason as a sentence that says what to do."""
    reason = error.reason or str(error)
    return REASONS.get(reason, f"TLS failed ({reason})")
