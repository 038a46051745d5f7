"""How fast a bulk sender may go: pure functions of delays and time."""

from __future__ import annotations

import math

from pynet.bulk.delays import RECENT_SPAN, Reading

TARGET = 0.025
"""Seconds that bulk may add to a live flow's delay. RFC 6817 allows up to 0.1 s, for telephony;
a driver feels less than that."""

FLOOR = 64_000.0
"""Bytes/s that bulk always has, so that it makes progress beside a flow that is always late."""

UNLIMITED = math.inf

AIM = 0.6
"""Share of the target where growth ends. Above the target the rate is halved, so the point of rest
lies below it by what the delay varies."""

GROWTH = 0.35
"""Growth per second, as the rate's logarithm, while nothing is added: doubles in 2 s."""

FIRST_GROWTH = 1.4
"""The same until bulk was felt for the first time: doubles in 0.5 s."""

LEAN = 0.15
"""How much of the rate follows the delay at once; it damps what GROWTH alone would make swing."""

PAUSE_EVERY, PAUSE, LONGEST_PAUSE = 20.0, 0.4, 3.0
"""Seconds between pauses at the floor, in which the queue drains and the shortest delay shows;
without them the flows would come to take the queue for the way. A pause lasts until that delay
falls no further. LEDBAT++ (draft-irtf-iccrg-ledbat-plus-plus, section 4.4) calls this slowdown."""

LONGEST_STEP = 0.25
"""Seconds; a sender that did not ask for longer has learnt no more than that meanwhile."""

UNUSED = 4.0
"""A rate so many times what was sent grows no further (RFC 6817, 2.4.2: max_allowed_cwnd)."""


class DelayYield:
    """Decides the rate of bulk from the delay that live flows have because of it.

    The idea is LEDBAT's (RFC 6817): a queue shows as delay above the shortest delay seen, long
    before it loses packets. Below the target the rate grows in proportion to what is left of it;
    above it, it is halved, at most once per round trip. LEDBAT steers a window by its own
    one-way delay; this steers a rate by the delay of the flows that matter.

    Args:
        target: seconds that may be added to a live flow's delay.
        floor: bytes/s, never less.

    Attributes:
        rate: bytes/s allowed now; infinite while there is no live flow.
    """

    def __init__(self, target: float = TARGET, floor: float = FLOOR) -> None:
        self.target = target
        self.floor = floor
        self.rate = UNLIMITED
        self._steady = UNLIMITED
        self._felt = False
        self._updated = 0.0
        self._halved = self._paused = 0.0

    def update(self, reading: Reading | None, sent: float, now: float) -> float:
        """Look at the live flows and decide anew.

        Args:
            reading: how they are; None when there is none.
            sent: bytes/s that were sent lately.
            now: monotonic time.

        Returns:
            The rate, bytes/s.
        """
        step = min(LONGEST_STEP, max(0.0, now - self._updated))
        self._updated = now
        if reading is None:
            self._steady = self.rate = UNLIMITED
            return self.rate
        if self._steady == UNLIMITED:
            self._begin(sent, now)
        if self._pauses(reading, now):
            self.rate = self.floor
            return self.rate
        pressure = reading.added / (AIM * self.target)
        if reading.added > self.target:
            self._felt = True
            self._halve(reading, now)
        elif pressure > 1 or self._steady <= UNUSED * max(sent, self.floor):
            self._felt = self._felt or pressure > 0.5
            growth = GROWTH if self._felt else FIRST_GROWTH
            self._steady *= math.exp(growth * (1 - pressure) * step)
        self._steady = max(self.floor, self._steady)
        lean = 1 + LEAN * max(-1.0, min(1.0, 1 - pressure))
        self.rate = max(self.floor, self._steady * lean)
        return self.rate

    def _begin(self, sent: float, now: float) -> None:
        """A live flow has come: give way before it is delayed, and let it learn its way."""
        self._felt = sent > 0
        self._steady = max(sent / 2, self.floor)
        self._halved = self._paused = now

    def _pauses(self, reading: Reading, now: float) -> bool:
        if now - self._paused >= PAUSE_EVERY:
            self._paused = now
        passed = now - self._paused
        return passed < PAUSE or (reading.drains and passed < LONGEST_PAUSE)

    def _halve(self, reading: Reading, now: float) -> None:
        """At most once until the last halving has shown: a round trip, through the filter."""
        if now - self._halved >= reading.round_trip + RECENT_SPAN:
            self._steady /= 2
            self._halved = now


class Pacer:
    """A token bucket: says how much may be sent now, or when to ask again.

    Args:
        rate: bytes/s.
        now: monotonic time.
        burst: seconds of the rate that may go out at once, between SHORTEST and LONGEST bytes.
    """

    SHORTEST, LONGEST = 4 * 1024, 256 * 1024
    SHORTEST_WAIT = 1e-4
    BURST = 0.01

    def __init__(self, rate: float, now: float, burst: float = BURST) -> None:
        self.rate = rate
        self._burst = burst
        self._tokens = self.burst
        self._updated = now

    @property
    def burst(self) -> float:
        """Bytes that may go out at once after a pause."""
        return min(self.LONGEST, max(self.SHORTEST, self.rate * self._burst))

    def set_rate(self, rate: float, now: float) -> None:
        """Go at another rate from now on."""
        self._refill(now)
        self.rate = rate
        # A debt made at a high rate must not be a long wait at a low one.
        self._tokens = max(-self.burst, min(self._tokens, self.burst))

    def ask(self, wanted: int, now: float) -> tuple[int, float]:
        """How many bytes of so many may be sent now.

        Returns:
            Bytes, which count as sent, and 0.0; or 0 and the seconds to wait.
        """
        self._refill(now)
        if self.rate == UNLIMITED or self._tokens >= wanted:
            self._tokens -= wanted if self.rate != UNLIMITED else 0
            return wanted, 0.0
        size = int(self._tokens)
        enough = min(wanted, self.SHORTEST)
        if size >= enough:
            self._tokens -= size
            return size, 0.0
        return 0, self._until(enough)

    def allow(self, size: int, now: float) -> float:
        """Whether something that cannot be divided may be sent now.

        What is larger than a burst makes a debt, which the next one waits for.

        Returns:
            0.0, and it counts as sent; or the seconds to wait before asking again.
        """
        self._refill(now)
        if self.rate == UNLIMITED:
            return 0.0
        needed = min(size, self.burst)
        if self._tokens >= needed:
            self._tokens -= size
            return 0.0
        return self._until(needed)

    def _until(self, tokens: float) -> float:
        # A wait too short for the clock's digits would be asked for again and again.
        return max(self.SHORTEST_WAIT, (tokens - self._tokens) / self.rate)

    def _refill(self, now: float) -> None:
        passed = max(0.0, now - self._updated)
        self._updated = now
        if self.rate == UNLIMITED:
            self._tokens = self.burst
        else:
            self._tokens = min(self.burst, self._tokens + self.rate * passed)
