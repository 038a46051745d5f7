"""What a person wants of a backup: when it begins, when it is enough, and what must stay."""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from pynet.backup.globs import Globs
from pynet.errors import ConfigurationError

GIB = 1024**3

PROTECT = (".git/**", "*.db*", "*.sqlite*", "*.part", "*.lock")
"""What programs are at work with however old it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The rules of a backup. Shares are of the whole disk as df counts it, 0.0 to 1.0.

    Attributes:
        high: usage at which files begin to move.
        low: usage at which it is enough; as few files as possible move to get there.
        urgent: usage above which one look is enough to begin; below, it takes two in a row.
        min_age: seconds since a file was last changed, before which it stays.
        keep_newest: so many of the newest files, or recordings, stay.
        keep_days: what was changed in so many days stays.
        protect: patterns of names that stay, at any depth; with ``/`` in front, from the root.
        groups: patterns of folders that move as a whole or not at all, such as recordings. Those
            with a file ``.pynet-group`` in them do anyway.
        floor_share, floor_bytes: what stays free at the destination, the greater of both.

    Raises:
        ConfigurationError: a value cannot be; says which, the limit, and what to do.
    """

    high: float = 0.75
    low: float = 0.25
    urgent: float = 0.90
    min_age: float = 600.0
    keep_newest: int = 0
    keep_days: float = 0.0
    protect: tuple[str, ...] = PROTECT
    groups: tuple[str, ...] = ()
    floor_share: float = 0.10
    floor_bytes: int = 5 * GIB

    def __post_init__(self) -> None:
        for name, least in (("high", 0.01), ("low", 0.0), ("urgent", 0.01)):
            _number(self, name, least, 1.0, "write 75 % as 0.75")
        _number(self, "floor_share", 0.0, 0.99, "write 10 % as 0.1")
        _number(self, "min_age", 0.0, 10 * 365 * 86400.0, "it is in seconds")
        _number(self, "keep_days", 0.0, 36500.0, "it is in days")
        _number(self, "keep_newest", 0, 10**9, "it is a whole number of files", whole=True)
        _number(self, "floor_bytes", 0, 2**60, "it is a whole number of bytes", whole=True)
        if self.low >= self.high:
            raise ConfigurationError(
                f"backup: low = {self.low} must be below high = {self.high}; "
                f"lower it, to {round(self.high / 3, 2)} for example"
            )
        for name in ("protect", "groups"):
            _patterns(self, name)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Policy:
        """From what a settings file holds; what is not there has its default.

        Raises:
            ConfigurationError: a key is not known, or a value cannot be.
        """
        known = [field.name for field in fields(cls)]
        for key in values:
            if key not in known:
                close = difflib.get_close_matches(str(key), known, 1)
                hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(known)}"
                raise ConfigurationError(f"backup: nothing is called {key!s:.40}; {hint}")
        given: dict[str, Any] = {
            key: tuple(one) if isinstance(one, list) else one for key, one in values.items()
        }
        return cls(**given)

    def to_dict(self) -> dict[str, Any]:
        """As :meth:`from_dict` takes it, and as TOML and JSON can hold it."""
        return {
            key: list(one) if isinstance(one, tuple) else one for key, one in asdict(self).items()
        }

    def floor(self, capacity: int) -> int:
        """Bytes that stay free at a destination of that capacity."""
        return max(math.ceil(self.floor_share * capacity), self.floor_bytes)


def _number(
    policy: Policy, name: str, least: float, most: float, remedy: str, *, whole: bool = False
) -> None:
    value = getattr(policy, name)
    fits = (int,) if whole else (int, float)
    if isinstance(value, bool) or not isinstance(value, fits) or not least <= value <= most:
        raise ConfigurationError(
            f"backup: {name} = {value!r:.40} must be from {least:g} to {most:g}; {remedy}"
        )


def _patterns(policy: Policy, name: str) -> None:
    value = getattr(policy, name)
    if not isinstance(value, tuple) or not all(isinstance(one, str) for one in value):
        raise ConfigurationError(
            f'backup: {name} = {value!r:.40} must be a list of patterns; write ["*.db", "keep/**"]'
        )
    try:
        Globs(value)
    except ValueError as error:
        raise ConfigurationError(f"backup: {name}: {error}") from None
