"""The manager on the device: one port, the registry of subroutines, the pool of Handlers."""

from __future__ import annotations

import itertools
import logging
import socket
import threading
import time
from collections import deque
from collections.abc import Callable
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any

from pynet._version import __version__
from pynet.dial import DEFAULT_PORT
from pynet.door import Door
from pynet.errors import (
    AuthenticationError,
    Busy,
    Closed,
    ConfigurationError,
    ConnectionLost,
    GatewayStopped,
    PynetError,
    UnknownSubroutine,
)
from pynet.handler import Handler
from pynet.io.lane import Lane
from pynet.io.reactor import Reactor
from pynet.pool import HandlerPool
from pynet.questions import answer_all
from pynet.registrar import Registrar
from pynet.sharing import Sharing
from pynet.source import Sources
from pynet.swarm.group import Group, Groups
from pynet.trust.peers import Peer, Role
from pynet.trust.reception import Reception
from pynet.trust.store import Trust
from pynet.trust.window import SECONDS, PairingWindow, Told
from pynet.wire.connection import greeting, read_greeting
from pynet.wire.frames import Frame, Kind
from pynet.wire.limits import Limits

if TYPE_CHECKING:
    from pynet.discovery import Announcement

log = logging.getLogger("pynet.gateway")


DEFAULT_POOL_SIZE = 5
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})

ANYBODY = Peer("anybody", Role.OWNER, b"")
"""Who is at the other end of plain TCP."""

BUSY_PATIENCE = 0.25
"""Seconds a new pair waits for a slot before it is refused: an old pair may just be closing."""


