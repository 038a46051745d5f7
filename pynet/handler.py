"""The Gateway's end of a pair: runs subroutines for one lane, on a thread of the pool."""

from __future__ import annotations

import logging
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from pynet import context
from pynet.errors import (
    TRAVELLING,
    ConnectionLost,
    HandlerStopped,
    PynetError,
    RemoteProtocolError,
    WrongKind,
)
from pynet.incoming import Incoming
from pynet.io.lane import Lane
from pynet.outlet import Outlet
from pynet.policy import Policy, unpack_policy
from pynet.source import Source
from pynet.stats import Tally
from pynet.subroutines import BATCH, SINK, STREAM, Subroutine
from pynet.wire.connection import greeting
from pynet.wire.frames import Frame, Kind
from pynet.wire.values import Decoder, Encoder

if TYPE_CHECKING:
    from pynet.gateway import Gateway

log = logging.getLogger("pynet.handler")

LONGEST_TEXT = 16 * 1024
"""Characters of an error's text or traceback that travel."""

_CALL, _RESULT = Kind.CALL, Kind.RESULT

STOP_GRACE = 0.5
"""Seconds a stopped Handler gives its subroutine before the lane is closed over its head."""


class Handler:
    """Serves one lane until it closes.

    Attributes:
        id: number within the Gateway.
        controller: id of the Controller at the other end.
        peer_name: name of that Controller.
        subroutine: name of what runs now, or an empty string.
        kind: kind of it.
        since: monotonic time when it began, or when the Handler did.
        cancelled: set when the other side lost interest.
    """

    def __init__(self, gateway: Gateway, lane: Lane, id: int, controller: str, name: str) -> None:
        self.id = id
        self.controller = controller
        self.peer_name = name
        self.subroutine = ""
        self.kind = ""
        self.since = time.monotonic()
        self.cancelled = threading.Event()
        self.tally = Tally()
        self.calls = 0
        self._gateway = gateway
        self._lane = lane
        self._stopped: HandlerStopped | None = None
        self._cancelled_exchange = -1
        self._outlet: Outlet | None = None
        self._encoder = Encoder()
        self._decoder = Decoder()
        lane.on_control = self._on_control
        lane.on_lost = self._cancel

    # ---- life ---------------------------------------------------------------------------

    def run(self) -> None:
        """Serve requests until the lane ends. Runs on a thread of the pool."""
        context.enter(self)
        try:
            while self._stopped is None:
                frame = self._lane.next_frame()
                if frame is not None:
                    self._serve(frame)
        except ConnectionLost as error:
            log.debug("Handler %d ends: %s", self.id, error)
        except PynetError as error:
            log.info("Handler %d ends: %s", self.id, error)
        finally:
            context.enter(None)
            self._lane.close(self._stopped)
            self._gateway.handler_ended(self)

    def stop(self, reason: str) -> None:
        """End this Handler, from any thread; its Client gets :class:`HandlerStopped`."""
        self._stopped = HandlerStopped(reason)
        self._cancel()
        delay = STOP_GRACE if self.subroutine else 0.0
        self._gateway.reactor.call_at(
            time.monotonic() + delay, lambda: self._lane.close(self._stopped)
        )

    def abandon(self, farewell: PynetError) -> None:
        """The Gateway closes: say goodbye first, so that no stream looks as if it had ended."""
        self._lane.close(farewell)
        self._cancel()

    def describe(self) -> dict[str, Any]:
        """What ``handlers()`` lists."""
        return {
            "id": self.id,
            "controller": self.controller,
            "name": self.peer_name,
            "peer": self._lane.peer,
            "subroutine": self.subroutine,
            "kind": self.kind,
            "state": "stopping" if self._stopped else ("running" if self.subroutine else "idle"),
            "seconds": time.monotonic() - self.since,
            "calls": self.calls,
            "items": self.tally.items,
            "dropped": self.tally.dropped,
            "bytes_sent": self._lane.bytes_sent,
            "bytes_received": self._lane.bytes_received,
        }

    def _cancel(self) -> None:
        self.cancelled.set()
        outlet = self._outlet
        if outlet is not None:
            # May be called while the outlet's lock is held by a failing send of this very thread.
            self._gateway.reactor.call_soon(outlet.wake)

    def _on_control(self, frame: Frame) -> None:
        outlet = self._outlet
        if frame.kind == Kind.CANCEL:
            self._cancelled_exchange = frame.exchange
            self._cancel()
        elif outlet is not None:
            outlet.on_credit(frame)

    # ---- requests -----------------------------------------------------------------------

    def _serve(self, frame: Frame) -> None:
        if self.cancelled.is_set():
            self.cancelled.clear()
            # What cancels this request may have come together with it.
            if (
                self._cancelled_exchange == frame.exchange
                or self._lane.error is not None
                or self._stopped is not None
            ):
                self.cancelled.set()
        if frame.kind == _CALL:
            self._run(BATCH, frame, self._call)
        elif frame.kind == Kind.OPEN_STREAM:
            self._run(STREAM, frame, self._stream)
        elif frame.kind == Kind.OPEN_FEED:
            self._run(SINK, frame, self._feed)
        elif frame.kind not in (Kind.ITEM, Kind.ITEMS, Kind.END):
            raise RemoteProtocolError(f"a pair cannot carry {Kind(frame.kind).name}")

    def _run(self, kind: str, frame: Frame, serve: Callable[..., None]) -> None:
        """Decode a request, run what it asks for, answer every error with an ERROR frame."""
        try:
            request = self._decoder.decode(frame.meta, frame.body)
            try:
                name, args, kwargs, *options = request
                options = options[0] if options else {}
                kind = options.get("kind", kind)
            except (TypeError, ValueError, AttributeError, IndexError):
                raise RemoteProtocolError("the other side sent a torn request") from None
            subroutine = self._gateway.registry.find(name, kind)
            self.subroutine, self.kind, self.since = subroutine.name, kind, time.monotonic()
            serve(subroutine, args, kwargs, options)
        except BaseException as error:
            # A subroutine may use pynet itself: only our own lane's loss is ours.
            if self._lane.error is not None:
                raise self._lane.error from None
            self._report(error)
        finally:
            self.subroutine = self.kind = ""
            if self._outlet is not None:
                self._outlet = None
                self._lane.on_drained = None

    def _call(
        self, subroutine: Subroutine, args: list[Any], kwargs: dict[str, Any], _: dict[str, Any]
    ) -> None:
        self.calls += 1
        result = _invoke(subroutine, args, kwargs)
        if hasattr(result, "__next__"):
            getattr(result, "close", lambda: None)()
            raise WrongKind(
                f"{subroutine.name} yields its results; ask for them with "
                f"car.batches({subroutine.name!r}, ...)"
            )
        meta, body = self._encoder.encode(result)
        self._lane.send(_RESULT, meta=meta, body=body, patient=bool(body))

    def _stream(
        self,
        subroutine: Subroutine,
        args: list[Any],
        kwargs: dict[str, Any],
        options: dict[str, Any],
    ) -> None:
        policy = self._policy(subroutine, options)
        source = self._gateway.sources.join(
            options.get("group"), lambda: _open_source(subroutine, args, kwargs, options)
        )
        try:
            self._begin(policy)
            outlet = self._outlet = Outlet(policy, self.tally, self._gateway.reactor)
            outlet.attach(self._lane)
            self._lane.hand_over()
            self._pump(source, outlet)
        finally:
            self._gateway.sources.leave(options.get("group"), source)

    def _pump(self, source: Source, outlet: Outlet) -> None:
        """Pull and send until one side has had enough."""
        cancelled = self.cancelled.is_set
        # keep_last runs ahead of its receiver, the others pull only what can go out.
        pulls_ahead = outlet.policy.kind == "keep_last"
        pull, put, wait_ready = source.pull, outlet.put, outlet.wait_ready
        alone = iter(source.iterator).__next__ if source.alone else None
        while not cancelled():
            if not pulls_ahead and outlet.credit <= 0 and not wait_ready(cancelled):
                break
            try:
                if alone is not None:
                    put(alone())
                else:
                    item_id, value = pull()
                    put(value, item_id)
            except StopIteration:
                break
            except GeneratorExit:
                if not cancelled():
                    raise
                break
        if self._stopped is not None:
            raise self._stopped
        outlet.flush()
        self._lane.send(Kind.END, patient=True)

    def _feed(
        self,
        subroutine: Subroutine,
        args: list[Any],
        kwargs: dict[str, Any],
        options: dict[str, Any],
    ) -> None:
        policy = self._policy(subroutine, options)
        incoming = Incoming(self._lane, subroutine, policy, self.tally, self.peer_name)
        self._begin(policy)
        try:
            result = _invoke(subroutine, [incoming, *args], kwargs)
        except GeneratorExit:
            if not self.cancelled.is_set():
                raise
            result = None
        if self._lane.error is not None:
            raise self._lane.error
        meta, body = self._encoder.encode(result)
        self._lane.send(Kind.RESULT, meta=meta, body=body, patient=bool(body))

    def _policy(self, subroutine: Subroutine, options: dict[str, Any]) -> Policy:
        asked = options.get("policy")
        return subroutine.policy if asked is None else unpack_policy(asked)

    def _begin(self, policy: Policy) -> None:
        if policy.live:
            self._lane.tune_for_freshness()
        self._lane.send(Kind.OPENED, meta=greeting({"policy": policy.pack()}))

    def _report(self, error: BaseException) -> None:
        """Tell the other side why its request failed, and the log if it is our user's fault."""
        if self._stopped is not None:
            error = self._stopped
        expected = isinstance(error, PynetError) and type(error).__name__ in TRAVELLING
        if expected or (isinstance(error, GeneratorExit) and self.cancelled.is_set()):
            log.debug("Handler %d answers with %s", self.id, type(error).__name__)
        elif not isinstance(error, RemoteProtocolError):
            log.warning("the subroutine %r raised", self.subroutine, exc_info=error)
        fields = {"type": type(error).__name__, "message": _text_of(error)}
        if self._gateway.tracebacks:
            fields["traceback"] = "".join(traceback.format_exception(error))[-LONGEST_TEXT:]
        self._lane.send(Kind.ERROR, meta=greeting(fields))


def _text_of(error: BaseException) -> str:
    try:
        return str(error)[:LONGEST_TEXT]
    except Exception as fault:  # an exception's own __str__ is user code too
        return f"its text cannot be read: {type(fault).__name__}"


def _invoke(subroutine: Subroutine, args: list[Any], kwargs: dict[str, Any]) -> Any:
    try:
        return subroutine.function(*args, **kwargs)
    except TypeError as error:
        # Deeper than this frame and the next: the function ran, the fault is inside.
        if error.__traceback__ is None or error.__traceback__.tb_next is None:
            subroutine.check_arguments(error, args, kwargs)
        raise


def _open_source(
    subroutine: Subroutine, args: list[Any], kwargs: dict[str, Any], options: dict[str, Any]
) -> Source:
    made = _invoke(subroutine, args, kwargs)
    if not isinstance(made, Iterator):
        raise WrongKind(
            f"{subroutine.name} returned {type(made).__name__}, but a {subroutine.kind} that is "
            "streamed must be a generator or return an iterator; use yield in it"
        )
    return Source(made, lanes=int(options.get("lanes", 1)))
