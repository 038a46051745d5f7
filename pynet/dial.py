"""Opening a lane to a Gateway, and reading what goes wrong as a sentence."""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import random
import selectors
import socket
import ssl
import threading
import time
from dataclasses import dataclass
from typing import Any, cast

from pynet.errors import (
    TRAVELLING,
    AuthenticationError,
    Busy,
    Closed,
    ConfigurationError,
    ConnectError,
    ConnectionLost,
    NotShared,
    PynetError,
    RemoteError,
    RemoteProtocolError,
    UnknownMachine,
    VersionMismatch,
)
from pynet.io import options
from pynet.io.lane import Lane
from pynet.io.reactor import Reactor
from pynet.io.syscalls import wait_for
from pynet.io.tls import Tls
from pynet.stranger import FILES_BUSY, FILES_CLOSED, FILES_OPEN
from pynet.wire.connection import Connection, greeting, read_greeting
from pynet.wire.frames import Frame, Kind
from pynet.wire.limits import Limits
from pynet.wire.states import Side

DEFAULT_PORT = 1857

log = logging.getLogger("pynet.controller")

STEP = 0.05
"""Seconds after which a waiting dial looks whether it was abandoned."""

BESIDE, MOST_BESIDE = 0.2, 8
"""Seconds after which an unanswered call is made once more beside the first, and how many at most.
A lost first packet of a TCP connection is sent again only after a second."""

LONGEST_ANSWER = 16
"""Bytes of what a Gateway says to a word."""

FIRST_PAUSE, LONGEST_PAUSE = 0.1, 2.0


