"""What the live flows of this process suffer: their delay above the shortest they had lately."""

from __future__ import annotations

import math
import threading
from collections import deque
from collections.abc import Hashable
from typing import NamedTuple

BASE_SPAN = 60.0
"""Seconds for which the shortest delay of a flow is remembered: the delay of the way itself."""

RECENT_SPAN, RECENT_COUNT, RECENT_LIMIT = 0.1, 4, 0.5
"""The shortest delay of the last 0.1 s counts as the delay now, or of the last four items, if those
came within 0.5 s. One late item is a lost packet that was sent again; a queue makes all items
late (RFC 6817, section 4.2: CURRENT_FILTER)."""

STEP = 0.002
"""Seconds; a shortest delay that falls by so much was not the shortest: a queue drains."""

DRAINED = 0.3
"""Seconds after which a shortest delay that fell no further is taken for the right one."""

JITTER_GAIN = 1 / 64
"""RFC 3550, section 6.4.1, has a sixteenth; here the memory spans a few stumbles of a radio."""

SILENT = 2.0
"""Seconds after which a flow that reports nothing is no longer live."""

SLOTS = 6


class RecentMinimum:
    """The smallest value of a sliding span of time, in constant memory.

    RFC 6817 keeps one minimum for each minute (BASE_HISTORY); here the span is cut into
    slots in the same way, so what is remembered is the span, or up to a sixth of it more.

    Args:
        span: seconds.
    """

    __slots__ = ("_slots", "_width")

    def __init__(self, span: float) -> None:
        self._width = span / SLOTS
        self._slots: deque[tuple[int, float]] = deque(maxlen=SLOTS + 1)

    def add(self, value: float, now: float) -> None:
        """Take a value."""
        slot = int(now / self._width)
        if self._slots and self._slots[-1][0] >= slot:
            newest, least = self._slots[-1]
            if value < least:
                self._slots[-1] = (newest, value)
        else:
            self._slots.append((slot, value))

    def read(self, now: float) -> float:
        """The smallest value of the span; of the newest slot when the span is empty."""
        oldest = int(now / self._width) - SLOTS
        slots = self._slots
        while len(slots) > 1 and slots[0][0] < oldest:
            slots.popleft()
        return min(least for _, least in slots)


class Reading(NamedTuple):
    """How the live flows are.

    Attributes:
        added: the largest delay of any of them above its own shortest, seconds.
        round_trip: the largest delay of any of them, seconds.
        drains: the shortest delay of one of them still falls, so it is not known yet.
        jitter: how much the delays of two items in a row differ, seconds, of the flow where that
            is largest. A queue makes all items late alike, so this is the way's own doing.
    """

    added: float
    round_trip: float
    drains: bool = False
    jitter: float = 0.0


class _Flow:
    __slots__ = ("base", "fell", "jitter", "recent", "seen", "shortest")

    def __init__(self) -> None:
        self.base = RecentMinimum(BASE_SPAN)
        self.recent: deque[tuple[float, float]] = deque()
        self.seen = 0.0
        self.fell = 0.0
        self.shortest = math.inf
        self.jitter = 0.0

    def report(self, delay: float, now: float) -> None:
        self.seen = now
        if self.recent:
            self.jitter += (abs(delay - self.recent[-1][1]) - self.jitter) * JITTER_GAIN
        self.base.add(delay, now)
        if delay < self.shortest - STEP:
            self.shortest, self.fell = delay, now
        recent = self.recent
        recent.append((now, delay))
        while len(recent) > RECENT_COUNT and recent[0][0] < now - RECENT_SPAN:
            recent.popleft()
        while recent[0][0] < now - RECENT_LIMIT:
            recent.popleft()

    def read(self, now: float) -> Reading:
        if not self.recent:
            return Reading(0.0, 0.0, drains=True)
        delay = min(delay for _, delay in self.recent)
        base = self.base.read(now)
        # Rises when the base does, so that a later fall shows.
        self.shortest = max(self.shortest, base)
        return Reading(delay - base, delay, now - self.fell < DRAINED, self.jitter)


class LiveDelays:
    """Where live flows report their delays, and bulk senders look. Safe from any thread.

    A report takes about a microsecond, so each item may make one. Times are of one monotonic
    clock; whether a flow reports round trips or ages does not matter, as long as it keeps to one.

    Args:
        silent: seconds after which a flow that reports nothing counts no more.
    """

    def __init__(self, silent: float = SILENT) -> None:
        self._silent = silent
        self._lock = threading.Lock()
        self._flows: dict[Hashable, _Flow] = {}

    def report(self, flow_id: Hashable, round_trip: float, now: float) -> None:
        """An item of a live flow has arrived.

        Args:
            flow_id: names the flow within this process.
            round_trip: seconds from sending it until it was taken, or its age there.
            now: monotonic time.
        """
        with self._lock:
            self._flow(flow_id, now).report(round_trip, now)

    def expect(self, flow_id: Hashable, now: float) -> None:
        """A live flow is being opened: bulk makes room before its first item is late."""
        with self._lock:
            self._flow(flow_id, now).seen = now

    def forget(self, flow_id: Hashable) -> None:
        """A flow has ended; bulk need not wait until it counts as silent."""
        with self._lock:
            self._flows.pop(flow_id, None)

    def reading(self, now: float) -> Reading | None:
        """How the live flows are; None when there is none, and bulk may go as fast as it can."""
        with self._lock:
            flows = [
                flow.read(now) for flow in self._flows.values() if now - flow.seen <= self._silent
            ]
        if not flows:
            return None
        return Reading(
            max(flow.added for flow in flows),
            max(flow.round_trip for flow in flows),
            any(flow.drains for flow in flows),
            max(flow.jitter for flow in flows),
        )

    def _flow(self, flow_id: Hashable, now: float) -> _Flow:
        flow = self._flows.get(flow_id)
        if flow is None:
            self._forget_old(now)
            flow = self._flows[flow_id] = _Flow()
        return flow

    def _forget_old(self, now: float) -> None:
        """A flow that pauses keeps its shortest delay for as long as that says anything."""
        old = [name for name, flow in self._flows.items() if now - flow.seen > BASE_SPAN]
        for name in old:
            del self._flows[name]


live_delays = LiveDelays()
"""Those of this process. A bulk process of its own is told by reports that travel to it."""
