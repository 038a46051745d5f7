"""The sending end of a sink over several lanes."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

from pynet.client import Pair, Request
from pynet.dial import Dialler, read_error
from pynet.errors import PynetError, StreamLost
from pynet.feed import Feed
from pynet.stats import LaneStats
from pynet.swarm.keeper import Joined, Keeper
from pynet.swarm.options import SwarmOptions
from pynet.swarm.outlet import SwarmOutlet
from pynet.swarm.pair import SwarmPair
from pynet.wire.clock import ClockEstimate
from pynet.wire.frames import Frame, Kind
from pynet.wire.values import Decoder

log = logging.getLogger("pynet.client")


class SwarmFeed(SwarmPair, Feed):
    """A :class:`Feed` whose items go over whichever lane has nothing in flight.

    Lanes that are lost or stuck are replaced behind the scenes; the feed is lost only
    when all of them are.
    """

    def __init__(
        self,
        dialler: Dialler,
        request: Request,
        *,
        lanes: int,
        options: SwarmOptions,
        reconnect: bool | None,
        on_state: Callable[[str], Any] | None,
        on_end: Callable[[PynetError | None], Any] | None,
        on_gone: Callable[[Pair], None],
    ) -> None:
        self._keeper = Keeper(dialler, request, lanes, options, self)
        self._options = options
        self._answered = threading.Event()
        self._answer: Frame | None = None
        self._failure: PynetError | None = None
        self._epoch = 0
        self._reconnect = True
        self._ended_with = -1
        super().__init__(
            dialler,
            request,
            reconnect=reconnect,
            on_state=on_state,
            on_end=on_end,
            on_gone=on_gone,
        )

    # ---- what the keeper tells ----------------------------------------------------------

    def on_lane(self, joined: Joined, *, anew: bool) -> None:
        """A lane joined."""
        self.policy = self._keeper.policy
        outlet = self._outlet
        if not isinstance(outlet, SwarmOutlet):
            outlet = self._outlet = SwarmOutlet(
                self.policy,
                self.tally,
                self._dialler.reactor,
                self._dialler.limits,
                copies=self._options.copies,
                settled=self._options.settled,
            )
        elif anew and self.policy.lossless:
            self._fail(StreamLost(f"{self.name} has begun anew, without what was sent before"))
            return
        self._epoch = joined.epoch
        lane = joined.lane
        if anew:  # it may be another machine, or was started again
            self._clock = ClockEstimate()
        self._clock.absorb(lane.connection.clock)
        lane.connection.clock = self._clock
        lane.on_control = outlet.on_report
        lane.on_frames = partial(self._on_frames, joined)
        lane.hand_over()
        self._dialler.reactor.call_soon(lane.on_frames)
        outlet.add_lane(joined.number, lane)
        if self._ended_with >= 0:
            self._keeper.send_all(Kind.END, self._ended_with)
        self._tell_back()

    def _readings(self) -> tuple[LaneStats, ...]:
        return self._outlet.lane_stats() if isinstance(self._outlet, SwarmOutlet) else ()

    def _forget_lane(self, number: int) -> None:
        if isinstance(self._outlet, SwarmOutlet):
            self._outlet.remove_lane(number)

    def on_silence(self, error: PynetError) -> None:
        """The last lane is lost."""
        if self._finishing or not self._reconnect:
            self._fail(StreamLost(f"the feed {self.name} broke: {error}"))
        elif not self._answered.is_set():
            self._tell_lost(error)

    def on_refused(self, error: PynetError) -> None:
        """No lane can be had any more."""
        self._fail(error)

    def stuck_lanes(self, patience: float) -> list[int]:
        """Numbers of lanes that owe a report for so many seconds."""
        return self._outlet.stuck(patience) if isinstance(self._outlet, SwarmOutlet) else []

    def _on_frames(self, joined: Joined) -> None:
        """The reactor: the function has returned, or raised."""
        try:
            while joined.lane.waiting():
                frame = joined.lane.next_frame(0)
                if frame is None or self._answered.is_set() or joined.epoch != self._epoch:
                    return
                if frame.kind in (Kind.RESULT, Kind.ERROR):
                    self._answer = frame
                    self._answered.set()
        except PynetError as error:
            log.debug("lane %d of %s: %s", joined.number, self.name, error)

    def _fail(self, error: PynetError) -> None:
        if not self._answered.is_set():
            self._failure = error
            self._answered.set()

    # ---- what differs from one lane -----------------------------------------------------

    def _watch(self) -> None:
        self._answered.wait()
        if self._failure is not None:
            raise self._failure
        if self._answer is None:
            return
        if self._answer.kind == Kind.ERROR:
            raise read_error(self._answer)
        self._result = Decoder().decode(self._answer.meta, self._answer.body)

    def _say_end(self, patience: float | None) -> None:
        outlet = self._outlet
        assert isinstance(outlet, SwarmOutlet)
        if not outlet.wait_done(self._answered.is_set, patience) and not self._answered.is_set():
            log.info("the feed %s was closed before all of it had arrived", self.name)
        self._ended_with = outlet.count
        self._keeper.send_all(Kind.END, outlet.count)

    def close(self) -> None:
        """As :meth:`Feed.close`; ``on_state`` may call it, too."""
        if not self._keeper.calls():
            super().close()
            return
        self._finishing = True
        self._closing.set()
        self._hang_up()
        if self._outlet is not None:
            self._outlet.wake()

    def _hang_up(self) -> None:
        self._keeper.send_all(Kind.CANCEL)
        if not self._answered.is_set():
            self._answered.set()
