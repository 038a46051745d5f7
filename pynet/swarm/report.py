"""What the receiving end of a swarm tells the sending end. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

import msgpack

from pynet.errors import RemoteProtocolError
from pynet.wire.frames import Frame
from pynet.wire.values import unpack

MOST_ENTRIES = 1024
"""Numbers in a report: pairs for each lane and for each item of which parts are here."""


@dataclass(frozen=True, slots=True)
class Report:
    """One REPORT frame. Each tells everything, so that a lost or late one does no harm.

    Attributes:
        floor: items below this number are whole, or not wanted any more.
        taken: number of the newest item that the user's function was given, or -1.
        time_us: when that item was made, sender's clock; 0 before the first.
        age_us: how old it was when it was taken, as the receiver reckons.
        since_us: how long ago that was, when the report was made.
        seen: for each lane how many frames of items have come over it.
        have: for items at and above the floor which parts are here, as bits.
    """

    floor: int = 0
    taken: int = -1
    time_us: int = 0
    age_us: int = 0
    since_us: int = 0
    seen: dict[int, int] = field(default_factory=dict)
    have: dict[int, int] = field(default_factory=dict)

    def pack(self) -> bytes:
        """The msgpack part of the frame; floor and time go into its header."""
        seen = [number for pair in self.seen.items() for number in pair]
        have = [number for pair in self.have.items() for number in pair]
        packed: bytes = msgpack.packb((self.taken, self.age_us, self.since_us, seen, have))
        return packed


def read_report(frame: Frame) -> Report:
    """A report from its frame.

    Raises:
        RemoteProtocolError: it is torn.
    """
    try:
        taken, age_us, since_us, seen, have = unpack(frame.meta, msgpack.ExtType)
        numbers = (taken, age_us, since_us, *seen, *have)
        sane = (
            type(seen) is type(have) is list
            and all(type(number) is int for number in numbers)
            and len(seen) % 2 == len(have) % 2 == 0
            and len(numbers) <= MOST_ENTRIES
        )
    except Exception:  # msgpack raises half a dozen unrelated classes
        sane = False
    if not sane:
        raise RemoteProtocolError("the other side sent a torn report about a swarm's items")
    return Report(
        floor=frame.seq,
        taken=taken,
        time_us=frame.time_us,
        age_us=age_us,
        since_us=since_us,
        seen=dict(zip(seen[::2], seen[1::2], strict=True)),
        have=dict(zip(have[::2], have[1::2], strict=True)),
    )
