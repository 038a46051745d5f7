"""Reads TOML tables with limits and collects what is wrong, with line numbers."""

from __future__ import annotations

import difflib
import math
import re
import tomllib
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any


class ConfigError(Exception):
    """A configuration that cannot be used.

    Attributes:
        problems: one sentence for each thing to change.
    """

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


class Table:
    """One table of the file; each reader checks one key and falls back to its default."""

    def __init__(
        self, values: dict[str, Any], path: tuple[str, ...], file: Path, lines: list[str]
    ) -> None:
        self._values = values
        self._path = path
        self._file = file
        self._lines = lines
        self._known: set[str] = set()
        self._inner: dict[str, Table] = {}
        self._lists: list[Table] = []
        self._problems: list[str] = []

    def names(self) -> list[str]:
        """The keys that the file gives in this table."""
        return list(self._values)

    def raw(self, key: str) -> Any:
        """What the file gives, to be checked by somebody else; None if it has none."""
        return self._get(key, None)

    def table(self, key: str) -> Table:
        """The table under this key, empty if the file has none."""
        self._known.add(key)
        if key not in self._inner:
            values = self._values.get(key, {})
            if not isinstance(values, dict):
                self.problem(key, "must be a table", f"write [{_header((*self._path, key))}]")
                values = {}
            self._inner[key] = Table(values, (*self._path, key), self._file, self._lines)
        return self._inner[key]

    def tables(self, key: str) -> list[Table]:
        """The tables of an array of them, written as [[key]] each."""
        self._known.add(key)
        values = self._values.get(key, [])
        if not isinstance(values, list) or not all(isinstance(value, dict) for value in values):
            remedy = f"write [[{_header((*self._path, key))}]] for each"
            self.problem(key, "must be tables", remedy)
            return []
        found = [
            Table(value, (*self._path, key, str(number)), self._file, self._lines)
            for number, value in enumerate(values, start=1)
        ]
        self._lists += found
        return found

    def words(self, key: str) -> tuple[str, ...]:
        """A list of texts; empty if the file has none."""
        value = self._get(key, [])
        if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
            self.problem(key, "is no list of texts", 'write ["first", "second"]')
            return ()
        return tuple(value)

    def text(self, key: str, default: str, longest: int = 1000) -> str:
        """A text that is not empty."""
        value = self._get(key, default)
        if not isinstance(value, str) or not value.strip() or len(value) > longest:
            self.problem(key, "is no text", f"write 1 to {longest} characters in quotes")
            return default
        return value

    def choice(self, key: str, default: str, allowed: tuple[str, ...]) -> str:
        """One of a few words."""
        value = self._get(key, default)
        if value not in allowed:
            words = " or ".join(f'"{word}"' for word in allowed)
            self.problem(key, "is none of the kinds", f"use {words}")
            return default
        return str(value)

    def flag(self, key: str, default: bool) -> bool:
        """true or false."""
        value = self._get(key, default)
        if not isinstance(value, bool):
            self.problem(key, "is neither true nor false", "write true or false without quotes")
            return default
        return value

    def whole(self, key: str, default: int, low: int, high: int) -> int:
        """A whole number within limits."""
        value = self._get(key, default)
        if not isinstance(value, int) or isinstance(value, bool):
            self.problem(key, "is no whole number", f"use {low} to {high}")
            return default
        return value if self._within(key, value, low, high, "") else default

    def whole_or_none(self, key: str, low: int, high: int) -> int | None:
        """A whole number within limits; None if the file has none."""
        return None if self._get(key, None) is None else self.whole(key, low, low, high)

    def number(self, key: str, default: float, low: float, high: float, unit: str) -> float:
        """A number within limits."""
        value = self.number_or_none(key, low, high, unit)
        return default if value is None else value

    def number_or_none(self, key: str, low: float, high: float, unit: str) -> float | None:
        """A number within limits; None if the file has none."""
        value = self._get(key, None)
        if value is None:
            return None
        if (
            isinstance(value, bool)
            or not isinstance(value, int | float)
            or not math.isfinite(value)
        ):
            self.problem(key, "is no number", f"use {low:g} to {high:g}")
            return None
        return float(value) if self._within(key, value, low, high, unit) else None

    def size_or_none(self, key: str, low: int, high: int) -> int | None:
        """Bytes: a whole number, or one with a unit such as MB or GiB; None if there is none."""
        value = self._get(key, None)
        if value is None:
            return None
        found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([kKMGT]?)(i?)B\s*", str(value))
        if isinstance(value, str) and found:
            step = 1024 if found[3] else 1000
            value = int(float(found[1]) * step ** " KMGT".index(found[2].upper() or " "))
        if not isinstance(value, int) or isinstance(value, bool):
            self.problem(key, "is no size", 'write "500 MB", "8 GB" or "8 GiB"')
            return None
        if not low <= value <= high:
            side = "too little" if value < low else "too much"
            self.problem(key, f"is {side}", f'use "{_size(low)}" to "{_size(high)}"')
            return None
        return value

    def pins(self, key: str, default: tuple[int, int]) -> tuple[int, int]:
        """Two different BCM pin numbers: forward and backward."""
        value = self._get(key, list(default))
        if (
            not isinstance(value, list)
            or len(value) != 2
            or not all(isinstance(pin, int) and 0 <= pin <= 27 for pin in value)
            or value[0] == value[1]
        ):
            self.problem(
                key, "is no pair of pins", "write [forward, backward] with BCM numbers 0 to 27"
            )
            return default
        return value[0], value[1]

    def problem(self, key: str, what: str, remedy: str) -> None:
        """Notes what is wrong with the value of ``key`` and what to do."""
        path = ".".join(self._path)
        where = f"[{path}] {key}" if path else key
        shown = f" = {_short(self._values[key])}" if key in self._values else ""
        line = _line_of(self._lines, self._path, key)
        if line is None and path:  # the table is written as { ... } in a line
            line = _line_of(self._lines, self._path[:-1], self._path[-1])
        at = f"{self._file}:{line}" if line else str(self._file)
        self._problems.append(f"{at}: {where}{shown} {what}; {remedy}.")

    def finish(self) -> None:
        """Raises ConfigError if anything here or below is wrong or unknown."""
        problems = self._all_problems()
        if problems:
            raise ConfigError(problems)

    def _all_problems(self) -> list[str]:
        for key in self._values:
            if key not in self._known:
                close = difflib.get_close_matches(key, self._known, n=1)
                remedy = f"write {close[0]} if you meant that" if close else "remove it"
                self.problem(key, "is not known here", remedy)
        below = [*self._inner.values(), *self._lists]
        inner = [text for table in below for text in table._all_problems()]
        return self._problems + inner

    def _get(self, key: str, default: Any) -> Any:
        self._known.add(key)
        return self._values.get(key, default)

    def _within(self, key: str, value: float, low: float, high: float, unit: str) -> bool:
        if low <= value <= high:
            return True
        side = f"is below {low:g}" if value < low else f"is above {high:g}"
        span = f"{low:g} to {high:g} {unit}".rstrip()
        self.problem(key, side, f"use {span}")
        return False


