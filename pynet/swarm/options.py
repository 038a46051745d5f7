"""What a Client asks of a swarm, as it travels with the request of each lane."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pynet.errors import ConfigurationError

MOST_COPIES = 4
EPOCH_BITS = 32
"""Lowest bits of an epoch, which count runs of functions; the others name the Gateway's process."""

STRATEGIES = ("idle", "failover")


@dataclass(frozen=True, slots=True)
class SwarmOptions:
    """How the items of one swarm go over its lanes.

    Attributes:
        lane: number of the lane that asks, unique within the swarm.
        copies: how often each part is sent, spaced in time, while lanes are idle.
        settled: failover instead of any idle lane.
        knows: the Client's kernel tells what is unacknowledged, so it needs few reports.
    """

    lane: int
    copies: int = 1
    settled: bool = False
    knows: bool = False

    def pack(self) -> list[Any]:
        """For the wire."""
        return [self.lane, self.copies, self.settled, self.knows]

    @classmethod
    def unpack(cls, note: Any) -> SwarmOptions:
        """From the wire, within sane bounds.

        Raises:
            ConfigurationError: torn or out of bounds.
        """
        try:
            lane, copies, settled, knows = note
            sane = (
                type(lane) is int
                and 0 <= lane < 1 << 32
                and type(copies) is int
                and 1 <= copies <= MOST_COPIES
                and type(settled) is bool
                and type(knows) is bool
            )
        except (TypeError, ValueError):
            sane = False
        if not sane:
            raise ConfigurationError(f"the other side asked for an impossible swarm {note!r:.80}")
        return cls(lane, copies, settled, knows)