@dataclass(frozen=True, slots=True)
class Dialler:
    """Everything needed to open one more lane to the same Gateway.

    Attributes:
        host, port: where it listens.
        controller, name: who we are.
        reactor: ours.
        limits: what we accept.
        heartbeat: seconds between heartbeats.
        timeout: seconds for connecting and greeting.
        abandoned: set when nobody waits for the connection any more.
        interface: network interface to go out by, or None for the system's choice.
        context: for TLS, with the certificates that may answer; None for plain TCP.
        word: said in the clear before everything else, and answered; empty for nothing.
    """

    host: str
    port: int
    controller: str
    name: str
    reactor: Reactor
    limits: Limits
    heartbeat: float
    timeout: float
    abandoned: threading.Event
    interface: str | None = None
    context: ssl.SSLContext | None = None
    word: bytes = b""

    @property
    def address(self) -> str:
        """``host:port``."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def open(self, purpose: str, until: float | None = None) -> Lane:
        """Connect and greet; the lane is ready for an exchange.

        Args:
            purpose: ``"pair"`` or ``"manage"``.
            until: monotonic time of an earlier end than :attr:`timeout` gives.

        Raises:
            ConnectError: nobody answers there, in time, or it is no pynet.
            Busy: no Handler is free.
        """
        return self.greet(purpose, until)[0]

    def open_several(self, count: int) -> list[Lane]:
        """Lanes for a swarm: as many as the Gateway grants, at least one.

        Raises:
            As :meth:`open`.
        """
        lanes = [self.open("pair")]
        try:
            while len(lanes) < count:
                lanes.append(self.open("pair"))
        except Busy as error:
            log.info("%s grants %d of %d lanes: %s", self.address, len(lanes), count, error)
        except BaseException:
            for lane in lanes:
                lane.close()
            raise
        return lanes

    def greet(
        self, purpose: str, until: float | None = None, **wishes: Any
    ) -> tuple[Lane, dict[str, Any]]:
        """As :meth:`open`, with what the Gateway says of itself.

        Args:
            purpose, until: see :meth:`open`.
            wishes: further fields of the HELLO.
        """
        deadline = time.monotonic() + self.timeout
        if until is not None:
            deadline = min(deadline, until)
        sock = self._connect(deadline)
        try:
            if self.word:
                self._say_word(sock, deadline)
            tls = None if self.context is None else self._shake_hands(sock, self.context, deadline)
            connection = Connection(Side.CONTROLLER, self.limits, time.monotonic())
            lane = Lane(sock, connection, self.reactor, self.heartbeat, tls)
        except PynetError:
            sock.close()
            raise
        except OSError as error:
            sock.close()
            raise ConnectError(f"{self.address} closed the connection at once: {error}") from error
        try:
            fields = {"purpose": purpose, "controller": self.controller, "name": self.name}
            lane.send(Kind.HELLO, meta=greeting(fields | wishes))
            frame = self.await_frame(lane, deadline)
            if frame is None:
                raise self._no_greeting()
            welcome = self._read_welcome(frame)
            sent_us, received_us = welcome["hello"]
            connection.clock.add(
                sent_us / 1e6, received_us / 1e6, frame.time_us / 1e6, connection.last_received
            )
        except (KeyError, TypeError, ValueError) as error:
            lane.close()
            raise ConnectError(f"{self.address} sent a broken welcome: {error!r}") from error
        except AuthenticationError as error:
            lane.close()
            raise AuthenticationError(
                f"{self.address} and this machine do not trust each other: {error}"
            ) from error
        except (ConnectionLost, RemoteProtocolError) as error:
            lane.close()
            raise ConnectError(f"{self.address} ended the greeting: {error}") from error
        except VersionMismatch as error:
            lane.close()
            raise VersionMismatch(f"{self.address}: {error}") from None
        except BaseException:
            lane.close()
            raise
        return lane, welcome

    def await_frame(self, lane: Lane, deadline: float) -> Frame | None:
        """The lane's next frame, or None at the deadline.

        Raises:
            Closed: nobody waits for it any more.
            PynetError: the lane is lost.
        """
        while True:
            frame = lane.next_frame(min(STEP, max(0.001, deadline - time.monotonic())))
            if frame is not None or time.monotonic() >= deadline:
                return frame
            if self.abandoned.is_set():
                raise Closed(f"this side was closed while it waited for {self.address}")

    def _connect(self, deadline: float) -> socket.socket:
        """A TCP connection to the first of the host's addresses that answers."""
        try:
            found = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)
        except (socket.gaierror, UnicodeError) as error:
            raise ConnectError(
                f"no machine is called {self.host!r} here ({error}); check the name, "
                "or use its IP address"
            ) from error
        problem: OSError = TimeoutError()
        for family, kind, protocol, _, address in found:
            try:
                return self._connect_one((family, kind, protocol), address, deadline)
            except OSError as error:
                problem = error
        raise self._explained(problem) from problem

    def _connect_one(
        self, family: tuple[int, int, int], address: Any, deadline: float
    ) -> socket.socket:
        """The first of a few calls to be answered, one beside the other.

        It goes by small steps, so that closing the Controller ends a vain attempt.
        """
        due = time.monotonic()
        with selectors.DefaultSelector() as calls:
            try:
                while True:
                    now = time.monotonic()
                    if self.abandoned.is_set():
                        raise Closed(f"this Controller was closed while it called {self.address}")
                    if now >= deadline:
                        raise TimeoutError
                    if now >= due and len(calls.get_map()) < MOST_BESIDE:
                        due = now + BESIDE
                        sock = socket.socket(*family)
                        calls.register(sock, selectors.EVENT_WRITE)
                        self._call(sock, address)
                    for key, _ in calls.select(min(STEP, deadline - now)):
                        answered = cast(socket.socket, key.fileobj)
                        _check(answered.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR))
                        calls.unregister(answered)
                        return answered
            finally:
                for key in calls.get_map().values():
                    cast(socket.socket, key.fileobj).close()

    def _call(self, sock: socket.socket, address: Any) -> None:
        """Begin to connect."""
        if self.interface is not None:
            options.go_out_by(sock, self.interface)
        sock.setblocking(False)
        result = sock.connect_ex(address)
        if result not in (errno.EINPROGRESS, errno.EWOULDBLOCK, errno.EALREADY):
            _check(result)

    def _say_word(self, sock: socket.socket, deadline: float) -> None:
        """Tell what this connection is for, and read whether that can be.

        Raises:
            NotShared, Busy: it cannot, at all or now.
            ConnectError: the other end does not understand, or does not answer in time.
        """
        sock.send(self.word)  # no connection is so new that it cannot take a word
        answer = b""
        while not answer.endswith(b"\n") and len(answer) < LONGEST_ANSWER:
            while not wait_for(sock, write=False, timeout=STEP):
                self._look_up(deadline)
            data = sock.recv(LONGEST_ANSWER - len(answer))
            if not data:
                break
            answer += data
        if answer == FILES_CLOSED:
            raise NotShared(f"{self.address} shares no files")
        if answer == FILES_BUSY:
            raise Busy(f"{self.address} can serve no more files now")
        if answer != FILES_OPEN:
            raise ConnectError(f"{self.address} knows nothing of files: its pynet is too old")

    def _shake_hands(self, sock: socket.socket, context: ssl.SSLContext, deadline: float) -> Tls:
        """TLS over a new connection, which does not block yet.

        Raises:
            UnknownMachine: another one answers than should.
            ConnectError: none does in time.
        """
        tls = Tls(context, server=False)
        try:
            rest = tls.handshake()
            while not tls.ready or rest:
                while rest:
                    wait_for(sock, write=True, timeout=STEP)
                    with contextlib.suppress(BlockingIOError):
                        rest = rest[sock.send(rest) :]
                    self._look_up(deadline)
                while not tls.ready and not wait_for(sock, write=False, timeout=STEP):
                    self._look_up(deadline)
                if not tls.ready:
                    data = sock.recv(64 * 1024)
                    if not data:
                        raise ConnectError(f"{self.address} hung up in the middle of a greeting")
                    rest = tls.handshake(data)
        except AuthenticationError as error:
            raise UnknownMachine(
                f"{self.address} and this machine do not trust each other: {error}"
            ) from error
        return tls

    def _look_up(self, deadline: float) -> None:
        if self.abandoned.is_set():
            raise Closed(f"this side was closed while it greeted {self.address}")
        if time.monotonic() >= deadline:
            raise self._no_greeting()

    def _no_greeting(self) -> ConnectError:
        return ConnectError(
            f"{self.address} accepted the connection but did not greet in time; "
            "is it a pynet Gateway?"
        )

    def _explained(self, problem: OSError) -> ConnectError:
        if isinstance(problem, ConnectionRefusedError):
            return ConnectError(
                f"nothing listens on {self.address}; start the Gateway there, or check the port"
            )
        if isinstance(problem, TimeoutError):
            return ConnectError(
                f"{self.address} does not answer; check that it is switched on and in the same "
                "network"
            )
        return ConnectError(f"cannot reach {self.address}: {problem.strerror or problem}")

    def _read_welcome(self, frame: Frame) -> dict[str, Any]:
        fields = read_greeting(frame)
        if frame.kind == Kind.REFUSE:
            message = str(fields.get("message", "refused without a reason"))
            if fields.get("error") == "Busy":
                raise Busy(message, float(fields.get("retry_after", 1.0)))
            if fields.get("error") == "AuthenticationError":
                raise AuthenticationError(message)
            raise ConnectError(message)
        return fields


