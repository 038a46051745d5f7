"""One lane's protocol, without I/O.

Bytes go in through :meth:`Connection.receive`, frames come out; what is to be
written comes back from :meth:`Connection.send`. Every entry takes the time as
an argument. The object holds no lock: its lane calls it under one.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any

import msgpack
import numpy as np

from pynet.errors import (
    TRAVELLING,
    ConnectionLost,
    EncodeError,
    LimitExceeded,
    LocalProtocolError,
    PynetError,
    RemoteProtocolError,
    VersionMismatch,
)
from pynet.wire.clock import ClockEstimate
from pynet.wire.frames import (
    HEADER,
    HEADER_SIZE,
    MAGIC,
    PREAMBLE,
    VERSION_MAJOR,
    Body,
    Frame,
    Kind,
)
from pynet.wire.limits import Limits
from pynet.wire.states import ANY_TIME, LATE, OPENERS, ROWS, Row, Side, State
from pynet.wire.values import Buffer, unpack

_PING, _PONG, _GOODBYE = int(Kind.PING), int(Kind.PONG), int(Kind.GOODBYE)
_KNOWN = frozenset(int(kind) for kind in Kind)

ALWAYS_FINE = 256
"""Bytes of a meta part that no limit forbids, so that small frames skip the check."""

# Skips the keyword handling of a NamedTuple's constructor, which costs more than the tuple.
_new_frame = tuple.__new__


class Connection:
    """The state of one lane as one side sees it.

    Args:
        side: which end this is.
        limits: what this side accepts.
        now: monotonic time in seconds.

    Attributes:
        exchange: number of the current, or last, exchange.
        clock: estimate of the other side's clock.
        last_received: when the last byte came.
        partial: a large frame that is on its way, or None; see :meth:`wanted`.
        replies: what the protocol answers by itself (PONG); write it before anything else.
        late_frames: frames dropped because they crossed the end of their exchange, or our GOODBYE.
    """

    def __init__(self, side: Side, limits: Limits, now: float) -> None:
        self.side = side
        self.limits = limits
        self.exchange = 0
        self.clock = ClockEstimate()
        self.created = now
        self.last_received = now
        self.late_frames = 0
        self._peer = side.other
        self._rows = ROWS[side]
        self._row = self._rows[State.NEW]
        self._left = False
        self._preamble_sent = False
        self._preamble_seen = False
        self._rest = b""
        self.partial: _PartialFrame | None = None
        self.replies: list[Buffer] = []

    @property
    def state(self) -> State:
        """What the lane is doing."""
        return self._row.state

    @property
    def greeted(self) -> bool:
        """True when both sides have greeted each other."""
        return self._row.greeted

    # ---- sending ------------------------------------------------------------------------

    def send(
        self,
        kind: int,
        now: float,
        *,
        meta: bytes = b"",
        body: Sequence[Buffer] = (),
        seq: int = 0,
        time_us: int | None = None,
    ) -> list[Buffer]:
        """Frame something for the other side.

        Args:
            kind: a :class:`~pynet.wire.frames.Kind`.
            now: monotonic time in seconds.
            meta: msgpack bytes.
            body: raw buffers, not copied.
            seq: item id or amount.
            time_us: when the content was made; ``now`` by default.

        Returns:
            Buffers to write, in order.

        Raises:
            LocalProtocolError: not allowed in this state; the state is unchanged.
            EncodeError: larger than the limits, which are taken to be the other side's too.
        """
        following: Row | None = self._row
        exchange = self.exchange
        body_len = sum(map(_size, body)) if body else 0
        if len(meta) > self.limits.meta or body_len > self.limits.body:
            raise EncodeError(
                f"this value takes {len(meta)} bytes of msgpack, {body_len} of arrays; the Limits "
                f"are {self.limits.meta} and {self.limits.body}. Send large data as arrays, or in "
                "parts, or raise the Limits on both sides"
            )
        if kind not in ANY_TIME or not self._row.greeted:
            following = self._row.send.get(kind)
            if kind in OPENERS:
                exchange = (exchange + 1) & 0xFFFF
        elif kind == _GOODBYE:
            following = self._rows[State.CLOSED]
            self._left = True
        if following is None:
            raise LocalProtocolError(
                f"this {self.side.value} cannot send {Kind(kind).name} while {self.state.value}"
            )
        if time_us is None:
            time_us = int(now * 1e6)
        try:
            header = HEADER.pack(kind, 0, exchange, len(meta), body_len, seq, time_us)
        except struct.error:
            raise LocalProtocolError(
                f"no frame can hold {len(meta)} + {body_len} bytes, number {seq}; send less at once"
            ) from None
        self._row, self.exchange = following, exchange
        if not self._preamble_sent:
            self._preamble_sent = True
            header = PREAMBLE + header
        return [header + meta, *body] if body else [header + meta]

    def ping(self, now: float) -> list[Buffer]:
        """A heartbeat; its answer feeds :attr:`clock`."""
        return self.send(_PING, now)

    def take_replies(self) -> list[Buffer]:
        """Return and forget :attr:`replies`."""
        replies, self.replies = self.replies, []
        return replies

    # ---- receiving ----------------------------------------------------------------------

    def wanted(self) -> memoryview | None:
        """Where the rest of a large frame belongs, so that it can be read in place."""
        return None if self.partial is None else self.partial.wanted()

    def received_in_place(self, size: int, now: float) -> list[Frame]:
        """Tell that ``size`` bytes were read into what :meth:`wanted` returned."""
        self.last_received = now
        partial = self.partial
        assert partial is not None
        frames: list[Frame] = []
        if partial.advance(size):
            self.partial = None
            self._accept(partial.frame(), now, frames)
        return frames

    def receive(self, data: bytes, now: float) -> list[Frame]:
        """Take bytes, return the frames that became whole, without heartbeats.

        Raises:
            RemoteProtocolError: the other side broke the protocol. The lane must be closed.
            VersionMismatch: the other side is no pynet of this major version.
        """
        self.last_received = now
        frames: list[Frame] = []
        if self.partial is not None:
            data = self._continue(data, now, frames)
        if self._rest:
            data, self._rest = self._rest + data, b""
        offset = 0 if self._preamble_seen else self._read_preamble(data)
        end = len(data)
        while end - offset >= HEADER_SIZE:
            kind, _flags, exchange, meta_len, body_len, seq, time_us = HEADER.unpack_from(
                data, offset
            )
            if meta_len > ALWAYS_FINE or body_len or kind not in _KNOWN:
                self._check_header(kind, meta_len, body_len)
            start = offset + HEADER_SIZE
            body_start = start + meta_len
            offset = body_start + body_len
            if offset > end:
                self.partial = _PartialFrame(
                    (kind, exchange, seq, time_us), meta_len, body_len, data[start:], now
                )
                return frames
            body = None
            if body_len:
                body = np.frombuffer(data, np.uint8, body_len, body_start).copy()
            size = HEADER_SIZE + meta_len + body_len
            frame = _new_frame(
                Frame, (kind, exchange, seq, time_us, data[start:body_start], body, size)
            )
            following = self._row.receive.get(kind)
            if following is not None and exchange == self.exchange and kind not in OPENERS:
                self._row = following
                frames.append(frame)
            else:
                self._accept(frame, now, frames)
        if offset < end:
            self._rest = data[offset:]
        return frames

    def excuse(self, now: float) -> None:
        """This side does not read, because its inbox is full: silence is not the other's fault."""
        self.last_received = now
        if self.partial is not None:
            self.partial.started = now

    def overdue(self, now: float) -> str:
        """Why the other side is too slow, or an empty string."""
        limits = self.limits
        if not self._row.greeted and now - self.created > limits.greeting_time:
            return f"it did not greet within {limits.greeting_time:g} s"
        partial = self.partial
        if partial is not None:
            allowed = limits.frame_time + partial.done / limits.frame_rate
            if now - partial.started > allowed:
                return f"it sent {partial.done} bytes of a frame in {now - partial.started:.0f} s"
        return ""

    # ---- inside -------------------------------------------------------------------------

    def _continue(self, data: bytes, now: float, frames: list[Frame]) -> bytes:
        """Fill the frame that is on its way; return what is left of the data."""
        partial = self.partial
        assert partial is not None
        used = 0
        while True:
            used += partial.fill(memoryview(data)[used:])
            if not partial.complete:
                return b""
            self.partial = None
            self._accept(partial.frame(), now, frames)
            return data[used:]

    def _read_preamble(self, data: bytes) -> int:
        if not data.startswith(MAGIC[: len(data)]):
            if data[:2] == b"\x15\x03":  # an alert of TLS
                raise VersionMismatch("the other side wants TLS; leave insecure=True out")
            raise VersionMismatch("the other side does not speak pynet")
        if len(data) < len(PREAMBLE):
            return 0
        major, minor = data[len(MAGIC)], data[len(MAGIC) + 1]
        if major != VERSION_MAJOR:
            raise VersionMismatch(
                f"the other side speaks protocol {major}.{minor}, this side {VERSION_MAJOR}.x; "
                "install the same pynet release on both"
            )
        self._preamble_seen = True
        return len(PREAMBLE)

    def _check_header(self, kind: int, meta_len: int, body_len: int) -> None:
        if kind not in _KNOWN:
            raise RemoteProtocolError(f"the other side sent a frame of the unknown kind {kind}")
        limits = self.limits
        meta_limit, body_limit = limits.meta, limits.body
        if not self._row.greeted:
            meta_limit, body_limit = limits.greeting, 0
        if meta_len > meta_limit or body_len > body_limit:
            raise LimitExceeded(
                f"the other side announced a {Kind(kind).name} of {meta_len} + {body_len} bytes; "
                f"this side takes {meta_limit} + {body_limit}. Send less at once, send large data "
                "as arrays or bytes, or raise the Limits"
            )

    def _accept(self, frame: Frame, now: float, frames: list[Frame]) -> None:
        kind = frame.kind
        if kind in ANY_TIME and self._row.greeted:
            if kind == _PING:
                if self._left:
                    return
                meta = msgpack.packb([frame.time_us, int(now * 1e6)])
                # In place of an older one: who asks without reading gets one answer to keep.
                self.replies = self.send(_PONG, now, meta=meta)
            elif kind == _PONG:
                self._take_pong(frame, now)
            else:
                self._row = self._rows[State.CLOSED]
                frames.append(frame)
            return
        following = self._row.receive.get(kind)
        if kind in OPENERS and following is not None:
            self.exchange = frame.exchange
        elif frame.exchange != self.exchange or following is None:
            if self._is_late(frame):
                self.late_frames += 1
                return
            raise RemoteProtocolError(
                f"the {self._peer.value} sent {Kind(kind).name} of exchange {frame.exchange} "
                f"while {self.state.value} in exchange {self.exchange}"
            )
        assert following is not None
        self._row = following
        frames.append(frame)

    def _is_late(self, frame: Frame) -> bool:
        """Its sender could not know that this side had ended the exchange, or the lane."""
        if self._left:
            return True
        return (
            self.side is Side.GATEWAY  # exchanges are ended by the Gateway
            and self.state is State.READY
            and frame.kind in LATE
            and frame.exchange == self.exchange
        )

    def _take_pong(self, frame: Frame, now: float) -> None:
        try:
            sent_us, received_us = unpack(frame.meta, msgpack.ExtType)
            self.clock.add(sent_us / 1e6, received_us / 1e6, frame.time_us / 1e6, now)
        except Exception as error:  # msgpack raises half a dozen unrelated classes
            raise RemoteProtocolError(f"the other side sent a broken PONG: {error!r}") from error


