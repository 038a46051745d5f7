"""What the Controller's two ends of a swarm have in common."""

from __future__ import annotations

import abc
import dataclasses

from pynet.client import LIVE, RECONNECTING, Pair
from pynet.errors import PynetError
from pynet.io.lane import Lane
from pynet.stats import FlowStats, LaneStats
from pynet.swarm.keeper import Joined, Keeper


class SwarmPair(Pair):
    """A :class:`Pair` whose lanes a :class:`Keeper` looks after."""

    _keeper: Keeper

    @property
    def lanes(self) -> int:
        """How many pairs serve it now; more may join, up to as many as the Gateway granted."""
        return len(self._keeper.lanes)

    @property
    def granted(self) -> int:
        """How many pairs the Gateway grants."""
        return self._keeper.granted

    @property
    def stats(self) -> FlowStats:
        """Figures since the beginning, with one reading for each lane."""
        tally, readings = self.tally, self._readings()
        return dataclasses.replace(
            super().stats,
            bytes_sent=tally.bytes_sent + sum(r.bytes_sent for r in readings),
            bytes_received=tally.bytes_received + sum(r.bytes_received for r in readings),
            duplicates=tally.duplicates,
            rescued=tally.rescued,
            lanes=readings,
        )

    @abc.abstractmethod
    def _readings(self) -> tuple[LaneStats, ...]:
        """One for each lane."""

    @abc.abstractmethod
    def _forget_lane(self, number: int) -> None:
        """Neither send nor receive over it any more."""

    def on_lane_lost(self, joined: Joined) -> None:
        """A lane is lost, or was replaced."""
        self.tally.bytes_sent += joined.lane.bytes_sent
        self.tally.bytes_received += joined.lane.bytes_received
        self._forget_lane(joined.number)

    def _tell_lost(self, error: PynetError) -> None:
        self.error = error
        self.tally.reconnects += 1
        self._tell(RECONNECTING)

    def on_vain(self, error: PynetError) -> None:
        """A lane could not be had; it is tried again."""
        if self._state == RECONNECTING and not self._closing.is_set():
            self.error = error

    def _tell_back(self) -> None:
        if self._state == RECONNECTING:
            self.error = None
            self._tell(LIVE)

    def _open(self, lane: Lane | None = None) -> Lane:
        del lane
        return self._keeper.start().lane

    def _drop_lane(self) -> None:
        self._lane = None
        self._keeper.close()
