"""The sending end of a swarm, without I/O: which part goes when on which lane.

Every entry takes the time as an argument; lanes are :class:`~pynet.swarm.lanes.Port` objects.
:meth:`SwarmSender.run` sends what can be sent and tells when it wants to run again.
"""

from __future__ import annotations

import heapq
import itertools
from collections import deque
from collections.abc import Sequence

import msgpack

from pynet.policy import ITEM_COST, Policy
from pynet.swarm.lanes import (
    Port,
    SendLane,
    idle_lane,
    least_bad_lane,
    settled_lane,
    spare_lane,
    trusted_lane,
)
from pynet.swarm.parts import PART_SIZE, cut
from pynet.swarm.receiver import MOST_OPEN
from pynet.swarm.report import Report
from pynet.swarm.window import Window
from pynet.wire.frames import HEADER_SIZE, Kind
from pynet.wire.values import Buffer

COPY_GAP, LOSSLESS_GAP = 0.005, 0.010
"""Seconds between the copies of a part: two sent at once die in the same burst. What is live has
a successor soon, and its copy must come before that."""

RESCUE_FACTOR, RESCUE_EXTRA = 1.5, 0.004
"""A part is sent again on another lane after 1.5 usual times of a report and 4 ms."""

RESCUE_FIRST, RESCUE_LEAST, RESCUE_MOST = 0.05, 0.008, 0.25
CALM = 0.03
"""Seconds before the newest small item of a latest flow is sent again: by then there will be a
newer one, unless the flow pauses."""

ARRIVED = 0.05
"""Seconds more for the report of a part that the other machine is known to have."""

INSISTENCE = 0.75
"""Of that patience for a small item that must arrive: it costs little to send it once more."""

RETRY = 0.003
"""Seconds until lanes are looked at again when none would do: not every kernel tells."""

PART_RISK = 0.05
"""Parts are as large as this share of them is lost, at most."""

MOST_PACKETS = 11
FIRST_LOSS, LOSS_MEMORY = 0.005, 200
"""Where the estimate begins, and how many parts it remembers."""

LIVE_WINDOW = 4
"""Large items of a live flow that may be on the way at most; see :class:`Window`."""

MOST_FLIGHTS = 16
RECENT = 33
MOST_STALE = 256
"""Unsent parts, beyond twice those still wanted, among which superseded ones may be; more are
looked through."""

MOST_TOGETHER, TOGETHER_GAP = 14, 0.008
"""So many small items that must arrive and are not reported go along with the next packet, each
that was not sent for so many seconds; longer where more of them are on the way."""

MOST_TRIES = 6
"""Tries of a part of an item that may be lost; more would be for a picture of long ago."""


class _Item:
    """One item until the receiver has it, or does not want it any more."""

    __slots__ = (
        "born_us",
        "first_sent",
        "gone",
        "id",
        "meta_len",
        "parts",
        "rescued",
        "size",
        "small",
        "unsent",
    )

    def __init__(self, id: int, born_us: int, meta_len: int, data: list[memoryview]) -> None:
        self.id = id
        self.born_us = born_us
        self.meta_len = meta_len
        self.small = len(data[0]) <= PART_SIZE and len(data) == 1
        self.size = sum(map(len, data)) + ITEM_COST
        self.first_sent = 0.0
        self.rescued = False
        self.gone = False
        self.unsent = len(data)
        self.parts = [_Part(self, index, piece) for index, piece in enumerate(data)]


class _Part:
    """A part of an item: what was tried so far."""

    __slots__ = ("copies", "data", "due", "here", "index", "item", "sent_at", "tried", "tries")

    def __init__(self, item: _Item, index: int, data: memoryview) -> None:
        self.item = item
        self.index = index
        self.data = data
        self.here = False
        self.tried: set[int] = set()
        self.tries = 0
        self.copies = 0
        self.due = 0.0
        self.sent_at = 0.0


