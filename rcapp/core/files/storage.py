"""How full a car is, how fast it fills, and when it is full. Pure."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from pynet.files.info import Usage
from rcapp.core.files import words

Sample = tuple[float, int]
"""Wall clock seconds, and bytes used then."""

DAY = 86400.0
EVERY = 300.0
"""Seconds between two samples that are kept: a day of them is a small file."""

LEAST = 1800.0
"""Seconds that samples must span before they say anything of a day."""

JUMP_BACK = 60.0
"""A clock that is set back by more than this makes the samples before it worthless."""

LONGEST = 90 * DAY
"""A forecast beyond this is no forecast."""


def with_sample(samples: Sequence[Sample], now: float, used: int) -> tuple[Sample, ...]:
    """The samples of the last day with one more, if the last one is not too young."""
    if samples and now < samples[-1][0] - JUMP_BACK:
        samples = ()
    if samples and now - samples[-1][0] < EVERY:
        return tuple(samples)
    return (*((at, value) for at, value in samples if now - at <= DAY), (now, used))


def fill_rate(samples: Iterable[Sample]) -> float | None:
    """Bytes a second that were added over the samples, 0 or more; None when they are too few.

    What was removed in between, by the backup or by hand, does not count: only rises do.
    """
    known = list(samples)
    if len(known) < 2 or known[-1][0] - known[0][0] < LEAST:
        return None
    added = sum(max(0, after - before) for (_, before), (_, after) in itertools.pairwise(known))
    return added / (known[-1][0] - known[0][0])


@dataclass(frozen=True, slots=True)
class Storage:
    """The disk of a car at one moment.

    Attributes:
        usage: how full it is, or None while that is not known.
        high, low: the marks of the backup, 0 to 1.
        rate: bytes a second by which it fills, or None.
        root: whose disk it is.
        error: why nothing is known.
    """

    usage: Usage | None = None
    high: float = 0.75
    low: float = 0.25
    rate: float | None = None
    root: str = ""
    error: str = ""
    samples: tuple[Sample, ...] = field(default=(), repr=False)

    @property
    def level(self) -> str:
        """The colour of the gauge.

        ``"good"`` below the upper mark, ``"warn"`` above it, ``"bad"``
        when hardly anything is left, ``"secondary"`` while nothing is known.
        """
        if self.usage is None:
            return "secondary"
        if self.usage.share >= max(0.95, self.high):
            return "bad"
        return "warn" if self.usage.share >= self.high else "good"

    def amount(self) -> str:
        """``"23.1 of 29.5 GB"``."""
        if self.usage is None:
            return ""
        value, unit = words.scaled(self.usage.capacity)
        factor = self.usage.capacity / float(value) if float(value) else 1.0
        digits = 1 if "." in value or unit in ("GB", "TB") else 0
        return f"{self.usage.used / factor:.{digits}f} of {float(value):.{digits}f} {unit}"

    def forecast(self) -> str:
        """``"full in about 9 h at today's rate"``; empty while too little is known."""
        if self.usage is None or self.rate is None:
            return ""
        if self.usage.available <= 0:
            return "nothing more can be written"
        if self.rate <= 0:
            return "not filling today"
        to_high = self.high * self.usage.capacity - self.usage.used
        if self.usage.available / self.rate > LONGEST:
            return "hardly filling today"
        if to_high > 0:
            mark = words.mark(self.high)
            return f"{mark} in about {words.span(to_high / self.rate)} at today's rate"
        return f"full in about {words.span(self.usage.available / self.rate)} at today's rate"
