"""What a running stream can know about its own way to the receiver."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Flow:
    """A reading of one stream at its sending end; see :func:`pynet.flow`.

    Attributes:
        age: seconds the newest item was old when the receiver took it, as the receiver
            reckons; None before the first, and over a single lane.
        round_trip: seconds from an item's making to the receiver's word that it was taken.
        smallest_round_trip: the smallest of the newest 64.
        in_flight: items on the way, not taken yet.
        window: items that may be on the way now.
        parts: parts of items sent, each time counted.
        rescued: of these, sent again because nothing was heard of them in time.
        dropped: items replaced by newer ones before they were sent.
        lanes: pairs that serve the stream now.
    """

    age: float | None
    round_trip: float | None
    smallest_round_trip: float | None
    in_flight: int
    window: int
    parts: int
    rescued: int
    dropped: int
    lanes: int
