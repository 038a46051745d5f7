"""What a person asks for: a path, a folder, or a pattern as shells have it."""

from __future__ import annotations

import fnmatch
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from pynet.errors import BadName
from pynet.files.info import FILE, FileInfo
from pynet.files.names import INCOMING, PART, check

EVERYTHING: Final = -1
"""The state of a walk below what was selected: all there is, however deep."""

Matcher = Callable[[str], object]


@dataclass(frozen=True, slots=True)
class Selection:
    """Some of the files below a root. Hidden files are files like others.

    Attributes:
        base: names at the destination are relative to this folder: ``logs/2026`` arrives as
            ``2026/...``, ``logs/2026/`` and ``logs/2026/**`` as what is in it.
        fixed: the path up to the first wildcard; a walk starts here.
        pattern: one entry for each part after that; None is ``**``, any number of folders.
        inside: only what lies in the folder, which must be one.
        match: a file's name below ``base`` must hold this regular expression; None takes all.
        min_age: seconds since a file was changed last.
    """

    base: bytes
    fixed: bytes
    pattern: tuple[Matcher | None, ...] = ()
    inside: bool = False
    match: re.Pattern[str] | None = None
    min_age: float = 0.0

    @classmethod
    def parse(
        cls, pattern: str | bytes, *, match: str | None = None, min_age: float = 0.0
    ) -> Selection:
        """From what a person writes.

        ``*``, ``?`` and ``[...]`` stay within a part, ``**`` as a whole part is any number of
        folders. What is matched is taken with everything below it. ``[*]`` is a star itself.

        Raises:
            BadName: it leads out of the root, or ``match`` is no regular expression.
        """
        text = os.fsdecode(pattern)
        inside = text.endswith("/") or text in ("", ".")
        parts = [part for part in text.strip("/").split("/") if part not in ("", ".")]
        if text.startswith("/") or ".." in parts:
            check(os.fsencode(text))
        plain = next((n for n, part in enumerate(parts) if _is_magic(part)), len(parts))
        fixed, wild = parts[:plain], parts[plain:]
        while wild and wild[-1] == "**":
            # All that is in what comes before, which need not be matched any more.
            wild.pop()
            inside = inside or not wild
        prefix = os.fsencode("/".join(fixed))
        if prefix:
            check(prefix)
        base = prefix if inside or wild else prefix.rpartition(b"/")[0]
        compiled = tuple(None if part == "**" else _matcher(part) for part in wild)
        return cls(base, prefix, compiled, inside, _compiled(match), min_age)

    @classmethod
    def exactly(cls, name: bytes, *, match: str | None = None) -> Selection:
        """One file or folder, whatever signs its name has."""
        return cls(check(name).rpartition(b"/")[0], name, match=_compiled(match))

    @property
    def filters(self) -> bool:
        """Whether it chooses among files by more than their place; folders do not travel then."""
        return self.match is not None or self.min_age > 0

    @property
    def start(self) -> int:
        """The state of a walk at ``fixed``; see :meth:`step`."""
        return self._closed(1)

    def step(self, state: int, part: bytes) -> int:
        """The state of a walk one part further down; 0 means nothing there can be selected.

        A state is one bit for each place in the pattern that the walk may have come to.
        """
        if part == INCOMING or part.endswith(PART):
            return 0
        if state == EVERYTHING:
            return EVERYTHING
        text, after = os.fsdecode(part), 0
        for place, matches in enumerate(self.pattern):
            if state >> place & 1:
                if matches is None:
                    after |= 1 << place
                elif matches(text):
                    after |= 2 << place
        return self._closed(after)

    def _closed(self, state: int) -> int:
        """With what ``**`` for no folder at all leads to; EVERYTHING at the pattern's end."""
        for place, matches in enumerate(self.pattern):
            if matches is None and state >> place & 1:
                state |= 2 << place
        return EVERYTHING if state >> len(self.pattern) & 1 else state

    def below(self, name: bytes) -> bytes:
        """A name as the destination has it: relative to ``base``."""
        return name[len(self.base) + 1 :] if self.base else name

    def takes(self, info: FileInfo, now: float) -> bool:
        """Whether something that the pattern matches is wanted too."""
        if info.kind != FILE:
            return not self.filters
        if self.min_age > 0 and info.mtime_ns / 1e9 > now - self.min_age:
            return False
        return (
            self.match is None or self.match.search(os.fsdecode(self.below(info.name))) is not None
        )

    def matches(self, name: bytes) -> bool:
        """Whether the pattern alone takes this name, or a folder that it lies in."""
        state = self.start
        if self.fixed:
            if name == self.fixed:
                return state == EVERYTHING and not self.inside
            if not name.startswith(self.fixed + b"/"):
                return False
            name = name[len(self.fixed) + 1 :]
        for part in name.split(b"/"):
            state = self.step(state, part)
        return state == EVERYTHING


def _is_magic(part: str) -> bool:
    return any(sign in part for sign in "*?[")


def _matcher(part: str) -> Matcher:
    return re.compile(fnmatch.translate(part)).match


def _compiled(match: str | None) -> re.Pattern[str] | None:
    if match is None:
        return None
    try:
        return re.compile(match)
    except re.error as error:
        raise BadName(f"{match!r} is no regular expression: {error}") from None
