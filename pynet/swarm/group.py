"""A swarm as the Gateway sees it: several Handlers, one run of the user's function."""

from __future__ import annotations

import itertools
import logging
import secrets
import threading
import time
from functools import partial
from typing import TYPE_CHECKING, Any

from pynet.errors import Closed, ConnectionLost, PynetError, RemoteProtocolError
from pynet.pool import HandlerPool
from pynet.swarm.inlet import SwarmInlet
from pynet.swarm.options import EPOCH_BITS
from pynet.swarm.outlet import SwarmOutlet
from pynet.wire.connection import greeting
from pynet.wire.frames import Frame, Kind
from pynet.wire.values import Buffer

if TYPE_CHECKING:
    from pynet.handler import Handler
    from pynet.policy import Policy

log = logging.getLogger("pynet.handler")

LINGER = 3.0
"""Seconds that a swarm all of whose lanes fell silent may come back and go on where it was."""

MOST_LANES = 64
SPARE = 4
"""Handlers beyond those granted, while lanes replace others."""

_epochs = itertools.count(secrets.randbits(20) << EPOCH_BITS)
"""Above the lowest bits a number of this process, so that another Gateway's epochs differ."""


class Group:
    """The Handlers of one swarm. The first to ask leads: it runs the function, on its thread.

    The others lend their lanes, and wait. Lanes come and go while the function runs; it ends
    when it is done, when the Controller cancels, or when no lane is left and none came back.

    Args:
        owner: machine and Controller; nobody else may join.
        granted: slots of the pool that are the swarm's for as long as it lives.

    Attributes:
        epoch: different for each run of a function, so that a Controller notices a new one.
        handlers: those that serve it now.
        entering: how many were admitted and are not among these yet.
    """

    def __init__(self, owner: tuple[str, str], granted: int) -> None:
        self.owner = owner
        self.granted = granted
        self.epoch = next(_epochs)
        self.handlers: list[Handler] = []
        self.entering = 0
        self._lock = threading.Lock()
        self._turn = threading.Lock()
        self._lonely = 0
        self._leader: Handler | None = None
        self._members: dict[int, Handler] = {}
        self._left: dict[int, threading.Event] = {}
        self._ready = threading.Event()
        self._end: tuple[Kind, bytes, list[Buffer], int] | None = None
        self._abandoned: PynetError | None = None
        self._outlet: SwarmOutlet | None = None
        self._inlet: SwarmInlet | None = None
        self._policy: Policy | None = None

    # ---- the leader ---------------------------------------------------------------------

    def enter(self, handler: Handler) -> bool:
        """Take part. True for the one that is to run the function."""
        with self._lock:
            if self._leader is not None or self._end is not None:
                return False
            self._leader = handler
            return True

    def begin(
        self, policy: Policy, outlet: SwarmOutlet | None = None, inlet: SwarmInlet | None = None
    ) -> None:
        """The leader is ready to send or to receive: lanes may join."""
        self._policy, self._outlet, self._inlet = policy, outlet, inlet
        self._ready.set()

    def finish(
        self, kind: Kind, meta: bytes = b"", body: list[Buffer] | None = None, seq: int = 0
    ) -> None:
        """The function is done: the same last word goes out on every lane."""
        with self._turn:
            with self._lock:
                self._end = (kind, meta, body or [], seq)
                members = dict(self._members)
            for number, handler in members.items():
                self._release(number, handler)
        self._ready.set()
        self._close_flow(None)
        for event in list(self._left.values()):
            event.set()

    def _close_flow(self, error: PynetError | None) -> None:
        if self._outlet is not None:
            self._outlet.finish(error or Closed("the stream has ended"))
        if self._inlet is not None:
            self._inlet.stop(error)

    # ---- every member -------------------------------------------------------------------

    def join(self, handler: Handler, number: int) -> None:
        """Lend a Handler's lane to the swarm, under a number that is its own.

        Raises:
            PynetError: the lane is lost.
            RemoteProtocolError: the number is taken.
        """
        lane = handler.lane
        while not self._ready.wait(0.25):  # making a generator may take its time
            if lane.error is not None:
                raise lane.error
        if number in self._members:
            raise RemoteProtocolError(f"a swarm cannot have two lanes of the number {number}")
        if self._policy is not None:
            handler.open_flow(self._policy, self.epoch)
        with self._turn:  # so that the end finds it either outside or inside
            if self._end is None:
                self._take_in(handler, number)
            else:
                self.say_last(handler)

    def _take_in(self, handler: Handler, number: int) -> None:
        lane, reactor = handler.lane, handler.reactor
        with self._lock:
            self._members[number] = handler
            self._left[number] = threading.Event()
        lane.sparing = True
        lane.on_control = partial(self._on_control, number)
        lane.on_lost = partial(reactor.call_soon, partial(self._on_lost, number))
        if self._outlet is not None:
            self._outlet.add_lane(number, lane)
            lane.hand_over()
        if self._inlet is not None:
            self._inlet.add_lane(number, lane)
        if lane.error is not None:
            reactor.call_soon(partial(self._on_lost, number))

    def serve(self, handler: Handler, number: int) -> None:
        """Wait, on a member's thread, until the swarm ends or has lost this lane."""
        event = self._left.get(number)
        if event is not None:
            event.wait()
        if handler.lane.error is not None:
            raise handler.lane.error

    def _release(self, number: int, handler: Handler) -> None:
        """Say the last word on a lane, and give it back to its Handler."""
        with self._lock:
            if self._members.pop(number, None) is None:
                return
        if self._outlet is not None:
            self._outlet.remove_lane(number)
        if self._inlet is not None:
            self._inlet.remove_lane(number)
        handler.take_back()
        self.say_last(handler)

    def has_left(self, number: int) -> bool:
        """True when a lane of this number joined and, since the swarm is over, was given back."""
        return number in self._left

    def say_last(self, handler: Handler) -> None:
        """Send the swarm's last word on a lane."""
        assert self._end is not None
        kind, meta, body, seq = self._end
        if self._abandoned is not None:
            # It did not end: a lane that came too late is to ask again, for a new run.
            handler.lane.close(self._abandoned)
            return
        try:
            handler.lane.send(kind, meta=meta, body=body, seq=seq)
        except PynetError as error:
            log.debug("a lane of a swarm was gone before its end: %s", error)

    # ---- lanes come and go --------------------------------------------------------------

    def _on_control(self, number: int, frame: Frame) -> None:
        if frame.kind == Kind.CANCEL:
            self.cancel()
        elif frame.kind == Kind.REPORT and self._outlet is not None:
            self._outlet.on_report(frame)

    def on_event(self, number: int, frame: Frame) -> None:
        """No frame but items may come over a member's lane."""
        log.debug("%s came over lane %d of a swarm", Kind(frame.kind).name, number)

    def _on_lost(self, number: int) -> None:
        """A lane is lost. On the reactor."""
        with self._lock:
            handler = self._members.pop(number, None)
            alone = not self._members and self._end is None
        if handler is None:
            return
        if self._outlet is not None:
            self._outlet.remove_lane(number)
        if self._inlet is not None:
            self._inlet.remove_lane(number)
        self._left.pop(number).set()
        handler.lane.close()  # the leader runs on without it, perhaps for hours
        if not alone:
            return
        self._lonely += 1
        if handler.lane.left:
            self._abandon(handler.lane.error)
        else:
            handler.reactor.call_at(
                time.monotonic() + LINGER,
                partial(self._on_lonely, self._lonely, handler.lane.error),
            )

    def _on_lonely(self, times: int, error: PynetError | None) -> None:
        with self._lock:
            if self._members or self._end is not None or times != self._lonely:
                return
        self._abandon(error)

    def _abandon(self, error: PynetError | None) -> None:
        lost = ConnectionLost("every lane of the swarm was lost")
        self.abandon(lost)
        self.cancel(error or lost)

    def abandon(self, error: PynetError) -> None:
        """The function does not end by itself: lanes are closed with this, not with a last word."""
        self._abandoned = self._abandoned or error

    @property
    def abandoned(self) -> bool:
        """Who comes now needs a new run."""
        return self._abandoned is not None

    def cancel(self, error: PynetError | None = None) -> None:
        """Nobody is interested any more: end the function."""
        if self._leader is not None:
            self._leader.cancel()
        if self._inlet is not None:
            self._inlet.stop(error)

    def make_way(self, handler_id: Any) -> bool:
        """Close a lane so that a new one can take its place: the named one, or the most silent.

        Returns:
            False if too many come at once.
        """
        if len(self.handlers) >= self.granted + SPARE:
            return False
        # The leader stays until the function is done, its lane may be lost long before.
        living = [handler for handler in self.handlers if handler.lane.error is None]
        if len(living) < self.granted:
            return True
        named = [handler for handler in living if handler.id == handler_id]
        silent = min(living, key=lambda handler: handler.lane.connection.last_received)
        victim = named[0] if named else silent
        victim.lane.close(ConnectionLost("another lane of the swarm took its place"))
        return True

    def fail(self, fields: dict[str, Any]) -> None:
        """The function raised, or was never started."""
        self.finish(Kind.ERROR, greeting(fields))


