"""The receiving end of a swarm, without I/O: duplicates, order, and what to report.

An item is known by its number; numbers of another swarm never meet these, because every lane
belongs to one swarm only.
"""

from __future__ import annotations

import math
from collections import deque
from typing import NamedTuple

import msgpack

from pynet.errors import LimitExceeded, RemoteProtocolError
from pynet.policy import ITEM_COST, Policy
from pynet.swarm.parts import Assembly
from pynet.swarm.report import Report
from pynet.wire.frames import Body, Frame
from pynet.wire.limits import Limits
from pynet.wire.values import unpack

MOST_OPEN = 4096
"""Items of which not all is here, or that wait for one before them; a sender leaves no more."""

HOLE_PATIENCE = 0.15
"""Seconds that keep_last waits for a missing item before it goes on to the next."""

MOST_REPORTED = 32


class Arrived(NamedTuple):
    """A whole item, still packed.

    Attributes:
        id: its number.
        time_us: when it was made, sender's clock.
        meta, body: of the frame it would have been alone.
        gap: items before it that will not come.
        at: when it was whole, local monotonic seconds.
    """

    id: int
    time_us: int
    meta: bytes | bytearray
    body: Body | None
    gap: int
    at: float


class SwarmReceiver:
    """Takes the frames of all lanes, gives whole items as their policy wants.

    A flow that may lose items begins with the first that comes.

    *latest*: only what is newer than everything before; the user gets the newest.
    *keep_last*: in order; a hole is given up after 0.15 s, or when too many wait behind it.
    *paced*, *reliable*: in order, each exactly once.

    Args:
        policy: of the flow.
        limits: bound what may wait here.

    Attributes:
        duplicates: frames that told nothing new.
        dropped: items that were replaced or given up.
        bytes_waiting: of items that are not whole, or not taken.
    """

    def __init__(self, policy: Policy, limits: Limits) -> None:
        self.policy = policy
        self.duplicates = self.dropped = 0
        self.bytes_waiting = 0
        self._limits = limits
        self._newest_only = policy.kind == "latest"
        self._next = 0
        self._met = policy.lossless
        self._partial: dict[int, Assembly] = {}
        self._whole: dict[int, Arrived] = {}
        self._ready: deque[Arrived] = deque()
        self._taken = -1
        self._taken_time = 0
        self._age_us = 0
        self._taken_at = 0.0
        self._seen: dict[int, int] = {}
        self._total: int | None = None

    # ---- arrivals -----------------------------------------------------------------------

    def add_lane(self, number: int) -> None:
        """One more lane."""
        self._seen[number] = 0

    def remove_lane(self, number: int) -> None:
        """A lane less."""
        self._seen.pop(number, None)

    def on_item(self, frame: Frame, lane: int, now: float) -> None:
        """An ITEM came over a lane."""
        self._count(lane)
        if self._known(frame.seq):
            self.duplicates += 1
            return
        self._on_whole(Arrived(frame.seq, frame.time_us, frame.meta, frame.body, 0, now))

    def on_part(self, frame: Frame, lane: int, now: float) -> None:
        """A PART came over a lane.

        Raises:
            RemoteProtocolError: it is torn, or more is open than one side can keep.
        """
        self._count(lane)
        if self._known(frame.seq):
            self.duplicates += 1
            return
        index, count, meta_len = _read_part(frame)
        assert frame.body is not None
        assembly = self._partial.get(frame.seq)
        if assembly is None:
            assembly = Assembly(count, meta_len, frame.time_us)
            self._partial[frame.seq] = assembly
        before = assembly.size
        complete = assembly.add(index, frame.body)
        self._check_size(meta_len, assembly.size)
        self._grow(assembly.size - before)
        if complete:
            del self._partial[frame.seq]
            self.bytes_waiting -= assembly.size
            meta, body = assembly.join()
            self._on_whole(Arrived(frame.seq, assembly.time_us, meta, body, 0, now))

    def on_end(self, total: int) -> None:
        """The sender has sent so many items and will send no more."""
        self._total = total
        self._advance(math.inf)

    @property
    def due(self) -> float | None:
        """When to call :meth:`on_time`, because no item before that may do so."""
        if self.policy.lossless or not self._whole:
            return None
        return self._whole[min(self._whole)].at + HOLE_PATIENCE

    def on_time(self, now: float) -> None:
        """What is missing has been waited for long enough."""
        self._advance(now)

    @property
    def ending(self) -> bool:
        """The sender will send nothing new."""
        return self._total is not None

    @property
    def ended(self) -> bool:
        """The flow has ended, and everything that had to come was taken."""
        if self._total is None or self._ready:
            return False
        return not self.policy.lossless or self._next >= self._total

    def _count(self, lane: int) -> None:
        if lane in self._seen:  # what a lane left behind when it was lost is of no use to report
            self._seen[lane] += 1

    def _known(self, number: int) -> bool:
        if not self._met:  # a sender that was there before this side does not begin at 0
            self._met = True
            self._next = number
        return number < self._next or number in self._whole

    def _check_size(self, meta_len: int, size: int) -> None:
        """In parts no more may come than in one piece."""
        limits = self._limits
        if meta_len > limits.meta or size > limits.meta + limits.body:
            raise LimitExceeded(
                f"the other side sends an item of {meta_len} bytes of msgpack, {size} in all so "
                f"far; this side takes {limits.meta} + {limits.body}. Send less at once, send "
                "large data as arrays or bytes, or raise the Limits"
            )

    def _grow(self, size: int) -> None:
        self.bytes_waiting += size
        if (
            self.bytes_waiting > self._limits.inbox + self._limits.body
            or len(self._partial) + len(self._whole) > MOST_OPEN
        ):
            raise RemoteProtocolError(
                f"the other side left {len(self._partial)} items unfinished and sent "
                f"{self.bytes_waiting} bytes beyond them; this side keeps no more"
            )

    def _on_whole(self, item: Arrived) -> None:
        if self._newest_only:
            gap = item.id - self._next
            self.dropped += gap + len(self._ready)
            while self._ready:
                gap += 1 + self.take().gap
            self.bytes_waiting += _size(item)
            self._ready.append(item._replace(gap=gap))
            self._next = item.id + 1
            for number in [n for n in self._partial if n < item.id]:
                self.bytes_waiting -= self._partial.pop(number).size
            return
        self._whole[item.id] = item
        self._grow(_size(item))
        self._advance(item.at)

    def _advance(self, now: float) -> None:
        """Move what is next in order to the ready ones, over holes if the policy allows it."""
        gap = 0
        while self._whole:
            item = self._whole.pop(self._next, None)
            if item is None:
                oldest = min(self._whole)
                late = now >= self._whole[oldest].at + HOLE_PATIENCE
                many = len(self._whole) > min(self.policy.depth, MOST_OPEN // 2)
                if self.policy.lossless or not (late or many):
                    return
                gap += oldest - self._next
                self._next = oldest
                for number in [n for n in self._partial if n < oldest]:
                    self.bytes_waiting -= self._partial.pop(number).size
                continue
            self._next += 1
            self.dropped += gap
            self._ready.append(item._replace(gap=gap))
            gap = 0
            if not self.policy.lossless and len(self._ready) > self.policy.depth:
                lost = self.take()
                self.dropped += 1
                first = self._ready[0]
                self._ready[0] = first._replace(gap=first.gap + lost.gap + 1)

    # ---- the user's side ----------------------------------------------------------------

    @property
    def partial(self) -> bool:
        """There are items of which not all parts are here."""
        return bool(self._partial)

    @property
    def ready(self) -> bool:
        """An item can be taken."""
        return bool(self._ready)

    def take(self) -> Arrived:
        """The next item for the user."""
        item = self._ready.popleft()
        self.bytes_waiting -= _size(item)
        return item

    def on_taken(self, item: Arrived, age: float, now: float) -> None:
        """The user's function has been given an item, so many seconds old."""
        if item.id > self._taken:
            self._taken_at = now
            self._taken = item.id
            self._taken_time = item.time_us
            self._age_us = int(age * 1e6)

    def report(self, now: float) -> Report:
        """What the sender should know."""
        have = dict.fromkeys(list(self._whole)[:MOST_REPORTED], (1 << 64) - 1)
        for number, assembly in list(self._partial.items())[-MOST_REPORTED:]:
            have[number] = assembly.have
        return Report(
            floor=self._next,
            taken=self._taken,
            time_us=self._taken_time,
            age_us=self._age_us,
            since_us=int((now - self._taken_at) * 1e6) if self._taken >= 0 else 0,
            seen=dict(self._seen),
            have=have,
        )


def _size(item: Arrived) -> int:
    return ITEM_COST + len(item.meta) + (0 if item.body is None else len(item.body))


def _read_part(frame: Frame) -> tuple[int, int, int]:
    try:
        index, count, meta_len = unpack(frame.meta, msgpack.ExtType)
        sane = all(type(n) is int for n in (index, count, meta_len)) and frame.body is not None
    except Exception:  # msgpack raises half a dozen unrelated classes
        sane = False
    if not sane:
        raise RemoteProtocolError("the other side sent a torn part of an item")
    return index, count, meta_len
