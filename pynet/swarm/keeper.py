"""Keeps a swarm's lanes: opens them, finds the stuck and the lost, and replaces them."""

from __future__ import annotations

import dataclasses
import logging
import secrets
import threading
import time
from typing import Any, NamedTuple, Protocol

from pynet.dial import Backoff, Dialler, read_error
from pynet.errors import (
    Busy,
    Closed,
    ConnectError,
    ConnectionLost,
    PynetError,
    RemoteProtocolError,
)
from pynet.io.lane import Lane
from pynet.policy import Policy, unpack_policy
from pynet.swarm.options import EPOCH_BITS, SwarmOptions
from pynet.swarm.ways import Ways, interfaces_for
from pynet.wire.connection import read_greeting
from pynet.wire.frames import Kind
from pynet.wire.values import Buffer

log = logging.getLogger("pynet.client")

LOOK, CALM_LOOK = 0.05, 0.15
"""Seconds between two looks at the lanes; the second while all are there and were just heard."""

LOOK_AROUND = 1.0
"""Seconds between two looks at the network interfaces of this machine."""

PROBE_AFTER = 0.25
"""Seconds of silence on all lanes after which one is asked for a sign of life."""

ALARM_AFTER = 0.45
"""Seconds of silence on all lanes after which fresh ones are dialled."""

DIAL_EVERY = 0.2
"""Seconds between dials while nothing is heard: TCP itself would wait 1 s to call again."""

DIAL_SELDOM, SELDOM_AFTER = 1.0, 10.0
"""Seconds between dials once nothing was heard for so many seconds."""

DIAL_TIME = 2.0
"""Seconds one dial may take; the next does not wait for it."""

MOST_DIALS = 6
STUCK = 0.4
"""Seconds after which a lane that owes a report is replaced: it is deep in recovery."""

SILENT = 1.3
"""Seconds after which a lane is replaced that hears nothing while others do; at least two
heartbeats."""

SLOW_WAY = 2.0
"""Round trips that a sign of life or a report may take: the way may be long, rather than bad."""


class SwarmRequest(Protocol):
    """As much of a Client's request as a lane needs."""

    @property
    def verb(self) -> Kind:
        """OPEN_STREAM or OPEN_FEED."""

    @property
    def name(self) -> str:
        """Of the subroutine."""

    @property
    def traffic_class(self) -> int:
        """For IP_TOS, if the flow is live."""

    def pack_with(self, options: dict[str, Any]) -> tuple[bytes, list[Buffer]]:
        """Meta and body of the frame that asks, with further options."""


class Joined(NamedTuple):
    """A lane that the Gateway has added to the swarm."""

    number: int
    lane: Lane
    handler: int
    epoch: int
    interface: str | None = None


class SwarmUser(Protocol):
    """Whose lanes they are. All calls come from the keeper's threads, one at a time."""

    def on_lane(self, joined: Joined, *, anew: bool) -> None:
        """A lane joined; ``anew`` if the function at the other end has just begun to run."""

    def on_lane_lost(self, joined: Joined) -> None:
        """A lane is lost, or was replaced."""

    def on_silence(self, error: PynetError) -> None:
        """The last lane is lost."""

    def on_vain(self, error: PynetError) -> None:
        """A lane could not be had; it is tried again."""

    def on_refused(self, error: PynetError) -> None:
        """No lane can be had any more, however often one asks."""

    def stuck_lanes(self, patience: float) -> list[int]:
        """Numbers of lanes that owe a report for so many seconds."""


