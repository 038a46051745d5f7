"""How many lanes a transfer should have: by what each further one has gained."""

from __future__ import annotations

FIRST_NEAR, FIRST_FAR = 1, 2
"""Lanes to begin with: where packets come back at once, one fills any cable and disk."""

MOST = 8
"""More gained nothing on any link that was measured; ESnet and mscp found the same."""

WORTH = 0.10
"""What each further lane must bring, as a share of what a lane brings on average."""

LEAST_EPOCH, ROUND_TRIPS = 0.5, 8
"""An epoch of measuring lasts that many seconds, or round trips if these are longer."""

GROWS, LONGEST_START = 1.25, 2
"""The first lanes are in slow start while the second half of an epoch brings so many times what the
first one did. They are measured anew then, so often at most: what they brought until now is less
than they can, and any number would look like a gain."""

DOUBT, LOOK_AGAIN = 2.0, 30.0
"""Seconds after which a number that was found is doubted: at first soon, for what the first lanes
brought may have been slow start, before the first loss; each time twice as long, up to the second.
"""

LONG_WAY = 0.02
"""Round trip in seconds from which on a short job is nothing but slow start."""

SHORT_JOB = 16 * 1024 * 1024
"""Bytes of a short job: with all lanes at once it is over before anything could be measured."""


class LaneCount:
    """Climbs by doubling while it pays, and remembers why. Pure: time is an argument.

    Args:
        now: monotonic time.
        round_trip: of the way, seconds.
        most: lanes, at most.

    Attributes:
        lanes: how many there should be now.
        log: what was tried, for people: ``"2 -> 4 lanes: +71 %"``.
    """

    def __init__(self, now: float, round_trip: float, most: int = MOST) -> None:
        self.most = most
        self.lanes = min(most, FIRST_FAR if round_trip >= LONG_WAY else FIRST_NEAR)
        self.log: list[str] = []
        self._epoch = max(LEAST_EPOCH, ROUND_TRIPS * round_trip)
        self._before: tuple[int, float] | None = None
        self._settled = self._expected = False
        self._patience = DOUBT
        self._starts = LONGEST_START
        self._round_trip = round_trip
        self._begin(now)

    def expect(self, total: int | None) -> None:
        """So many bytes are to go in all, if that is known already.

        A short job over a long way is all slow start: it gets every lane at once.
        """
        if total is None or self._expected:
            return
        self._expected = True
        if total <= SHORT_JOB and self._round_trip >= LONG_WAY:
            self.lanes = self.most
            self.log.append(f"{self.lanes} lanes: {total} bytes over {self._round_trip:.3f} s")

    def _begin(self, now: float) -> None:
        """Measure anew, after half an epoch in which the lanes get going."""
        self._from = now + self._epoch / 2
        self._until = self._from + self._epoch
        self._counted: int | None = None
        self._half: tuple[float, int] | None = None

    def update(self, now: float, arrived: int) -> int:
        """So many bytes have arrived by now.

        Returns:
            How many lanes there should be.
        """
        if now < self._from:
            return self.lanes
        if self._counted is None:
            self._counted, self._from = arrived, now
            self._until = max(self._until, now + self._epoch)
        if self._half is None and now >= (self._from + self._until) / 2:
            self._half = (now, arrived)
        if now < self._until:
            return self.lanes
        if self._starts and self._grows(now, arrived):
            self._starts -= 1
            self._counted, self._half = arrived, None
            self._from, self._until = now, now + self._epoch
            return self.lanes
        self._starts = 0
        rate = (arrived - self._counted) / (now - self._from)
        self._judge(rate, now)
        self._begin(now)
        if self._settled:
            self._from = now + self._patience
            self._until = self._from + self._epoch
            self._patience = min(LOOK_AGAIN, 2 * self._patience)
        return self.lanes

    def _grows(self, now: float, arrived: int) -> bool:
        if self._half is None or self._counted is None:
            return False
        at, half = self._half
        first = (half - self._counted) / max(at - self._from, 1e-6)
        return (arrived - half) / max(now - at, 1e-6) > GROWS * first

    def hold(self, now: float) -> int:
        """Nothing can be learnt now; what is being tried begins anew."""
        if not self._settled:
            self._begin(now)
        return self.lanes

    def _judge(self, rate: float, now: float) -> None:
        self._settled = False
        if self._before is not None:
            before, was = self._before
            gain = rate / was - 1 if was > 0 else 0.0
            self.log.append(f"{before} -> {self.lanes} lanes: {round(100 * gain):+d} %")
            self._before = None
            if gain < WORTH * (self.lanes - before) / before:
                self.lanes = before
                self._settled = True
                return
        if self.lanes < self.most:
            self._before = (self.lanes, rate)
            self.lanes = min(self.most, 2 * self.lanes)
        else:
            self._settled = True
