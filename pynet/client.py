"""The Controller's end of a pair."""

from __future__ import annotations

import abc
import inspect
import logging
import threading
import time
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any, NamedTuple

from pynet.dial import Backoff, Dialler, read_error
from pynet.errors import (
    Busy,
    CallbackError,
    Closed,
    ConnectError,
    ConnectionLost,
    PynetError,
    RemoteProtocolError,
    StreamLost,
)
from pynet.inlet import Inlet, ItemInfo
from pynet.io.lane import Lane
from pynet.io.options import CLASS_COMMAND, CLASS_VIDEO
from pynet.merge import Merge
from pynet.policy import Policy, unpack_policy
from pynet.stats import FlowStats, Tally
from pynet.wire.clock import ClockEstimate
from pynet.wire.connection import read_greeting
from pynet.wire.frames import Frame, Kind
from pynet.wire.values import Buffer, Encoder

log = logging.getLogger("pynet.client")

CONNECTING, LIVE, RECONNECTING, CLOSED = "connecting", "live", "reconnecting", "closed"

JOIN_TIMEOUT = 5.0


class Request(NamedTuple):
    """What is asked of the Gateway, again after each loss."""

    verb: Kind
    name: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    options: dict[str, Any]

    @property
    def traffic_class(self) -> int:
        """For IP_TOS, if the flow is live."""
        return CLASS_COMMAND if self.verb == Kind.OPEN_FEED else CLASS_VIDEO

    def pack(self) -> tuple[bytes, list[Buffer]]:
        """Meta and body of the frame."""
        return self.pack_with({})

    def pack_with(self, options: dict[str, Any]) -> tuple[bytes, list[Buffer]]:
        """The same with further options."""
        options = self.options | options
        return Encoder().encode([self.name, list(self.args), self.kwargs, options])


class Delivery(NamedTuple):
    """Items as they came off a lane."""

    frame: Frame
    inlet: Inlet
    values: list[Any]
    births: list[int] | None
    age: float


