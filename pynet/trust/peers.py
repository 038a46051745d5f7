"""The other machines that this one knows: their certificates, names and roles, in one file."""

from __future__ import annotations

import base64
import contextlib
import enum
import json
import logging
import os
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from cryptography import x509

from pynet.errors import ConfigurationError
from pynet.trust.identity import device_id

log = logging.getLogger("pynet.trust")

PEERS_FILE = "peers.json"
LONGEST_NAME = 64


class Role(enum.IntEnum):
    """What a peer may do; each includes those before it."""

    VIEWER = 1
    DRIVER = 2
    OWNER = 3

    @classmethod
    def of(cls, word: str) -> Role:
        """From ``"viewer"``, ``"driver"`` or ``"owner"``.

        Raises:
            ConfigurationError: it is none of these.
        """
        try:
            return cls[word.upper()]
        except (KeyError, AttributeError):
            raise ConfigurationError(
                f"no role is called {word!r:.40}; there are viewer, driver and owner"
            ) from None

    @property
    def word(self) -> str:
        """As people write it."""
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Peer:
    """One machine that is known.

    Attributes:
        name: for people.
        role: what it may do here.
        certificate: DER; pinned: another one is another machine.
        since: when it was added, seconds since 1970; 0 for this machine itself.
    """

    name: str
    role: Role
    certificate: bytes
    since: float = 0.0

    @property
    def paired(self) -> bool:
        """Another machine, whose name was given here."""
        return self.since > 0

    @property
    def id(self) -> str:
        """See :func:`~pynet.trust.identity.device_id`; empty without a certificate."""
        return device_id(self.certificate) if self.certificate else ""


class Peers:
    """A file of peers. Any thread; several processes may change it, the last one wins.

    Args:
        path: of the file, which need not exist.

    Raises:
        ConfigurationError: it holds something else.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._peers: dict[str, Peer] = {}
        self._stamp: tuple[int, int, int] | None = None
        self._listeners: list[Callable[[], None]] = []
        self.refresh()

    # ---- asking -------------------------------------------------------------------------

    def all(self) -> list[Peer]:
        """Every peer, by name."""
        with self._lock:
            return sorted(self._peers.values(), key=lambda peer: (peer.name.lower(), peer.id))

    def of_certificate(self, certificate: bytes) -> Peer | None:
        """Whose it is."""
        with self._lock:
            return next((p for p in self._peers.values() if p.certificate == certificate), None)

    def find(self, word: str) -> Peer:
        """The one peer of this name, or whose id begins so.

        Raises:
            ConfigurationError: there is none, or there are several.
        """
        known = self.all()
        found = [peer for peer in known if peer.name == word]
        plain = word.upper().replace("-", "")
        found = found or [p for p in known if plain and p.id.replace("-", "").startswith(plain)]
        if len(found) == 1:
            return found[0]
        names = ", ".join(f"{peer.name} ({peer.id[:7]})" for peer in found or known) or "nobody"
        problem = f"several peers are called {word!r}" if found else f"no peer is called {word!r}"
        raise ConfigurationError(f"{problem}; known: {names}. Give the begin of its id")

    # ---- changing -----------------------------------------------------------------------

    def add(self, peer: Peer) -> None:
        """Know a peer from now on, or know it otherwise than before."""
        self._change(lambda peers: peers.__setitem__(peer.id, peer))

    def rename(self, peer: Peer, name: str) -> None:
        """Call a peer otherwise.

        Raises:
            ConfigurationError: no such name is possible.
        """
        self.add(replace(peer, name=clean_name(name)))

    def revoke(self, peer: Peer) -> None:
        """Know a peer no longer: its connections end at once."""
        self._change(lambda peers: peers.pop(peer.id, None))

    def on_change(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Be told of changes, from any thread. Returns what takes that back."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def refresh(self) -> bool:
        """Look whether another process has changed the file; True if it has.

        Of a file that cannot be read nothing is taken over; the log says so.
        """
        stamp = self._look()
        if stamp == self._stamp:
            return False
        self._stamp = stamp
        try:
            peers = self._read()
        except ConfigurationError as error:
            log.error("peers stay as they were: %s", error)
            return False
        with self._lock:
            self._peers = peers
        self._tell()
        return True

    def _change(self, change: Callable[[dict[str, Peer]], Any]) -> None:
        with self._lock:
            peers = self._read()
            change(peers)
            self._write(peers)
            self._peers, self._stamp = peers, self._look()
        self._tell()

    def _tell(self) -> None:
        for listener in list(self._listeners):
            listener()

    # ---- the file -----------------------------------------------------------------------

    def _look(self) -> tuple[int, int, int] | None:
        with contextlib.suppress(OSError):
            found = self.path.stat()
            return found.st_mtime_ns, found.st_size, found.st_ino
        return None

    def _read(self) -> dict[str, Peer]:
        try:
            content = json.loads(self.path.read_text(encoding="utf-8"))
            peers = [_peer_of(entry) for entry in content["peers"]]
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ConfigurationError(
                f"{self.path} holds no list of peers ({error}); mend it, or delete it and pair anew"
            ) from error
        return {peer.id: peer for peer in peers}

    def _write(self, peers: dict[str, Peer]) -> None:
        entries = [
            {
                "name": peer.name,
                "role": peer.role.word,
                "id": peer.id,
                "since": round(peer.since),
                "certificate": base64.b64encode(peer.certificate).decode(),
            }
            for peer in peers.values()
        ]
        draft = self.path.with_name(f"{self.path.name}.{secrets.token_hex(4)}")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with os.fdopen(
                os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w"
            ) as file:
                json.dump({"peers": entries}, file, indent=2)
                file.flush()
                os.fsync(file.fileno())
            os.replace(draft, self.path)
        except OSError as error:
            raise ConfigurationError(
                f"peers cannot be kept in {self.path}: {error.strerror}; make it writable"
            ) from error
        finally:
            draft.unlink(missing_ok=True)


def _peer_of(entry: Any) -> Peer:
    certificate = base64.b64decode(entry["certificate"], validate=True)
    x509.load_der_x509_certificate(certificate)
    return Peer(
        clean_name(entry["name"]), Role.of(entry["role"]), certificate, float(entry["since"])
    )


def clean_name(name: str) -> str:
    """A name that a person has given, or another machine.

    Raises:
        ConfigurationError: nothing of it can be shown.
    """
    shown = "".join(letter for letter in str(name) if letter.isprintable()).strip()
    if not shown:
        raise ConfigurationError(f"{name!r:.80} is no name; write at least one letter")
    return shown[:LONGEST_NAME]


def now() -> float:
    """For :attr:`Peer.since`."""
    return time.time()