class SwarmSender:
    """Numbers items and brings them over, as their policy wants.

    Args:
        policy: what may be lost, and how much may be on the way.
        copies: how often each part is sent, spaced in time, while lanes are idle.
        settled: use one lane until it is suspect (failover), instead of any idle one.

    Attributes:
        window: how many large items may be on the way.
        dropped: items that newer ones have replaced before they were sent.
        rescued: parts sent again because no report came in time.
        sent: parts sent in all.
        round_trip: seconds from the newest taken item's making to the report of it.
        age: seconds that item was old when it was taken, as the receiver reckons.
        loss: share of the packets that got lost lately, as rescues tell.
        relaxed: what :meth:`run` waits for does not matter much: soon there will be a newer item.
    """

    def __init__(self, policy: Policy, copies: int = 1, settled: bool = False) -> None:
        self.policy = policy
        self._lossless = policy.lossless
        self._latest = policy.kind == "latest"
        most = policy.window if policy.lossless else max(policy.window, LIVE_WINDOW)
        self.window = Window(most if policy.unit == "items" else 1)
        self.dropped = self.rescued = self.sent = 0
        self.round_trip: float | None = None
        self.age: float | None = None
        self.floor = 0
        self.relaxed = False
        self.loss = FIRST_LOSS
        self.lanes: list[SendLane] = []
        self.patience = RESCUE_FIRST
        self._copies = copies
        self._settled = settled
        self._next_id = 0
        self._items: dict[int, _Item] = {}
        self._untaken: dict[int, _Item] = {}
        self._taken = -1
        self._untaken_bytes = 0
        self._mail: deque[_Item] = deque()
        self._urgent: deque[_Part] = deque()
        self._fresh: deque[_Part] = deque()
        self._most_fresh = MOST_STALE
        self._due: list[tuple[float, int, _Part]] = []
        self._order = itertools.count()
        self._times: deque[float] = deque(maxlen=RECENT)
        self._most_flights = 2
        self._starved = False
        self._calmed_at = 0.0

    # ---- lanes --------------------------------------------------------------------------

    def add_lane(self, port: Port) -> None:
        """One more lane; :meth:`run` afterwards."""
        self.lanes.append(SendLane(port))

    def remove_lane(self, number: int) -> None:
        """A lane is lost: what went over it alone is sent again. :meth:`run` afterwards."""
        self.lanes = [lane for lane in self.lanes if lane.number != number]
        for item in self._items.values():
            for part in item.parts:
                if part.tries and not part.here and number in part.tried:
                    part.tried.discard(number)
                    if not part.tried and part not in self._urgent:
                        self._urgent.append(part)

    # ---- items --------------------------------------------------------------------------

    @property
    def next_id(self) -> int:
        """Number of the next item."""
        return self._next_id

    @property
    def in_flight(self) -> int:
        """Items on the way: sent, and not taken yet."""
        return len(self._untaken)

    @property
    def unfinished(self) -> bool:
        """An item that must not be lost has not been taken, or one still wanted is not there."""
        if self._lossless:
            return bool(self._untaken)
        kept = self._items.values()
        return bool(self._mail) or any(not p.here for item in kept for p in item.parts)

    @property
    def part_size(self) -> int:
        """Bytes of a part: a packet where many are lost, more where it would be effort in vain."""
        packets = int(PART_RISK / self.loss)
        return PART_SIZE * max(1, min(MOST_PACKETS, packets))

    def room(self) -> bool:
        """A producer may make the next item: it would go out at once."""
        if self.policy.unit == "bytes":
            few = len(self._untaken) < MOST_OPEN // 2
            return few and self._untaken_bytes < self.policy.window
        if self._lossless:
            return len(self._untaken) < self.window.allowed
        return len(self._untaken) < self.window.allowed and not self._mail

    def put(self, born_us: int, meta: bytes, body: Sequence[Buffer]) -> int:
        """Take an item; :meth:`run` afterwards. Returns its number."""
        small = not body and len(meta) <= PART_SIZE
        data = [memoryview(meta)] if small else cut(meta, body, self.part_size)
        item = _Item(self._next_id, born_us, len(meta), data)
        self._next_id += 1
        if self._lossless or (item.small and not self._mail) or self.room():
            self._admit(item)
            return item.id
        if len(self._mail) >= self.policy.depth:
            self._mail.popleft()
            self.dropped += 1
        self._mail.append(item)
        return item.id

    def _admit(self, item: _Item) -> None:
        if self._latest and item.small:
            # Newer than all before it: what of those waits, or was lost, is not worth a packet.
            for old in list(self._items.values()):
                if old.small:
                    self.dropped += bool(old.unsent)
                    self._forget(old)
        elif self.policy.kind == "keep_last" and len(self._items) >= self.policy.depth:
            oldest = next(iter(self._items.values()))
            self.dropped += bool(oldest.unsent)
            self._forget(oldest)
        self._items[item.id] = item
        if self._lossless or not item.small:
            self._untaken[item.id] = item
            self._untaken_bytes += item.size
        if len(self._fresh) > self._most_fresh:
            self._fresh = deque(part for part in self._fresh if self._wanted(part))
            self._most_fresh = MOST_STALE + 2 * len(self._fresh)
        self._fresh.extend(item.parts)

    def _forget(self, item: _Item) -> None:
        item.gone = True
        self._items.pop(item.id, None)

    # ---- reports ------------------------------------------------------------------------

    def on_report(self, report: Report, now: float) -> None:
        """The receiver told what it has; :meth:`run` afterwards."""
        for lane in self.lanes:
            count = report.seen.get(lane.number)
            if count is not None and count > lane.seen:
                self._learn(lane.on_seen(count, now))
        self.floor = max(self.floor, min(report.floor, self._next_id))
        for item in list(self._items.values()):
            if item.id < self.floor:
                self._forget(item)
            elif bits := report.have.get(item.id):
                for part in item.parts:
                    part.here = part.here or bool(bits >> part.index & 1)
        self._on_taken(report, now)
        while self._mail and len(self._untaken) < self.window.allowed:
            self._admit(self._mail.popleft())

    def _learn(self, times: list[float]) -> None:
        self._times.extend(times)
        if self._times:
            usual = sorted(self._times)[len(self._times) // 2]
            patience = RESCUE_FACTOR * usual + RESCUE_EXTRA
            self.patience = min(RESCUE_MOST, max(RESCUE_LEAST, patience))

    def _on_taken(self, report: Report, now: float) -> None:
        if not self._taken < report.taken < self._next_id:
            return
        self._taken = report.taken
        for number in [number for number in self._untaken if number <= report.taken]:
            item = self._untaken.pop(number)
            self._untaken_bytes -= item.size
            if item.first_sent:
                self.window.on_taken(now - item.first_sent, rescued=item.rescued)
            if self._starved and not item.rescued:
                self._starved = False
                self._most_flights = min(MOST_FLIGHTS, self._most_flights + 1)
        if report.time_us:
            self.round_trip = max(0.0, now - (report.time_us + report.since_us) / 1e6)
            self.age = report.age_us / 1e6

    # ---- sending ------------------------------------------------------------------------

    def run(self, now: float) -> float | None:
        """Send what can be sent.

        Returns:
            When to run again at the latest, or None if only a report or a lane can help.
        """
        while self._due and self._due[0][0] <= now:
            when, _, part = heapq.heappop(self._due)
            if part.due != when or not self._wanted(part):
                continue
            if self._has_arrived(part):
                # Its report is late; but a lane may be closed before it was read.
                part.copies = 0
                self._wait_for(part, now + max(self.patience, ARRIVED))
            else:
                self._urgent.append(part)
        if not self.lanes:
            return None
        blocked = not self._send_all(self._urgent, now)
        if not blocked or (self._fresh and self._fresh[0].item.small):
            # Small items are not held up by one that must be sent again; it may go along with them.
            blocked = not self._send_all(self._fresh, now) or blocked
        if blocked:
            self._starved = True
        return self._next_run(now, blocked)

    def _next_run(self, now: float, blocked: bool) -> float | None:
        while self._due and not self._wanted(self._due[0][2]):
            heapq.heappop(self._due)
        when = None
        self.relaxed = False
        if self._due:
            when, _, part = self._due[0]
            self.relaxed = not blocked and not part.copies and self._soon_replaced(part)
        if blocked:
            return now + RETRY if when is None else min(when, now + RETRY)
        return when

    def _has_arrived(self, part: _Part) -> bool:
        """The kernel tells that the other machine has it, whatever its program does."""
        return any(lane.number in part.tried and lane.port.unacked() == 0 for lane in self.lanes)

    def _wanted(self, part: _Part) -> bool:
        return not part.here and not part.item.gone

    def _send_all(self, parts: deque[_Part], now: float) -> bool:
        """Send from the left; False when no lane will take the next one."""
        while parts:
            part = parts[0]
            if not self._wanted(part):
                parts.popleft()
                continue
            lane, idle = self._choose(part, now)
            if lane is None:
                if part.copies:  # a copy is for idle lanes only; a rescue will follow
                    part.copies = 0
                    self._call_again(parts.popleft(), now)
                    continue
                if part.tries and self._soon_replaced(part):
                    parts.popleft()
                    self._call_again(part, now)
                    continue
                return False
            parts.popleft()
            self._send(part, lane, idle, now)
        return True

    def _soon_replaced(self, part: _Part) -> bool:
        return self._latest and part.item.small

    def _choose(self, part: _Part, now: float) -> tuple[SendLane | None, bool]:
        if self._settled:
            lane = settled_lane(self.lanes, now, patience=self.patience)
            return lane or least_bad_lane(self.lanes, now), False
        if part.copies:
            return spare_lane(self.lanes, part.tried), True
        lane = idle_lane(self.lanes, part.tried)
        if lane is not None:
            return lane, True
        lane = trusted_lane(
            self.lanes, now, most=self._most_flights, patience=self.patience, tried=part.tried
        )
        if lane is None and not part.tries and part.item.small:
            lane = least_bad_lane(self.lanes, now)
        return lane, False

    def _send(self, part: _Part, lane: SendLane, idle: bool, now: float) -> None:
        item = part.item
        if len(item.parts) == 1:
            kind, body = Kind.ITEM, None
            meta = bytes(part.data[: item.meta_len])
            if item.meta_len < len(part.data):
                body = part.data[item.meta_len :]
        else:
            kind, body = Kind.PART, part.data
            meta = msgpack.packb((part.index, len(item.parts), item.meta_len))
        # The one used longest ago comes first, so that every lane is known to work; with failover
        # the one used last, so that it is used again.
        self.lanes.remove(lane)
        self.lanes.insert(0 if self._settled else len(self.lanes), lane)
        for other in self._companions(part, now):
            lane.on_sent(now, idle=idle)
            idle = False
            meta_too = bytes(other.data)
            lane.port.send(Kind.ITEM, meta_too, None, other.item.id, other.item.born_us, hold=True)
            other.tried.add(lane.number)
            other.sent_at = now
            self._wait_for(other, now + max(RESCUE_LEAST, INSISTENCE * self.patience))
        lane.on_sent(now, idle=idle)
        lane.port.send(kind, meta, body, item.id, item.born_us)
        part.sent_at = now
        self.sent += 1
        part.tries += 1
        part.tried.add(lane.number)
        if part.tries == 1:
            part.copies = self._copies - 1
            item.unsent -= 1
            self.loss -= self.loss / LOSS_MEMORY
            item.first_sent = item.first_sent or now
        elif part.copies:
            part.copies -= 1
        else:
            self._note_rescue(part, now)
        self._call_again(part, now)

    def _companions(self, part: _Part, now: float) -> list[_Part]:
        """What must arrive, is not reported yet, and fits into the packet of a small item.

        So each packet makes good all that was lost lately, and an order needs but one that gets
        through. Only the oldest, and seldom where many are on the way: a fast flow would send
        everything many times over.
        """
        if not self._lossless or not part.item.small:
            return []
        found = []
        gap = TOGETHER_GAP * max(1.0, len(self._items) / MOST_TOGETHER)
        room = PART_SIZE - len(part.data)
        for item in itertools.islice(self._items.values(), MOST_TOGETHER):
            other = item.parts[0]
            room -= HEADER_SIZE + len(other.data)
            if room < 0 or item is part.item:
                break
            waits = other.tries and not other.here and now - other.sent_at >= gap
            if waits and item.small and item.meta_len == len(other.data):
                found.append(other)
        return found

    def _note_rescue(self, part: _Part, now: float) -> None:
        self.rescued += 1
        part.item.rescued = True
        self.loss += 1 / LOSS_MEMORY / max(1, len(part.data) // PART_SIZE)
        if now - self._calmed_at > self.patience:
            self._calmed_at = now
            self._most_flights = max(2, self._most_flights // 2)

    def _call_again(self, part: _Part, now: float) -> None:
        """When to send the part once more, if nothing is heard of it."""
        late = max(0, part.tries - self._copies)
        if part.copies:
            part.due = now + (LOSSLESS_GAP if self._lossless else COPY_GAP)
        elif self._lossless and part.item.small and late < MOST_TRIES:
            part.due = now + max(RESCUE_LEAST, INSISTENCE * self.patience)
        elif self._lossless or part.tries < MOST_TRIES:
            patience = min(RESCUE_MOST, self.patience * 1.5**late)
            calm = CALM if self._soon_replaced(part) else 0.0
            part.due = now + max(patience, calm)
        else:
            return
        self._wait_for(part, part.due)

    def _wait_for(self, part: _Part, when: float) -> None:
        part.due = when
        heapq.heappush(self._due, (when, next(self._order), part))
