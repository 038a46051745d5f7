"""Talks: an exchange in which both ends say things, as often and as large as they like.

What is said is a small value and, beside it, raw bytes that are never copied into it. Transfers of
files are made of talks. There is no credit: what was said and not heard yet waits in the hearer's
``Limits.inbox`` and in the kernel, and when both are full the sayer waits. So one thread of each
end must hear while another says; two ends that only say wait for each other until TCP gives up.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Any, NamedTuple, Self

import msgpack

from pynet.dial import Dialler, read_error
from pynet.errors import (
    ConnectError,
    DeadlineExceeded,
    DecodeError,
    EncodeError,
    LocalProtocolError,
    PynetError,
    RemoteProtocolError,
    TalkEnded,
)
from pynet.io.lane import Lane
from pynet.wire.frames import Frame, Kind
from pynet.wire.states import State
from pynet.wire.values import Buffer, Decoder, Encoder, unpack

_SAY = Kind.SAY

MOST_BUFFERS = 16
"""Buffers of one body that are sent as they are; more, which are small, are joined before: the
system takes a thousand at once, and each would be a record of TLS."""

CLOSE_GRACE = 2.0
"""Seconds in which the other end of a cancelled talk must end it; else the lane is closed."""


class Said(NamedTuple):
    """What the other end said.

    Attributes:
        value: what msgpack carries.
        body: the raw bytes beside it, or None; nobody else uses this memory.
    """

    value: Any
    body: memoryview | None

    @property
    def size(self) -> int:
        """Bytes of the body."""
        return 0 if self.body is None else self.body.nbytes


class Talk:
    """One end of a talk; a subroutine of the kind ``talk`` gets it as its first argument.

    Any thread may say something; one thread hears.

    Args:
        lane: that carries it.
        cancelled: set when the other side has lost interest.

    Attributes:
        lane: that carries it.
    """

    def __init__(self, lane: Lane, cancelled: threading.Event) -> None:
        self.lane = lane
        self._exchange = lane.connection.exchange
        self._cancelled = cancelled
        self._ended: PynetError | None = None

    @property
    def cancelled(self) -> bool:
        """The other side has lost interest before the end."""
        return self._cancelled.is_set()

    @property
    def over(self) -> bool:
        """Nobody listens any more: it was cancelled or ended, or the lane is dead."""
        return self._cancelled.is_set() or self._ended is not None or self.lane.error is not None

    def say(self, value: Any, body: Buffer | Sequence[Buffer] = ()) -> None:
        """Say something. Returns when the kernel has it all, so that ``body`` may be used again.

        Args:
            value: what msgpack carries by itself: None, bool, int, float, str, bytes, list, dict.
            body: raw bytes, in one piece or several; not copied.

        Raises:
            TalkEnded: one of the two ends has ended the talk; :meth:`hear` tells how.
            ConnectionLost: the lane is dead.
            EncodeError: the value cannot travel, or is larger than the Limits.
        """
        if self._cancelled.is_set() or self.lane.connection.exchange != self._exchange:
            raise self._gone()
        meta, buffers = _pack(value), _buffers(body)
        try:
            self.lane.send(_SAY, meta=meta, body=buffers, patient=True)
        except LocalProtocolError:
            raise self._gone() from None
        if self.lane.error is not None:  # it may have died while this thread waited behind another
            raise self.lane.error

    def hear(self, timeout: float | None = None) -> Said | None:
        """Wait for what the other end says next. Always by the same thread.

        Args:
            timeout: seconds; None waits for ever.

        Returns:
            None after the timeout.

        Raises:
            TalkEnded: the other end has nothing more to say, or this talk was cancelled.
            RemoteError, PynetError: the function over there raised.
            ConnectionLost: the lane is dead, and all that came before was heard.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            if self._cancelled.is_set() and self.lane.error is None:
                raise self._gone()
            if self._ended is not None:
                raise self._ended
            frame = self.lane.next_frame(
                None if deadline is None else max(0.0, deadline - time.monotonic())
            )
            if frame is None:
                return None
            if frame.kind == _SAY:
                return _said(frame)
            self._take(frame)

    def _take(self, frame: Frame) -> None:
        """Something else than a saying came."""
        if frame.kind == Kind.END:
            self._ended = TalkEnded("the other end has nothing more to say", self)
        elif frame.kind != Kind.CANCEL:  # which is heard by the event that it has set
            raise RemoteProtocolError(f"{Kind(frame.kind).name} came in the middle of a talk")

    def _gone(self) -> PynetError:
        if self.lane.error is not None:
            return self.lane.error
        return self._ended or TalkEnded("the talk is over", self)