class Pair(abc.ABC):
    """What streams and feeds have in common: one lane at a time, redialled when it is lost.

    Attributes:
        name: of the subroutine.
        policy: in force.
        error: why it ended, or the newest reason of a reconnection; None when all is well.
        retry_at: monotonic time of the next try while reconnecting, else None.
    """

    def __init__(
        self,
        dialler: Dialler,
        request: Request,
        *,
        reconnect: bool | None,
        on_state: Callable[[str], Any] | None,
        on_gone: Callable[[Pair], None],
        lane: Lane | None = None,
    ) -> None:
        self.name = request.name
        self.policy: Policy
        self.error: PynetError | None = None
        self.retry_at: float | None = None
        self.tally = Tally()
        self._dialler = dialler
        self._request = request
        self._on_state = on_state
        self._on_gone = on_gone
        self._state = CONNECTING
        self._closing = threading.Event()
        self._lane: Lane | None = None
        self._clock = ClockEstimate()
        self._tell(CONNECTING)
        self._lane = self._open(lane)
        self._reconnect = self.policy.live if reconnect is None else reconnect
        self._tell(LIVE)

    # ---- what anybody may ask -----------------------------------------------------------

    @property
    def state(self) -> str:
        """``"connecting"``, ``"live"``, ``"reconnecting"`` or ``"closed"``."""
        return self._state

    @property
    def stats(self) -> FlowStats:
        """Figures since the beginning, across reconnections."""
        tally, lane, clock = self.tally, self._lane, self._clock
        return FlowStats(
            items=tally.items,
            dropped=tally.dropped,
            reconnects=tally.reconnects,
            bytes_sent=tally.bytes_sent + (lane.bytes_sent if lane else 0),
            bytes_received=tally.bytes_received + (lane.bytes_received if lane else 0),
            age_p50=tally.ages.percentile(0.50),
            age_p95=tally.ages.percentile(0.95),
            age_p99=tally.ages.percentile(0.99),
            age_max=tally.ages.highest if tally.ages.count else None,
            round_trip=tally.round_trip,
            rtt=clock.rtt,
            clock_offset=clock.offset,
        )

    @property
    def lanes(self) -> int:
        """How many pairs serve it now; fewer than asked for when the Gateway was busy."""
        return int(self._lane is not None)

    # ---- lanes --------------------------------------------------------------------------

    def _open(self, lane: Lane | None = None) -> Lane:
        """Dial unless a lane is there already, ask, wait for the consent."""
        if lane is None:
            lane = self._dialler.open("pair")
        try:
            request = self._request
            meta, body = request.pack()
            lane.send(request.verb, meta=meta, body=body, patient=True)
            frame = lane.next_frame(self._dialler.timeout)
            if frame is None:
                raise ConnectError(
                    f"{self._dialler.address} did not answer the request for {self.name} within "
                    f"{self._dialler.timeout:g} s"
                )
            if frame.kind == Kind.ERROR:
                raise read_error(frame)
            if frame.kind != Kind.OPENED:
                raise RemoteProtocolError(f"{Kind(frame.kind).name} came instead of OPENED")
            self.policy = unpack_policy(read_greeting(frame).get("policy"))
            if self.policy.live:
                lane.tune_for_freshness(self._request.traffic_class)
        except BaseException:
            lane.close()
            raise
        self._clock = lane.connection.clock
        return lane

    def _drop_lane(self) -> None:
        lane, self._lane = self._lane, None
        if lane is not None:
            self.tally.bytes_sent += lane.bytes_sent
            self.tally.bytes_received += lane.bytes_received
            if lane.error is None:
                try:
                    lane.send(Kind.CANCEL)
                except PynetError as error:
                    log.debug("nothing left to cancel on %s: %s", lane.peer, error)
            lane.close()

    def _redial(self, backoff: Backoff) -> bool:
        """Try again until it works. False when closed meanwhile; raises what cannot be retried."""
        self.tally.reconnects += 1
        self._tell(RECONNECTING)
        while True:
            pause = backoff.next()
            self.retry_at = time.monotonic() + pause
            if self._closing.wait(pause):
                return False
            self.retry_at = None
            try:
                lane = self._open()
            except (ConnectError, ConnectionLost, Busy) as error:
                self.error = error
                log.debug("%s: %s", self.name, error)
                continue
            self._lane = lane
            if self._closing.is_set():
                self._drop_lane()
                return False
            self.error = None
            backoff.reset()
            self._tell(LIVE)
            return True

    def _tell(self, state: str) -> None:
        self._state = state
        if self._on_state is not None:
            try:
                self._on_state(state)
            except Exception:
                log.exception("on_state of %s raised", self.name)

    def _gone(self) -> None:
        self._drop_lane()
        if self._state != CLOSED:
            self._tell(CLOSED)
            self._on_gone(self)

    @abc.abstractmethod
    def close(self) -> None:
        """End it. Idempotent; waits for its thread, unless called by it."""

    def __enter__(self) -> Any:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class Client(Pair):
    """One open stream: iterate over it, or let it call back.

    With a callback, items are handed over on a thread of the Client's own. Without one, iterate
    over the Client; then the iterating thread does the work. Made by
    :meth:`~pynet.RemoteGateway.stream` and :meth:`~pynet.RemoteGateway.batches`.

    Attributes:
        info: about the newest item of an iteration, or None.
    """

    def __init__(
        self,
        dialler: Dialler,
        request: Request,
        *,
        callback: Callable[..., Any] | None,
        on_end: Callable[[PynetError | None], Any] | None,
        reconnect: bool | None,
        on_state: Callable[[str], Any] | None,
        on_gone: Callable[[Pair], None],
        lanes: list[Lane] | None = None,
        ordered: bool = True,
    ) -> None:
        self.info: ItemInfo | None = None
        first = lanes[0] if lanes else None
        self._siblings = lanes[1:] if lanes else []
        try:
            super().__init__(
                dialler,
                request,
                reconnect=reconnect,
                on_state=on_state,
                on_gone=on_gone,
                lane=first,
            )
            for lane in self._siblings:
                self._open(lane)
        except BaseException:
            for lane in self._siblings:
                lane.close()
            raise
        self._ordered = ordered and self.policy.kind != "latest"
        self._callback = callback
        self._on_end = on_end
        self._with_info = callback is not None and _takes_info(callback)
        self._thread: threading.Thread | None = None
        self._iterating = False
        if callback is not None:
            self._thread = threading.Thread(
                target=self._run, name=f"pynet-client-{self.name}", daemon=True
            )
            self._thread.start()

    # ---- for the user -------------------------------------------------------------------

    @property
    def lanes(self) -> int:
        """How many pairs serve it; fewer than asked for when the Gateway was busy."""
        return 1 + len(self._siblings)

    def __iter__(self) -> Iterator[Any]:
        """Items, until the stream ends.

        Raises:
            Closed: it has a callback, or is iterated over already.
            PynetError: why it broke.
        """
        if self._callback is not None or self._iterating:
            raise Closed(f"{self.name} has a reader already; open another stream")
        self._iterating = True
        return self._values()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until a stream with a callback has ended. False after ``timeout`` seconds."""
        if self._thread is not None:
            self._thread.join(timeout)
            return not self._thread.is_alive()
        return self._state == CLOSED

    def close(self) -> None:
        """Cancel the stream. Idempotent.

        The callback is not called any more once this has returned, unless it is the callback
        itself that closes.
        """
        self._closing.set()
        self._hang_up()
        if self._thread is None:
            self._gone()
        elif self._thread is not threading.current_thread():
            self._thread.join(JOIN_TIMEOUT)
            if self._thread.is_alive():
                log.warning("the callback of %s still runs after %.0f s", self.name, JOIN_TIMEOUT)

    # ---- inside -------------------------------------------------------------------------

    def _hang_up(self) -> None:
        lane = self._lane
        if lane is not None and lane.error is None:
            try:
                lane.send(Kind.CANCEL)
            except PynetError as error:
                log.debug("nothing left to cancel on %s: %s", lane.peer, error)
            lane.close()

    def _gone(self) -> None:
        for lane in self._siblings:
            lane.close()
        super()._gone()

    def _run(self) -> None:
        error: PynetError | None = None
        try:
            self._deliver()
        except PynetError as reason:
            error = reason
        except Exception as raised:
            log.exception("the callback of %s raised; the stream is closed", self.name)
            error = CallbackError(f"the callback of {self.name} raised {raised!r}")
            error.__cause__ = raised
            if self._on_end is None:  # nobody else would see it
                threading.excepthook(
                    threading.ExceptHookArgs(
                        (type(raised), raised, raised.__traceback__, threading.current_thread())
                    )
                )
        self.error = error
        self._gone()
        if self._on_end is not None:
            try:
                self._on_end(error)
            except Exception:
                log.exception("on_end of %s raised", self.name)

    def _deliver(self) -> None:
        callback = self._callback
        assert callback is not None
        closing = self._closing.is_set
        deliveries = self._deliveries()
        try:
            for frame, inlet, values, births, age in deliveries:
                if self._with_info:
                    for value, info in inlet.infos(frame, values, births, age):
                        if callback(value, info) is False or closing():
                            return
                else:
                    inlet.gap_before(frame, len(values))
                    for value in values:
                        if callback(value) is False or closing():
                            return
                inlet.taken(frame, len(values))
        finally:
            deliveries.close()  # type: ignore[attr-defined]

    def _values(self) -> Iterator[Any]:
        try:
            for frame, inlet, values, births, age in self._deliveries():
                infos = inlet.infos(frame, values, births, age)
                if births is None:  # the loop has it as soon as we yield it
                    inlet.taken(frame)
                for value, info in infos:
                    self.info = info
                    yield value
                if births is not None:
                    inlet.taken(frame, len(values))
        except PynetError as error:
            self.error = error
            raise
        finally:
            self._gone()

    def _deliveries(self) -> Iterator[Delivery]:
        if self._siblings:
            lanes = [lane for lane in (self._lane, *self._siblings) if lane is not None]
            merge = Merge(self.name, lanes, self.policy, self.tally, self._ordered)
            try:
                for part in merge:
                    yield Delivery(*part)
            except ConnectionLost as error:
                if not self._closing.is_set():
                    raise StreamLost(f"a lane of {self.name} was lost: {error}") from error
            finally:
                merge.close()
            return
        yield from self._one_lane()

    def _one_lane(self) -> Iterator[Delivery]:
        backoff = Backoff()
        while not self._closing.is_set():
            try:
                yield from self._read_lane()
                return
            except ConnectionLost as error:
                if self._closing.is_set():
                    return
                self.error = error
                if not self._reconnect:
                    raise StreamLost(f"the stream {self.name} broke: {error}") from error
            self._drop_lane()
            if not self._redial(backoff):
                return

    def _read_lane(self) -> Iterator[Delivery]:
        lane = self._lane
        if lane is None:
            return
        inlet = Inlet(lane, self.policy, self.tally)
        newest_only = self.policy.kind == "latest"
        while True:
            frame = lane.next_frame()
            assert frame is not None
            while newest_only and frame.kind == Kind.ITEM:
                newer = lane.newer_item()
                if newer is None:
                    break
                inlet.taken(frame)
                frame = newer
            if frame.kind == Kind.ITEM or frame.kind == Kind.ITEMS:
                yield Delivery(frame, inlet, *inlet.read(frame))
            elif frame.kind == Kind.END:
                return
            elif frame.kind == Kind.ERROR:
                raise read_error(frame)


def _takes_info(callback: Callable[..., Any]) -> bool:
    """True when a callback has room for (item, info); builtins like print get the item alone."""
    if inspect.isbuiltin(callback) or inspect.isclass(callback):
        return False
    try:
        parameters = inspect.signature(callback).parameters.values()
    except (TypeError, ValueError):
        return False
    positional = [
        p
        for p in parameters
        if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) and p.default is p.empty
    ]
    return len(positional) >= 2
