"""When the backup begins, when it stops, and what it leaves alone, as a person edits it. Pure."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass, fields
from typing import Any

from rcapp.core.files import words

HOUR, DAY = 3600.0, 86400.0


@dataclass(frozen=True, slots=True)
class BackupPolicy:
    """The rules of the backup of one car.

    Attributes:
        high: the backup begins when the car is this full, 0 to 1.
        low: it moves the oldest files until the car is this full, 0 to 1.
        min_age: files that were changed fewer seconds ago stay.
        keep_newest: so many of the newest files stay.
        keep_days: files of the last so many days stay.
        protect: patterns of what stays, such as ``"calibration*"`` or ``"maps/**"``.
        groups: patterns of folders that move as a whole or not at all.
        root: shared folder that is emptied; empty for the usual one.
        destination: folder of this laptop.
        floor_share: of the laptop's disk that stays free, 0 to 1.
        floor_bytes: that stay free there; the larger of both counts.
    """

    high: float = 0.75
    low: float = 0.25
    min_age: float = 600.0
    keep_newest: int = 0
    keep_days: float = 0.0
    protect: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    root: str = ""
    destination: str = ""
    floor_share: float = 0.10
    floor_bytes: int = 5_000_000_000

    def complaints(self) -> dict[str, str]:
        """A sentence for each field that cannot be so; empty when all is well."""
        found: dict[str, str] = {}
        if not 0.05 <= self.high <= 0.98:
            found["high"] = "The backup can start between 5 % and 98 %."
        if not 0.01 <= self.low < 1.0:
            found["low"] = "The backup can stop between 1 % and the mark where it starts."
        elif "high" not in found and self.low >= self.high:
            found["low"] = (
                f"It would never stop: stopping must lie below starting, {words.mark(self.high)}."
            )
        if self.min_age < 0:
            found["min_age"] = "An age is not below zero."
        if self.keep_newest < 0:
            found["keep_newest"] = "The number of files to keep is not below zero."
        if self.keep_days < 0:
            found["keep_days"] = "The number of days is not below zero."
        wrong = next(filter(None, map(_wrong_pattern, self.protect)), "")
        if wrong:
            found["protect"] = wrong
        wrong = next(filter(None, map(_wrong_pattern, self.groups)), "")
        if wrong:
            found["groups"] = wrong
        if not self.destination.strip():
            found["destination"] = "Choose the folder of this laptop that files are moved to."
        elif not os.path.isabs(os.path.expanduser(self.destination)):
            found["destination"] = (
                "Write the whole path of the folder, from the root of the disk or from ~."
            )
        return found

    def notes(self) -> dict[str, str]:
        """A sentence for each field that can be so, but may surprise."""
        found: dict[str, str] = {}
        if self.min_age < 60:
            found["min_age"] = "Younger than a minute, a recording may still be written."
        if self.high - self.low < 0.05 and not self.complaints():
            found["low"] = "So close together, the backup will start again soon after it stopped."
        if self.high > 0.92:
            found["high"] = "Little is left then: a long recording may fill the car first."
        return found

    def sentence(self) -> str:
        """All of it in one sentence."""
        begin = (
            f"When the car is {words.mark(self.high)} full, its oldest files move to this laptop "
            f"until it is {words.mark(self.low)} full."
        )
        kept = [f"changed in the last {words.span(self.min_age)}"] if self.min_age else []
        if self.keep_days:
            kept.append(f"of the last {words.plural(round(self.keep_days), 'day')}")
        if self.keep_newest:
            kept.append(f"among the newest {words.grouped(self.keep_newest)}")
        if self.protect:
            kept.append(f"that match {_listed(self.protect)}")
        return f"{begin} Files {', or '.join(kept)} stay." if kept else begin

    def to_table(self) -> dict[str, Any]:
        """For a TOML file."""
        table = asdict(self)
        table["protect"], table["groups"] = list(self.protect), list(self.groups)
        return table

    @classmethod
    def from_table(cls, table: dict[str, Any]) -> BackupPolicy:
        """From a TOML file; what cannot be used there has its default."""
        given: dict[str, Any] = {}
        for field in fields(cls):
            value = table.get(field.name)
            usual = getattr(cls(), field.name)
            if isinstance(usual, tuple) and isinstance(value, list):
                given[field.name] = tuple(str(one) for one in value)
            elif isinstance(usual, str) and isinstance(value, str):
                given[field.name] = value
            elif _is_number(usual) and _is_number(value):
                given[field.name] = type(usual)(value)
        return cls(**given)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _wrong_pattern(pattern: str) -> str:
    parts = pattern.split("/")
    if pattern.startswith("~") or ".." in parts:
        return f"“{pattern}” must be a name or a path below the shared folder."
    if pattern.strip("*/ ") == "":
        return f"“{pattern}” matches everything: nothing could be moved."
    return ""


def _listed(patterns: tuple[str, ...]) -> str:
    shown = " or ".join(patterns[:3])
    return shown if len(patterns) <= 3 else f"{shown} and {len(patterns) - 3} more patterns"