class Gateway(Registrar, Sharing):
    """Offers this process's functions to Controllers.

    Register functions with :meth:`stream`, :meth:`batch` and :meth:`sink`, then
    :meth:`serve`, or :meth:`start` and later :meth:`close`. All methods may be
    called from any thread.

    Args:
        host: address to listen on; ``""`` or ``"0.0.0.0"`` for every network.
        port: 0 takes any free one; :attr:`port` tells which.
        pool_size: Handlers at a time; each pair takes one.
        name: shown to Controllers; the machine's host name by default.
        insecure: plain TCP, without encryption or proof of who is there: whoever can connect is
            taken for the owner. Allowed on this machine only.
        allow_network: allow it beyond this machine as well.
        tracebacks: send tracebacks of failing subroutines to the caller.
        heartbeat: seconds between heartbeats; a peer is lost after four without a byte.
        limits: what Controllers may send.
        trust: who this machine is, and whom it knows; what the platform's folder holds by default.
        announce: tell the network by mDNS that it is here, unless it listens on this machine only;
            also an attribute, until it is started.
        listen: False for one without a port, which is given its connections by :meth:`adopt`.

    Attributes:
        on_pairing: gets each pairing window, on a thread of its own, when it opens and is over.

    Raises:
        ConfigurationError: an argument cannot work.
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = DEFAULT_PORT,
        *,
        pool_size: int = DEFAULT_POOL_SIZE,
        name: str | None = None,
        insecure: bool = False,
        allow_network: bool = False,
        tracebacks: bool = False,
        heartbeat: float = 0.5,
        limits: Limits | None = None,
        trust: Trust | None = None,
        announce: bool = False,
        listen: bool = True,
    ) -> None:
        if not 1 <= pool_size <= 4096:
            raise ConfigurationError(f"pool_size {pool_size} is not within 1 to 4096")
        Registrar.__init__(self)
        Sharing.__init__(self)
        self._door: Door | None = None
        self._closing = False
        self.listens = listen
        self._trust = trust
        self.move(host, port, insecure=insecure, allow_network=allow_network)
        self.pool_size = pool_size
        self.name = name or socket.gethostname()
        self.tracebacks = tracebacks
        self.heartbeat = heartbeat
        self.announce = announce
        self._announcement: Announcement | None = None
        self.limits = limits or Limits()
        self._reactor: Reactor | None = None
        self._pool = HandlerPool(pool_size)
        self._groups = Groups(self._pool)
        self._lock = threading.Lock()
        self._handlers: dict[int, Handler] = {}
        self._managers: dict[Lane, Peer] = {}
        self._waiting: deque[tuple[float, Lane, Frame]] = deque()
        self.sources = Sources()
        self._ids = itertools.count(1)
        self._stopped = threading.Event()
        self._ignore_peers: Callable[[], None] = lambda: None
        self.reception: Reception | None = None
        self.on_pairing: Told | None = None
        self._started = 0.0
        self._accepted = self._refused = 0

    # ---- life ---------------------------------------------------------------------------

    def move(
        self, host: str, port: int, *, insecure: bool = False, allow_network: bool = False
    ) -> None:
        """Listen somewhere else, before :meth:`start`. Arguments as for the Gateway itself.

        Raises:
            ConfigurationError: it cannot listen there, or it does already.
        """
        if insecure and host not in LOOPBACK and not allow_network:
            raise ConfigurationError(
                f"insecure=True on {host} would let anybody on the network in; leave it out, use "
                "127.0.0.1, or pass allow_network=True as well if you trust everybody there"
            )
        if not 0 <= port <= 65535:
            raise ConfigurationError(f"port {port} is not within 0 to 65535")
        if self._closing:
            raise Closed("this Gateway was closed; make a new one")
        if self._door is not None:
            raise ConfigurationError(f"this Gateway listens on {self.address} already")
        self.host = "127.0.0.1" if host == "localhost" else host
        self._asked_port = port
        self.insecure = insecure

    @property
    def port(self) -> int:
        """The port it listens on; the one asked for before :meth:`start`."""
        return self._asked_port if self._door is None else self._door.port

    @property
    def address(self) -> str:
        """``host:port`` for a Controller on this machine."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    @property
    def reactor(self) -> Reactor:
        """The I/O thread; only while the Gateway runs."""
        if self._reactor is None:
            raise Closed("this Gateway does not run; call start() or serve() first")
        return self._reactor

    def start(self) -> Gateway:
        """Listen, in the background. Returns the Gateway itself.

        Raises:
            ConfigurationError: the address cannot be used.
            Closed: it was closed before.
        """
        if self._closing:
            raise Closed("this Gateway was closed; make a new one")
        if self._door is not None:
            return self
        trust = None if self.insecure else self._trust or Trust(name=self.name)
        self.trust = trust
        self._reactor = Reactor.acquire()
        try:
            self._door = self._open_door(self._reactor, trust)
        except BaseException:
            self._reactor.release()
            self._reactor = None
            raise
        if trust is not None:
            if self.listens:
                self.reception = Reception(trust, self.name, (self.host, self.port))
                self._door.on_pairing = self.reception.on_stranger
            self._ignore_peers = trust.peers.on_change(
                lambda: self.reactor.call_soon(self._drop_strangers)
            )
        self._started = time.monotonic()
        self.begin_sharing(self, self._door)
        if not self.listens:
            return self
        if self.insecure and self.host not in LOOPBACK:
            log.warning("PLAIN TCP on %s: anybody on this network can use it", self.address)
        log.info("Gateway %s listens on %s, %d Handlers", self.name, self.address, self.pool_size)
        if self.announce:
            self._announce()
        return self

    def _open_door(self, reactor: Reactor, trust: Trust | None) -> Door:
        door = Door(reactor, self.limits, self.heartbeat, self._on_hello, trust)
        try:
            if self.listens:
                door.listen(self.host, self._asked_port)
        except BaseException:
            door.close()
            raise
        return door

    def adopt(self, sock: socket.socket, host: str) -> None:
        """Serve a connection that arrived elsewhere.

        Args:
            sock: connected, and nothing was read from it; the Gateway's from now on.
            host: where it comes from.

        Raises:
            Closed: it does not run.
        """
        if self._door is None:
            raise Closed("this Gateway does not run; call start() first")
        self._door.adopt(sock, host)

    def _announce(self) -> None:
        """Tell the network; without it a Gateway works as well."""
        if self.host in LOOPBACK:
            log.info("%s listens on this machine only, so it is not announced", self.name)
            return
        from pynet.discovery import Announcement
        from pynet.discovery.announcement import announced_hosts

        id_prefix = "" if self.trust is None else self.trust.identity.id.partition("-")[0]
        try:
            self._announcement = Announcement(
                self.name, self.port, id_prefix, hosts=announced_hosts(self.host)
            )
        except ConfigurationError as error:
            log.warning("this Gateway is not announced: %s", error)

    def serve(self) -> None:
        """Listen and wait until :meth:`close`, a Controller's stop, or Ctrl-C."""
        self.start()
        try:
            # On some systems an Event's wait cannot be interrupted: give Ctrl-C a chance.
            while not self._stopped.wait(0.5):
                continue
        except KeyboardInterrupt:
            log.info("stopped by Ctrl-C")
        finally:
            self.close()

    def close(self, grace: float = 5.0) -> None:
        """Stop listening, cancel what runs, say goodbye, join the Handlers. Idempotent.

        Args:
            grace: seconds for subroutines to end.
        """
        with self._lock:
            if self._closing:
                first = False
            else:
                self._closing = first = True
        if not first:
            self._stopped.wait(grace)
            return
        if self._reactor is None or self._door is None:
            self._stopped.set()
            return
        self._door.close()
        self._ignore_peers()
        if self.reception is not None:
            self.reception.close()
        farewell = GatewayStopped(f"the Gateway {self.name} was stopped")
        with self._lock:
            handlers = list(self._handlers.values())
            lanes = [*self._managers, *(lane for _, lane, _ in self._waiting)]
        for handler in handlers:
            handler.abandon(farewell)
        for lane in lanes:
            lane.close(farewell)
        if self._announcement is not None:
            self._announcement.close()
        self.end_sharing()
        stuck = self._pool.close(grace)
        if stuck:
            log.warning("subroutines still run after %.0f s on %s", grace, ", ".join(stuck))
        self._reactor.release()
        self._stopped.set()
        log.info("Gateway %s stopped", self.name)

    def open_pairing(
        self,
        role: Role = Role.DRIVER,
        seconds: float = SECONDS,
        on_code: Told | None = None,
        on_end: Told | None = None,
    ) -> PairingWindow:
        """Let one machine get to know this one, by a code that a person types in there.

        Args:
            role: what it may do here.
            seconds: for which the code is good, at most an hour.
            on_code, on_end: instead of :attr:`on_pairing`.

        Raises:
            ConfigurationError: it does not run, speaks plain TCP, or pairs already.
        """
        if self.reception is None:
            raise ConfigurationError(f"{self.name} cannot pair: it is insecure, or does not run")
        told = self.on_pairing
        return self.reception.open(role, seconds, on_code or told, on_end or told)

    def __enter__(self) -> Gateway:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    # ---- arrivals, on the reactor -------------------------------------------------------

    def _on_hello(self, lane: Lane, hello: Frame, fields: dict[str, object]) -> None:
        try:
            peer = self._identify(lane)
        except AuthenticationError as error:
            self._turn_away(lane, error)
            return
        lane.on_lost = lambda: self.reactor.call_soon(partial(self._discard, lane))
        if fields.get("purpose") == "manage":
            with self._lock:
                self._managers[lane] = peer
            lane.on_frames = partial(self._on_question, lane)
            self._welcome(lane, 0, hello, peer)
            return
        try:
            assigned = self._assign(lane, hello)
        except PynetError as error:
            lane.refuse(error)
            return
        if not assigned:
            with self._lock:
                closing = self._closing
                if not closing:
                    self._waiting.append((time.monotonic() + BUSY_PATIENCE, lane, hello))
            if closing:  # close() has looked at those that wait already
                lane.close(GatewayStopped(f"the Gateway {self.name} was stopped"))
                return
            self.reactor.call_at(time.monotonic() + BUSY_PATIENCE, self._refuse_waiting)

    def _identify(self, lane: Lane) -> Peer:
        """Who is there."""
        if self.trust is None or lane.tls is None:
            return ANYBODY
        return self.trust.admit(lane.tls.certificate)

    def _drop_strangers(self) -> None:
        """Peers have changed: whoever is no longer known, or has another role now, must go."""
        with self._lock:
            served = [(handler.lane, handler.peer) for handler in self._handlers.values()]
            served += self._managers.items()
        for lane, before in served:
            try:
                if self._identify(lane).role != before.role:
                    lane.close(ConnectionLost("its role has changed; it connects again"))
            except AuthenticationError:
                log.info("%s (%s) is no longer known here", before.name, lane.peer)
                lane.close(AuthenticationError(f"{self.name} does not know this machine any more"))

    def _discard(self, lane: Lane) -> None:
        with self._lock:
            self._managers.pop(lane, None)
            self._waiting = deque(entry for entry in self._waiting if entry[1] is not lane)
        lane.close()

    def _welcome(
        self, lane: Lane, handler_id: int, hello: Frame, peer: Peer, granted: int = 1
    ) -> None:
        fields = {
            "role": peer.role.word,
            "lanes": granted,
            "gateway": self.name,
            "version": __version__,
            "handler": handler_id,
            "hello": [hello.time_us, int(lane.connection.last_received * 1e6)],
        }
        lane.send(Kind.WELCOME, meta=greeting(fields))
        # Answered before the first item can come, so the age of every item is known.
        lane.ping(time.monotonic())

    # ---- Handlers -----------------------------------------------------------------------

    def _assign(self, lane: Lane, hello: Frame) -> bool:
        fields = read_greeting(hello)
        controller = str(fields.get("controller", ""))[:64]
        peer = self._identify(lane)
        group: Group | None = None
        if "group" in fields:
            asked, replaced = fields.get("lanes"), fields.get("replaces")
            group = self._groups.admit(str(fields["group"]), (peer.id, controller), asked, replaced)
            if group is None:
                return False
        elif self._pool.taken >= self.pool_size:
            return False
        name = str(fields.get("name", ""))[:64]
        handler = Handler(self, lane, next(self._ids), controller, name, peer, group)
        with self._lock:
            self._handlers[handler.id] = handler
        if group is not None:
            self._groups.enter(group, handler)
        try:
            granted = 1 if group is None else group.granted
            self._welcome(lane, handler.id, hello, peer, granted)
        except PynetError as error:
            log.debug("%s left before its welcome: %s", lane.peer, error)
            self._forget(handler)
            lane.close()
            return True
        if self._pool.reserve(handler.run, held=group is not None):
            self._accepted += 1
            return True
        self._forget(handler)
        lane.on_lost = lambda: self.reactor.call_soon(partial(self._discard, lane))
        return False

    def _forget(self, handler: Handler) -> None:
        with self._lock:
            self._handlers.pop(handler.id, None)
        if handler.group is not None:
            self._groups.leave(handler.group, handler)

    def handler_ended(self, handler: Handler) -> None:
        """A Handler's last act, on its own thread."""
        self._forget(handler)
        if self._waiting and not self._closing:
            # Its slot is free only after this call returns to the pool.
            self.reactor.call_at(time.monotonic() + 0.002, self._assign_waiting)

    def _assign_waiting(self) -> None:
        while self._waiting and self._pool.taken < self.pool_size and not self._closing:
            with self._lock:
                entry = self._waiting.popleft()
            _, lane, hello = entry
            try:
                assigned = lane.error is not None or self._assign(lane, hello)
            except PynetError as error:
                self._turn_away(lane, error)
                continue
            if not assigned:
                with self._lock:
                    self._waiting.appendleft(entry)
                return

    def _refuse_waiting(self) -> None:
        self._assign_waiting()
        now = time.monotonic()
        while self._waiting and self._waiting[0][0] <= now:
            with self._lock:
                _, lane, _ = self._waiting.popleft()
            self._refused += 1
            message = (
                f"all {self.pool_size} Handlers of {self.name} are taken; close a stream or feed, "
                "or give the Gateway a larger pool_size"
            )
            self._turn_away(lane, Busy(message), retry_after=1.0)

    def _turn_away(self, lane: Lane, error: PynetError, **more: object) -> None:
        """Say why there is no welcome."""
        log.warning("refused %s: %s", lane.peer, error)
        fields = {"error": type(error).__name__, "message": str(error), **more}
        try:
            lane.send(Kind.REFUSE, meta=greeting(fields))
        except PynetError as gone:
            log.debug("%s left before it was refused: %s", lane.peer, gone)
        lane.close()

    # ---- questions from managers, on the reactor ----------------------------------------

    def _on_question(self, lane: Lane) -> None:
        peer = self._managers.get(lane)
        if peer is not None:
            answer_all(self, lane, peer.role)

    def handlers(self) -> list[dict[str, Any]]:
        """The Handlers that serve somebody, as :meth:`RemoteGateway.handlers` tells of them."""
        with self._lock:
            handlers = list(self._handlers.values())
        return [handler.describe() for handler in handlers]

    def stop_handler(self, handler_id: Any, who: str) -> None:
        """Stop a Handler; its Client is told who wanted that.

        Raises:
            UnknownSubroutine: there is none of that number.
        """
        with self._lock:
            handler = self._handlers.get(handler_id) if isinstance(handler_id, int) else None
        if handler is None:
            raise UnknownSubroutine(f"there is no Handler {handler_id!r:.20}; ask handlers()")
        handler.stop(f"Handler {handler_id} was stopped by {who:.64}")

    def stats(self) -> dict[str, Any]:
        """Figures of this Gateway."""
        return {
            "gateway": self.name,
            "version": __version__,
            "address": self.address,
            "seconds": time.monotonic() - self._started,
            "pool_size": self.pool_size,
            "handlers": len(self._handlers),
            "managers": len(self._managers),
            "pairs_accepted": self._accepted,
            "pairs_refused": self._refused,
        }

    def __repr__(self) -> str:
        return f"<Gateway {self.name} on {self.address}>"
