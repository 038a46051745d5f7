"""Figures every stream and feed keeps: counts, ages, round trips."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

_SUB = 16
"""Buckets per doubling: a percentile is read with an error of at most 1/16, 6 %."""


class AgeHistogram:
    """Ages in logarithmic buckets of microseconds; constant memory, about 0.3 us to add one."""

    def __init__(self) -> None:
        self._counts: dict[int, int] = {}
        self.count = 0
        self.newest = 0.0
        self.highest = 0.0

    def add(self, seconds: float, weight: int = 1) -> None:
        """Take an age; ``weight`` items had it."""
        self.newest = seconds
        if seconds > self.highest:
            self.highest = seconds
        micros = int(seconds * 1e6)
        if micros < _SUB:
            bucket = max(0, micros)
        else:
            power = micros.bit_length() - 5
            bucket = (power << 4) + (micros >> power)
        self._counts[bucket] = self._counts.get(bucket, 0) + weight
        self.count += weight

    def percentile(self, share: float) -> float | None:
        """Age in seconds that ``share`` (0 to 1) of the items did not exceed, or None."""
        if not self.count:
            return None
        counts = sorted(self._counts.copy().items())
        total = sum(n for _, n in counts)
        seen = 0
        for bucket, count in counts:
            seen += count
            if seen >= share * total:
                return min(_upper_edge(bucket), max(self.highest, 1e-6))
        return self.highest


def _upper_edge(bucket: int) -> float:
    if bucket < _SUB:
        return (bucket + 1) / 1e6
    power, mantissa = (bucket - _SUB) >> 4, (bucket & 15) + _SUB
    return ((mantissa + 1) << power) / 1e6


@dataclass(frozen=True, slots=True)
class LaneStats:
    """A reading of one lane of a swarm.

    Attributes:
        number: within the swarm; a lane that replaces a lost one has a new number.
        peer: ``host:port`` of the other end.
        live: False when it is lost and not yet replaced.
        rtt: smoothed round trip of TCP, or the newest heartbeat's, seconds.
        rto: seconds after which TCP repeats a lost packet now; None where nobody tells.
        unacked: bytes the other machine has not acknowledged; None where nobody tells.
        retransmits: packets TCP has sent again; None where nobody tells.
        bytes_sent, bytes_received: on the wire, all frames.
        options: socket options for freshness that the system accepted.
    """

    number: int
    peer: str
    live: bool
    rtt: float | None
    rto: float | None
    unacked: int | None
    retransmits: int | None
    bytes_sent: int
    bytes_received: int
    options: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FlowStats:
    """A reading of one stream or feed, at one end.

    Attributes:
        items: items taken (receiving) or handed to the kernel (sending).
        dropped: items that a policy or an age limit left out, as far as this end knows.
        reconnects: how often the connection was made anew.
        bytes_sent, bytes_received: on the wire, all frames.
        age_p50, age_p95, age_p99, age_max: seconds from the sender's making of an item
            until it was taken here; None before the first item, and at a sending end.
        round_trip: seconds from sending an item until the function at the other
            end had taken it, newest; None at a receiving end or before the first.
        rtt: newest heartbeat round trip, seconds.
        clock_offset: other side's monotonic clock minus this one's, seconds.
        duplicates: frames that told nothing new: copies, and parts sent again for nothing.
        rescued: parts sent again because nothing was heard of them.
        lanes: one reading for each lane of a swarm; empty for a single pair.
    """

    items: int = 0
    dropped: int = 0
    reconnects: int = 0
    bytes_sent: int = 0
    bytes_received: int = 0
    age_p50: float | None = None
    age_p95: float | None = None
    age_p99: float | None = None
    age_max: float | None = None
    round_trip: float | None = None
    rtt: float | None = None
    clock_offset: float | None = None
    duplicates: int = 0
    rescued: int = 0
    lanes: tuple[LaneStats, ...] = ()


class Tally:
    """What an end counts across reconnections."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.items = 0
        self.dropped = 0
        self.reconnects = 0
        self.bytes_sent = 0
        self.bytes_received = 0
        self.duplicates = 0
        self.rescued = 0
        self.round_trip: float | None = None
        self.ages = AgeHistogram()
