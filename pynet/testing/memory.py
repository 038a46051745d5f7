"""Both ends of one lane in memory, joined by a link that delays and splits as told."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Iterator, Sequence
from itertools import cycle, repeat
from typing import Any, NamedTuple

from pynet.errors import ConfigurationError
from pynet.testing.clock import MockClock
from pynet.wire.connection import Connection, greeting
from pynet.wire.frames import Frame, Kind
from pynet.wire.limits import Limits
from pynet.wire.states import Side
from pynet.wire.values import Buffer, Decoder, Encoder


class Arrived(NamedTuple):
    """Frames that became whole, in the order of their arrival.

    Attributes:
        gateway: what the Gateway's side received.
        controller: what the Controller's side received.
    """

    gateway: list[Frame]
    controller: list[Frame]


class _Way:
    """The bytes under way to one side, in order, each piece with its time of arrival."""

    def __init__(self, sizes: Iterator[int | None]) -> None:
        self.sizes = sizes
        self.pieces: deque[tuple[float, bytes]] = deque()

    @property
    def next_due(self) -> float:
        return self.pieces[0][0] if self.pieces else float("inf")

    def put(self, due: float, data: bytes) -> None:
        if self.pieces:
            due = max(due, self.pieces[-1][0])  # TCP keeps the order
        self.pieces.append((due, data))

    def take(self, now: float) -> bytes:
        due = []
        while self.pieces and self.pieces[0][0] <= now:
            due.append(self.pieces.popleft()[1])
        return b"".join(due)

    def chunks(self, data: bytes) -> Iterator[bytes]:
        start = 0
        while start < len(data):
            size = next(self.sizes) or len(data)
            yield data[start : start + size]
            start += size

    def keep_only(self, size: int) -> None:
        kept: deque[tuple[float, bytes]] = deque()
        for due, data in self.pieces:
            if size > 0:
                kept.append((due, data[:size]))
            size -= len(data)
        self.pieces = kept


class MemoryLink:
    """Two :class:`~pynet.wire.connection.Connection` objects and what lies between them.

    Everything happens in :meth:`advance`, at exact times: what is due is delivered,
    in order, and what the protocol answers by itself goes on its way back. The
    same arguments give the same run, always::

        link = MemoryLink(delay=0.020, split=7)
        link.greet()
        link.send(Side.CONTROLLER, Kind.CALL, ["describe", [], {}])
        assert link.advance(0.020).gateway[0].kind == Kind.CALL

    Args:
        delay: seconds each way, or a pair (to the Gateway, to the Controller).
        jitter: each write takes up to so many seconds more, at random.
        split: bytes each side gets at once: a number, or numbers that repeat.
            By default all that is due.
        in_place: read large frames the way a socket does, straight into their memory.
        offset: seconds the Gateway's clock is ahead of the Controller's.
        limits: what both sides accept.
        seed: of the jitter.
        clock: the Controller's clock; a new one by default.

    Attributes:
        controller, gateway: the two ends.
        clock: the Controller's clock.
        offset: see above.
        delay: seconds (to the Gateway, to the Controller); may be changed under way.
        is_cut: True after :meth:`cut`.
    """

    def __init__(
        self,
        *,
        delay: float | tuple[float, float] = 0.0,
        jitter: float = 0.0,
        split: int | Sequence[int] | None = None,
        in_place: bool = True,
        offset: float = 0.0,
        limits: Limits | None = None,
        seed: int = 0,
        clock: MockClock | None = None,
    ) -> None:
        self.clock = MockClock() if clock is None else clock
        self.offset = offset
        self.delay = delay if isinstance(delay, tuple) else (delay, delay)
        self.is_cut = False
        limits = Limits() if limits is None else limits
        self.controller = Connection(Side.CONTROLLER, limits, self.time(Side.CONTROLLER))
        self.gateway = Connection(Side.GATEWAY, limits, self.time(Side.GATEWAY))
        self._ends = {Side.CONTROLLER: self.controller, Side.GATEWAY: self.gateway}
        self._ways = {side: _Way(_sizes(split)) for side in Side}
        self._jitter = jitter
        self._in_place = in_place
        self._random = random.Random(seed)
        self._encoder = Encoder()
        self._decoder = Decoder()

    def time(self, side: Side) -> float:
        """What that side's clock shows, seconds."""
        return self.clock() + (self.offset if side is Side.GATEWAY else 0.0)

    # ---- sending ------------------------------------------------------------------------

    def send(self, side: Side, kind: Kind, *value: Any, seq: int = 0) -> None:
        """Let one side send a frame.

        Args:
            side: who sends.
            kind: what for.
            value: at most one value for its content, anything that can travel.
            seq: item id, or amount of credit.

        Raises:
            LocalProtocolError: not allowed now.
            EncodeError: the value cannot travel.
        """
        meta, body = self._encoder.encode(*value) if value else (b"", [])
        end = self._ends[side]
        self.write(side, end.send(kind, self.time(side), meta=meta, body=body, seq=seq))

    def ping(self, side: Side) -> None:
        """Let one side send a heartbeat; the other answers by itself."""
        self.write(side, self._ends[side].ping(self.time(side)))

    def write(self, side: Side, buffers: Sequence[Buffer]) -> None:
        """Put raw bytes of one side on the way, as they are."""
        if self.is_cut:
            return
        to = side.other
        delay = self.delay[0 if to is Side.GATEWAY else 1] + self._random.uniform(0, self._jitter)
        self._ways[to].put(self.clock() + delay, b"".join(buffers))

    def cut(self, after: int = 0) -> None:
        """Break the link: what is on the way and all that follows is lost.

        Args:
            after: so many bytes on each way still arrive.
        """
        self.is_cut = True
        for way in self._ways.values():
            way.keep_only(after)

    # ---- delivering ---------------------------------------------------------------------

    def advance(self, seconds: float) -> Arrived:
        """Move the clock on and deliver what is due by then.

        Returns:
            What each side received, heartbeats left out.

        Raises:
            RemoteProtocolError: a side was sent what the protocol does not allow.
            VersionMismatch: a side was sent something else than this protocol.
        """
        end = self.clock() + seconds
        arrived = Arrived([], [])
        while (due := min(way.next_due for way in self._ways.values())) <= end:
            self.clock.advance_to(due)
            for side, way in self._ways.items():
                frames = arrived.gateway if side is Side.GATEWAY else arrived.controller
                for chunk in way.chunks(way.take(due)):
                    frames += self._deliver(side, chunk)
        self.clock.advance_to(end)
        return arrived

    def settle(self) -> Arrived:
        """Advance until nothing is on the way any more."""
        arrived = Arrived([], [])
        while (due := min(way.next_due for way in self._ways.values())) < float("inf"):
            more = self.advance(max(0.0, due - self.clock()))
            arrived.gateway.extend(more.gateway)
            arrived.controller.extend(more.controller)
        return arrived

    def _deliver(self, side: Side, chunk: bytes) -> list[Frame]:
        end, now = self._ends[side], self.time(side)
        frames: list[Frame] = []
        rest = memoryview(chunk)
        while rest:
            place = end.wanted() if self._in_place else None
            size = len(rest) if place is None else min(len(place), len(rest))
            if place is None:
                frames += end.receive(bytes(rest), now)
            else:
                place[:size] = rest[:size]
                frames += end.received_in_place(size, now)
            rest = rest[size:]
            replies = end.take_replies()
            if replies:
                self.write(side, replies)
        return frames

    # ---- conveniences -------------------------------------------------------------------

    def greet(self) -> Arrived:
        """HELLO and WELCOME; afterwards an exchange can start."""
        hello = greeting({"purpose": "pair", "controller": "test", "name": "test"})
        now = self.time(Side.CONTROLLER)
        self.write(Side.CONTROLLER, self.controller.send(Kind.HELLO, now, meta=hello))
        at_gateway = self.settle().gateway
        welcome = greeting({"gateway": "test"})
        now = self.time(Side.GATEWAY)
        self.write(Side.GATEWAY, self.gateway.send(Kind.WELCOME, now, meta=welcome))
        return Arrived(at_gateway, self.settle().controller)

    def call(self, arguments: Any, result: Any) -> tuple[Any, Any]:
        """One whole call: CALL with ``arguments`` one way, RESULT with ``result`` back.

        Returns:
            The arguments as the Gateway decoded them, the result as the Controller did.
        """
        self.send(Side.CONTROLLER, Kind.CALL, arguments)
        (call,) = self.settle().gateway
        self.send(Side.GATEWAY, Kind.RESULT, result)
        (answer,) = self.settle().controller
        return self.value(call), self.value(answer)

    def value(self, frame: Frame) -> Any:
        """Decode the content of a frame.

        Raises:
            DecodeError: it cannot be read.
        """
        return self._decoder.decode(frame.meta, frame.body)


def _sizes(split: int | Sequence[int] | None) -> Iterator[int | None]:
    if split is None:
        return repeat(None)
    sizes = [split] if isinstance(split, int) else list(split)
    if not sizes or any(size < 1 for size in sizes):
        raise ConfigurationError(f"a link cannot be split into pieces of {split!r} bytes")
    return cycle(sizes)
