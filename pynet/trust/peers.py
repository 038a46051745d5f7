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
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from cryptography import x509

from pynet.errors import ConfigurationError
from pynet.trust.filelock import locked
from pynet.trust.identity import device_id

log = logging.getLogger("pynet.trust")

PEERS_FILE = "peers.json"
LONGEST_NAME = 64


class Role(enum.IntEnum):
    """What a peer may do; each includes those before it."""

    NONE = 0
    """Nothing, it does not get in: so are machines that are only called, as a car by a laptop."""
    VIEWER = 1
    DRIVER = 2
    OWNER = 3

    @classmethod
    def of(cls, word: str, *, none: bool = False) -> Role:
        """From ``"viewer"``, ``"driver"`` or ``"owner"``; ``"none"`` too where that makes sense.

        Raises:
            ConfigurationError: it is none of these.
        """
        try:
            role = cls[word.upper()]
        except (KeyError, AttributeError):
            role = cls.NONE
        if role is cls.NONE and not (none and word == "none"):
            raise ConfigurationError(
                f"no role is called {word!r:.40}; there are viewer, driver and owner"
            )
        return role

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
        granted: what we may do there, as it said when the two were paired.
        address: where its Gateway was then, ``host:port``; empty if we never called it.
        placed: it came in by its id in a settings file, which says what it may do.
    """

    name: str
    role: Role
    certificate: bytes
    since: float = 0.0
    granted: Role = Role.NONE
    address: str = ""
    placed: bool = False

    @property
    def paired(self) -> bool:
        """Another machine, whose name was given here."""
        return self.since > 0

    @property
    def id(self) -> str:
        """See :func:`~pynet.trust.identity.device_id`; empty without a certificate."""
        return device_id(self.certificate) if self.certificate else ""


class Peers:
    """A file of peers. Any thread; several processes may change it.

    Args:
        path: of the file, which need not exist.

    Raises:
        ConfigurationError: it holds something else.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        # Held while the file is read and written; whoever only asks never waits for a disk.
        self._turn = threading.Lock()
        self._peers: dict[str, Peer] = {}
        self._revoked: dict[str, int] = {}
        self._listeners: list[Callable[[], None]] = []
        self._stamp = self._look()
        self._take(self._read())

    # ---- asking -------------------------------------------------------------------------

    def all(self) -> list[Peer]:
        """Every peer, by name."""
        with self._lock:
            return sorted(self._peers.values(), key=lambda peer: (peer.name.lower(), peer.id))

    def of_certificate(self, certificate: bytes) -> Peer | None:
        """Whose it is."""
        with self._lock:
            return next((p for p in self._peers.values() if p.certificate == certificate), None)

    def of_id(self, id: str) -> Peer | None:
        """Whose it is."""
        with self._lock:
            return self._peers.get(id)

    def was_revoked(self, id: str) -> bool:
        """A person has sent it away, and it was not paired with a code since then."""
        with self._lock:
            return id in self._revoked

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

    def free_name(self, name: str, id: str) -> str:
        """A name that no other peer has: who is allowed in cannot pass for somebody else."""
        taken = {peer.name.lower() for peer in self.all() if peer.id != id}
        tried, number = name, 1
        while tried.lower() in taken:
            number += 1
            tried = f"{name[: LONGEST_NAME - 6]} {number}"
        return tried

    # ---- changing -----------------------------------------------------------------------

    def add(self, peer: Peer) -> None:
        """Know a peer from now on, or know it otherwise than before."""

        def change(peers: dict[str, Peer], revoked: dict[str, int]) -> None:
            peers[peer.id] = peer
            revoked.pop(peer.id, None)

        self._change(change)

    def rename(self, peer: Peer, name: str) -> Peer:
        """Call a peer otherwise.

        Raises:
            ConfigurationError: no such name is possible.
        """
        peer = replace(peer, name=clean_name(name))
        self.add(peer)
        return peer

    def set_role(self, peer: Peer, role: Role) -> Peer:
        """Let a peer do more or less; what it has open ends, and it comes back by itself."""
        peer = replace(peer, role=role)
        self.add(peer)
        return peer

    def revoke(self, peer: Peer) -> None:
        """Know a peer no longer: its connections end at once. Only a code lets it in again."""

        def change(peers: dict[str, Peer], revoked: dict[str, int]) -> None:
            peers.pop(peer.id, None)
            revoked[peer.id] = round(now())

        self._change(change)

    def on_change(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Be told of changes, from any thread. Returns what takes that back."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def refresh(self) -> bool:
        """Look whether another process has changed the file; True if it has.

        Does not wait for a thread that changes it just now: that one tells, too. Of a file that
        cannot be read nothing is taken over; the log says so.
        """
        if not self._turn.acquire(blocking=False):
            return False
        try:
            stamp = self._look()
            if stamp == self._stamp:
                return False
            self._stamp = stamp
            self._take(self._read())
        except ConfigurationError as error:
            log.error("peers stay as they were: %s", error)
            return False
        finally:
            self._turn.release()
        self._tell()
        return True

    def _change(self, change: Callable[[dict[str, Peer], dict[str, int]], Any]) -> None:
        with self._turn, self._alone():
            peers, revoked = self._read()
            change(peers, revoked)
            self._write(peers, revoked)
            self._stamp = self._look()
            self._take((peers, revoked))
        self._tell()

    def _take(self, known: tuple[dict[str, Peer], dict[str, int]]) -> None:
        with self._lock:
            self._peers, self._revoked = known

    def _tell(self) -> None:
        for listener in list(self._listeners):
            listener()

    # ---- the file -----------------------------------------------------------------------

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Two processes that change it at once must not undo what the other one does."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with locked(self.path.with_name(f"{self.path.name}.lock")):
                yield
        except OSError as error:
            raise ConfigurationError(
                f"peers cannot be kept in {self.path}: {error.strerror}; make it writable"
            ) from error

    def _look(self) -> tuple[int, int, int] | None:
        with contextlib.suppress(OSError):
            found = self.path.stat()
            return found.st_mtime_ns, found.st_size, found.st_ino
        return None

    def _read(self) -> tuple[dict[str, Peer], dict[str, int]]:
        try:
            content = json.loads(self.path.read_text(encoding="utf-8"))
            peers = [_peer_of(entry) for entry in content["peers"]]
            revoked = {str(key): int(when) for key, when in content.get("revoked", {}).items()}
        except FileNotFoundError:
            return {}, {}
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise ConfigurationError(
                f"{self.path} holds no list of peers ({error}); mend it, or delete it and pair anew"
            ) from error
        return {peer.id: peer for peer in peers}, revoked

    def _write(self, peers: dict[str, Peer], revoked: dict[str, int]) -> None:
        content = {"peers": [_entry_of(peer) for peer in peers.values()], "revoked": revoked}
        draft = self.path.with_name(f"{self.path.name}.{secrets.token_hex(4)}")
        try:
            with os.fdopen(
                os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w"
            ) as file:
                json.dump(content, file, indent=2)
                file.flush()
                os.fsync(file.fileno())
            os.replace(draft, self.path)
        finally:
            draft.unlink(missing_ok=True)


def _entry_of(peer: Peer) -> dict[str, Any]:
    return {
        "name": peer.name,
        "role": peer.role.word,
        "id": peer.id,
        "since": round(peer.since),
        "granted": peer.granted.word,
        "address": peer.address,
        "placed": peer.placed,
        "certificate": base64.b64encode(peer.certificate).decode(),
    }


def _peer_of(entry: Any) -> Peer:
    certificate = base64.b64decode(entry["certificate"], validate=True)
    x509.load_der_x509_certificate(certificate)
    return Peer(
        clean_name(entry["name"]),
        Role.of(entry["role"], none=True),
        certificate,
        float(entry["since"]),
        Role.of(entry.get("granted", "none"), none=True),
        str(entry.get("address", "")),
        bool(entry.get("placed", False)),
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
