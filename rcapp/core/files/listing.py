"""The entries of a folder as a pane shows them: filtered as a person typed, and sorted. Pure."""

from __future__ import annotations

import fnmatch
import functools
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from rcapp.core.files.engine import Entry
from rcapp.core.files.words import DAY, HOUR, MINUTE, MONTH, YEAR

NAME, SIZE, CHANGED = "name", "size", "changed"
COLUMNS = (NAME, SIZE, CHANGED)

_AGES = {
    "s": 1.0,
    "min": MINUTE,
    "h": HOUR,
    "d": DAY,
    "day": DAY,
    "days": DAY,
    "w": 7 * DAY,
    "week": 7 * DAY,
    "weeks": 7 * DAY,
    "month": MONTH,
    "months": MONTH,
    "y": YEAR,
    "year": YEAR,
    "years": YEAR,
}
_SIZES = {"b": 1.0, "k": 1e3, "kb": 1e3, "m": 1e6, "mb": 1e6, "g": 1e9, "gb": 1e9, "tb": 1e12}
_LIMIT = re.compile(r"([<>])\s*(?:([0-9]+(?:\.[0-9]+)?)\s*([a-zA-Z]+))?")
_NATURAL = re.compile(r"(\d+)")


@dataclass(frozen=True, slots=True)
class Filter:
    """What a person wants to see of a folder.

    Attributes:
        text: as it was typed.
        globs: patterns with ``*``, ``?`` or ``[..]``, of which one must match the name.
        words: each must be somewhere in the name.
        limits: (``"age"`` or ``"size"``, ``"<"`` or ``">"``, seconds or bytes): all must hold.
        error: why the text cannot be understood; then nothing is left out.
    """

    text: str = ""
    globs: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    limits: tuple[tuple[str, str, float], ...] = ()
    error: str = ""

    @property
    def empty(self) -> bool:
        """It leaves nothing out."""
        return not (self.globs or self.words or self.limits)

    def predicate(self, now: float) -> Callable[[Entry], bool]:
        """Tells which entries are seen at ``now``, seconds since 1970."""
        either = "|".join(f"(?:{fnmatch.translate(glob)})" for glob in self.globs)
        matches = re.compile(either, re.IGNORECASE).match if either else None

        def seen(entry: Entry) -> bool:
            if matches is not None and matches(entry.name) is None:
                return False
            if self.words:
                name = entry.name.casefold()
                if not all(word in name for word in self.words):
                    return False
            return all(_holds(entry, limit, now) for limit in self.limits)

        return seen


def _holds(entry: Entry, limit: tuple[str, str, float], now: float) -> bool:
    what, sign, than = limit
    value = now - entry.mtime if what == "age" else entry.size
    return value > than if sign == ">" else value < than


def parse_filter(text: str) -> Filter:
    """Understand ``*.jpg > 7 d``: names, ages (``> 7 d`` is older) and sizes (``< 10 MB``)."""
    limits = []
    for sign, number, unit in _LIMIT.findall(text):
        known = unit.lower()
        if known in _AGES:
            limits.append(("age", sign, float(number) * _AGES[known]))
        elif known in _SIZES:
            limits.append(("size", sign, float(number) * _SIZES[known]))
        else:
            return Filter(text, error=f"After {sign} write an age or a size, as in {sign} 7 d.")
    names = _LIMIT.sub(" ", text).split()
    globs = tuple(name for name in names if any(sign in name for sign in "*?["))
    plain = tuple(name.casefold() for name in names if name not in globs)
    return Filter(text, globs, plain, tuple(limits))


@dataclass(frozen=True, slots=True)
class Order:
    """How a folder is sorted; folders come first in either direction.

    Attributes:
        column: ``"name"``, ``"size"`` or ``"changed"``.
        descending: the largest or newest first.
    """

    column: str = NAME
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Arranged:
    """Entries as they are shown.

    Attributes:
        rows: in their order.
        rows_of: name -> row.
        total: entries before the filter.
        bytes: of the files shown and of folders whose size is known.
    """

    rows: tuple[Entry, ...] = ()
    rows_of: dict[str, int] = field(default_factory=dict)
    total: int = 0
    bytes: int = 0


def arrange(
    entries: Iterable[Entry],
    chosen: Filter,
    order: Order,
    now: float,
    *,
    hidden: bool = False,
) -> Arranged:
    """Filter and sort; 20 000 entries take some hundredths of a second.

    Args:
        entries: of the folder.
        chosen: what is wanted of them.
        order: how they are sorted.
        now: seconds since 1970.
        hidden: show names that begin with a dot, too.
    """
    there = [entry for entry in entries if hidden or not entry.name.startswith(".")]
    shown = there if chosen.empty else list(filter(chosen.predicate(now), there))
    shown.sort(key=_key(order.column), reverse=order.descending)
    shown.sort(key=lambda entry: not entry.is_folder)
    rows = tuple(shown)
    return Arranged(
        rows,
        {entry.name: row for row, entry in enumerate(rows)},
        len(there),
        sum(entry.size for entry in rows if entry.size > 0),
    )


def _key(column: str) -> Callable[[Entry], tuple[Any, ...]]:
    if column == SIZE:
        return lambda entry: (entry.size, natural(entry.name))
    if column == CHANGED:
        return lambda entry: (entry.mtime, natural(entry.name))
    return lambda entry: natural(entry.name)


@functools.lru_cache(maxsize=65536)
def natural(name: str) -> tuple[Any, ...]:
    """So that ``lap 9`` comes before ``lap 10``."""
    # Odd places hold the digits, so that equal places compare like with like.
    parts = _NATURAL.split(name.casefold())
    return tuple(int(part) if place % 2 else part for place, part in enumerate(parts))


def selected_bytes(entries: Sequence[Entry]) -> int | None:
    """Bytes of the chosen entries, or None while a folder among them is not counted."""
    if any(entry.size < 0 for entry in entries):
        return None
    return sum(entry.size for entry in entries)


def selected_files(entries: Sequence[Entry]) -> int | None:
    """Files in the chosen entries, or None while a folder among them is not counted."""
    if any(entry.is_folder and entry.files < 0 for entry in entries):
        return None
    return sum(entry.files if entry.is_folder else 1 for entry in entries)
