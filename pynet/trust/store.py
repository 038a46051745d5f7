"""A machine's identity and the peers it knows, as Gateways and Controllers ask for them."""

from __future__ import annotations

import os
import ssl
import threading
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from pynet.errors import AuthenticationError
from pynet.trust.contexts import client_context, server_context
from pynet.trust.identity import Identity, load_identity, read_device_id
from pynet.trust.peers import PEERS_FILE, Peer, Peers, Role, clean_name

FOLDER = "PYNET_CONFIG"
"""Environment variable that names another folder than the platform's."""


def config_folder() -> Path:
    """Where identity and peers are kept: the platform's folder for settings, ``pynet`` in it."""
    chosen = os.environ.get(FOLDER)
    if chosen:
        return Path(chosen).expanduser()
    import platformdirs

    return Path(platformdirs.user_config_dir("pynet", appauthor=False))


@dataclass(frozen=True, slots=True)
class Placed:
    """A machine whose id a person has written into a settings file here: it needs no code.

    Attributes:
        name: what it is called here.
        id: its device id.
        role: what it may do.
    """

    name: str
    id: str
    role: Role

    @classmethod
    def of(cls, name: str, id: str, role: str = "driver") -> Placed:
        """From what is written in the file.

        Raises:
            ConfigurationError: one of the three cannot be.
        """
        return cls(clean_name(name), read_device_id(id), Role.of(role))


class Trust:
    """Whom this machine lets in, and how it shows who it is. Any thread.

    A machine knows itself, as an owner: programs of one person on one machine need no pairing.

    Args:
        folder: with identity and peers, which are made if need be; the platform's by default.
        name: of this machine, for a new identity.
        placed: who needs no code. Who came in so gets in only where it is named, with that role.

    Raises:
        ConfigurationError: the folder cannot be used.
    """

    def __init__(
        self,
        folder: Path | None = None,
        name: str = "",
        placed: Iterable[Placed] = (),
    ) -> None:
        self.folder = config_folder() if folder is None else folder
        self.identity: Identity = load_identity(self.folder, name)
        self.peers = Peers(self.folder / PEERS_FILE)
        self._lock = threading.Lock()
        self._server: ssl.SSLContext | None = None
        self._client: ssl.SSLContext | None = None
        self.placed = {one.id: one for one in placed}
        self.peers.on_change(self._forget_contexts)

    def server_context(self) -> ssl.SSLContext:
        """For connections that come: all peers with a role get through."""
        with self._lock:
            if self._server is None:
                wanted = [peer.certificate for peer in self.peers.all() if peer.role]
                own = self.identity.certificate
                self._server = server_context(self.identity, [own, *wanted])
            return self._server

    def client_context(self, peer: Peer | None = None) -> ssl.SSLContext:
        """For connections to a peer; to any of them by default."""
        self.peers.refresh()
        if peer is not None:
            return client_context(self.identity, (peer.certificate,))
        with self._lock:
            if self._client is None:
                known = [peer.certificate for peer in self.peers.all()]
                own = self.identity.certificate
                self._client = client_context(self.identity, [own, *known])
            return self._client

    def identify(self, certificate: bytes) -> Peer:
        """Whose certificate it is, at this moment.

        Raises:
            AuthenticationError: nobody's that is known.
        """
        if certificate == self.identity.certificate:
            return Peer("this machine", Role.OWNER, certificate)
        peer = self.peers.of_certificate(certificate)
        if peer is None:
            raise AuthenticationError("it is not known here (any more); pair the two")
        return peer

    def admit(self, certificate: bytes) -> Peer:
        """As :meth:`identify`, for who wants to come in.

        Raises:
            AuthenticationError: it is not known, or may do nothing here.
        """
        peer = self.identify(certificate)
        if peer.placed:
            expected = self.expected(peer.id)
            if expected is None:
                raise AuthenticationError("its id is not in the settings here; pair with a code")
            peer = replace(peer, role=expected.role)
        if not peer.role:
            raise AuthenticationError("it has no role here; pair the two the other way round")
        return peer

    def expected(self, id: str) -> Placed | None:
        """What a settings file says of a machine, unless a person has revoked it since."""
        return None if self.peers.was_revoked(id) else self.placed.get(id)

    def _forget_contexts(self) -> None:
        with self._lock:
            self._server = self._client = None