class ClientTalk(Talk):
    """The Controller's end, from :func:`open_talk`. Close it, or use it in a ``with`` block.

    Args:
        lane: that carries it.
        name: of the subroutine.
        owns_lane: close the lane with the talk.

    Attributes:
        name: of the subroutine.
        result: what the function returned, once :meth:`hear` has raised TalkEnded.
    """

    def __init__(self, lane: Lane, name: str, *, owns_lane: bool) -> None:
        super().__init__(lane, threading.Event())
        self.name = name
        self.result: Any = None
        self._owns_lane = owns_lane

    @property
    def ended(self) -> bool:
        """The function over there has returned or raised, and this end has heard of it."""
        return self._ended is not None

    def end(self) -> None:
        """Say that nothing more comes from here; the other end may go on. Idempotent.

        Raises:
            ConnectionLost: the lane is dead.
        """
        self._send_quietly(Kind.END)

    def finish(self, timeout: float | None = None) -> Any:
        """End the talk and wait for what the function returns; what it still says is dropped.

        Raises:
            As :meth:`hear`; DeadlineExceeded after the timeout.
        """
        self.end()
        deadline = None if timeout is None else time.monotonic() + timeout
        try:
            while True:
                left = None if deadline is None else max(0.0, deadline - time.monotonic())
                if self.hear(left) is None:
                    raise DeadlineExceeded(f"{self.name} did not come to its end in time")
        except TalkEnded:
            return self.result

    def close(self) -> None:
        """End the talk whatever the other end does. By the thread that hears. Idempotent.

        Afterwards the lane is ready for another exchange, or closed.
        """
        if not self.ended:
            self._cancel()
        if self._owns_lane or not self.ended:
            self.lane.close()

    def _cancel(self) -> None:
        deadline = time.monotonic() + CLOSE_GRACE
        with contextlib.suppress(PynetError):
            self._send_quietly(Kind.CANCEL)
            while self.hear(max(0.0, deadline - time.monotonic())) is not None:
                if time.monotonic() > deadline:
                    return

    def _send_quietly(self, kind: Kind) -> None:
        """Send what may come too late."""
        if self.ended or self.lane.connection.exchange != self._exchange:
            return
        with contextlib.suppress(LocalProtocolError):
            self.lane.send(kind)

    def _take(self, frame: Frame) -> None:
        if frame.kind == Kind.RESULT:
            self.result = Decoder().decode(frame.meta, frame.body)
            self._ended = TalkEnded(f"{self.name} has come to its end", self)
        elif frame.kind == Kind.ERROR:
            self._ended = read_error(frame)
        else:
            super()._take(frame)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def open_talk(
    way: Dialler | Lane, name: str, /, *args: Any, timeout: float = 10.0, **kwargs: Any
) -> ClientTalk:
    """Begin a talk with a subroutine.

    Args:
        way: a lane that is ready, which stays open after the talk; or the dialler of one, which is
            closed with it.
        name: of the subroutine.
        timeout: seconds for the other end to consent.
        args, kwargs: for the subroutine.

    Raises:
        UnknownSubroutine, WrongKind, Forbidden: it was not begun; a lane stays ready.
        ConnectError, Busy: no lane could be opened, or it does not answer.
        ConnectionLost: the lane is dead.
    """
    dialled = isinstance(way, Dialler)
    lane = way.open("pair") if isinstance(way, Dialler) else way
    try:
        meta, body = Encoder().encode([name, list(args), kwargs])
        lane.send(Kind.OPEN_TALK, meta=meta, body=body, patient=bool(body))
        frame = lane.next_frame(timeout)
        if frame is None:
            raise ConnectError(f"{lane.peer} did not answer the request for {name} in time")
        if frame.kind == Kind.ERROR:
            raise read_error(frame)
        if frame.kind != Kind.OPENED:
            raise RemoteProtocolError(f"{Kind(frame.kind).name} came instead of OPENED")
        return ClientTalk(lane, name, owns_lane=dialled)
    except BaseException:
        if dialled or lane.connection.state is not State.READY:
            lane.close()
        raise


def _pack(value: Any) -> bytes:
    try:
        packed: bytes = msgpack.packb(value)
        return packed
    except Exception as error:  # msgpack raises half a dozen unrelated classes
        raise EncodeError(f"this cannot be said in a talk: {error}") from error


def _buffers(body: Buffer | Sequence[Buffer]) -> Sequence[Buffer]:
    if isinstance(body, bytes | bytearray | memoryview):
        body = (body,)
    if len(body) > MOST_BUFFERS:
        return (b"".join(body),)
    return [part for part in map(_flat, body) if len(part)]


def _flat(part: Buffer) -> Buffer:
    """As bytes, whatever its items are."""
    return part if isinstance(part, bytes | bytearray) else memoryview(part).cast("B")


def _said(frame: Frame) -> Said:
    body = None if frame.body is None else frame.body.data
    try:
        return Said(unpack(frame.meta, _no_extension), body)
    except Exception as error:  # msgpack raises half a dozen unrelated classes
        raise DecodeError(f"something was said that cannot be read: {error!r:.200}") from error


def _no_extension(code: int, _payload: bytes) -> Any:
    raise DecodeError(f"it holds the extension {code}, and in a talk there are none")