def _size(buffer: Buffer) -> int:
    return buffer.nbytes if isinstance(buffer, memoryview) else len(buffer)


class _PartialFrame:
    """A frame of which not everything has come: its memory, and how much is filled."""

    def __init__(
        self,
        head: tuple[int, int, int, int],
        meta_len: int,
        body_len: int,
        data: bytes,
        now: float,
    ) -> None:
        self.started = now
        self.done = 0
        self._head = head
        self._size = meta_len + body_len
        self._meta = bytearray(meta_len)
        # numpy does not clear the memory first, bytearray does.
        self._body: Body | None = np.empty(body_len, np.uint8) if body_len else None
        self._views: list[memoryview] = [memoryview(self._meta)] if meta_len else []
        if self._body is not None:
            self._views.append(self._body.data)
        self.fill(memoryview(data))

    @property
    def complete(self) -> bool:
        return not self._views

    def wanted(self) -> memoryview:
        return self._views[0]

    def fill(self, data: memoryview) -> int:
        used = 0
        while self._views and used < len(data):
            size = min(len(self._views[0]), len(data) - used)
            self._views[0][:size] = data[used : used + size]
            used += size
            self.advance(size)
        return used

    def advance(self, size: int) -> bool:
        self.done += size
        view = self._views[0][size:]
        if len(view):
            self._views[0] = view
        else:
            del self._views[0]
        return self.complete

    def frame(self) -> Frame:
        kind, exchange, seq, time_us = self._head
        size = HEADER_SIZE + self._size
        return Frame(kind, exchange, seq, time_us, self._meta, self._body, size)


