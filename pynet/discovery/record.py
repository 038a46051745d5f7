"""What an announcement says, and what may be believed of one that was heard."""

from __future__ import annotations

import ipaddress
import itertools
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Interface

from pynet.dial import DEFAULT_PORT
from pynet.errors import ConfigurationError

SERVICE = "_pynet._tcp.local."
"""DNS-SD type of a Gateway (RFC 6763, 7)."""

LONGEST_LABEL = 63
"""Bytes of one label in DNS (RFC 1035, 2.3.4)."""

ROOM_FOR_A_NUMBER = 4
"""Bytes left for what is put behind a name that is taken: ``-12``, or Avahi's `` #2``."""

LONGEST_NAME = 64
"""Characters of a name."""

LONGEST_TXT = 255 - len("name=")
"""Bytes of a name; a string of a TXT holds 255 with its key (RFC 6763, 6.1)."""

MOST_ADDRESSES = 16

_ID_PREFIX = re.compile(r"[A-Z2-7]{7}")
_VERSION = re.compile(r"[0-9A-Za-z.+!_-]{1,32}")


@dataclass(frozen=True, slots=True)
class Found:
    """A Gateway that says it is there. Nothing of this is proved.

    Attributes:
        name: for people; printable, at most 64 characters. Several may have the same.
        host: the address to try first.
        port: 1 to 65535.
        id_prefix: the first group of its device id, 7 letters and digits; empty if it tells none.
        version: of its pynet; empty if it tells none.
        addresses: all of them, those that are near first.
    """

    name: str
    host: str
    port: int
    id_prefix: str
    version: str
    addresses: tuple[str, ...]

    @property
    def address(self) -> str:
        """``host:port`` for :meth:`pynet.Controller.connect`."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Record:
    """What a Gateway says of itself, and nothing else.

    Args:
        name: for people.
        port: it listens on.
        id_prefix: first group of its device id; empty for a Gateway without identity.
        version: of pynet.

    Raises:
        ConfigurationError: this cannot be announced.
    """

    name: str
    port: int
    id_prefix: str = ""
    version: str = ""

    def __post_init__(self) -> None:
        if not clean(self.name):
            raise ConfigurationError(f"{self.name!r:.80} is no name; write at least one letter")
        if not 1 <= self.port <= 65535:
            raise ConfigurationError(f"port {self.port} is not within 1 to 65535")
        if self.id_prefix and not _ID_PREFIX.fullmatch(self.id_prefix):
            raise ConfigurationError(
                f"{self.id_prefix!r:.80} is no first group of a device id; `pynet id` tells it"
            )
        if self.version and not _VERSION.fullmatch(self.version):
            raise ConfigurationError(f"{self.version!r:.80} is no version such as 1.2.3")

    @property
    def label(self) -> str:
        """The name among all services of a network: two may be called alike, or be on one machine.

        Whether a name is taken is found out, too, but not if both ask at the same time.
        """
        port = "" if self.port == DEFAULT_PORT else str(self.port)
        more = ":".join(filter(None, (self.id_prefix, port)))
        end = f" ({more})" if more else ""
        room = LONGEST_LABEL - ROOM_FOR_A_NUMBER - len(end)
        # Many programs take a dot within a label for the end of it.
        name = clean(self.name).replace(".", "-").replace("\\", "-").encode()
        return name[:room].decode(errors="ignore").strip() + end

    @property
    def text(self) -> dict[str, str]:
        """The TXT record."""
        name = clean(self.name).encode()[:LONGEST_TXT].decode(errors="ignore")
        fields = {"name": name, "id": self.id_prefix, "version": self.version}
        return {key: value for key, value in fields.items() if value}


def clean(name: str) -> str:
    """A name as it may be shown: printable characters on one line, not too many."""
    # Neither control characters nor half a character, nor what turns the direction of writing.
    shown = "".join(letter if letter.isprintable() else " " for letter in name[: 4 * LONGEST_NAME])
    return " ".join(shown.split())[:LONGEST_NAME].strip()


def read(
    label: str,
    text: Mapping[bytes, bytes | None],
    port: int | None,
    addresses: Iterable[str],
    here: Iterable[IPv4Interface] = (),
) -> Found | None:
    """What was heard, cleaned; None if nobody could connect there.

    Args:
        label: the first part of the service's name.
        text: the TXT record.
        port: of the SRV record.
        addresses: as text, IPv6 with its scope.
        here: where this machine is, to tell which address is near.
    """
    usable = _usable(addresses, tuple(here))
    if port is None or not 1 <= port <= 65535 or not usable:
        return None
    name, id_prefix, version = (
        (text.get(key) or b"")[:LONGEST_TXT].decode(errors="ignore")
        for key in (b"name", b"id", b"version")
    )
    return Found(
        name=clean(name) or clean(label) or usable[0],
        host=usable[0],
        port=port,
        id_prefix=id_prefix if _ID_PREFIX.fullmatch(id_prefix) else "",
        version=version if _VERSION.fullmatch(version) else "",
        addresses=usable,
    )


def _usable(addresses: Iterable[str], here: tuple[IPv4Interface, ...]) -> tuple[str, ...]:
    """Addresses that one machine can have, the most promising first."""
    found: dict[str, tuple[bool, ...]] = {}
    for text in itertools.islice(addresses, MOST_ADDRESSES):
        try:
            address = ipaddress.ip_address(text)
        except ValueError:
            continue
        if address.is_multicast or address.is_unspecified or address.is_reserved:
            continue
        # Bridges of containers have the same address on many machines: ours leads to ourselves.
        ours = any(address == interface.ip for interface in here)
        near = any(address in interface.network for interface in here)
        v6 = address.version == 6
        found[text] = (address.is_loopback, ours, not near, v6, address.is_link_local)
    return tuple(sorted(found, key=lambda text: found[text]))
