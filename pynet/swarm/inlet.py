"""The receiving end of a swarm: the pure receiver with its lock, lanes, clock and reports."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from pynet.errors import DecodeError, PynetError, RemoteProtocolError
from pynet.inlet import ItemInfo
from pynet.io.lane import Lane
from pynet.io.reactor import Reactor
from pynet.policy import Policy
from pynet.stats import LaneStats, Tally
from pynet.swarm.port import LanePort
from pynet.swarm.receiver import Arrived, SwarmReceiver
from pynet.swarm.report import Report
from pynet.wire.clock import ClockEstimate
from pynet.wire.frames import Frame, Kind
from pynet.wire.limits import Limits
from pynet.wire.values import Decoder

LATER = 0.06
"""Seconds after which it is reported that a command was taken, if none came meanwhile."""

OnEvent = Callable[[int, Frame], None]


class SwarmInlet:
    """Takes one flow's items off all lanes of a swarm. The reactor reads, one thread takes.

    Args:
        policy: of the flow.
        tally: counts.
        reactor: reads the lanes.
        limits: bound what may wait here.
        on_event: called on the reactor with frames that carry no items (RESULT, ERROR),
            and the number of their lane.
        takes_at_once: the items are commands, say: that they have arrived is reported without
            delay, that they were taken with the next one.
        sparing: small items are reported now and then only: their sender has newer ones before
            it would send them again, and its kernel tells which lanes are idle.

    Attributes:
        clock: estimate of the other side's clock, from the heartbeats of all lanes.
    """

    def __init__(
        self,
        policy: Policy,
        tally: Tally,
        reactor: Reactor,
        limits: Limits,
        on_event: OnEvent,
        *,
        takes_at_once: bool = False,
        sparing: bool = False,
    ) -> None:
        self.policy = policy
        self.tally = tally
        self.clock = ClockEstimate()
        self._reactor = reactor
        self._on_event = on_event
        self._takes_at_once = takes_at_once
        self._sparing = sparing
        self._receiver = SwarmReceiver(policy, limits)
        self._decoder = Decoder()
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._ports: list[LanePort] = []
        self._report_due = False
        self._hole_at: float | None = None
        self._stopped: PynetError | None = None
        self._over = False

    # ---- lanes --------------------------------------------------------------------------

    def add_lane(self, number: int, lane: Lane) -> None:
        """Receive over this lane, too; the reactor reads it from now on."""
        self.clock.absorb(lane.connection.clock)
        lane.connection.clock = self.clock
        with self._lock:
            self._ports.append(LanePort(number, lane))
            self._receiver.add_lane(number)
        lane.on_frames = partial(self._on_frames, number, lane)
        lane.hand_over()
        # On the reactor, like all that come later, so that one thread at a time takes frames.
        self._reactor.call_soon(lane.on_frames)

    def remove_lane(self, number: int) -> None:
        """A lane is lost or has ended."""
        with self._lock:
            self._ports = [port for port in self._ports if port.number != number]
            self._receiver.remove_lane(number)

    def lane_stats(self) -> tuple[LaneStats, ...]:
        """A reading of each lane."""
        with self._lock:
            ports = list(self._ports)
        return tuple(port.stats() for port in ports)

    # ---- the reactor --------------------------------------------------------------------

    def _on_frames(self, number: int, lane: Lane) -> None:
        events: list[Frame] = []
        prompt: tuple[LanePort, Report] | None = None
        try:
            with self._lock:
                now = time.monotonic()
                self._ports.sort(key=lambda port: port.number == number)
                try:
                    while lane.waiting():
                        frame = lane.next_frame(0)
                        if frame is None:
                            break
                        self._on_frame(number, frame, now, events)
                finally:  # what came before garbage counts
                    self.tally.duplicates = self._receiver.duplicates
                    self._tell()
                if self._sparing and not self._receiver.partial:
                    self._report_later()
                elif self._takes_at_once:
                    prompt = self._next_report()
                elif not self._report_due:
                    self._report_due = True
                    self._reactor.call_soon(self._report_soon)
            # A lane counts as busy until this is heard, and the report may go over another.
            lane.acknowledge()
            if prompt is not None:  # not under the lock, which who was woken wants now
                _send_report(*prompt)
        except PynetError as error:
            lane.refuse(error)
        for frame in events:
            self._on_event(number, frame)

    def _on_frame(self, number: int, frame: Frame, now: float, events: list[Frame]) -> None:
        if frame.kind == Kind.ITEM:
            self._receiver.on_item(frame, number, now)
        elif frame.kind == Kind.PART:
            self._receiver.on_part(frame, number, now)
        elif frame.kind == Kind.END:
            self._receiver.on_end(frame.seq)
        elif frame.kind == Kind.ITEMS:
            raise RemoteProtocolError("the other side sent a batch over a swarm's lane")
        else:
            events.append(frame)

    def _tell(self) -> None:
        """Wake who waits, if there is something for it. The caller holds the lock."""
        if self._receiver.ready or self._receiver.ended:
            self._changed.notify_all()
        due = self._receiver.due
        if due is not None and self._hole_at is None:
            self._hole_at = due
            self._reactor.call_at(due, self._on_hole)

    def _on_hole(self) -> None:
        """The reactor: nothing else may come that makes the receiver go on."""
        with self._lock:
            self._hole_at = None
            self._receiver.on_time(time.monotonic())
            self._tell()

    def _report_soon(self) -> None:
        with self._lock:
            self._report_due = False
            self._report()

    def _report_later(self) -> None:
        """Holds the lock."""
        if not self._report_due:
            self._report_due = True
            when = time.monotonic() + LATER
            self._reactor.call_at(when, self._report_soon, relaxed=True)

    def _report(self) -> None:
        """Tell the sender what is here. The caller holds the lock."""
        prompt = self._next_report()
        if prompt is not None:
            _send_report(*prompt)

    def _next_report(self) -> tuple[LanePort, Report] | None:
        """A report, and a lane where nothing, or least, stands before it. Holds the lock.

        The lane that brought something comes first: the report takes its acknowledgement along,
        which would else be delayed.
        """
        chosen: LanePort | None = None
        least = 0
        for port in reversed(self._ports):
            if port.ready():
                unacked = port.unacked() or 0
                if chosen is None or unacked < least:
                    chosen, least = port, unacked
                if not least:
                    break
        return None if chosen is None else (chosen, self._receiver.report(time.monotonic()))

    # ---- the user's thread --------------------------------------------------------------

    def take(self, timeout: float | None = None) -> tuple[Any, ItemInfo, Arrived] | None:
        """Wait for the next item.

        Returns:
            Its value, what is known about it, and what to give to :meth:`taken`; None after
            ``timeout`` seconds, and when :attr:`over`.

        Raises:
            DecodeError: the item cannot be read; the next one may be.
            PynetError: why there will be no more.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        with self._lock:
            while not self._receiver.ready:
                if self._stopped is not None:
                    raise self._stopped
                if self._over or self._receiver.ended:
                    self._over = True
                    return None
                left = None if deadline is None else deadline - time.monotonic()
                if left is not None and left <= 0:
                    return None
                self._changed.wait(left)
            item = self._receiver.take()
        info = self._info(item)
        try:
            value = self._decoder.decode(item.meta, item.body)
        except DecodeError:
            self.taken(item, info)
            raise
        self.tally.items += 1
        self.tally.dropped += item.gap
        self.tally.ages.add(info.age)
        return value, info, item

    def taken(self, item: Arrived, info: ItemInfo) -> None:
        """The user's function has the item, or has done with it: the sender may go on."""
        with self._lock:
            self._receiver.on_taken(item, info.age, time.monotonic())
            if not self._takes_at_once:
                self._report()
            else:
                self._report_later()

    def fetch(self, timeout: float | None) -> list[tuple[Any, ItemInfo]] | None:
        """For a sink, see :class:`~pynet.incoming.Supply`."""
        taken = self.take(timeout)
        if taken is None:
            return [] if self._over else None
        value, info, item = taken
        self.taken(item, info)
        return [(value, info)]

    @property
    def over(self) -> bool:
        """The flow has ended, and all its items were taken."""
        return self._over

    @property
    def ending(self) -> bool:
        """The sender has said its last word; what is missing of it may still come."""
        return self._receiver.ending

    def stop(self, error: PynetError | None) -> None:
        """There will be no more: after what has come :meth:`take` raises this, or ends."""
        with self._lock:
            self._stopped = self._stopped or error
            self._over = self._over or error is None
            self._changed.notify_all()

    def _info(self, item: Arrived) -> ItemInfo:
        now = time.monotonic()
        offset = self.clock.offset
        age = 0.0 if offset is None else max(0.0, now - item.time_us / 1e6 + offset)
        return ItemInfo(item.id, age, item.gap, now, offset or 0.0)


def _send_report(port: LanePort, report: Report) -> None:
    port.send(Kind.REPORT, report.pack(), None, report.floor, report.time_us)
