"""How a pairing code is written, and a link that holds it with all else that pairing needs."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from urllib.parse import parse_qs, urlencode, urlsplit

from pynet.errors import ConfigurationError
from pynet.trust.identity import read_device_id

DIGITS = 8
SCHEME = "pynet"


def new_code() -> str:
    """Eight digits that nobody can foresee."""
    return f"{secrets.randbelow(10**DIGITS):0{DIGITS}d}"


def read_code(text: str) -> str:
    """A code as a person has typed it, with spaces or hyphens or without.

    Raises:
        ConfigurationError: it cannot be one.
    """
    digits = "".join(letter for letter in text if letter not in " -\t\r\n")
    if len(digits) != DIGITS or not (digits.isascii() and digits.isdigit()):
        raise ConfigurationError(f"a pairing code has {DIGITS} digits, such as 1234 5678")
    return digits


def spaced(code: str) -> str:
    """A code as a person reads it best."""
    return f"{code[:4]} {code[4:]}"


@dataclass(frozen=True, slots=True)
class Link:
    """What a QR code of a pairing window says: ``pynet://car.local:1857?id=...&code=...``.

    Attributes:
        host, port: where the Gateway is.
        id: of its machine; empty if the link does not say.
        code: the pairing code; empty if the link does not say.
    """

    host: str
    port: int
    id: str = ""
    code: str = ""

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        words = {"id": self.id.replace("-", ""), "code": self.code}
        query = urlencode({name: word for name, word in words.items() if word})
        return f"{SCHEME}://{host}:{self.port}" + (f"?{query}" if query else "")

    @classmethod
    def read(cls, text: str) -> Link:
        """A link that somebody has typed, pasted or scanned.

        Raises:
            ConfigurationError: it is none, or a part of it is wrong.
        """
        try:
            parts = urlsplit(text.strip())
            words = parse_qs(parts.query, strict_parsing=bool(parts.query), max_num_fields=10)
            host, port = parts.hostname or "", parts.port
        except ValueError as error:
            raise ConfigurationError(f"{text!r:.80} is no link for pairing ({error})") from error
        if parts.scheme != SCHEME or not re.fullmatch(r"[\w.:%-]{1,253}", host) or not port:
            raise ConfigurationError(
                f"{text!r:.80} is no link for pairing; one looks like {SCHEME}://car.local:1857?..."
            )
        whose, code = words.get("id", [""])[-1], words.get("code", [""])[-1]
        return cls(
            host,
            port,
            read_device_id(whose) if whose else "",
            read_code(code) if code else "",
        )


def is_link(text: str) -> bool:
    """Whether it is meant as one."""
    return text.strip().startswith(f"{SCHEME}://")
