"""Where connections arrive: the listening socket, and lanes that have not greeted yet."""

from __future__ import annotations

import contextlib
import logging
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from selectors import EVENT_READ

from pynet.errors import ConfigurationError, PynetError
from pynet.io.lane import Lane
from pynet.io.options import listen_on
from pynet.io.reactor import Reactor
from pynet.io.tls import Tls
from pynet.offenders import Offenders
from pynet.stranger import (
    FILES,
    FILES_BUSY,
    FILES_CLOSED,
    FILES_OPEN,
    GONE,
    PAIRING,
    PLAIN,
    SILENT,
    STRANGE,
    TLS,
    Stranger,
)
from pynet.trust.store import Trust
from pynet.wire.connection import Connection, read_greeting
from pynet.wire.frames import Frame
from pynet.wire.limits import Limits
from pynet.wire.states import Side

log = logging.getLogger("pynet.gateway")

MAX_UNGREETED = 256
"""Connections that have not greeted yet; a further one takes the place of another."""

AT_ONCE = 16
"""Connections that are taken in a row; those that are served want to be looked at in between."""

LOOK_FOR_CHANGES = 0.25
"""Seconds between two looks whether another program has added or revoked a peer."""

NO_TLS = b"\x15\x03\x03\x00\x02\x02\x46"
"""An alert of TLS in the clear: fatal, protocol_version (RFC 8446, 6.2)."""

TLS_ONLY = b"\x15\x03\x03\x00\x02\x02\x78"
"""Likewise: fatal, no_application_protocol."""

NO_PAIRING = b"PLAIN\n"
"""To who wants to pair with a Gateway that lets anybody in."""

UNWANTED = {
    TLS: "wants TLS, and this Gateway runs with insecure=True",
    PLAIN: "wants plain TCP, which is insecure; connect without insecure=True",
    PAIRING: "wants to pair, and this Gateway lets anybody in",
    FILES: "wants files, and none are shared here",
    STRANGE: "speaks no pynet",
    SILENT: "says nothing",
}
"""Why somebody is sent away."""

OnFiles = Callable[[socket.socket, str], bool]
OnHello = Callable[[Lane, Frame, dict[str, object]], None]


