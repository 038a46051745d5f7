"""One connection's worth of a transfer, at the Controller: its control talk and its lanes."""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections.abc import Callable
from typing import Any

from pynet.bulk.rate import UNLIMITED
from pynet.errors import Busy, Cancelled, FilesError, PynetError, TalkEnded
from pynet.files.lanecount import LaneCount
from pynet.files.lanes import WarmLanes
from pynet.files.messages import PACE, PAUSE, STOP
from pynet.files.receiving import Receiving
from pynet.files.sending import Sending
from pynet.io.lane import Lane
from pynet.talk import ClientTalk, open_talk

log = logging.getLogger("pynet.files")

STEP = 0.005
"""Seconds for which the control talk is listened to before the rest is looked at."""

LOOK = 0.05
"""Seconds between two looks at lanes and progress."""

GOODBYE = 10.0
"""Seconds that the other end has to finish: it may set the times of many folders."""

MakeEnd = Callable[[Callable[..., None]], Sending | Receiving]


class Attempt:
    """Runs until everything is where it belongs, or something is lost.

    One thread runs it, each lane has one of its own.

    Args:
        lanes: to borrow from.
        name: of the subroutine at the other end.
        args: for it, after the token by which its lanes find it.
        make_end: makes our end, given what it says things with.
        fixed: that many lanes, instead of as many as gain something.
        look: called often, with this object.

    Attributes:
        end: ours.
        count: how many lanes there should be.
        cancelled: set by whoever wants it to end.
        wants_pause, wants_rate: what whoever runs it wants; seen to at its next look around.
        carrying: the lanes at work, by number.
        result: what the other end says of it at last.
    """

    def __init__(
        self,
        lanes: WarmLanes,
        name: str,
        args: tuple[Any, ...],
        make_end: MakeEnd,
        fixed: int | None,
        look: Callable[[Attempt], None],
        cancelled: threading.Event,
    ) -> None:
        self._lanes = lanes
        self._name, self._args = name, args
        self._make_end = make_end
        self._fixed = fixed
        self._look = look
        self.cancelled = cancelled
        self.token = secrets.token_hex(16)
        self.result: dict[str, Any] = {}
        self.count: LaneCount | None = None
        self._numbers = 0
        self._threads: dict[int, threading.Thread] = {}
        self.carrying: dict[int, Lane] = {}
        self._stopped: set[int] = set()
        self._ended: list[tuple[int, PynetError | None]] = []
        self._paused = False
        self._rate = UNLIMITED
        self.wants_pause = False
        self.wants_rate = UNLIMITED

    def run(self) -> None:
        """Until it is done.

        Raises:
            ConnectionLost, ConnectError: the way is broken; another attempt goes on from here.
            Cancelled: it was wanted so.
            PynetError: it cannot be done.
        """
        lane = self._lanes.borrow()
        try:
            with open_talk(lane, self._name, self.token, *self._args) as control:
                self.end = self._make_end(control.say)
                try:
                    self._converse(control)
                finally:
                    if isinstance(self.end, Sending):
                        self.end.close()
                    if not control.ended:
                        control.close()
                    for thread in list(self._threads.values()):
                        thread.join()
                    self._look(self)
                    if isinstance(self.end, Receiving):
                        self.end.close()
        finally:
            self._lanes.give_back(lane)

    @property
    def lanes_now(self) -> list[int]:
        """Numbers of the lanes that carry something."""
        return [number for number in self._threads if number not in self._stopped]

    def _converse(self, control: ClientTalk) -> None:
        end = self.end
        looked = 0.0
        self._round_trip = control.lane.connection.clock.rtt_min or 0.0
        try:
            while True:
                more = isinstance(end, Sending) and end.tell()
                said = control.hear(0 if more else STEP)
                if said is not None:
                    end.on_message(said.value)
                now = time.monotonic()
                if now - looked >= LOOK:
                    looked = now
                    self._look_around(control, now)
                if isinstance(end, Receiving):
                    if end.failure is not None:
                        raise end.failure
                    if end.done:
                        end.tell_all()
                        end.landing.finish()
                        control.finish(GOODBYE)
                        break
                    end.tick()
        except TalkEnded:
            # Who says something after the end is told no more; hearing tells how it ended.
            control.finish(GOODBYE)
        self.result = control.result

    # ---- now and then -------------------------------------------------------------------

    def _look_around(self, control: ClientTalk, now: float) -> None:
        if self.cancelled.is_set():
            raise Cancelled("the transfer was cancelled; what has arrived is not sent again")
        if self.wants_pause != self._paused:
            self._paused = self.wants_pause
            if isinstance(self.end, Sending):
                self.end.work.pause(self._paused)
            else:
                control.say([PAUSE, self._paused])
        if self.wants_rate != self._rate:
            self._rate = self.wants_rate
            if isinstance(self.end, Sending):
                self.end.pace(self._rate)
            else:
                control.say([PACE, self._rate])
        self._bury_lanes()
        self._adapt(control, now)
        self._look(self)

    def _adapt(self, control: ClientTalk, now: float) -> None:
        """Open and stop lanes until there are as many as there should be."""
        wanted = self._fixed
        if wanted is None:
            if self.count is None:
                self.count = LaneCount(now, self._round_trip)
            self.count.expect(self._known_total())
            arrived = sum(self.end.by_lane.values())
            free = self._rate == UNLIMITED and not self._paused
            # What is held back says nothing about lanes.
            wanted = self.count.update(now, arrived) if free else self.count.hold(now)
        running = self.lanes_now
        for number in running[wanted:]:
            self._stopped.add(number)
            if isinstance(self.end, Sending):
                self.end.work.stop(number)
            else:
                control.say([STOP, number])
        for _ in range(wanted - len(running)):
            self._open_lane()

    def _known_total(self) -> int | None:
        end = self.end
        if isinstance(end, Sending):
            return end.bytes if end.told else None
        return end.bytes_total if end.all_told else None

    # ---- lanes --------------------------------------------------------------------------

    def _open_lane(self) -> None:
        number = self._numbers
        self._numbers += 1
        thread = threading.Thread(
            target=self._run_lane, args=(number,), name=f"pynet-files-lane-{number}", daemon=True
        )
        self._threads[number] = thread
        thread.start()

    def _run_lane(self, number: int) -> None:
        end = self.end
        problem: PynetError | None = None
        try:
            lane = self.carrying[number] = self._lanes.borrow()
            try:
                with open_talk(lane, "files.lane", self.token, number) as talk:
                    if isinstance(end, Sending):
                        end.run_lane(number, talk, lambda: lane.error is None)
                        talk.finish()
                    else:
                        end.run_lane(number, talk)
            finally:
                del self.carrying[number]
                self._lanes.give_back(lane)
        except TalkEnded:
            log.debug("lane %d has come to its end", number)
        except PynetError as error:
            problem = error
        except Exception as error:
            log.exception("a lane ended with a fault of pynet itself")
            problem = FilesError(f"a lane of the transfer failed: {error!r}")
        self._ended.append((number, problem))

    def _bury_lanes(self) -> None:
        """See which lanes have ended; a lost one is replaced when lanes are counted next."""
        while self._ended:
            number, problem = self._ended.pop()
            self._threads.pop(number).join()
            self._stopped.discard(number)
            if problem is None:
                continue
            log.info("lane %d of a transfer is gone: %s", number, problem)
            if isinstance(self.end, Receiving):
                self.end.lane_lost(number)
            if isinstance(problem, Busy) or self._numbers > 1000:
                self._fixed = max(1, len(self.lanes_now))
                if not self._threads:
                    raise problem
            elif not isinstance(problem, ConnectionError):
                raise problem
