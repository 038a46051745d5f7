"""The Gateway's end of a pair: runs subroutines for one lane, on a thread of the pool."""

from __future__ import annotations

import logging
import threading
import time
import traceback
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pynet import context
from pynet.context import Caller
from pynet.errors import (
    TRAVELLING,
    ConnectionLost,
    HandlerStopped,
    PynetError,
    RemoteProtocolError,
    TalkEnded,
    WrongKind,
)
from pynet.flow import Flow
from pynet.incoming import Incoming, LaneSupply
from pynet.io.lane import Lane
from pynet.io.options import CLASS_COMMAND, CLASS_VIDEO
from pynet.io.reactor import Reactor
from pynet.outlet import Outlet
from pynet.policy import Policy, unpack_policy
from pynet.source import Source, open_source
from pynet.stats import Tally
from pynet.subroutines import BATCH, SINK, STREAM, TALK, Subroutine
from pynet.swarm.group import Group
from pynet.swarm.inlet import SwarmInlet
from pynet.swarm.options import SwarmOptions
from pynet.swarm.outlet import SwarmOutlet
from pynet.talk import Talk
from pynet.trust.peers import Peer
from pynet.wire.connection import greeting
from pynet.wire.frames import Frame, Kind
from pynet.wire.values import Decoder, Encoder

if TYPE_CHECKING:
    from pynet.gateway import Gateway

log = logging.getLogger("pynet.handler")

