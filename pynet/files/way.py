"""How to reach a Gateway's files, told to another process of this machine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pynet.controller import Controller
from pynet.files.connection import files_gateway
from pynet.remote import RemoteGateway
from pynet.trust.peers import Peer, Role
from pynet.trust.store import Trust
from pynet.wire.registry import register


@register
@dataclass(frozen=True, slots=True)
class Way:
    """Everything a worker process needs to make a connection of its own.

    Attributes:
        host, port: of the Gateway.
        name: of this Controller.
        heartbeat, timeout: seconds.
        folder: with this machine's identity; None for plain TCP.
        certificate: of the peer that must answer, DER; None for plain TCP.
    """

    host: str
    port: int
    name: str
    heartbeat: float
    timeout: float
    folder: str | None
    certificate: bytes | None

    @classmethod
    def of(cls, gateway: RemoteGateway) -> Way:
        """The way that a connection has gone."""
        dialler, trust, peer = gateway.dialler, gateway.trust, gateway.peer
        return cls(
            dialler.host,
            dialler.port,
            dialler.name,
            dialler.heartbeat,
            dialler.timeout,
            None if trust is None else str(trust.folder),
            None if peer is None else peer.certificate,
        )

    @contextmanager
    def connect(self) -> Iterator[RemoteGateway]:
        """A connection to the files there, with a Controller of its own.

        Raises:
            As :func:`~pynet.files.connection.files_gateway`.
        """
        trust = None if self.folder is None else Trust(Path(self.folder), self.name)
        peer = None if self.certificate is None else Peer("", Role.NONE, self.certificate)
        with Controller(
            name=self.name, heartbeat=self.heartbeat, trust=trust, insecure=trust is None
        ) as controller:
            dialler = controller.dialler((self.host, self.port), timeout=self.timeout, peer=peer)
            with files_gateway(dialler) as gateway:
                yield gateway
