"""Calls: one pair, kept open, over which a caller's requests go one after the other."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any

from pynet.dial import Dialler, read_error
from pynet.errors import Closed, ConnectionLost, DeadlineExceeded
from pynet.io.lane import Lane
from pynet.wire.frames import Kind
from pynet.wire.values import Decoder, Encoder

_CALL, _RESULT = Kind.CALL, Kind.RESULT

RESTED = 0.0001
"""Seconds after which the kept pair is looked at before a call: its Handler may be gone."""


class CallPair:
    """A pair for calls. One at a time uses it; :meth:`RemoteGateway.call_pair` makes more of them.

    All methods may be called from any thread.

    Args:
        dialler: opens the pair, when it is needed first and after each loss.
        check_open: raises when the connection was closed by this side.
        on_closed: told when it is closed.
    """

    def __init__(
        self,
        dialler: Dialler,
        check_open: Callable[[], None],
        on_closed: Callable[[CallPair], None],
    ) -> None:
        self._dialler = dialler
        self._check_open = check_open
        self._on_closed = on_closed
        self._encoder, self._decoder = Encoder(), Decoder()
        self._turn = threading.Lock()
        self._lane: Lane | None = None
        self._last_call = 0.0
        self._closed = False

    def call(
        self,
        name: str,
        /,
        *args: Any,
        timeout: float | None = None,
        arguments: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> Any:
        """Run a batch subroutine and wait for its result: see :meth:`RemoteGateway.call`."""
        if arguments:
            kwargs = {**kwargs, **arguments}

        def put(lane: Lane) -> None:
            meta, body = self._encoder.encode([name, args, kwargs])
            lane.send(_CALL, meta=meta, body=body, patient=bool(body))

        return self._ask(name, timeout, put)

    def send(
        self,
        name: str,
        value: Any,
        /,
        *args: Any,
        timeout: float | None = None,
        arguments: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> Any:
        """Send one value into a sink: see :meth:`RemoteGateway.send`."""
        if arguments:
            kwargs = {**kwargs, **arguments}

        def put(lane: Lane) -> None:
            request, request_body = self._encoder.encode([name, args, kwargs])
            meta, body = Encoder().encode(value)
            lane.send(Kind.OPEN_FEED, meta=request, body=request_body, patient=True)
            lane.send(Kind.ITEM, meta=meta, body=body, patient=True)
            lane.send(Kind.END)

        return self._ask(name, timeout, put)

    def open(self, timeout: float | None = None) -> None:
        """Open the pair ahead of its first call, or anew if it was lost.

        Raises:
            ConnectError, Busy: it cannot be opened.
            DeadlineExceeded: a call uses it all the time.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        self._take_turn(timeout, "the pair")
        try:
            self._ready_lane(deadline)
        finally:
            self._turn.release()

    def close(self) -> None:
        """Close the pair; a call that waits ends with Closed or ConnectionLost. Idempotent."""
        if self._closed:
            return
        self._closed = True
        lane = self._lane
        if lane is not None:
            lane.close()
        self._on_closed(self)

    def _ask(self, name: str, timeout: float | None, put: Callable[[Lane], None]) -> Any:
        """Take a turn, let ``put`` send the request, and wait for its result."""
        deadline = None if timeout is None else time.monotonic() + timeout
        self._take_turn(timeout, name)
        try:
            lane = self._ready_lane(deadline)
            put(lane)
            return self._await_result(lane, name, deadline)
        except (ConnectionLost, DeadlineExceeded):
            self._drop_lane()
            raise
        finally:
            self._turn.release()

    def _take_turn(self, timeout: float | None, name: str) -> None:
        """The right to use the pair: one call at a time."""
        if not self._turn.acquire(timeout=-1 if timeout is None else timeout):
            raise DeadlineExceeded(
                f"{name} was not called: the pair was busy with another call all the time"
            )

    def _ready_lane(self, deadline: float | None) -> Lane:
        lane = self._lane
        if lane is not None and time.monotonic() - self._last_call < RESTED:
            return lane
        self._check()
        if lane is None or not lane.check():
            self._drop_lane()
            lane = self._lane = self._dialler.open("pair", deadline)
            if self._closed:  # meanwhile, by another thread
                self._drop_lane()
                self._check()
        return lane

    def _check(self) -> None:
        self._check_open()
        if self._closed:
            raise Closed("this pair for calls was closed by this side; ask for another")

    def _await_result(self, lane: Lane, name: str, deadline: float | None) -> Any:
        while True:
            frame = lane.next_frame(
                None if deadline is None else max(0.001, deadline - time.monotonic())
            )
            if frame is None:
                raise DeadlineExceeded(
                    f"{name} gave no result in time; it may still run over there"
                )
            kind = frame.kind
            if kind == _RESULT:
                self._last_call = lane.connection.last_received
                return self._decoder.decode(frame.meta, frame.body)
            if kind == Kind.ERROR:
                raise read_error(frame)

    def _drop_lane(self) -> None:
        lane, self._lane = self._lane, None
        if lane is not None:
            lane.close()

    def __enter__(self) -> CallPair:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
