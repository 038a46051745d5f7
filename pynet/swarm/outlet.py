"""The sending end of a swarm: the pure sender with its lock, lanes and timer."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any

from pynet.bulk import live_delays
from pynet.errors import EncodeError, PynetError
from pynet.flow import Flow
from pynet.io.lane import Lane
from pynet.io.reactor import Reactor
from pynet.policy import Policy
from pynet.stats import LaneStats, Tally
from pynet.swarm.port import LanePort
from pynet.swarm.report import read_report
from pynet.swarm.sender import SwarmSender
from pynet.wire.frames import Frame, Kind
from pynet.wire.limits import Limits
from pynet.wire.values import Encoder

TIMER_SLACK = 0.0005
RECENT_ROUND_TRIPS = 64


class SwarmOutlet:
    """Sends the items of one flow over all lanes of a swarm. Lanes come and go.

    One thread at a time may :meth:`put`; everything else may be called from any thread.

    Args:
        policy: of the flow.
        tally: counts.
        reactor: runs the timer for copies and rescues.
        limits: of an item; taken to be the other side's too.
        copies: see :class:`SwarmSender`.
        settled: likewise.
    """

    def __init__(
        self,
        policy: Policy,
        tally: Tally,
        reactor: Reactor,
        limits: Limits,
        *,
        copies: int = 1,
        settled: bool = False,
    ) -> None:
        self.policy = policy
        self.tally = tally
        self._reactor = reactor
        self._limits = limits
        self._encode = Encoder().encode
        self._sender = SwarmSender(policy, copies, settled)
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._ports: dict[int, LanePort] = {}
        self._timer_at: float | None = None
        self._timer_relaxed = False
        self._error: PynetError | None = None
        self._flow_id = object()
        self._round_trips: deque[float] = deque(maxlen=RECENT_ROUND_TRIPS)
        if policy.live:
            live_delays.expect(self._flow_id, time.monotonic())

    # ---- lanes --------------------------------------------------------------------------

    def add_lane(self, number: int, lane: Lane) -> None:
        """Send over this lane, too."""
        port = LanePort(number, lane)
        lane.on_drained = self._on_drained
        with self._lock:
            self._ports[number] = port
            self._sender.add_lane(port)
            self._run()
            self._changed.notify_all()

    def remove_lane(self, number: int) -> None:
        """A lane is lost; what went over it alone goes over another."""
        with self._lock:
            if self._ports.pop(number, None) is not None:
                self._sender.remove_lane(number)
                self._run()

    def lane_stats(self) -> tuple[LaneStats, ...]:
        """A reading of each lane."""
        with self._lock:
            ports = list(self._ports.values())
        return tuple(port.stats() for port in ports)

    def stuck(self, patience: float) -> list[int]:
        """Numbers of lanes that have owed a report for so many seconds."""
        now = time.monotonic()
        with self._lock:
            return [
                lane.number
                for lane in self._sender.lanes
                if lane.waiting_for(now) > patience and lane.port.unacked() != 0
            ]

    # ---- producing ----------------------------------------------------------------------

    @property
    def credit(self) -> int:
        """More than 0 when an item put now would go out at once."""
        return int(self._sender.room() and bool(self._ports))

    def wait_ready(self, stop: Callable[[], bool], timeout: float | None = None) -> bool:
        """Wait until an item put now would go out at once.

        Returns:
            False when ``stop`` says so, or after ``timeout`` seconds.

        Raises:
            PynetError: nothing will go out any more.
        """
        return self._wait(lambda: bool(self._ports) and self._sender.room(), stop, timeout)

    def wait_done(self, stop: Callable[[], bool], timeout: float | None = None) -> bool:
        """Wait until the receiver has all that must not be lost. As :meth:`wait_ready`."""
        return self._wait(lambda: not self._sender.unfinished, stop, timeout)

    def _wait(
        self, ready: Callable[[], bool], stop: Callable[[], bool], timeout: float | None
    ) -> bool:
        deadline = None if timeout is None else time.monotonic() + timeout
        with self._lock:
            while not stop():
                if self._error is not None:
                    raise self._error
                if ready():
                    return True
                left = None if deadline is None else deadline - time.monotonic()
                if left is not None and left <= 0:
                    return False
                self._changed.wait(left)
        return False

    def put(self, value: Any, item_id: int | None = None) -> None:
        """Send an item, or keep it as the policy says. Blocks never.

        Args:
            value: anything that can travel.
            item_id: a swarm's items are numbered here; given by whoever feeds single lanes, too.

        Raises:
            EncodeError: the value cannot travel; the flow goes on.
            PynetError: the flow has ended.
        """
        del item_id
        born = time.monotonic()
        meta, body = self._encode(value)
        body_len = sum(memoryview(buffer).nbytes for buffer in body) if body else 0
        self._check_size(len(meta), body_len)
        with self._lock:
            if self._error is not None:
                raise self._error
            self._sender.put(int(born * 1e6), meta, body)
            self.tally.items += 1
            self._run()

    def _check_size(self, meta_len: int, body_len: int) -> None:
        limits = self._limits
        if meta_len > limits.meta or body_len > limits.body:
            raise EncodeError(
                f"this value takes {meta_len} bytes of msgpack, {body_len} of arrays; the Limits "
                f"are {limits.meta} and {limits.body}. Send large data as arrays, or in parts, or "
                "raise the Limits on both sides"
            )

    def flush(self) -> None:
        """Nothing is gathered here."""

    def wake(self) -> None:
        """Make waiting threads ask their ``stop`` again."""
        with self._lock:
            self._changed.notify_all()

    def finish(self, error: PynetError) -> None:
        """Nothing can be sent any more: whoever waits gets this error."""
        with self._lock:
            self._error = error
            self._changed.notify_all()
        live_delays.forget(self._flow_id)

    @property
    def count(self) -> int:
        """Items put so far."""
        return self._sender.next_id

    def end(self) -> None:
        """Tell the receiver on every lane how many items there were."""
        with self._lock:
            for port in self._ports.values():
                port.send(Kind.END, b"", None, self._sender.next_id, 0)

    def flow(self) -> Flow:
        """A reading of this end."""
        sender = self._sender
        with self._lock:
            return Flow(
                age=sender.age,
                round_trip=sender.round_trip,
                smallest_round_trip=min(self._round_trips, default=None),
                in_flight=sender.in_flight,
                window=sender.window.allowed,
                parts=sender.sent,
                rescued=sender.rescued,
                dropped=sender.dropped,
                lanes=len(self._ports),
            )

    # ---- from the receiver --------------------------------------------------------------

    def on_report(self, frame: Frame) -> None:
        """The receiver told what it has; called by whichever thread reads.

        Raises:
            RemoteProtocolError: the report is torn.
        """
        report = read_report(frame)
        with self._lock:
            before = self._sender.round_trip
            now = time.monotonic()
            self._sender.on_report(report, now)
            newest = self._sender.round_trip
            if newest is not None and newest is not before:
                self._round_trips.append(newest)
                self.tally.round_trip = newest
                if self.policy.live and self._error is None:
                    live_delays.report(self._flow_id, newest, now)
            self._run()
            self._changed.notify_all()

    def _on_drained(self) -> None:
        with self._lock:
            self._run()

    def _on_timer(self, when: float) -> None:
        with self._lock:
            if when != self._timer_at:  # an earlier one took its place
                return
            self._timer_at = None
            self._run()

    def _run(self) -> None:
        """Send what can be sent, and see to it that this is done again. Holds the lock."""
        when = self._sender.run(time.monotonic())
        self.tally.dropped = self._sender.dropped
        self.tally.rescued = self._sender.rescued
        if when is None or self._error is not None:
            return
        relaxed = self._sender.relaxed
        # The reactor may sleep through a relaxed one, so nothing that matters may wait for it.
        late = self._timer_relaxed and not relaxed
        if self._timer_at is None or late or when < self._timer_at - TIMER_SLACK:
            self._timer_at = when
            self._timer_relaxed = relaxed
            self._reactor.call_at(when, partial(self._on_timer, when), relaxed=relaxed)