class Door:
    """Passes on who says HELLO over the connections that arrive. It all happens on the reactor.

    Connections come from a port, once :meth:`listen` was called, or by :meth:`adopt`.

    Args:
        reactor: an acquired one.
        limits: what strangers may send.
        heartbeat: seconds, for the lanes.
        on_hello: gets the lane, its HELLO, and the map in it.
        trust: who may come in; None for plain TCP, over which anybody may.

    Attributes:
        port: it listens on; 0 if it does not.
        on_pairing: while a pairing window is open: gets the sockets of who wants to pair.
        on_files: while something is shared: gets the socket of who wants files, which it must not
            keep, and where it comes from; tells whether it is served elsewhere now.
    """

    def __init__(
        self,
        reactor: Reactor,
        limits: Limits,
        heartbeat: float,
        on_hello: OnHello,
        trust: Trust | None = None,
    ) -> None:
        self.port = 0
        self._listener: socket.socket | None = None
        self._reactor = reactor
        self._limits = limits
        self._heartbeat = heartbeat
        self._on_hello = on_hello
        self._trust = trust
        self._looked_at = 0.0
        self._lock = threading.Lock()
        self._ungreeted: dict[Lane | Stranger, str] = {}
        self.on_pairing: Callable[[socket.socket], None] | None = None
        self.on_files: OnFiles | None = None
        self._offenders = Offenders()
        self._closed = False
        reactor.watch(self)

    def listen(self, host: str, port: int) -> None:
        """Let connections arrive.

        Args:
            host, port: where; port 0 takes any free one.

        Raises:
            ConfigurationError: the address cannot be used.
        """
        try:
            self._listener = listen_on(host, port)
        except OSError as error:
            raise ConfigurationError(
                f"cannot listen on {host}:{port}: {error.strerror}; "
                "is another Gateway running there? Stop it or choose another port"
            ) from error
        self.port = int(self._listener.getsockname()[1])
        self._reactor.want(self._listener, self, EVENT_READ)

    def adopt(self, sock: socket.socket, host: str) -> None:
        """Take a connection that arrived elsewhere. Any thread.

        Args:
            sock: connected; this object's from now on.
            host: where it comes from.
        """
        self._reactor.call_soon(partial(self._take_in, sock, host))

    @property
    def greeting(self) -> int:
        """How many connections have not greeted yet."""
        return len(self._ungreeted)

    def close(self) -> None:
        """Stop listening, drop who has not greeted. Idempotent."""
        self._closed = True
        self._reactor.forget(self)
        if self._listener is not None:
            self._reactor.want(self._listener, self, 0)
            self._listener.close()
        with self._lock:
            ungreeted, self._ungreeted = self._ungreeted, {}
        for one in ungreeted:
            one.close()

    def on_readable(self) -> None:
        """The reactor: connections wait."""
        listener = self._listener
        for _ in range(AT_ONCE):
            if self._closed or listener is None:
                return
            try:
                sock, address = listener.accept()
            except BlockingIOError:
                return
            except OSError as error:
                # Mostly of too many open files, which does not pass by trying again at once.
                self._reactor.want(listener, self, 0)
                self._offenders.complain("", f"cannot accept a connection: {error}")
                return
            self._take_in(sock, str(address[0]))

    def _take_in(self, sock: socket.socket, host: str) -> None:
        """Wait for the first word on a new connection."""
        if self._closed:
            sock.close()
            return
        if self.greeting >= MAX_UNGREETED:
            self._make_room()
        stranger = Stranger(sock, self._reactor, self._on_word, host)
        with self._lock:
            self._ungreeted[stranger] = host

    def _make_room(self) -> None:
        """Drop whoever has waited longest of the machine that has most connections waiting.

        Who floods loses its own; others get in meanwhile, as their greeting takes no time.
        """
        with self._lock:
            if not self._ungreeted:  # they were dropped by close() right now
                return
            (busiest, count), *_ = Counter(self._ungreeted.values()).most_common(1)
            oldest = next(one for one, host in self._ungreeted.items() if host == busiest)
            del self._ungreeted[oldest]
        self._offenders.complain(
            busiest, f"{busiest} has {count} connections open and says hello over none of them"
        )
        oldest.close()

    def on_writable(self) -> None:
        """Never asked for."""

    def on_tick(self, now: float, late: float) -> None:
        """The reactor: accept again after trouble; look whether peers have changed."""
        if not self._closed and self._listener is not None:
            self._reactor.want(self._listener, self, EVENT_READ)
        if self._trust is not None and now - self._looked_at > LOOK_FOR_CHANGES:
            self._looked_at = now
            self._trust.peers.refresh()

    def _on_word(self, stranger: Stranger, word: str) -> None:
        """Somebody has said what they want."""
        with self._lock:
            self._ungreeted.pop(stranger, None)
        try:
            if self._closed or word == GONE:
                stranger.close()
            elif word == TLS and self._trust is not None:
                self._admit(stranger, Tls(self._trust.server_context(), server=True))
            elif word == PLAIN and self._trust is None:
                self._admit(stranger, None)
            elif word == PAIRING and self.on_pairing is not None:
                self.on_pairing(stranger.sock)
            elif word == FILES and self.on_files is not None:
                self._pass_on(stranger, self.on_files)
            else:
                self._send_away(stranger, word)
        except OSError as error:
            log.debug("a connection was gone before it was greeted: %s", error)
            stranger.close()

    def _pass_on(self, stranger: Stranger, on_files: OnFiles) -> None:
        """Let another process greet; it waits for TLS, and the caller with that for our word."""
        host = stranger.host
        with stranger.sock as sock:
            if on_files(sock, host):
                sock.send(FILES_OPEN)
                return
            self._offenders.complain(host, f"sent {host} away: the process for files is busy")
            sock.send(FILES_BUSY)

    def _send_away(self, stranger: Stranger, word: str) -> None:
        """Say a word that the other program understands, and hang up."""
        with contextlib.suppress(OSError):
            if word == TLS:
                stranger.sock.send(NO_TLS)
            elif word == PLAIN:
                stranger.sock.send(TLS_ONLY)
            elif word == PAIRING:
                stranger.sock.send(NO_PAIRING)
            elif word == FILES:
                stranger.sock.send(FILES_CLOSED)
        host = stranger.host
        self._offenders.complain(host, f"sent {host} away: it {UNWANTED[word]}")
        stranger.close()

    def _admit(self, stranger: Stranger, tls: Tls | None) -> None:
        sock, host = stranger.sock, stranger.host
        connection = Connection(Side.GATEWAY, self._limits, time.monotonic())
        lane = Lane(sock, connection, self._reactor, self._heartbeat, tls)
        lane.complain = partial(self._offenders.complain, host)
        with self._lock:
            self._ungreeted[lane] = host
        lane.on_frames = partial(self._greet, lane)
        lane.on_lost = lambda: self._reactor.call_soon(partial(self._discard, lane))
        lane.hand_over()

    def _greet(self, lane: Lane) -> None:
        hello = lane.next_frame(0)
        if hello is None:
            return
        try:
            fields = read_greeting(hello)
        except PynetError as error:
            lane.complain(f"dropping {lane.peer}: {error}")
            self._discard(lane)
            return
        lane.on_frames = lane.on_lost = None
        with self._lock:
            self._ungreeted.pop(lane, None)
        if self._closed:
            lane.close()
        else:
            self._on_hello(lane, hello, fields)

    def _discard(self, lane: Lane) -> None:
        with self._lock:
            self._ungreeted.pop(lane, None)
        # They hold the lane. A thousand strangers' TLS must not wait for the garbage collector.
        lane.on_frames = lane.on_lost = None
        lane.close()
