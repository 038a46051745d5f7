"""The receiving end of a stream over several lanes."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any

from pynet.client import Client, Pair, Request
from pynet.dial import Dialler, read_error
from pynet.errors import ConnectionLost, PynetError, StreamLost
from pynet.inlet import ItemInfo
from pynet.stats import LaneStats
from pynet.swarm.inlet import SwarmInlet
from pynet.swarm.keeper import Joined, Keeper
from pynet.swarm.options import SwarmOptions
from pynet.swarm.pair import SwarmPair
from pynet.swarm.receiver import Arrived
from pynet.wire.frames import Frame, Kind

log = logging.getLogger("pynet.client")


class SwarmClient(SwarmPair, Client):
    """A :class:`Client` of one generator whose items come over several lanes, in parts.

    Lanes that are lost or stuck are replaced behind the scenes. If the Gateway had to begin
    the generator anew, the stream goes on with what the new one yields.
    """

    def __init__(
        self,
        dialler: Dialler,
        request: Request,
        *,
        lanes: int,
        options: SwarmOptions,
        callback: Callable[..., Any] | None,
        on_end: Callable[[PynetError | None], Any] | None,
        reconnect: bool | None,
        on_state: Callable[[str], Any] | None,
        on_gone: Callable[[Pair], None],
    ) -> None:
        self._keeper = Keeper(dialler, request, lanes, options, self)
        self._inlet: SwarmInlet | None = None
        self._reconnect = True
        super().__init__(
            dialler,
            request,
            callback=callback,
            on_end=on_end,
            reconnect=reconnect,
            on_state=on_state,
            on_gone=on_gone,
        )

    # ---- what the keeper tells ----------------------------------------------------------

    def on_lane(self, joined: Joined, *, anew: bool) -> None:
        """A lane joined."""
        self.policy = self._keeper.policy
        before = self._inlet
        if before is None or anew:
            self._inlet = SwarmInlet(
                self.policy,
                self.tally,
                self._dialler.reactor,
                self._dialler.limits,
                self._on_event,
            )
            self._clock = self._inlet.clock
            if before is not None:
                before.stop(ConnectionLost(f"{self.name} has begun anew"))
        assert self._inlet is not None
        self._inlet.add_lane(joined.number, joined.lane)
        if self._closing.is_set():
            self._keeper.send_all(Kind.CANCEL)
        self._tell_back()

    def _readings(self) -> tuple[LaneStats, ...]:
        return () if self._inlet is None else self._inlet.lane_stats()

    def _forget_lane(self, number: int) -> None:
        if self._inlet is not None:
            self._inlet.remove_lane(number)

    def on_silence(self, error: PynetError) -> None:
        """The last lane is lost."""
        assert self._inlet is not None
        if self._inlet.ending:
            return
        if not self._reconnect:
            self._inlet.stop(StreamLost(f"the stream {self.name} broke: {error}"))
            return
        self._tell_lost(error)

    def on_refused(self, error: PynetError) -> None:
        """No lane can be had any more."""
        if self._inlet is not None:
            self._inlet.stop(error)

    def stuck_lanes(self, patience: float) -> list[int]:
        """The other side sends, so only silence tells."""
        del patience
        return []

    def _on_event(self, number: int, frame: Frame) -> None:
        if frame.kind == Kind.ERROR and self._inlet is not None:
            self._inlet.stop(read_error(frame))
        else:
            log.debug("%s came over lane %d of %s", Kind(frame.kind).name, number, self.name)

    # ---- what differs from one lane -----------------------------------------------------

    def close(self) -> None:
        """As :meth:`Client.close`; ``on_state`` may call it, too."""
        if not self._keeper.calls():
            super().close()
            return
        self._closing.set()
        self._hang_up()
        if self._thread is None:
            self._gone()

    def _hang_up(self) -> None:
        self._keeper.send_all(Kind.CANCEL)
        if self._inlet is not None:
            self._inlet.stop(None)

    def _arrivals(self) -> Iterator[tuple[Any, ItemInfo, Arrived, SwarmInlet]]:
        while not self._closing.is_set():
            inlet = self._inlet
            assert inlet is not None
            try:
                taken = inlet.take()
            except PynetError:
                if inlet is self._inlet and not self._closing.is_set():
                    raise
                continue
            if taken is not None:
                yield (*taken, inlet)
            elif inlet is self._inlet:
                return

    def _deliver(self) -> None:
        callback = self._callback
        assert callback is not None
        for value, info, item, inlet in self._arrivals():
            more = callback(value, info) if self._with_info else callback(value)
            if more is False or self._closing.is_set():
                return
            inlet.taken(item, info)

    def _values(self) -> Iterator[Any]:
        try:
            for value, info, item, inlet in self._arrivals():
                inlet.taken(item, info)  # the loop has it as soon as we yield it
                self.info = info
                yield value
        except PynetError as error:
            self.error = error
            raise
        finally:
            self._gone()
