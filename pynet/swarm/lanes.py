"""A swarm's lanes as its sender sees them, and the choice among them. Pure.

The measured law: *not waiting beats copying*. A message goes on a lane that has nothing in
flight, for there nothing lost can stand before it. A lane that waits for the acknowledgement of
something old is probably in recovery, and is left alone.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Container, Iterable, Sequence
from typing import Protocol

from pynet.wire.frames import Kind
from pynet.wire.values import Buffer

SPARE_SHARE = 0.25
"""Share of the lanes that must be idle for a copy to be sent."""


class Port(Protocol):
    """One lane, as much of it as a sender needs."""

    @property
    def number(self) -> int:
        """Its number within the swarm; never used again."""

    def ready(self) -> bool:
        """It lives, and the kernel has taken all that was sent."""

    def unacked(self) -> int | None:
        """Bytes that the other machine has not acknowledged; None where nobody tells."""

    def send(
        self,
        kind: Kind,
        meta: bytes,
        body: Buffer | None,
        seq: int,
        time_us: int,
        *,
        hold: bool = False,
    ) -> bool:
        """Send a frame now, or together with the next one; False if the lane is lost."""


class SendLane:
    """What a sender knows about one lane.

    Attributes:
        sent: frames of items that were sent over it.
        seen: how many of them the receiver has reported.
        flights: number and time of each that it has not.
    """

    def __init__(self, port: Port) -> None:
        self.port = port
        self.sent = 0
        self.seen = 0
        self.flights: deque[tuple[int, float]] = deque()

    @property
    def number(self) -> int:
        """The port's number."""
        return self.port.number

    def idle(self) -> bool:
        """Nothing is in flight, as far as the reports or else the kernel tell."""
        return not self.flights or self.port.unacked() == 0

    def waiting_for(self, now: float) -> float:
        """Seconds for which the oldest frame in flight has not been reported."""
        return now - self.flights[0][1] if self.flights else 0.0

    def on_sent(self, now: float, *, idle: bool) -> None:
        """A frame of an item was sent; ``idle`` if nothing else was in flight then."""
        if idle:
            self.flights.clear()  # they have arrived; their report may still be under way
        self.sent += 1
        self.flights.append((self.sent, now))

    def on_seen(self, count: int, now: float) -> list[float]:
        """The receiver has so many in all; return how long the newly reported ones took."""
        self.seen = max(self.seen, min(count, self.sent))
        times = []
        while self.flights and self.flights[0][0] <= self.seen:
            times.append(now - self.flights.popleft()[1])
        return times


def idle_lane(lanes: Iterable[SendLane], tried: Container[int] = ()) -> SendLane | None:
    """The first lane that is free at once; one that was not tried yet, if there is any."""
    second: SendLane | None = None
    for lane in lanes:
        if lane.port.ready() and lane.idle():
            if lane.number not in tried:
                return lane
            second = second or lane
    return second


def spare_lane(lanes: Sequence[SendLane], tried: Container[int] = ()) -> SendLane | None:
    """For copies: an idle lane, as long as a quarter of all lanes is idle.

    The others are kept for what is newer: a swarm without an idle lane is no better than one
    connection.
    """
    idle = [lane for lane in lanes if lane.port.ready() and lane.idle()]
    if len(idle) < SPARE_SHARE * len(lanes):
        return None
    return next((lane for lane in idle if lane.number not in tried), None)


def trusted_lane(
    lanes: Iterable[SendLane], now: float, *, most: int, patience: float, tried: Container[int] = ()
) -> SendLane | None:
    """The lane with the least in flight among those that may take more.

    Args:
        lanes: in the order of preference among equals.
        now: seconds.
        most: frames that may be in flight on one lane.
        patience: seconds after which a lane that reported nothing is not trusted.
        tried: numbers of lanes to avoid if there are others.
    """
    best: SendLane | None = None
    best_rank: tuple[bool, int] = (True, most)
    for lane in lanes:
        rank = (lane.number in tried, len(lane.flights))
        full = len(lane.flights) >= most or lane.waiting_for(now) > patience
        if full or rank >= best_rank or not lane.port.ready():
            continue
        best, best_rank = lane, rank
    return best


def least_bad_lane(lanes: Iterable[SendLane], now: float) -> SendLane | None:
    """For what cannot wait: the lane with the least in flight, and the youngest of that."""
    ready = [lane for lane in lanes if lane.port.ready()]
    return min(ready, key=lambda lane: (len(lane.flights), lane.waiting_for(now)), default=None)


def settled_lane(lanes: Iterable[SendLane], now: float, *, patience: float) -> SendLane | None:
    """Failover: the first lane, until it keeps something longer than ``patience`` seconds."""
    for lane in lanes:
        if lane.port.ready() and lane.waiting_for(now) <= patience:
            return lane
    return None
