"""A real lane as the pure sender and the inlet see it."""

from __future__ import annotations

from pynet.errors import PynetError
from pynet.io.lane import Lane
from pynet.stats import LaneStats
from pynet.wire.frames import Kind
from pynet.wire.values import Buffer


class LanePort:
    """One lane of a swarm, under its number.

    Args:
        number: unique in the swarm; a lane that replaces another gets a new one.
        lane: open, its exchange begun.
    """

    def __init__(self, number: int, lane: Lane) -> None:
        self.number = number
        self.lane = lane

    def ready(self) -> bool:
        """It lives, and the kernel has taken all that was sent."""
        return self.lane.error is None and self.lane.drained

    def unacked(self) -> int | None:
        """Bytes the other machine has not acknowledged."""
        return self.lane.unacked()

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
        """Send a frame; False if the lane is lost or has ended, which others will notice."""
        raw = () if body is None else (body,)
        try:
            self.lane.send(kind, meta=meta, body=raw, seq=seq, time_us=time_us, hold=hold)
        except PynetError:
            return False
        return True

    def stats(self) -> LaneStats:
        """A reading of the lane."""
        lane = self.lane
        info = lane.tcp_info()
        return LaneStats(
            number=self.number,
            peer=lane.peer,
            live=lane.error is None,
            rtt=lane.connection.clock.rtt if info is None else info.rtt,
            rto=None if info is None else info.rto,
            unacked=lane.unacked(),
            retransmits=None if info is None else info.retransmits,
            bytes_sent=lane.bytes_sent,
            bytes_received=lane.bytes_received,
            options=dict(lane.options),
        )
