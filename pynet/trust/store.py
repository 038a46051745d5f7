"""A machine's identity and the peers it knows, as Gateways and Controllers ask for them."""

from __future__ import annotations

import os
import ssl
import threading
from pathlib import Path

from pynet.errors import AuthenticationError
from pynet.trust.contexts import client_context, server_context
from pynet.trust.identity import Identity, load_identity
from pynet.trust.peers import PEERS_FILE, Peer, Peers, Role

FOLDER = "PYNET_CONFIG"
"""Environment variable that names another folder than the platform's."""


def config_folder() -> Path:
    """Where identity and peers are kept: the platform's folder for settings, ``pynet`` in it."""
    chosen = os.environ.get(FOLDER)
    if chosen:
        return Path(chosen).expanduser()
    import platformdirs

    return Path(platformdirs.user_config_dir("pynet", appauthor=False))


class Trust:
    """Whom this machine lets in, and how it shows who it is. Any thread.

    A machine knows itself, as an owner: programs of one person on one machine need no pairing.

    Args:
        folder: with identity and peers, which are made if need be; the platform's by default.
        name: of this machine, for a new identity.

    Raises:
        ConfigurationError: the folder cannot be used.
    """

    def __init__(self, folder: Path | None = None, name: str = "") -> None:
        self.folder = config_folder() if folder is None else folder
        self.identity: Identity = load_identity(self.folder, name)
        self.peers = Peers(self.folder / PEERS_FILE)
        self._lock = threading.Lock()
        self._server: ssl.SSLContext | None = None
        self._client: ssl.SSLContext | None = None
        self.peers.on_change(self._forget_contexts)

    def server_context(self) -> ssl.SSLContext:
        """For connections that come: all peers get through."""
        with self._lock:
            if self._server is None:
                self._server = server_context(self.identity, self._certificates())
            return self._server

    def client_context(self, peer: Peer | None = None) -> ssl.SSLContext:
        """For connections to a peer; to any of them by default."""
        if peer is not None:
            return client_context(self.identity, (peer.certificate,))
        with self._lock:
            if self._client is None:
                self._client = client_context(self.identity, self._certificates())
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

    def _certificates(self) -> list[bytes]:
        return [self.identity.certificate, *(peer.certificate for peer in self.peers.all())]

    def _forget_contexts(self) -> None:
        with self._lock:
            self._server = self._client = None