def read_file(file: Path) -> Table:
    """The outermost table of a TOML file.

    Raises:
        ConfigError: the file is missing, unreadable or no TOML.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError([f"{file} cannot be read: {error}."]) from error
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError([f"{file} is no TOML: {error}; correct it there."]) from error
    return Table(values, (), file, text.splitlines())


def _header(path: tuple[str, ...]) -> str:
    """How a table is named in the file; those of an array are written without their numbers."""
    return ".".join(part for part in path if not part.isdecimal())


def _size(count: int) -> str:
    """Bytes in the largest unit that fits."""
    power = min(len(str(count)) - 1, 12) // 3
    return f"{count // 1000**power} {('B', 'kB', 'MB', 'GB', 'TB')[power]}"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _line_of(lines: list[str], path: tuple[str, ...], key: str) -> int | None:
    """The line (from 1) that gives ``key`` in the table ``path``, or names the table.

    The line of one table of several if that does not give the key.
    """
    here: tuple[str, ...] = ()
    seen: Counter[tuple[str, ...]] = Counter()
    of_table = None
    for number, line in enumerate(lines, start=1):
        header = re.match(r"\s*(\[{1,2})([^\[\]]+)\]", line)
        if header:
            here = _numbered(header[2].split("."), seen)
            if here == (*path, key):
                return number
            if header[1] == "[[":
                seen[here] += 1
                here = (*here, str(seen[here]))
                if here == path:
                    of_table = number
        elif here == path and re.match(rf"\s*[\"']?{re.escape(key)}[\"']?\s*[=.]", line):
            return number
    return of_table


def _numbered(parts: list[str], seen: Counter[tuple[str, ...]]) -> tuple[str, ...]:
    """The path of a table; one below an array of tables is in the last of them."""
    path: tuple[str, ...] = ()
    for at, part in enumerate(parts, start=1):
        path = (*path, part.strip().strip("\"'"))
        if at < len(parts) and seen[path]:
            path = (*path, str(seen[path]))
    return path
