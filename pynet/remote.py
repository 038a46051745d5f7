"""A Gateway as its Controller sees it."""

from __future__ import annotations

import dataclasses
import logging
import secrets
import threading
import time
from collections.abc import Callable, Sequence
from os import PathLike
from types import TracebackType
from typing import TYPE_CHECKING, Any

from pynet.calls import CallPair
from pynet.client import Client, Pair, Request
from pynet.dial import Dialler, read_error
from pynet.errors import (
    Closed,
    ConfigurationError,
    DeadlineExceeded,
    PynetError,
    RemoteProtocolError,
)
from pynet.feed import Feed
from pynet.io import kernel
from pynet.io.lane import Lane
from pynet.policy import Policy, as_policy, unpack_policy
from pynet.swarm.client import SwarmClient
from pynet.swarm.feed import SwarmFeed
from pynet.swarm.options import MOST_COPIES, STRATEGIES, SwarmOptions
from pynet.trust.peers import Peer
from pynet.trust.store import Trust
from pynet.wire.frames import Frame, Kind
from pynet.wire.values import Decoder, Encoder

if TYPE_CHECKING:
    from pynet.files.client import Files
    from pynet.files.progress import Report
    from pynet.files.transfer import Transfer

log = logging.getLogger("pynet.controller")

MAX_LANES = 64


