"""The manager on the other side: connects to Gateways and keeps the pairs."""

from __future__ import annotations

import secrets
import socket
import threading
from types import TracebackType
from typing import Any

from pynet.dial import Dialler, parse_address
from pynet.errors import Closed, ConfigurationError
from pynet.io.reactor import Reactor
from pynet.remote import RemoteGateway
from pynet.trust.peers import Peer
from pynet.trust.store import Trust
from pynet.wire.limits import Limits


class Controller:
    """Connects to any number of Gateways. Use it in a ``with`` block, or :meth:`close` it.

    Args:
        name: shown to Gateways; this machine's host name by default.
        heartbeat: seconds between heartbeats; a Gateway is lost after four without a byte.
        limits: what Gateways may send.
        trust: who this machine is, and whom it knows; what the platform's folder holds by default.
        insecure: speak plain TCP, as Gateways with ``insecure=True`` do.
    """

    def __init__(
        self,
        *,
        name: str | None = None,
        heartbeat: float = 0.5,
        limits: Limits | None = None,
        trust: Trust | None = None,
        insecure: bool = False,
    ) -> None:
        if not 0.02 <= heartbeat <= 60:
            raise ConfigurationError(f"heartbeat={heartbeat} is not within 0.02 to 60 seconds")
        self.name = name or socket.gethostname()
        self.id = secrets.token_hex(8)
        self.heartbeat = heartbeat
        self.limits = limits or Limits()
        self.trust = None if insecure else trust or Trust()
        self._lock = threading.Lock()
        self._gateways: list[RemoteGateway] = []
        self._closed = False
        self._abandoned = threading.Event()
        self._reactor = Reactor.acquire()

    def connect(
        self,
        address: str | tuple[str, int],
        *,
        timeout: float = 5.0,
        peer: Peer | None = None,
    ) -> RemoteGateway:
        """Connect to a Gateway.

        Args:
            address: ``"host:port"``, ``"host"`` (port 1857) or ``(host, port)``.
            timeout: seconds for this and every later connection to it.
            peer: whose Gateway it must be; that of any known peer by default.

        Raises:
            ConnectError: nobody answers there, or it is no pynet Gateway.
            AuthenticationError: one of the two machines does not know the other; pair them.
            VersionMismatch: it speaks another protocol version.
        """
        gateway = RemoteGateway(
            self.dialler(address, timeout=timeout, peer=peer), self._gone, self.trust
        )
        with self._lock:
            self._gateways.append(gateway)
        return gateway

    def dialler(
        self, address: str | tuple[str, int], *, timeout: float = 5.0, peer: Peer | None = None
    ) -> Dialler:
        """The way to a Gateway, which nobody has gone yet. Arguments as for :meth:`connect`."""
        if self._closed:
            raise Closed("this Controller was closed")
        host, port = parse_address(address)
        return Dialler(
            host,
            port,
            self.id,
            self.name,
            self._reactor,
            self.limits,
            self.heartbeat,
            timeout,
            self._abandoned,
            context=None if self.trust is None else self.trust.client_context(peer),
        )

    @property
    def gateways(self) -> list[RemoteGateway]:
        """Those connected now."""
        with self._lock:
            return list(self._gateways)

    def handlers(self) -> list[dict[str, Any]]:
        """All pairs of this Controller, over all Gateways, each with its ``gateway`` address."""
        rows = []
        for gateway in self.gateways:
            rows += [{"gateway": gateway.address, **row} for row in gateway.handlers()]
        return rows

    def close(self) -> None:
        """Close every connection. Idempotent."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            gateways = list(self._gateways)
        self._abandoned.set()
        for gateway in gateways:
            gateway.close()
        self._reactor.release()

    def _gone(self, gateway: RemoteGateway) -> None:
        with self._lock:
            if gateway in self._gateways:
                self._gateways.remove(gateway)

    def __enter__(self) -> Controller:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Controller {self.name}, {len(self._gateways)} Gateways>"