def greeting(fields: dict[str, Any]) -> bytes:
    """Meta part of HELLO, WELCOME, REFUSE and GOODBYE: a plain map."""
    # An exception's message may hold half characters, as the names of files do.
    packed: bytes = msgpack.packb(fields, unicode_errors="backslashreplace")
    return packed


def read_greeting(frame: Frame) -> dict[str, Any]:
    """The map in a HELLO, WELCOME, REFUSE or GOODBYE.

    Raises:
        RemoteProtocolError: it is no map with text keys.
    """
    try:
        fields = unpack(frame.meta, msgpack.ExtType) if frame.meta else {}
    except Exception as error:  # msgpack raises half a dozen unrelated classes
        raise RemoteProtocolError(f"the other side sent a broken greeting: {error!r}") from error
    if not isinstance(fields, dict) or not all(isinstance(key, str) for key in fields):
        raise RemoteProtocolError("the other side sent a greeting that is no map of texts")
    return fields


def pack_farewell(error: PynetError | None) -> bytes:
    """Meta part of a GOODBYE."""
    if error is None:
        return greeting({})
    return greeting({"error": type(error).__name__, "message": str(error)})


def read_farewell(frame: Frame, peer: str) -> PynetError:
    """What a GOODBYE means for this side."""
    fields = read_greeting(frame)
    message = str(fields.get("message", ""))
    cls = TRAVELLING.get(str(fields.get("error")))
    if cls is not None:
        return cls(message)
    return ConnectionLost(f"{peer} closed the connection" + (f": {message}" if message else ""))
