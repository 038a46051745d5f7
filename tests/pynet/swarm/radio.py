"""A simulated bad link with an explicit clock, and a swarm's two pure ends over it.

Each lane is a TCP connection as far as it matters: packets are lost while the link has a burst,
a lost one is sent again after the retransmission timeout, and what comes behind a hole waits.
"""

from __future__ import annotations

import heapq
import itertools
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from pynet.policy import Policy
from pynet.swarm.receiver import Arrived, SwarmReceiver
from pynet.swarm.report import read_report
from pynet.swarm.sender import SwarmSender
from pynet.wire.frames import Frame, Kind
from pynet.wire.limits import Limits
from pynet.wire.values import Buffer


@dataclass
class Air:
    """One link: when packets are lost, and how long they take.

    Attributes:
        delay, jitter: seconds one way; evenly spread.
        loss: share lost at any time.
        burst_every, burst_length: means of exponential times, seconds; 0 for no bursts.
        inside: share lost in a burst.
    """

    seed: int
    delay: float = 0.005
    jitter: float = 0.0025
    loss: float = 0.0
    burst_every: float = 0.0
    burst_length: float = 0.0
    inside: float = 0.0
    _edges: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.dice = random.Random(self.seed)
        self._times = random.Random(self.seed + 1)
        self.dead_from = self.dead_until = -1.0

    def loses(self, now: float) -> bool:
        """Whether a packet sent now is lost."""
        if self.dead_from <= now < self.dead_until:
            return True
        return self.dice.random() < (self.inside if self._in_burst(now) else self.loss)

    def takes(self) -> float:
        """Seconds the next packet takes."""
        return self.delay + self.dice.uniform(-self.jitter, self.jitter)

    def _in_burst(self, now: float) -> bool:
        if not self.burst_every:
            return False
        while not self._edges or self._edges[-1] <= now:
            last = self._edges[-1] if self._edges else 0.0
            good = len(self._edges) % 2 == 0
            mean = self.burst_every - self.burst_length if good else self.burst_length
            self._edges.append(last + self._times.expovariate(1 / mean))
        return len(self._edges) % 2 == 0


class Clock:
    """Runs what is due, in order."""

    def __init__(self) -> None:
        self.now = 0.0
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()

    def at(self, when: float, action: Callable[[], None]) -> None:
        """Do this at that time."""
        heapq.heappush(self._due, (max(when, self.now), next(self._order), action))

    def run(self, until: float) -> None:
        """Let time pass."""
        while self._due and self._due[0][0] <= until:
            self.now, _, action = heapq.heappop(self._due)
            action()
        self.now = until


class Way:
    """One direction of a lane: bytes arrive in order, however often it takes."""

    def __init__(
        self, clock: Clock, air: Air, rto: float, deliver: Callable[[Frame], None]
    ) -> None:
        self._clock, self._air, self._rto, self._deliver = clock, air, rto, deliver
        self._queue: list[tuple[Frame, list[bool]]] = []
        self.unacked = 0
        self.cut = False
        self._last = 0.0

    def send(self, frame: Frame) -> None:
        """Hand a frame to TCP."""
        here = [False]
        self._queue.append((frame, here))
        self.unacked += frame.size
        self._transmit(frame, here, 0)

    def _transmit(self, frame: Frame, here: list[bool], tries: int) -> None:
        if self.cut:
            return
        now = self._clock.now
        if self._air.loses(now):
            again = now + self._rto * (1.5 ** max(0, tries - 6))
            self._clock.at(again, lambda: self._transmit(frame, here, tries + 1))
            return
        arrival = max(now + self._air.takes(), self._last)
        self._last = arrival
        self._clock.at(arrival, lambda: self._arrive(here))

    def _arrive(self, here: list[bool]) -> None:
        here[0] = True
        while self._queue and self._queue[0][1][0] and not self.cut:
            frame = self._queue.pop(0)[0]
            self._deliver(frame)
            self._clock.at(self._clock.now + self._air.takes(), partial(self._acked, frame))

    def _acked(self, frame: Frame) -> None:
        self.unacked -= frame.size


class SimulatedPort:
    """A lane as the sender sees it."""

    def __init__(self, number: int, way: Way, knows: bool) -> None:
        self.number = number
        self.way = way
        self._knows = knows
        self.frames = 0

    def ready(self) -> bool:
        """It lives."""
        return not self.way.cut

    def unacked(self) -> int | None:
        """As the kernel would tell, if this one does."""
        return self.way.unacked if self._knows else None

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
        """Send a frame."""
        raw = None if body is None else np.frombuffer(bytes(body), np.uint8)
        size = 28 + len(meta) + (0 if raw is None else len(raw))
        self.frames += 1
        self.way.send(Frame(int(kind), 1, seq, time_us, bytes(meta), raw, size))
        return True


