"""How finely to pack the next picture, from how old the last ones were when they arrived.

Pure logic: the caller gives the time and what it knows of the link, and asks for a setting. The
age that counts is the one beyond the smallest of the last half minute: what is left of it after
the way itself is waiting, behind one's own pictures or for what was lost.

- *Fast down*: each report moves a running sum (Page's CUSUM test) up by how far its age is past a
  limit, and down by how far it is below. A queue that grows passes the bar within a few pictures,
  and the worse it is the more steps it costs; a single late picture does not.
- *Slow down*: a middling age that stays, for which no queue needs to grow, costs one step.
- *Careful up*: one step after a calm second. A step that has to be taken back within fifteen
  seconds is tried again after twice as long, up to two minutes: a steady link sees little of it.
- Where parts have to be sent again, a picture of many parts is late more often than one of few,
  whatever the rate: the more are lost, the smaller is the largest picture.
"""

from __future__ import annotations

import math
import statistics
from collections import deque
from collections.abc import Sequence
from typing import Protocol

from pynet.rc.video.settings import Setting

MEMORY = 15.0
"""Seconds after which half of the memory for the smallest age is renewed."""

ONE_WAY = 0.02
"""The smallest age is no more than the shortest round trip and this; what is more is a queue that
has not been empty for long."""

LONGEST_TRIP = 0.09
"""A longer round trip is counted as this: most of it is a picture's own time on a slow link."""

COMFORT, COMFORT_TRIPS = 0.005, 0.3
"""A middling age beyond the smallest below this, plus so many round trips, lets it step up."""

UNEASE = 2.5
"""A middling age beyond the smallest above so many times that makes it step down slowly."""

LIMIT, LIMIT_TRIPS = 0.010, 0.75
"""An age beyond the smallest above this, plus so many round trips, counts as late."""

BAR = 8.0
"""What the running sum has to pass for a fast step down: three pictures that are very late."""

LATEST = 3.0
"""One picture adds no more than this, for each picture's time that has passed."""

LONGEST_GAP = 2.0
"""A report counts for no more pictures' times than this, however long after the last it comes: a
single stall, however long, is not enough for a step."""

SHORTEST_HOLD, LONGEST_HOLD = 1.0, 120.0
"""Seconds of calm before a step up, at first and at most."""

TRIAL = 15.0
"""Seconds for which a step up has to hold to count as a success."""

SETTLE = 0.2
"""Seconds beyond the present age for which nothing is concluded after a step down: what comes in
then was packed before."""

SLOW = 3.0
"""Seconds for which a middling age has to stay for a slow step down."""

LOSS_MEMORY = 10.0
"""Seconds over which the share of parts sent again is taken."""

LOSSY = 0.015
"""Share of parts sent again from which late pictures are laid to losses, which come in bursts,
rather than to a queue: they cost one step at a time."""

LOSSY_BYTES = {"h264": 3000.0, "jpeg": 16000.0}
"""What a picture may take on a link that loses 2.5 % of its parts, by codec: two parts of H.264,
which at 30 pictures a second are as good as JPEG of five times as many."""

LOSSY_SHARE = 0.025
TOO_LARGE = 1.4
"""So many times the size that a lossy link is given: reason to step down, slowly."""

USED = 0.2
"""Packing that takes less than this of its share has no use for a larger one."""


class Reading(Protocol):
    """What is known of a running stream; :func:`pynet.flow` gives it."""

    @property
    def age(self) -> float | None:
        """Seconds, of the newest picture as the receiver reported it; None where it does not."""

    @property
    def round_trip(self) -> float | None:
        """Seconds until the receiver's word that it has the newest picture; None before that."""

    @property
    def smallest_round_trip(self) -> float | None:
        """The shortest round trip of late; None before the first."""

    @property
    def rescued(self) -> int:
        """Parts that were sent again, so far."""

    @property
    def parts(self) -> int:
        """Parts that were sent, so far."""


