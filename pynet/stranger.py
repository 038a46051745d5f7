"""Somebody who has just connected: the first bytes tell what they want."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from selectors import EVENT_READ

from pynet.io.reactor import Reactor
from pynet.wire.frames import MAGIC

PATIENCE = 3.0
"""Seconds until a caller must have said the first word."""

TLS, PLAIN, PAIRING, FILES = "tls", "plain", "pairing", "files"
STRANGE, SILENT, GONE = "strange", "silent", "gone"

PAIRING_WORD = b"PYNET-PAIR-1\n"
"""Said in the clear before TLS, because who pairs has no certificate that is known."""

FILES_WORD = b"PYNET-FILES-1\n"
"""Said in the clear before everything else by who comes for files."""

FILES_OPEN, FILES_CLOSED, FILES_BUSY = b"OPEN\n", b"CLOSED\n", b"BUSY\n"
"""What a Gateway answers to that: go on, nothing is shared here, come again later."""

_HANDSHAKE = b"\x16\x03"
"""How TLS begins: a handshake record (RFC 8446, 5.1)."""

_BEGINNINGS = {_HANDSHAKE: TLS, MAGIC: PLAIN, PAIRING_WORD: PAIRING, FILES_WORD: FILES}
_SPOKEN = {PAIRING: PAIRING_WORD, FILES: FILES_WORD}

_LONGEST = max(map(len, _BEGINNINGS))

OnWord = Callable[["Stranger", str], None]


def understood(word: bytes) -> str:
    """What somebody wants who begins like this; empty if that cannot be told yet."""
    if not word:
        return GONE
    for beginning, wanted in _BEGINNINGS.items():
        if word.startswith(beginning):
            return wanted
        if beginning.startswith(word):
            return ""
    return STRANGE


class Stranger:
    """A connection of which nothing is known yet. On the reactor only.

    Args:
        sock: just accepted.
        reactor: reads it.
        on_word: gets this object and what is wanted; :data:`STRANGE` for nonsense, :data:`SILENT`
            for too little, :data:`GONE` for a connection that was closed. The socket is the
            receiver's then.
        host: where it comes from.
    """

    def __init__(
        self, sock: socket.socket, reactor: Reactor, on_word: OnWord, host: str = ""
    ) -> None:
        self.sock = sock
        self.host = host
        self._reactor = reactor
        self._on_word = on_word
        self._since = time.monotonic()
        sock.setblocking(False)
        reactor.want(sock, self, EVENT_READ)
        reactor.watch(self)

    def on_readable(self) -> None:
        """The reactor: the first bytes are there. They stay there."""
        try:
            word = self.sock.recv(_LONGEST, socket.MSG_PEEK)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            word = b""
        wanted = understood(word)
        if not wanted:
            self._reactor.want(self.sock, self, 0)  # until the next tick: what is there stays there
            return
        if wanted in _SPOKEN:
            self.sock.recv(len(_SPOKEN[wanted]))
        self._tell(wanted)

    def on_writable(self) -> None:
        """Never asked for."""

    def on_tick(self, now: float, late: float) -> None:
        """The reactor: nobody waits for ever."""
        if now - self._since - late > PATIENCE:
            self._tell(SILENT)
        else:
            self._reactor.want(self.sock, self, EVENT_READ)

    def close(self) -> None:
        """Hang up."""
        self._let_go()
        self.sock.close()

    def _tell(self, word: str) -> None:
        self._let_go()
        self._on_word(self, word)

    def _let_go(self) -> None:
        self._reactor.want(self.sock, self, 0)
        self._reactor.forget(self)
