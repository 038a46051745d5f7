"""The address of a store, as a person gives it and as it may be written down."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from pynet.errors import ConfigurationError

_ADDRESS = re.compile(r"([a-z][a-z0-9+.-]*)://([^/]*)(/.*)?", re.IGNORECASE | re.DOTALL)
_EXAMPLE = "write s3://bucket/folder or sftp://user@host/folder for example"
_KEEPS_NOTHING = ("memory", "simplecache", "filecache", "blockcache", "http", "https", "data")


@dataclass(frozen=True, slots=True)
class Address:
    """Where a store is.

    Attributes:
        text: without a password: for people, the ledger and logs.
        url: as it was given; it does not show where this object is printed.
        protocol: of fsspec.
        password: that is in the url; ``""`` for none.
    """

    text: str
    url: str = field(repr=False)
    protocol: str
    password: str = field(repr=False)


def read_address(url: str) -> Address:
    """Take an address apart.

    Raises:
        ConfigurationError: it is none that files can be kept at.
    """
    url = url.rstrip("/") if not url.endswith("://") else url
    found = _ADDRESS.fullmatch(url)
    if found is None or "::" in url:
        raise ConfigurationError(f"{_without_password(url)[0]!r} is no store: {_EXAMPLE}")
    protocol = found[1].lower()
    text, password = _without_password(url)
    if protocol in _KEEPS_NOTHING:
        raise ConfigurationError(f"{text}: {protocol} keeps nothing for good; {_EXAMPLE}")
    if "?" in url or "#" in url:
        raise ConfigurationError(
            f"{text.partition('?')[0]}: an address of a store has no ? and no #; keys and other "
            "settings belong in fsspec's own files, see docs/backup.md"
        )
    return Address(text, url, protocol, password)


def _without_password(url: str) -> tuple[str, str]:
    head, sign, rest = url.partition("://")
    place, slash, path = rest.partition("/")
    who, at, host = place.rpartition("@")
    user, _, password = who.partition(":")
    return f"{head}{sign}{user}{at}{host}{slash}{path}", password