class AdaptiveController:
    """Chooses among settings.

    Args:
        codec: ``"jpeg"`` or ``"h264"``.
        steps: the settings, the best one first; see :func:`~pynet.rc.video.ladder`.

    Attributes:
        step: index of the present setting.
    """

    def __init__(self, codec: str, steps: Sequence[Setting]) -> None:
        self._steps = tuple(steps)
        self._lossy_bytes = LOSSY_BYTES[codec]
        self.step = next(
            (i for i, s in enumerate(steps) if s.picture_bytes <= self._lossy_bytes),
            len(steps) - 1,
        )
        # How long it has to be calm before a step is tried, by the step's index: index i holds
        # for the way up to step i. A step that failed makes this longer.
        self._holds = [SHORTEST_HOLD] * len(self._steps)
        self._smallest = [float("inf"), float("inf")]
        self._renew_at: float | None = None
        self._trip = float("inf")
        self._excess: deque[tuple[float, float]] = deque()
        self._sum = 0.0
        self._last_age: float | None = None
        self._last_at = 0.0
        self._calm_since: float | None = None
        self._entered_at = float("-inf")
        self._deaf_until = float("-inf")
        self._counts: deque[tuple[float, int, int]] = deque()
        self._size: float | None = None

    @property
    def setting(self) -> Setting:
        """The present one."""
        return self._steps[self.step]

    def sent(self, size: int) -> None:
        """A picture was packed into so many bytes."""
        self._size = size if self._size is None else self._size + 0.1 * (size - self._size)

    def update(self, now: float, reading: Reading | None) -> Setting:
        """The setting for a picture that is packed now.

        Args:
            now: seconds of any clock that does not jump.
            reading: of the stream that the picture is for; None where there is none.
        """
        if reading is None:
            return self.setting
        # What is beyond the smallest of either is the same waiting.
        age = reading.round_trip if reading.age is None else reading.age
        if age is None or age == self._last_age:
            return self.setting
        if reading.smallest_round_trip is not None:
            self._trip = min(self._trip, reading.smallest_round_trip)
        waited = age - self._floor(now, age)
        passed = 0.0
        if self._last_age is not None:
            passed = min((now - self._last_at) * self.setting.fps, LONGEST_GAP)
        self._last_age, self._last_at = age, now
        self._count_losses(now, reading)
        if now >= self._deaf_until:
            self._judge(now, waited, passed, min(self._trip, LONGEST_TRIP))
        return self.setting

    def _judge(self, now: float, waited: float, passed: float, trip: float) -> None:
        """Takes a step, or none.

        Args:
            now: as for :meth:`update`.
            waited: the newest age beyond the smallest.
            passed: since the last report, in pictures' times.
            trip: the shortest round trip.
        """
        limit = LIMIT + LIMIT_TRIPS * trip
        comfort = COMFORT + COMFORT_TRIPS * trip
        self._sum = max(0.0, self._sum + passed * min(waited / limit - 1.0, LATEST))
        self._excess.append((now, waited))
        while self._excess[0][0] < now - SLOW:
            self._excess.popleft()
        middling = statistics.median(excess for _, excess in self._excess)
        if self._calm_since is None or self._sum > BAR / 2 or middling > comfort:
            self._calm_since = now
        if self._sum > BAR:
            many = 1 if waited < 4 * limit else 2 if waited < 10 * limit else 3
            self._down(now, many if self._lost < LOSSY else 1)
        elif now - self._excess[0][0] > 0.9 * SLOW and (
            middling > UNEASE * comfort or self.setting.picture_bytes > TOO_LARGE * self._largest
        ):
            self._down(now, 1)
        elif self.step and now - self._calm_since > self._holds[self.step - 1] and self._has_room():
            self._up(now)

    def _floor(self, now: float, age: float) -> float:
        """The smallest age of late, as far as it can be the way's own."""
        if self._renew_at is None:
            self._renew_at = now + MEMORY
        elif now >= self._renew_at:
            self._renew_at = now + MEMORY
            self._smallest = [self._smallest[1], float("inf")]
        self._smallest[1] = min(self._smallest[1], age)
        return min(*self._smallest, self._trip + ONE_WAY)

    def _count_losses(self, now: float, reading: Reading) -> None:
        self._counts.append((now, reading.rescued, reading.parts))
        while len(self._counts) > 2 and self._counts[1][0] < now - LOSS_MEMORY:
            self._counts.popleft()

    @property
    def _lost(self) -> float:
        """Share of the parts of late that were sent again."""
        _, rescued, parts = self._counts[0]
        return (self._counts[-1][1] - rescued) / max(1, self._counts[-1][2] - parts)

    @property
    def _largest(self) -> float:
        """What a picture may take, for what the link loses."""
        if not self._lost:
            return math.inf
        # Three times the loss wants about two thirds of the size: 2.5 and 7.5 % were measured.
        share: float = (LOSSY_SHARE / self._lost) ** 0.4
        return self._lossy_bytes * share

    def _has_room(self) -> bool:
        """True when the next better setting has a point."""
        if self._size is not None and self._size < USED * self.setting.picture_bytes:
            return False
        better = self._steps[self.step - 1].picture_bytes
        # Losses come in bursts: a link has to be known for a while before it counts as good.
        watched = self._counts[-1][0] - self._counts[0][0]
        known = watched > 0.9 * LOSS_MEMORY or better <= self._lossy_bytes
        return known and better <= self._largest

    def _down(self, now: float, steps: int) -> None:
        hold = self._holds[self.step]
        if now - self._entered_at < TRIAL:
            self._holds[self.step] = min(2 * hold, LONGEST_HOLD)
            steps = 1  # where it came from was good
        else:
            self._holds[self.step] = max(hold / 2, SHORTEST_HOLD)
        self._entered_at = float("-inf")
        self.step = min(self.step + steps, len(self._steps) - 1)
        self._deaf_until = now + SETTLE + (self._last_age or 0.0)
        self._begin(None)

    def _up(self, now: float) -> None:
        self.step -= 1
        self._entered_at = now
        self._begin(now)

    def _begin(self, now: float | None) -> None:
        self._sum = 0.0
        self._excess.clear()
        self._calm_since = now