class RemoteGateway:
    """What :meth:`Controller.connect` returns. All methods may be called from any thread.

    Options of a method are keyword arguments of their own. Arguments of the *subroutine*
    whose names clash with an option go into ``arguments={"name": value}``.

    Attributes:
        address: ``host:port``.
        name: what the Gateway calls itself.
        version: its pynet release.
        peer: whose it is, as its certificate proves; None over plain TCP.
        role: what this machine may do there: ``"viewer"``, ``"driver"`` or ``"owner"``.
        trust: who this machine is, and whom it knows; None over plain TCP.
    """

    def __init__(
        self,
        dialler: Dialler,
        on_closed: Callable[[RemoteGateway], None],
        trust: Trust | None = None,
    ) -> None:
        self._dialler = dialler
        self._on_closed = on_closed
        self._closed = False
        self._lock = threading.Lock()
        self._pairs: set[Pair] = set()
        self._call_pairs: set[CallPair] = set()
        self._question_turn = threading.Lock()
        self._manager: Lane | None
        self._manager, welcome = dialler.greet("manage")
        self.trust = trust
        self.peer: Peer | None = None
        if trust is not None and self._manager.tls is not None:
            # Whoever has answered now is to answer from now on.
            self.peer = trust.identify(self._manager.tls.certificate)
            self._dialler = dataclasses.replace(dialler, context=trust.client_context(self.peer))
        self._files: Files | None = None
        self._files_turn = threading.Lock()
        self._calls = self.call_pair()
        self.address = dialler.address
        self.name = str(welcome.get("gateway", ""))
        self.version = str(welcome.get("version", ""))
        self.role = str(welcome.get("role", ""))

    @property
    def dialler(self) -> Dialler:
        """Opens further lanes to the same Gateway."""
        return self._dialler

    # ---- batch --------------------------------------------------------------------------

    def call(
        self,
        name: str,
        /,
        *args: Any,
        timeout: float | None = None,
        arguments: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> Any:
        """Run a batch subroutine and wait for its result.

        All calls of this object share one pair, one after the other; :meth:`call_pair` is another.

        Args:
            name: of the subroutine.
            args, kwargs: for it.
            timeout: seconds; afterwards the function may still run over there.
            arguments: more keyword arguments, for names that clash with options.

        Raises:
            RemoteError: the function raised.
            UnknownSubroutine, WrongKind, WrongArguments: it was not run.
            DeadlineExceeded: no result in time.
            Busy: no Handler is free.
            ConnectionLost: the connection broke; the function may have run.
            EncodeError, DecodeError: arguments or result cannot travel.
        """
        return self._calls.call(name, *args, timeout=timeout, arguments=arguments, **kwargs)

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
        """Send one value into a sink and wait for what the function returns.

        The function's iteration yields the value and ends. Errors are those of :meth:`call`.
        """
        return self._calls.send(name, value, *args, timeout=timeout, arguments=arguments, **kwargs)

    def call_pair(self) -> CallPair:
        """One more pair for calls, for those that must not wait behind others.

        It is opened with its first call, or ahead of that by :meth:`CallPair.open`, and occupies
        a Handler from then on until it is closed.

        Raises:
            Closed: this connection was closed.
        """
        self._check_open()
        calls = CallPair(self._dialler, self._check_open, self._call_pair_gone)
        with self._lock:
            self._call_pairs.add(calls)
        return calls

    # ---- streams and feeds --------------------------------------------------------------

    def stream(
        self,
        name: str,
        callback: Callable[..., Any] | None = None,
        /,
        *args: Any,
        policy: Policy | str | None = None,
        on_end: Callable[[PynetError | None], Any] | None = None,
        on_state: Callable[[str], Any] | None = None,
        reconnect: bool | None = None,
        lanes: int = 1,
        copies: int = 1,
        strategy: str = "idle",
        arguments: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> Client:
        """Open a stream, on a pair of its own, or on a swarm of several.

        Args:
            name: of the subroutine.
            callback: called with ``(item)`` or ``(item, info)`` on a thread of the Client's
                own; ends the stream by returning False. Without it, iterate over the Client.
            args, kwargs: for the subroutine.
            policy: instead of the subroutine's own.
            on_end: called once with None, or the error that ended the stream.
            on_state: called with ``"connecting"``, ``"live"``, ``"reconnecting"``, ``"closed"``.
            reconnect: ask again after a loss, which starts the generator anew; by default
                for live policies only. Otherwise a loss ends the stream with StreamLost.
            lanes: pairs that share the one generator, 1 to 64; fewer if the Gateway is busy.
                A live stream's items go, in parts, over whichever lane is idle, and lanes are
                replaced behind the scenes. A reliable stream's lanes each take the next item,
                and the loss of one ends it.
            copies: how often each part of a live item is sent, 1 to 4, 5 ms apart, while there
                are idle lanes.
            strategy: ``"idle"``, or ``"failover"``: one lane until it is in trouble.
            arguments: more keyword arguments, for names that clash with options.

        Raises:
            UnknownSubroutine, WrongKind, WrongArguments, RemoteError: it was not started.
            ConnectError, Busy: no pair could be opened.
        """
        if callback is not None and not callable(callback):
            raise ConfigurationError(
                f"stream({name!r}, {callback!r}, ...): the second argument is the callback; pass "
                "None to iterate, then the subroutine's own arguments"
            )
        return self._open_client(
            self._request("stream", name, args, {**kwargs, **(arguments or {})}, policy),
            callback=callback,
            on_end=on_end,
            on_state=on_state,
            reconnect=reconnect,
            lanes=lanes,
            swarm=_swarm_options(copies, strategy),
        )

    def batches(
        self,
        name: str,
        /,
        *args: Any,
        size: int | None = None,
        prefetch: int = 2,
        lanes: int = 1,
        ordered: bool = True,
        arguments: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> Client:
        """Iterate over the batches that a generator yields, on a pair of its own.

        Args:
            name: of a batch subroutine that is a generator function.
            args, kwargs: for it.
            size: passed on to it as ``size=``, if given.
            prefetch: batches made and sent ahead of the iteration, per lane, 1 to 10 000.
            lanes: pairs that pull from the one generator, 1 to 64; fewer if the Gateway is busy.
            ordered: with several lanes, keep the generator's order.
            arguments: more keyword arguments, for names that clash with options.

        Raises:
            As :meth:`stream`.
        """
        if not 1 <= prefetch <= 10_000:
            raise ConfigurationError(f"prefetch={prefetch} is not within 1 to 10000")
        policy = Policy("reliable", window=prefetch, unit="items")
        named = {**kwargs, **(arguments or {})}
        if size is not None:
            named["size"] = size
        request = self._request("batch", name, args, named, policy)
        return self._open_client(request, lanes=lanes, ordered=ordered)

    def feed(
        self,
        name: str,
        /,
        *args: Any,
        policy: Policy | str | None = None,
        on_end: Callable[[PynetError | None], Any] | None = None,
        on_state: Callable[[str], Any] | None = None,
        reconnect: bool | None = None,
        lanes: int = 1,
        copies: int = 1,
        strategy: str = "idle",
        arguments: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> Feed:
        """Open a long-lived feed into a sink, on a pair of its own, or on a swarm of several.

        With several lanes each item goes over one that has nothing in flight; the function
        runs once. Arguments as :meth:`stream`.
        """
        self._check_open()
        request = self._request("sink", name, args, {**kwargs, **(arguments or {})}, policy)
        wishes: dict[str, Any] = {
            "reconnect": reconnect,
            "on_state": on_state,
            "on_end": on_end,
            "on_gone": self._pair_gone,
        }
        options = _swarm_options(copies, strategy)
        feed: Feed
        if _checked(lanes) > 1:
            feed = SwarmFeed(self._dialler, request, lanes=lanes, options=options, **wishes)
        else:
            feed = Feed(self._dialler, request, **wishes)
        self._add_pair(feed)
        return feed

    def _open_client(
        self,
        request: Request,
        *,
        callback: Callable[..., Any] | None = None,
        on_end: Callable[[PynetError | None], Any] | None = None,
        on_state: Callable[[str], Any] | None = None,
        reconnect: bool | None = None,
        lanes: int = 1,
        ordered: bool = True,
        swarm: SwarmOptions | None = None,
    ) -> Client:
        self._check_open()
        if _checked(lanes) > 1 and swarm is not None and self._is_live(request):
            swarm_client = SwarmClient(
                self._dialler,
                request,
                lanes=lanes,
                options=swarm,
                callback=callback,
                on_end=on_end,
                on_state=on_state,
                reconnect=reconnect,
                on_gone=self._pair_gone,
            )
            self._add_pair(swarm_client)
            return swarm_client
        granted = self._dialler.open_several(lanes) if lanes > 1 else None
        if granted is not None:
            shares = {"group": secrets.token_hex(8), "lanes": len(granted)}
            request = request._replace(options={**request.options, **shares})
        client = Client(
            self._dialler,
            request,
            callback=callback,
            on_end=on_end,
            on_state=on_state,
            reconnect=reconnect,
            on_gone=self._pair_gone,
            lanes=granted,
            ordered=ordered,
        )
        self._add_pair(client)
        return client

    def _is_live(self, request: Request) -> bool:
        """Whether the stream's policy is a live one; asks the Gateway if the caller did not say."""
        asked = request.options.get("policy")
        if asked is None:
            known = {row["name"]: row["policy"] for row in self.subroutines()}
            return bool(known.get(request.name, "reliable") != "reliable")
        return unpack_policy(asked).live

    @staticmethod
    def _request(
        kind: str,
        name: str,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        policy: Policy | str | None,
    ) -> Request:
        options: dict[str, Any] = {"kind": kind}
        if policy is not None:
            options["policy"] = as_policy(policy).pack()
        return Request(
            Kind.OPEN_FEED if kind == "sink" else Kind.OPEN_STREAM, name, args, kwargs, options
        )

    # ---- files --------------------------------------------------------------------------

    @property
    def files(self) -> Files:
        """What the Gateway shares; connects to its file process when first asked for.

        Raises:
            NotShared: it shares nothing.
            ConnectError, Busy: its file process cannot be reached.
        """
        from pynet.files.connection import open_files

        with self._files_turn:
            self._check_open()
            if self._files is None:
                self._files = open_files(self)
            return self._files

    def get(
        self, what: str | Sequence[str], to: str | PathLike[str], **options: Any
    ) -> Transfer[Report]:
        """Fetch files that the Gateway shares, over a swarm; see :meth:`Files.get`."""
        return self.files.get(what, to, **options)

    def put(
        self, what: str | PathLike[str] | Sequence[str | PathLike[str]], to: str, **options: Any
    ) -> Transfer[Report]:
        """Send files below a root of the Gateway's, over a swarm; see :meth:`Files.put`."""
        return self.files.put(what, to, **options)

    # ---- the manager's side -------------------------------------------------------------

    def ping(self) -> float:
        """Round trip to the Gateway's manager, in seconds. Takes no Handler."""
        start = time.monotonic()
        self.ask("ping")
        return time.monotonic() - start

    def subroutines(self) -> list[dict[str, Any]]:
        """What the Gateway offers: name, kind, signature, doc, policy of each."""
        answer: list[dict[str, Any]] = self.ask("subroutines")
        return answer

    def handlers(self, *, everyone: bool = False) -> list[dict[str, Any]]:
        """The Gateway's Handlers that serve this Controller.

        Args:
            everyone: those of all Controllers.
        """
        answer: list[dict[str, Any]] = self.ask("handlers")
        mine = self._dialler.controller
        return [row for row in answer if everyone or row["controller"] == mine]

    def stop_handler(self, handler_id: int) -> None:
        """Stop a Handler; its Client gets HandlerStopped."""
        self.ask("stop_handler", handler_id, self._dialler.name)

    def stop_gateway(self) -> None:
        """Stop the Gateway itself; everybody connected gets GatewayStopped."""
        self.ask("stop_gateway")

    def stats(self) -> dict[str, Any]:
        """Figures of the Gateway."""
        answer: dict[str, Any] = self.ask("stats")
        return answer

    def ask(self, *question: Any) -> Any:
        """Put a question to the Gateway itself, such as ``"ping"``; its answer."""
        with self._question_turn:
            self._check_open()
            lane = self._manager
            if lane is None or lane.error is not None:
                if lane is not None:
                    lane.close()
                lane = self._manager = self._dialler.open("manage")
            meta, _ = Encoder().encode(list(question))
            try:
                lane.send(Kind.ASK, meta=meta)
                frame = lane.next_frame(self._dialler.timeout)
                if frame is None:
                    raise DeadlineExceeded(f"{self.address} did not answer {question[0]!r} in time")
            except BaseException:  # Ctrl-C, too: an answer that comes later is to no question
                lane.close()
                raise
            return self._read_answer(frame)

    def _read_answer(self, frame: Frame) -> Any:
        if frame.kind == Kind.ERROR:
            raise read_error(frame)
        if frame.kind != Kind.ANSWER:
            raise RemoteProtocolError(f"{Kind(frame.kind).name} came instead of ANSWER")
        return Decoder().decode(frame.meta, frame.body)

    # ---- life ---------------------------------------------------------------------------

    @property
    def pairs(self) -> list[Pair]:
        """The open streams and feeds."""
        with self._lock:
            return list(self._pairs)

    @property
    def closed(self) -> bool:
        """True after :meth:`close`."""
        return self._closed

    def close(self) -> None:
        """Close every stream, feed and pair for calls. Idempotent."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            pairs: list[Pair | CallPair] = [*self._pairs, *self._call_pairs]
        for pair in pairs:
            pair.close()
        with self._files_turn:
            if self._files is not None:
                self._files.close()
        if self._manager is not None:
            self._manager.close()
        self._on_closed(self)

    def _add_pair(self, pair: Pair) -> None:
        with self._lock:
            if pair.state != "closed" and not self._closed:
                self._pairs.add(pair)
        if self._closed:  # meanwhile, by another thread
            pair.close()
            self._check_open()

    def _pair_gone(self, pair: Pair) -> None:
        with self._lock:
            self._pairs.discard(pair)

    def _call_pair_gone(self, calls: CallPair) -> None:
        with self._lock:
            self._call_pairs.discard(calls)

    def _check_open(self) -> None:
        if self._closed:
            raise Closed(f"the connection to {self.address} was closed by this side")

    def __enter__(self) -> RemoteGateway:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<RemoteGateway {self.name} at {self.address}>"


def _checked(lanes: int) -> int:
    if type(lanes) is not int or not 1 <= lanes <= MAX_LANES:
        raise ConfigurationError(f"lanes={lanes!r} is not within 1 to {MAX_LANES}")
    return lanes


def _swarm_options(copies: int, strategy: str) -> SwarmOptions:
    if type(copies) is not int or not 1 <= copies <= MOST_COPIES:
        raise ConfigurationError(f"copies={copies!r} is not within 1 to {MOST_COPIES}")
    if strategy not in STRATEGIES:
        raise ConfigurationError(
            f"no strategy is called {strategy!r}; use {' or '.join(map(repr, STRATEGIES))}"
        )
    return SwarmOptions(0, copies, strategy == "failover", kernel.TELLS)