class Groups:
    """The swarms of a Gateway by their ids. Used on the reactor, except :meth:`leave`."""

    def __init__(self, pool: HandlerPool) -> None:
        self._pool = pool
        self._lock = threading.Lock()
        self._groups: dict[str, Group] = {}
        self._holding: set[Group] = set()

    def admit(self, name: str, owner: tuple[str, str], lanes: Any, replaces: Any) -> Group | None:
        """The group a new lane belongs to; its slots are taken from the pool at once.

        Returns:
            None if no slot is free, or too many lanes come at once.

        Raises:
            RemoteProtocolError: it is another Controller's, or no number of lanes.
        """
        if type(lanes) is not int or not 1 <= lanes <= MOST_LANES or len(name) > 64:
            raise RemoteProtocolError(f"a swarm cannot have {lanes!r:.20} lanes")
        with self._lock:
            group = self._groups.get(name)
            if group is None or group.abandoned:
                granted = self._pool.hold(lanes)
                if not granted:
                    return None
                group = self._groups[name] = Group(owner, granted)
                self._holding.add(group)
            elif group.owner != owner:
                raise RemoteProtocolError("this swarm belongs to another Controller")
            if not group.make_way(replaces):
                return None
            group.entering += 1
            return group

    def enter(self, group: Group, handler: Handler) -> None:
        """A Handler begins to serve a group."""
        with self._lock:
            group.entering -= 1
            group.handlers.append(handler)

    def leave(self, group: Group, handler: Handler) -> None:
        """A Handler has ended; the last one gives the group's slots back."""
        with self._lock:
            if handler in group.handlers:
                group.handlers.remove(handler)
            if not group.handlers and not group.entering and group in self._holding:
                self._holding.remove(group)
                self._pool.release(group.granted)
                for name in [name for name, known in self._groups.items() if known is group]:
                    del self._groups[name]
