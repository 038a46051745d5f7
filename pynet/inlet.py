"""The receiving end of a stream or a feed: decoding, ages, gaps, and credits given back."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from pynet.errors import PynetError, RemoteProtocolError
from pynet.io.lane import Lane
from pynet.policy import ITEM_COST, Policy
from pynet.stats import Tally
from pynet.wire.frames import Frame, Kind
from pynet.wire.values import Decoder


class ItemInfo:
    """What is known about one item besides its value.

    Attributes:
        id: number of the item in its flow, counted by the sender from 0.
        age: seconds since the sender made the item, when it was received.
        gap: items the sender dropped right before this one.
        received: local monotonic time of arrival at this object, seconds.
    """

    __slots__ = ("_offset", "age", "gap", "id", "received")

    def __init__(self, id: int, age: float, gap: int, received: float, offset: float) -> None:
        self.id = id
        self.age = age
        self.gap = gap
        self.received = received
        self._offset = offset

    def local_time(self, remote: float) -> float:
        """A time of the sender's monotonic clock as a time of this side's, in seconds."""
        return remote - self._offset

    def __repr__(self) -> str:
        return f"ItemInfo(id={self.id}, age={self.age * 1000:.2f} ms, gap={self.gap})"


class Inlet:
    """Takes the items of one flow off one lane. Used by the thread that owns the lane."""

    def __init__(self, lane: Lane, policy: Policy, tally: Tally, *, shared: bool = False) -> None:
        self._lane = lane
        self._policy = policy
        self._tally = tally
        self._shared = shared
        self._decoder = Decoder()
        self._expected: int | None = None
        self._owed = 0
        window = policy.window
        self._grant_at = 1 if policy.unit == "items" and window < 16 else max(1, window // 4)

    def read(self, frame: Frame) -> tuple[list[Any], list[int] | None, float]:
        """Decode an ITEM or ITEMS frame.

        Returns:
            The values, their births relative to the first one in microseconds (None for
            one item), and the age of the first, which is the oldest, in seconds.

        Raises:
            DecodeError: the frame cannot be read.
        """
        now = time.monotonic()
        clock = self._lane.connection.clock
        age = 0.0
        if clock.offset is not None:
            age = max(0.0, now - frame.time_us / 1e6 + clock.offset)
        if frame.kind == Kind.ITEM:
            values, births = [self._decoder.decode(frame.meta, frame.body)], None
        else:
            births, values = self._read_batch(frame)
        self._tally.ages.add(age, len(values))
        return values, births, age

    def infos(
        self, frame: Frame, values: list[Any], births: list[int] | None, age: float
    ) -> Iterator[tuple[Any, ItemInfo]]:
        """Values with their infos."""
        received = time.monotonic()
        offset = self._lane.connection.clock.offset or 0.0
        gap = self.gap_before(frame, len(values))
        for index, value in enumerate(values):
            younger = births[index] / 1e6 if births else 0.0
            item_age = max(0.0, age - younger)
            yield value, ItemInfo(frame.seq + index, item_age, gap, received, offset)
            gap = 0

    def gap_before(self, frame: Frame, count: int) -> int:
        """Count the items missing before this frame, and those in it."""
        gap = 0
        if self._expected is not None and not self._shared:
            gap = max(0, frame.seq - self._expected)
        self._expected = frame.seq + count
        self._tally.items += count
        self._tally.dropped += gap
        return gap

    def taken(self, frame: Frame, count: int = 1) -> None:
        """The user has the frame's items, so many: give their credit back to the sender."""
        if self._policy.unit == "bytes":
            self._owed += frame.size + ITEM_COST * count
        else:
            self._owed += 1
        if self._owed >= self._grant_at:
            owed, self._owed = self._owed, 0
            try:
                self._lane.send(Kind.CREDIT, seq=owed, time_us=frame.time_us)
            except PynetError:
                return  # the flow has ended; the next read tells how

    def _read_batch(self, frame: Frame) -> tuple[list[int], list[Any]]:
        batch = self._decoder.decode(frame.meta, None)
        try:
            births, values = batch
            sane = len(births) == len(values) and all(type(b) is int for b in births)
        except (TypeError, ValueError):
            sane = False
        if not sane:
            raise RemoteProtocolError("the other side sent a batch whose parts do not fit")
        return births, values
