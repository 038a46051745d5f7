"""Patterns of names: ``*`` and ``?`` within one part, ``[...]`` one of some signs, ``**`` folders.

A pattern fits at any depth, or with ``/`` in front from the root only. What it fits, it fits with
all below.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence


class Globs:
    """Some patterns.

    Args:
        patterns: as above.

    Raises:
        ValueError: one of them can fit nothing.
    """

    def __init__(self, patterns: Sequence[str]) -> None:
        self._patterns = [(one, re.compile(_expression(one), re.DOTALL)) for one in patterns]
        joined = "|".join(f"(?:{one.pattern})" for _, one in self._patterns)
        self._any = re.compile(joined, re.DOTALL) if joined else None

    def find(self, name: bytes) -> str:
        """The first pattern that fits a name, or a folder above it; ``""`` if none does."""
        if self._any is None:
            return ""
        text = os.fsdecode(name)
        if not self._any.fullmatch(text):
            return ""
        return next(written for written, one in self._patterns if one.fullmatch(text))


def _expression(pattern: str) -> str:
    parts = [part for part in pattern.strip("/").split("/") if part not in ("", ".")]
    if not parts or ".." in parts or "\0" in pattern:
        raise ValueError(f"{pattern!r:.60} fits nothing; write '*.db' or 'keep/**' for example")
    body = ""
    for part in parts[:-1]:
        body += "(?:[^/]+/)*" if part == "**" else _part(part) + "/"
    # At the end it is all below, which the rest of the expression says of any part too.
    body += ".+" if parts[-1] == "**" else _part(parts[-1])
    return ("" if pattern.startswith("/") else "(?:.*/)?") + body + "(?:/.*)?"


def _part(part: str) -> str:
    """One part as an expression that does not go beyond it."""
    out, at = "", 0
    while at < len(part):
        sign = part[at]
        at += 1
        if sign == "*":
            out += "[^/]*"
        elif sign == "?":
            out += "[^/]"
        elif sign == "[" and (end := part.find("]", at + 1 + part.startswith("!", at))) > 0:
            inside = part[at:end]
            negated = inside.startswith("!")
            inside = re.sub(r"([\\\[\]^&~|])", r"\\\1", inside[negated:])
            out += f"(?!/)[{'^' if negated else ''}{inside}]"
            at = end + 1
        else:
            out += re.escape(sign)
    try:
        re.compile(out)
    except re.error as error:
        raise ValueError(f"{part!r:.60} is no pattern: {error}") from None
    return out