LEFT_OVER = frozenset(
    {Kind.ITEM, Kind.ITEMS, Kind.PART, Kind.SAY, Kind.END, Kind.CANCEL}
)  # what an exchange that its subroutine has ended may leave behind

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
        peer: whose it is, and what it may do.
        subroutine: name of what runs now, or an empty string.
        kind: kind of it.
        since: monotonic time when it began, or when the Handler did.
        cancelled: set when the other side lost interest.
        lane: what it serves.
        group: the swarm it belongs to, or None.
    """

    def __init__(
        self,
        gateway: Gateway,
        lane: Lane,
        id: int,
        controller: str,
        name: str,
        peer: Peer,
        group: Group | None = None,
    ) -> None:
        self.id = id
        self.lane = lane
        self.group = group
        self.controller = controller
        self.peer_name = name
        self.peer = peer
        self.subroutine = ""
        self.kind = ""
        self.since = time.monotonic()
        self.cancelled = threading.Event()
        self.tally = Tally()
        self.calls = 0
        self._gateway = gateway
        self._stopped: HandlerStopped | None = None
        self._cancelled_exchange = -1
        self._outlet: Outlet | SwarmOutlet | None = None
        self._encoder = Encoder()
        self._decoder = Decoder()
        lane.on_control = self._on_control
        lane.on_lost = self.cancel

    @property
    def reactor(self) -> Reactor:
        """The Gateway's."""
        return self._gateway.reactor

    # ---- life ---------------------------------------------------------------------------

    def run(self) -> None:
        """Serve requests until the lane ends. Runs on a thread of the pool."""
        context.enter(self)
        try:
            while self._stopped is None:
                frame = self.lane.next_frame()
                if frame is not None:
                    self._serve(frame)
        except ConnectionLost as error:
            log.debug("Handler %d ends: %s", self.id, error)
        except PynetError as error:
            log.info("Handler %d ends: %s", self.id, error)
        finally:
            context.enter(None)
            self.lane.close(self._stopped)
            self._gateway.handler_ended(self)

    def stop(self, reason: str) -> None:
        """End this Handler, from any thread; its Client gets :class:`HandlerStopped`.

        All Handlers of a swarm end together: another lane would take the place of a single one.
        """
        stopped = HandlerStopped(reason)
        fellows = [self] if self.group is None else list(self.group.handlers)
        for handler in fellows:
            handler._end_with(stopped)
        if self.group is not None:
            self.group.cancel(stopped)

    def _end_with(self, stopped: HandlerStopped) -> None:
        self._stopped = stopped
        self.cancel()
        delay = STOP_GRACE if self.subroutine else 0.0
        self._gateway.reactor.call_at(time.monotonic() + delay, lambda: self.lane.close(stopped))

    def abandon(self, farewell: PynetError) -> None:
        """The Gateway closes: say goodbye first, so that no stream looks as if it had ended."""
        if self.group is not None:
            self.group.abandon(farewell)
            self.group.cancel(farewell)
        self.lane.close(farewell)
        self.cancel()

    def describe(self) -> dict[str, Any]:
        """What ``handlers()`` lists."""
        return {
            "id": self.id,
            "controller": self.controller,
            "name": self.peer_name,
            "peer": self.lane.peer,
            "subroutine": self.subroutine,
            "kind": self.kind,
            "state": "stopping" if self._stopped else ("running" if self.subroutine else "idle"),
            "seconds": time.monotonic() - self.since,
            "calls": self.calls,
            "items": self.tally.items,
            "dropped": self.tally.dropped,
            "bytes_sent": self.lane.bytes_sent,
            "bytes_received": self.lane.bytes_received,
        }

    def cancel(self) -> None:
        """Nobody is interested any more: let the subroutine end."""
        self.cancelled.set()
        self._gateway.broadcasts.wake()
        outlet = self._outlet
        if outlet is not None:
            # May be called while the outlet's lock is held by a failing send of this very thread.
            self._gateway.reactor.call_soon(outlet.wake)

    def caller(self) -> Caller:
        """See :func:`pynet.caller`. Two machines may call themselves the same, and one lie."""
        name = self.peer.name if self.peer.paired else self.peer_name
        return Caller(name, self.peer.id, self.peer.role, self.controller)

    def _on_control(self, frame: Frame) -> None:
        outlet = self._outlet
        if frame.kind == Kind.CANCEL:
            self._cancelled_exchange = frame.exchange
            self.cancel()
            if self.kind == TALK:  # it may wait for what comes next
                self.lane.pass_on(frame)
        elif isinstance(outlet, Outlet) and frame.kind == Kind.CREDIT:
            outlet.on_credit(frame)

    # ---- requests -----------------------------------------------------------------------

    def _serve(self, frame: Frame) -> None:
        if self.cancelled.is_set():
            self.cancelled.clear()
            # What cancels this request may have come together with it.
            if (
                self._cancelled_exchange == frame.exchange
                or self.lane.error is not None
                or self._stopped is not None
            ):
                self.cancelled.set()
        if frame.kind == _CALL:
            self._run(BATCH, frame, self._call)
        elif frame.kind == Kind.OPEN_STREAM:
            self._run(STREAM, frame, self._stream)
        elif frame.kind == Kind.OPEN_FEED:
            self._run(SINK, frame, self._feed)
        elif frame.kind == Kind.OPEN_TALK:
            self._run(TALK, frame, self._talk)
        elif frame.kind not in LEFT_OVER:
            raise RemoteProtocolError(f"a pair cannot carry {Kind(frame.kind).name}")

    def _run(self, kind: str, frame: Frame, serve: Callable[..., None]) -> None:
        """Decode a request, run what it asks for, answer every error with an ERROR frame."""
        try:
            request = self._decoder.decode(frame.meta, frame.body)
            try:
                name, args, kwargs, *options = request
                options = options[0] if options else {}
                if kind != TALK:
                    kind = options.get("kind", kind)
            except (TypeError, ValueError, AttributeError, IndexError):
                raise RemoteProtocolError("the other side sent a torn request") from None
            subroutine = self._gateway.registry.find(name, kind)
            subroutine.check_role(self.peer)
            self.subroutine, self.kind, self.since = subroutine.name, kind, time.monotonic()
            if self.group is not None and "swarm" in options:
                self._serve_swarm(self.group, subroutine, args, kwargs, options)
            else:
                serve(subroutine, args, kwargs, options)
        except BaseException as error:
            # A subroutine may use pynet itself: only our own lane's loss is ours.
            if self.lane.error is not None:
                raise self.lane.error from None
            self._report(error)
        finally:
            self.subroutine = self.kind = ""
            if self._outlet is not None:
                self._outlet = None
                self.lane.on_drained = None

    def _call(
        self, subroutine: Subroutine, args: list[Any], kwargs: dict[str, Any], _: dict[str, Any]
    ) -> None:
        self.calls += 1
        result = subroutine.run(args, kwargs)
        if hasattr(result, "__next__"):
            getattr(result, "close", lambda: None)()
            raise WrongKind(
                f"{subroutine.name} yields its results; ask for them with "
                f"car.batches({subroutine.name!r}, ...)"
            )
        meta, body = self._encoder.encode(result)
        self.lane.send(_RESULT, meta=meta, body=body, patient=bool(body))

    def _stream(
        self,
        subroutine: Subroutine,
        args: list[Any],
        kwargs: dict[str, Any],
        options: dict[str, Any],
    ) -> None:
        policy = self._policy(subroutine, options)
        source = self._gateway.sources.join(
            options.get("group"), lambda: self._source(subroutine, args, kwargs, options, policy)
        )
        try:
            self._begin(policy)
            outlet = self._outlet = Outlet(policy, self.tally, self._gateway.reactor)
            outlet.attach(self.lane)
            self.lane.hand_over()
            self._pump(source, outlet)
            outlet.flush()
            self.lane.send(Kind.END, patient=True)
        finally:
            self._gateway.sources.leave(options.get("group"), source)

    def _source(
        self,
        subroutine: Subroutine,
        args: list[Any],
        kwargs: dict[str, Any],
        options: dict[str, Any],
        policy: Policy,
    ) -> Source:
        if not subroutine.shared:
            return open_source(subroutine, args, kwargs, int(options.get("lanes", 1)))
        return self._gateway.broadcasts.subscribe(
            subroutine,
            args,
            kwargs,
            policy,
            lambda: subroutine.run(args, kwargs),
            int(options.get("lanes", 1)),
        )

    def _pump(self, source: Source, outlet: Outlet | SwarmOutlet) -> None:
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

    def _feed(
        self,
        subroutine: Subroutine,
        args: list[Any],
        kwargs: dict[str, Any],
        options: dict[str, Any],
    ) -> None:
        policy = self._policy(subroutine, options)
        supply = LaneSupply(self.lane, policy, self.tally)
        incoming = Incoming(supply, subroutine, self.tally, self.peer_name, self.lane.peer)
        self._begin(policy)
        result = self._sink(subroutine, incoming, args, kwargs)
        if self.lane.error is not None:
            raise self.lane.error
        meta, body = self._encoder.encode(result)
        self.lane.send(Kind.RESULT, meta=meta, body=body, patient=bool(body))

    def _sink(
        self, subroutine: Subroutine, incoming: Incoming, args: list[Any], kwargs: dict[str, Any]
    ) -> Any:
        try:
            return subroutine.run([incoming, *args], kwargs)
        except GeneratorExit:
            if not self.cancelled.is_set():
                raise
            return None

    def _talk(
        self, subroutine: Subroutine, args: list[Any], kwargs: dict[str, Any], _: dict[str, Any]
    ) -> None:
        talk = Talk(self.lane, self.cancelled)
        self.lane.send(Kind.OPENED, meta=greeting({}))
        try:
            result = subroutine.run([talk, *args], kwargs)
        except TalkEnded as ended:
            if ended.talk is not talk:
                raise
            result = None
        if self._stopped is not None:
            raise self._stopped
        if self.lane.error is not None:
            raise self.lane.error
        meta, body = self._encoder.encode(result)
        self.lane.send(_RESULT, meta=meta, body=body, patient=bool(body))

    # ---- swarms -------------------------------------------------------------------------

    def _serve_swarm(
        self,
        group: Group,
        subroutine: Subroutine,
        args: list[Any],
        kwargs: dict[str, Any],
        options: dict[str, Any],
    ) -> None:
        """Lead the swarm, if this lane is the first to ask; else lend the lane to it."""
        swarm = SwarmOptions.unpack(options["swarm"])
        if not group.enter(self):
            group.join(self, swarm.lane)
            group.serve(self, swarm.lane)
            return
        policy = self._policy(subroutine, options)
        lead = self._lead_sink if subroutine.kind == SINK else self._lead_stream
        try:
            lead(group, policy, swarm, subroutine, args, kwargs)
        except BaseException as error:
            if error is self.lane.error:  # it was not the function that failed
                group.abandon(self.lane.error)
            group.fail(self._explain(error))
        finally:
            self._outlet = None
            if not group.has_left(swarm.lane):
                group.say_last(self)

    def _lead_stream(
        self,
        group: Group,
        policy: Policy,
        swarm: SwarmOptions,
        subroutine: Subroutine,
        args: list[Any],
        kwargs: dict[str, Any],
    ) -> None:
        source = self._source(subroutine, args, kwargs, {}, policy)
        source.join()
        try:
            outlet = SwarmOutlet(
                policy,
                self.tally,
                self.reactor,
                self._gateway.limits,
                copies=swarm.copies,
                settled=swarm.settled,
            )
            self._outlet = outlet
            group.begin(policy, outlet=outlet)
            group.join(self, swarm.lane)
            try:
                self._pump(source, outlet)
            finally:  # what it yielded before it raised arrives, too
                outlet.wait_done(self.cancelled.is_set)
            group.finish(Kind.END, seq=outlet.count)
        finally:
            source.leave()

    def _lead_sink(
        self,
        group: Group,
        policy: Policy,
        swarm: SwarmOptions,
        subroutine: Subroutine,
        args: list[Any],
        kwargs: dict[str, Any],
    ) -> None:
        inlet = SwarmInlet(
            policy,
            self.tally,
            self.reactor,
            self._gateway.limits,
            group.on_event,
            takes_at_once=True,
            sparing=swarm.knows and policy.kind == "latest",
        )
        incoming = Incoming(inlet, subroutine, self.tally, self.peer_name, self.lane.peer)
        group.begin(policy, inlet=inlet)
        group.join(self, swarm.lane)
        result = self._sink(subroutine, incoming, args, kwargs)
        if self._stopped is not None:
            raise self._stopped
        meta, body = self._encoder.encode(result)
        group.finish(Kind.RESULT, meta, body)

    def open_flow(self, policy: Policy, epoch: int) -> None:
        """Tell the Client that this lane serves its swarm now."""
        self._begin(policy, epoch=epoch)

    def take_back(self) -> None:
        """The swarm does not need the lane any more."""
        lane = self.lane
        lane.on_frames = lane.on_drained = None
        lane.on_control, lane.on_lost = self._on_control, self.cancel
        lane.sparing = False

    def flow(self) -> Flow | None:
        """A reading of the stream that runs, or None."""
        outlet = self._outlet
        return None if outlet is None else outlet.flow()

    # ---- both ---------------------------------------------------------------------------

    def _policy(self, subroutine: Subroutine, options: dict[str, Any]) -> Policy:
        asked = options.get("policy")
        return subroutine.policy if asked is None else unpack_policy(asked)

    def _begin(self, policy: Policy, **fields: Any) -> None:
        if policy.live:
            self.lane.tune_for_freshness(CLASS_COMMAND if self.kind == SINK else CLASS_VIDEO)
        self.lane.send(Kind.OPENED, meta=greeting({"policy": policy.pack()} | fields))

    def _report(self, error: BaseException) -> None:
        """Tell the other side why its request failed."""
        self.lane.send(Kind.ERROR, meta=greeting(self._explain(error)))

    def _explain(self, error: BaseException) -> dict[str, Any]:
        """What the other side is told of an error, and the log if it is our user's fault."""
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
        return fields


def _text_of(error: BaseException) -> str:
    try:
        return str(error)[:LONGEST_TEXT]
    except Exception as fault:  # an exception's own __str__ is user code too
        return f"its text cannot be read: {type(fault).__name__}"