class Keeper:
    """Opens the first lane at once, the others and all later ones behind the scenes.

    Args:
        dialler: opens lanes.
        request: what each lane asks for.
        lanes: how many are wanted.
        options: how items go over them; the number in it is not used.
        user: is told.

    Attributes:
        granted: how many the Gateway has granted.
        policy: in force.
    """

    def __init__(
        self,
        dialler: Dialler,
        request: SwarmRequest,
        lanes: int,
        options: SwarmOptions,
        user: SwarmUser,
    ) -> None:
        self._closing = threading.Event()
        self._dialler = dialler
        self._request = request
        self._options = options
        self._user = user
        self._wanted = lanes
        self.granted = lanes
        self.policy: Policy
        self._group = secrets.token_hex(8)
        self._lock = threading.Lock()
        self._turn = threading.RLock()
        self._lanes: dict[int, Joined] = {}
        self._ways = Ways(interfaces_for(dialler.host))
        self._looked_around = time.monotonic()
        self._opening: dict[int, str | None] = {}
        self._next_number = 0
        self._epoch = 0
        self._dials: set[threading.Thread] = set()
        self._dialled_at = 0.0
        self._retry_at = 0.0
        self._probed_at = 0.0
        self._heard = 0.0
        self._backoff = Backoff()
        self._wake = threading.Event()
        self._thread = threading.Thread(
            target=self._run, name=f"pynet-swarm-{request.name}", daemon=True
        )

    # ---- life ---------------------------------------------------------------------------

    def start(self) -> Joined:
        """Open the first lane, and begin to open the others.

        Raises:
            PynetError: as for a single pair.
        """
        joined = self._join(self._dialler.timeout)
        self._dialler = dataclasses.replace(self._dialler, abandoned=self._closing)
        self._add(joined)
        self._thread.start()
        return joined

    def close(self) -> None:
        """Close all lanes and join the threads, unless it is they who close. Idempotent."""
        self._closing.set()
        self._wake.set()
        for joined in self.lanes:
            joined.lane.close()
        if not self.calls():
            with self._lock:
                threads = [self._thread, *self._dials]
            for thread in threads:
                if thread.ident is not None:
                    thread.join()
        for joined in self.lanes:
            joined.lane.close()

    def calls(self) -> bool:
        """Whether this is a thread of the keeper's, which tells its user something."""
        with self._lock:
            return threading.current_thread() in (self._thread, *self._dials)

    @property
    def lanes(self) -> list[Joined]:
        """Those that serve the swarm now."""
        with self._lock:
            return list(self._lanes.values())

    def send_all(self, kind: Kind, seq: int = 0) -> None:
        """Send a short frame on every lane that can still take it."""
        for joined in self.lanes:
            try:
                joined.lane.send(kind, seq=seq)
            except PynetError as error:
                log.debug("lane %d takes no %s: %s", joined.number, kind.name, error)

    # ---- one lane -----------------------------------------------------------------------

    def _join(self, patience: float, instead_of: Joined | None = None) -> Joined:
        """Dial, ask, and wait for the consent."""
        with self._lock:
            number = self._next_number
            self._next_number += 1
            lanes = [j.interface for j in self._lanes.values() if j is not instead_of]
            # Those that are being opened count, too: most lanes are opened at the same time.
            interface = self._ways.next([*lanes, *self._opening.values()], time.monotonic())
            self._opening[number] = interface
        try:
            return self._ask(number, interface, patience, instead_of)
        except BaseException:
            with self._lock:
                del self._opening[number]
            raise

    def _ask(
        self, number: int, interface: str | None, patience: float, instead_of: Joined | None
    ) -> Joined:
        until = time.monotonic() + patience
        wishes: dict[str, Any] = {"group": self._group, "lanes": self._wanted}
        if instead_of is not None:
            wishes["replaces"] = instead_of.handler
        dialler = dataclasses.replace(self._dialler, interface=interface)
        try:
            lane, welcome = dialler.greet("pair", until, **wishes)
        except ConnectError:
            self._look_around()  # one that has just gone down is tried as soon as it is back
            self._ways.failed(interface, time.monotonic())
            raise
        try:
            if self._closing.is_set():  # else the function might run once more, for nobody
                raise Closed(f"{self._request.name} was closed while a lane was opened")
            note = dataclasses.replace(self._options, lane=number).pack()
            meta, body = self._request.pack_with({"swarm": note})
            lane.send(self._request.verb, meta=meta, body=body, patient=True)
            frame = self._dialler.await_frame(lane, until)
            if frame is None:
                raise ConnectError(
                    f"{self._dialler.address} did not answer the request for "
                    f"{self._request.name} within {patience:g} s"
                )
            if frame.kind == Kind.ERROR:
                raise read_error(frame)
            if frame.kind != Kind.OPENED:
                raise RemoteProtocolError(f"{Kind(frame.kind).name} came instead of OPENED")
            fields = read_greeting(frame)
            self.policy = unpack_policy(fields.get("policy"))
            if self.policy.live:
                lane.tune_for_freshness(self._request.traffic_class)
            self.granted = int(welcome.get("lanes", 1))
            return Joined(number, lane, int(welcome["handler"]), int(fields["epoch"]), interface)
        except PynetError:  # some of which are ValueErrors, too
            lane.close()
            raise
        except (KeyError, TypeError, ValueError) as error:
            lane.close()
            raise ConnectError(
                f"{self._dialler.address} does not know swarms ({error!r}); install the same "
                "pynet release on both sides"
            ) from error
        except BaseException:
            lane.close()
            raise

    def _add(self, joined: Joined) -> None:
        """Put a lane to use, and away with those it replaces."""
        with self._turn:
            same_gateway = joined.epoch >> EPOCH_BITS == self._epoch >> EPOCH_BITS
            anew = joined.epoch > self._epoch or not same_gateway
            if (joined.epoch < self._epoch and same_gateway) or self._closing.is_set():
                with self._lock:
                    del self._opening[joined.number]
                joined.lane.close()
                return
            if anew:
                self._epoch = joined.epoch
                for old in self.lanes:
                    self._drop(old)
            joined.lane.sparing = True
            joined.lane.on_lost = self._wake.set
            with self._lock:
                self._lanes[joined.number] = joined
                del self._opening[joined.number]
            self._backoff.reset()
            self._retry_at = 0.0
            self._user.on_lane(joined, anew=anew)
            surplus = len(self.lanes) - self.granted
            if surplus > 0:
                silent = sorted(self.lanes, key=lambda j: j.lane.connection.last_received)
                for old in silent[:surplus]:
                    self._drop(old)
        if joined.lane.error is not None:
            self._wake.set()

    def _drop(self, joined: Joined) -> None:
        with self._lock:
            if self._lanes.pop(joined.number, None) is None:
                return
        self._user.on_lane_lost(joined)
        joined.lane.close()

    # ---- the thread ---------------------------------------------------------------------

    def _run(self) -> None:
        while not self._closing.is_set():
            with self._turn:
                self._bury()
                calm = self._heal(time.monotonic())
            self._wake.wait(CALM_LOOK if calm else LOOK)
            self._wake.clear()

    def _bury(self) -> None:
        """Take lanes away that are lost."""
        error: PynetError | None = None
        for joined in self.lanes:
            if joined.lane.error is not None:
                if error is None or isinstance(error, ConnectionLost):
                    error = joined.lane.error
                self._drop(joined)
        if error is None or self._closing.is_set():
            return
        if not isinstance(error, ConnectionLost):  # somebody stopped it, or sent nonsense
            self._user.on_refused(error)
        elif not self.lanes:
            self._user.on_silence(error)

    def _heal(self, now: float) -> bool:
        """Dial for what is missing; True if nothing is, and a lane was heard just now."""
        if now - self._looked_around > LOOK_AROUND:
            self._look_around()
        lanes = self.lanes
        self._heard = max([self._heard, *(j.lane.connection.last_received for j in lanes)])
        heard = self._heard
        ways = [j.lane.connection.clock.rtt_min or 0.0 for j in lanes]
        slow = SLOW_WAY * min(ways, default=0.0)
        if not lanes or now - heard > max(ALARM_AFTER, PROBE_AFTER + slow):
            pause = DIAL_EVERY if now - heard < SELDOM_AFTER else DIAL_SELDOM
            if now - self._dialled_at >= pause and now >= self._retry_at:
                self._dial(lanes)
            return False
        if now - heard > PROBE_AFTER and now - self._probed_at > PROBE_AFTER:
            self._probed_at = now
            min(lanes, key=lambda j: j.lane.unacked() or 0).lane.ping(now)
        missing = self.granted - len(lanes) - len(self._dials)
        if now >= self._retry_at:
            for _ in range(missing):
                self._dial([])
        if missing <= 0 and not self._dials:
            sick = set(self._user.stuck_lanes(max(STUCK, slow)))
            silent = max(SILENT, 2 * self._dialler.heartbeat) + slow
            victims = [
                j
                for j in lanes
                if j.number in sick or now - j.lane.connection.last_received > silent
            ]
            # One at a time, the most silent first: when all are stuck it is the link.
            if not victims and now >= self._retry_at:
                crowded = self._ways.crowded((j.interface for j in lanes), now)
                victims = [j for j in lanes if j.interface in crowded]
            if victims:
                self._dial(victims)
                return False
        return missing <= 0 and not self._dials and now - heard < PROBE_AFTER - CALM_LOOK

    def _look_around(self) -> None:
        self._looked_around = time.monotonic()
        self._ways.update(interfaces_for(self._dialler.host))

    def _dial(self, instead_of: list[Joined]) -> None:
        """Open a lane on a thread of its own, instead of the most silent of these."""
        with self._lock:
            # More than were granted would push each other out when all are answered at once.
            if len(self._dials) >= min(MOST_DIALS, self.granted):
                return
            self._dialled_at = time.monotonic()
            oldest = min(instead_of, key=lambda j: j.lane.connection.last_received, default=None)
            thread = threading.Thread(
                target=self._try_to_join,
                args=(oldest,),
                name=f"{self._thread.name}-dial",
                daemon=True,
            )
            self._dials.add(thread)
        thread.start()

    def _try_to_join(self, instead_of: Joined | None) -> None:
        try:
            joined = self._join(DIAL_TIME, instead_of)
            if instead_of is not None:
                with self._turn:
                    self._drop(instead_of)
            self._add(joined)
        except (ConnectError, ConnectionLost, Busy) as error:
            log.debug("no further lane for %s: %s", self._request.name, error)
            with self._turn:
                self._user.on_vain(error)
            self._retry_at = time.monotonic() + self._pause()
        except Closed:
            return
        except PynetError as error:
            if not self._closing.is_set():
                self._user.on_refused(error)
        finally:
            with self._lock:
                self._dials.discard(threading.current_thread())

    def _pause(self) -> float:
        """Before the next try: none while others work, or in the first seconds of a loss."""
        return self._backoff.next() if len(self.lanes) else 0.0
