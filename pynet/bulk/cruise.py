"""A rate for bulk beside a driver: below what fills the link, so that no queue stands at all.

:class:`~pynet.bulk.rate.DelayYield` rests where the live flows feel it a little. Whoever drives is
to feel nothing, so this one finds out once what fills the link, by going faster until the delay
rises, and then keeps a fifth below that for a minute.
"""

from __future__ import annotations

import math
import statistics
from collections import deque

from pynet.bulk.delays import Reading
from pynet.bulk.rate import FLOOR, UNLIMITED

SHARE = 0.79
"""Of the rate that fills the link. Measured over emulated Wi-Fi: eight lanes paced to 70 % add
1 ms to a live flow's 99th percentile, to 90 % they add 2 ms and to 100 % 25 ms."""

FEELS, FEELS_JITTERS, FEELS_STUMBLES = 0.008, 2.0, 1.5
"""Seconds added to the delay from which on the link is full; or so many times the flow's jitter, or
what was added while nothing was sent: a radio with retries does that by itself."""

WORST_STUMBLE, STUMBLES_FADE = 0.02, 120.0
"""Seconds that count as added by the way itself, at most; and that it takes to forget them."""

SURE = 3
"""Looks in a row that must feel it: one may be chance."""

CALM, CALM_JITTERS = 0.002, 1.0
"""Seconds added, or jitters, from which down the queue counts as empty."""

LAG = 0.2
"""Seconds after which a rate shows as delay: the way there and back, and the filter of delays."""

CRUISE, FIRST_CRUISE = 60.0, 5.0
"""Seconds between two looks for more: each may be felt for a third of a second. The first comes
sooner after what the link takes had to be guessed, each in vain doubles the time."""

LONGEST_DRAIN = 1.0
"""Seconds; a delay that stays longer is not of our making."""

FIRST_RATE = 256_000.0
CLIMB, GENTLE = 1.4, 0.25
"""Growth per second as the rate's logarithm, while nothing is known of the link, and when only
more is looked for."""

WORSE, AT_ONCE = 0.85, 3.0
"""What the link is taken for, compared with before, when cruising is felt twice within so many
seconds: once is a loss that was repaired, or the radio."""

FREE_SPAN = 4.0
"""Seconds before a live flow came whose median rate is what fills the link, or the disk."""

UNUSED = 2.0
"""A rate so many times what was sent grows no further."""

_CLIMBING, _DRAINING, _CRUISING = "climbing", "draining", "cruising"


class Cruise:
    """Decides the rate of bulk while live flows are there. Pure: time is an argument.

    Args:
        floor: bytes/s, never less.

    Attributes:
        rate: bytes/s allowed now; infinite while there is no live flow.
        full: bytes/s that the link is taken to be filled by; 0 if nothing is known of it.
        best: the same when it was seen to be full.
    """

    def __init__(self, floor: float = FLOOR) -> None:
        self.floor = floor
        self.rate = UNLIMITED
        self.full = self.best = 0.0
        self._state = _CRUISING
        self._since = 0.0
        self._looked = 0.0
        self._felt = 0
        self._known = False
        self._cruise = CRUISE
        self._stumble = 0.0
        self._free: deque[tuple[float, float]] = deque()
        self._struck = -math.inf
        self._rates: deque[tuple[float, float]] = deque()

    def update(self, reading: Reading | None, sent: float, now: float) -> float:
        """Look at the live flows and decide anew.

        Args:
            reading: how they are; None when there is none.
            sent: bytes/s that were sent lately.
            now: monotonic time.

        Returns:
            The rate, bytes/s.
        """
        step = min(0.25, max(0.0, now - self._looked))
        self._looked = now
        if reading is None:
            self._went_free(sent, now)
            self.rate = UNLIMITED
            return self.rate
        if self.rate == UNLIMITED:
            self._begin(self._went_free(sent, now), now)
        self._stumble *= math.exp(-step / STUMBLES_FADE)
        feels = max(FEELS, FEELS_JITTERS * reading.jitter, FEELS_STUMBLES * self._stumble)
        self._felt = self._felt + 1 if reading.added > feels else 0
        if self._state == _DRAINING:
            self._drain(reading, now)
        elif self._felt >= SURE:
            self._fill(now)
        elif self._state == _CLIMBING:
            self._climb(sent, step, now)
        elif now - self._since >= self._cruise:
            self._state = _CLIMBING
        self._rates.append((now, self.rate))
        while self._rates[0][0] < now - LAG:
            self._rates.popleft()
        return self.rate

    def _went_free(self, sent: float, now: float) -> float:
        """How fast it went lately without a live flow."""
        self._free.append((now, sent))
        while self._free[0][0] < now - FREE_SPAN:
            self._free.popleft()
        return statistics.median(rate for _, rate in self._free)

    def _begin(self, sent: float, now: float) -> None:
        """A live flow has come, and bulk went at a rate that fills the link, or the disk."""
        self._rates.clear()
        self._felt = 0
        self._struck = -math.inf
        self._known = sent > 4 * self.floor
        self.full = self.best = sent if self._known else 0.0
        if self._known:
            self._enter(_DRAINING, self.floor, now)
        else:
            self._enter(_CLIMBING, max(self.floor, FIRST_RATE), now)

    def _climb(self, sent: float, step: float, now: float) -> None:
        """Up to where it was good before; or, if that is where it is, until it is felt."""
        if self.rate <= UNUSED * max(sent, FIRST_RATE):
            self.rate *= math.exp((GENTLE if self._known else CLIMB) * step)
        if self.full < self.best and self.rate >= SHARE * self.best:
            self.full, self._cruise = self.best, CRUISE
            self._enter(_CRUISING, SHARE * self.best, now)

    def _fill(self, now: float) -> None:
        """The link is full: it takes what was sent a moment ago, or less than was thought.

        Only cruising finds less: what is felt on the way up to a rate that was felt before may as
        well be the radio, and if it is not, cruising will be felt too.
        """
        if self._state == _CLIMBING:
            before = self._rates[0][1] if self._rates else self.rate
            self.full = max(self.floor, self.full, before)
            self.best = max(self.best, self.full)
            self._cruise = min(CRUISE, 2 * self._cruise)
        else:
            if now - self._struck <= AT_ONCE:
                self.full = max(self.floor, WORSE * self.full)
                self._cruise = FIRST_CRUISE
            self._struck = now
        self._known = True
        self._enter(_DRAINING, self.floor, now)

    def _drain(self, reading: Reading, now: float) -> None:
        """Stand back until what was queued is gone."""
        waited = now - self._since
        calm = max(CALM, CALM_JITTERS * reading.jitter)
        quiet = reading.added <= calm and not reading.drains
        if waited >= LAG and not reading.drains:
            self._stumble = max(self._stumble, min(WORST_STUMBLE, reading.added))
        if waited >= LONGEST_DRAIN or (waited >= LAG and quiet):
            self._enter(_CRUISING, max(self.floor, SHARE * self.full), now)

    def _enter(self, state: str, rate: float, now: float) -> None:
        self._state, self._since, self.rate = state, now, rate
        self._felt = 0