class Radio:
    """A swarm over a simulated link: a sender here, a receiver there, reports on the way back.

    Args:
        policy, copies, settled: of the sender.
        air: of both directions.
        lanes: how many.
        knows: the kernel tells what is unacknowledged.
        rto: seconds of TCP's retransmission timeout.

    Attributes:
        hungry: the user takes what is ready at once; set to False for one that does not.
        highest: the most items that were on the way at any time.
        taken: every item the user got, with the time.
        births: when each item was put, by its number.
    """

    def __init__(
        self,
        policy: Policy,
        air: Air,
        *,
        lanes: int = 8,
        copies: int = 1,
        settled: bool = False,
        knows: bool = True,
        rto: float = 0.03,
    ) -> None:
        self.clock = Clock()
        self.air = air
        self._rto = rto
        self._knows = knows
        self.sender = SwarmSender(policy, copies, settled)
        self.receiver = SwarmReceiver(policy, Limits())
        self.taken: list[tuple[float, Arrived]] = []
        self.births: list[float] = []
        self.hungry = True
        self.highest = 0
        self.ports: dict[int, SimulatedPort] = {}
        self._back: dict[int, Way] = {}
        self._timer = self._hole = -1.0
        self._numbers = itertools.count()
        for _ in range(lanes):
            self.add_lane()

    def add_lane(self) -> int:
        """One more lane; returns its number."""
        number = next(self._numbers)
        way = Way(self.clock, self.air, self._rto, lambda frame: self._arrive(number, frame))
        self.ports[number] = SimulatedPort(number, way, self._knows)
        self._back[number] = Way(self.clock, self.air, self._rto, self._on_report)
        self.receiver.add_lane(number)
        self.sender.add_lane(self.ports[number])
        self.run_sender()
        return number

    def cut_lane(self, number: int) -> None:
        """A lane is lost, with all that was on it."""
        self.ports.pop(number).way.cut = True
        self._back.pop(number).cut = True
        self.receiver.remove_lane(number)
        self.sender.remove_lane(number)
        self.run_sender()

    def put(self, meta: bytes) -> int:
        """Send an item now."""
        self.births.append(self.clock.now)
        number = self.sender.put(int(self.clock.now * 1e6), meta, ())
        self.highest = max(self.highest, self.sender.in_flight)
        self.run_sender()
        return number

    def run_sender(self) -> None:
        """Let the sender send."""
        when = self.sender.run(self.clock.now)
        if when is not None and not self.clock.now < self._timer <= when:
            self._timer = when
            self.clock.at(when, self.run_sender)

    def _arrive(self, number: int, frame: Frame) -> None:
        now = self.clock.now
        if number not in self.ports:
            return
        if frame.kind == Kind.ITEM:
            self.receiver.on_item(frame, number, now)
        else:
            self.receiver.on_part(frame, number, now)
        self._look()
        self._send_report(number)

    def _send_report(self, number: int) -> None:
        """On an idle lane if there is one, the one given before others."""
        if number not in self._back:
            return
        report = self.receiver.report(self.clock.now)
        idle = [n for n in (number, *self._back) if not self._back[n].unacked]
        meta = report.pack()
        frame = Frame(int(Kind.REPORT), 1, report.floor, report.time_us, meta, None, 28 + len(meta))
        self._back[idle[0] if idle else number].send(frame)

    def _look(self) -> None:
        """The user takes what is ready; the receiver is woken if it wants to be."""
        self.take_all()
        due = self.receiver.due
        if due is not None and not self.clock.now < self._hole <= due:
            self._hole = due
            self.clock.at(due, self._on_hole)

    def _on_hole(self) -> None:
        self.receiver.on_time(self.clock.now)
        self._look()
        self._send_report(next(iter(self._back), -1))

    def wake_user(self) -> None:
        """It is hungry again."""
        self.hungry = True
        self._on_hole()

    def take_all(self) -> None:
        """Take what is ready, if hungry."""
        while self.hungry and self.receiver.ready:
            item = self.receiver.take()
            now = self.clock.now
            self.taken.append((now, item))
            self.receiver.on_taken(item, now - item.time_us / 1e6, now)

    def _on_report(self, frame: Frame) -> None:
        self.sender.on_report(read_report(frame), self.clock.now)
        self.run_sender()

    def ages(self, start: float, end: float, step: float = 0.001) -> list[float]:
        """The age of the newest item taken so far, sampled."""
        events = [(at, self.births[item.id]) for at, item in self.taken]
        ages, newest, index = [], 0.0, 0
        for tick in range(int((end - start) / step)):
            now = start + tick * step
            while index < len(events) and events[index][0] <= now:
                newest = max(newest, events[index][1])
                index += 1
            ages.append(now - newest)
        return ages