def _check(result: int) -> None:
    if result:
        raise OSError(result, os.strerror(result))


def parse_address(address: str | tuple[str, int]) -> tuple[str, int]:
    """``"host"``, ``"host:port"``, ``"[v6]:port"`` or a pair, as host and port.

    Raises:
        ConfigurationError: it is none of these.
    """
    if isinstance(address, tuple):
        return address
    text = address.strip()
    host, colon, port = text.rpartition(":")
    if not colon or (host.count(":") and not host.startswith("[")):
        host, port = text, str(DEFAULT_PORT)
    host = host.removeprefix("[").removesuffix("]")
    if not host or not port.isdecimal() or not 1 <= int(port) <= 65535:
        raise ConfigurationError(
            f"{address!r} is no address; write host:port, for example 192.168.1.20:{DEFAULT_PORT}"
        )
    return host, int(port)


def read_error(frame: Frame) -> PynetError:
    """The exception an ERROR frame stands for."""
    fields = read_greeting(frame)
    kind, message = str(fields.get("type", "")), str(fields.get("message", ""))
    cls = TRAVELLING.get(kind)
    if cls is not None:
        return cls(message)
    trace = fields.get("traceback")
    return RemoteError(kind, message, None if trace is None else str(trace))


class Backoff:
    """Pauses between tries: doubling from 0.1 to 2 s, each shortened at random by up to half."""

    def __init__(self) -> None:
        self._pause = FIRST_PAUSE

    def next(self) -> float:
        """Seconds to wait before the next try."""
        pause = self._pause
        self._pause = min(LONGEST_PAUSE, pause * 2)
        return pause * random.uniform(0.5, 1.0)

    def reset(self) -> None:
        """A try worked."""
        self._pause = FIRST_PAUSE
