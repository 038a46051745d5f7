"""The sending end of a sink, at the Controller."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from pynet.client import CLOSED, JOIN_TIMEOUT, Pair, Request
from pynet.dial import Backoff, Dialler, read_error
from pynet.errors import Closed, ConnectionLost, DeadlineExceeded, PynetError, StreamLost
from pynet.io.lane import Lane
from pynet.outlet import Outlet
from pynet.swarm.outlet import SwarmOutlet
from pynet.wire.frames import Kind
from pynet.wire.values import Decoder

log = logging.getLogger("pynet.client")

FAREWELL = 0.5
"""Seconds that close() gives the function at the other end to finish."""


class Feed(Pair):
    """A long-lived flow of items into a function of the Gateway.

    Made by :meth:`~pynet.RemoteGateway.feed`. :meth:`send` may be called from any thread.
    A thread of the Feed's own watches the connection and makes it anew.
    """

    def __init__(
        self,
        dialler: Dialler,
        request: Request,
        *,
        reconnect: bool | None,
        on_state: Callable[[str], Any] | None,
        on_end: Callable[[PynetError | None], Any] | None,
        on_gone: Callable[[Pair], None],
    ) -> None:
        self._outlet: Outlet | SwarmOutlet | None = None
        self._turn = threading.Lock()
        self._done = threading.Event()
        self._finishing = False
        self._result: Any = None
        self._on_end = on_end
        super().__init__(dialler, request, reconnect=reconnect, on_state=on_state, on_gone=on_gone)
        self._thread = threading.Thread(
            target=self._run, name=f"pynet-client-{self.name}", daemon=True
        )
        self._thread.start()

    # ---- for the user -------------------------------------------------------------------

    def send(self, value: Any, timeout: float | None = None) -> None:
        """Send an item.

        A live feed (latest, keep_last) never waits: what cannot go out now waits in the
        mailbox, where newer items replace older ones. A reliable feed waits for the receiver.

        Args:
            value: anything that can travel.
            timeout: seconds a reliable feed may wait; None for as long as it takes.

        Raises:
            Closed: the feed was closed, or the function has returned.
            EncodeError: the value cannot travel.
            DeadlineExceeded: the receiver did not make room in time; the item was not sent.
            PynetError: what the function raised, or why the connection is gone.
        """
        outlet = self._outlet
        if self._finishing or outlet is None or self._state == CLOSED:
            raise self.error or Closed(f"the feed {self.name} is closed")
        if not self.policy.lossless:
            with self._turn:
                outlet.put(value)
            return
        with self._turn:
            if not outlet.wait_ready(self._closing.is_set, timeout):
                if self._closing.is_set():
                    raise Closed(f"the feed {self.name} was closed while it waited")
                raise DeadlineExceeded(f"{self.name} took nothing for {timeout:g} s")
            outlet.put(value)

    def result(self, timeout: float | None = None) -> Any:
        """End the feed and wait for what the function returns.

        Raises:
            DeadlineExceeded: it did not return in time.
            PynetError: what it raised, or why the connection is gone.
        """
        self._finish(timeout)
        if not self._done.wait(timeout):
            raise DeadlineExceeded(f"{self.name} did not return within {timeout:g} s")
        if self.error is not None:
            raise self.error
        return self._result

    def close(self) -> None:
        """End the feed; the function gets half a second to finish. Idempotent.

        A :meth:`send` that waits in another thread gets the same time, then Closed.
        """
        self._finish(FAREWELL)
        if self._thread is not threading.current_thread():
            if self._state == "live":
                self._done.wait(FAREWELL)
            self._closing.set()
            self._hang_up()
            if self._outlet is not None:
                self._outlet.wake()
            self._thread.join(JOIN_TIMEOUT)
        else:
            self._closing.set()

    # ---- inside -------------------------------------------------------------------------

    def _open(self, lane: Lane | None = None) -> Lane:
        lane = super()._open(lane)
        outlet = self._outlet
        if not isinstance(outlet, Outlet):
            outlet = self._outlet = Outlet(self.policy, self.tally, self._dialler.reactor)
        # A Gateway sends no CANCEL, so what comes here is credit.
        lane.on_control = outlet.on_credit
        outlet.attach(lane)
        return lane

    def _finish(self, patience: float | None) -> None:
        if self._finishing:
            return
        self._finishing = True
        lane, outlet = self._lane, self._outlet
        if lane is None or outlet is None:
            self._closing.set()
            return
        if not self._turn.acquire(timeout=-1 if patience is None else patience):
            self._closing.set()
            outlet.wake()
            self._turn.acquire()
        try:
            self._say_end(patience)
        except PynetError as error:
            log.debug("the feed %s ended before it could be finished: %s", self.name, error)
        finally:
            self._turn.release()

    def _say_end(self, patience: float | None) -> None:
        """Tell the function that nothing more comes."""
        lane, outlet = self._lane, self._outlet
        if lane is not None and outlet is not None:
            outlet.flush()
            lane.send(Kind.END)

    def _hang_up(self) -> None:
        """Make the thread see that this side is closing."""
        lane = self._lane
        if lane is not None:
            lane.close()

    def _run(self) -> None:
        error: PynetError | None = None
        try:
            self._watch()
        except PynetError as reason:
            error = reason
        self.error = error
        if self._outlet is not None:
            self._outlet.finish(error or Closed(f"the function {self.name} has returned"))
        self._gone()
        self._done.set()
        if self._on_end is not None:
            try:
                self._on_end(error)
            except Exception:
                log.exception("on_end of %s raised", self.name)

    def _watch(self) -> None:
        """Read results and losses until the function has returned."""
        backoff = Backoff()
        while not self._closing.is_set():
            lane = self._lane
            if lane is None:
                return
            opened = time.monotonic()
            try:
                while True:
                    frame = lane.next_frame()
                    if frame is None:
                        continue
                    if frame.kind == Kind.RESULT:
                        self._result = Decoder().decode(frame.meta, frame.body)
                        return
                    if frame.kind == Kind.ERROR:
                        raise read_error(frame)
            except ConnectionLost as error:
                if self._closing.is_set():
                    return
                self._lose(error)
            if time.monotonic() - opened > 1.0:
                backoff.reset()
            if not self._redial(backoff):
                return

    def _lose(self, error: ConnectionLost) -> None:
        self.error = error
        if isinstance(self._outlet, Outlet):
            self._outlet.detach()
        self._drop_lane()
        if self._finishing or not self._reconnect:
            raise StreamLost(f"the feed {self.name} broke: {error}") from error
