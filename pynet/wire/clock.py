"""Estimate of the other side's monotonic clock, from the heartbeats."""

from __future__ import annotations

import math
from collections import deque


class ClockEstimate:
    """Minimum-filtered offset between two monotonic clocks.

    Each exchange of PING (t1) and PONG (t2 received, t3 sent, t4 back) gives the
    offset ``((t2 - t1) + (t3 - t4)) / 2`` with an error of at most half the round
    trip (RFC 5905, section 8). The sample with the shortest round trip among
    the last :attr:`MEMORY` is therefore the best one.
    """

    MEMORY = 16
    FEW, LONG = 4, 0.05

    def __init__(self) -> None:
        self._samples: deque[tuple[float, float]] = deque(maxlen=self.MEMORY)
        self.rtt: float | None = None
        """Newest round trip in seconds."""
        self.rtt_min: float | None = None
        """Shortest round trip among the samples kept, seconds."""
        self.offset: float | None = None
        """Other side's clock minus this side's, seconds; None before the first heartbeat."""

    def add(self, sent: float, received: float, replied: float, now: float) -> None:
        """Take one heartbeat: ``sent`` and ``now`` by this clock, the others by the other.

        Raises:
            ValueError: the other side's times are no numbers to reckon with.
        """
        rtt = max(0.0, (now - sent) - (replied - received))
        offset = ((received - sent) + (replied - now)) / 2
        if not (math.isfinite(rtt) and math.isfinite(offset)):
            raise ValueError("the times of a heartbeat must be finite")
        self.rtt = rtt
        self._samples.append((rtt, offset))
        self.rtt_min, self.offset = min(self._samples)

    @property
    def doubtful(self) -> bool:
        """True while a few long round trips are all there is: one of the ends may have slept."""
        rtt = self.rtt_min
        return rtt is not None and rtt > self.LONG and len(self._samples) < self.FEW

    def absorb(self, other: ClockEstimate) -> None:
        """Take over the samples of another estimate of the same clock."""
        self._samples.extend(other._samples)
        if self._samples:
            self.rtt = other.rtt if self.rtt is None else self.rtt
            self.rtt_min, self.offset = min(self._samples)
