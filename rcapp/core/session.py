"""One car as the app sees it: polled by the GUI thread, fed by pynet's threads."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from rcapp.core import sentences
from rcapp.core.acquaintances import Acquaintances
from rcapp.core.commands import SentTimes
from rcapp.core.display import DisplayLog
from rcapp.core.drive import DriveInput
from rcapp.core.events import EventLog
from rcapp.core.pictures import PaintStats
from rcapp.core.seat import DriverSeat
from rcapp.core.series import SeriesBuffer
from rcapp.core.state import Frame, Link, LinkFacts, Snapshot, link_state
from rcapp.core.stopping import StopButton

if TYPE_CHECKING:
    from pynet import RemoteGateway
    from pynet.rc.messages import CarStatus
    from rcapp.core.feeds import Connection
    from rcapp.core.intake import Intake
    from rcapp.core.line import Line, LineFacts

__all__ = ["CarSession", "Frame", "Link", "Snapshot"]

CLOCK_DOUBT = 0.25
"""Seconds by which a status may seem newer than the STOP that it does not know of yet: the car's
time is known to some milliseconds, on a busy machine to some tens."""


class NotConnectedError(Exception):
    """There is no connection to ask the car over."""

    def __init__(self) -> None:
        super().__init__("The car is not connected.")


def _no_wake() -> None:
    """For a session that is only polled."""


class CarSession:
    """One car. Every method but :meth:`close` may be called from any thread and returns at once.

    Args:
        name: what this app calls itself to the car, for its log.
        on_wake: called from network threads when a new picture or state is there; must be cheap.
        acquaintances: who this computer is, and whom it knows; the platform's by default.

    Attributes:
        drive: the inputs and what is sent of them.
        seat: asks for the wheel, hands it over, arms.
        events: what happened, for the person.
        acquaintances: as given.
    """

    def __init__(
        self,
        *,
        name: str = "rcapp",
        on_wake: Callable[[], None] | None = None,
        acquaintances: Acquaintances | None = None,
    ) -> None:
        self.events = EventLog()
        self.drive = DriveInput(self._send)
        self.acquaintances = acquaintances or Acquaintances()
        self._insecure = False
        self._name = name
        self._on_wake = on_wake or _no_wake
        self._lock = threading.Lock()
        self._address = ""
        self._error = ""
        self._stop_error = ""
        self._stop_acked_at: float | None = None
        self._stop_took: float | None = None
        self._stop_why = ""
        self._line: Line | None = None
        self._intake: Intake | None = None
        self._left: list[Line] = []
        self._sent = SentTimes()
        self._paints = PaintStats()
        self._display = DisplayLog()
        self._closed = False
        self._button = StopButton(
            self._call_stop,
            on_stopped=self._on_stop_acknowledged,
            on_trouble=self._on_stop_trouble,
        )
        self.seat = DriverSeat(self._call, self.drive, self.events, self._on_wake)

    @property
    def series(self) -> dict[str, SeriesBuffer]:
        """A buffer for each announced sensor, and ``"command_age"`` (ms).

        Replaced as a whole when the car describes itself, so read it anew at each use.
        """
        intake = self._intake
        return {} if intake is None else intake.series

    @property
    def gateway(self) -> RemoteGateway | None:
        """The connected car for what is no feed, such as its files; None while there is none."""
        line = self._line
        connection = None if line is None else line.connection
        return None if connection is None else connection.car

    def connect(self, address: str, car_id: str = "", *, insecure: bool = False) -> None:
        """Begin to connect to ``host:port``, and go on until :meth:`disconnect`.

        The port is 1857 when left out. What is wrong with an address that cannot be one
        shows in :attr:`Snapshot.error`.

        Args:
            address: of the car.
            car_id: its device id or the begin of it: then no other car will do.
            insecure: speak plain TCP, which anyone in the network can read and change.
        """
        # The network and OpenCV are imported when a car is wanted: the window is up before.
        from rcapp.core.intake import Intake
        from rcapp.core.line import Line

        self.disconnect()
        try:
            parsed = sentences.parse_address(address)
        except sentences.AddressError as error:
            with self._lock:
                self._error = str(error)
            self._on_wake()
            return
        with self._lock:
            if self._closed:
                return
            self._address = parsed
            self._intake = Intake(
                self.events,
                self._sent,
                self._on_wake,
                self._on_status,
                self.seat.on_gone,
            )
            self.seat.sit_down(self._intake)
            self._insecure = insecure
            known = None if insecure else self.acquaintances
            self._line = Line(parsed, self._name, self._intake, known, car_id)
            self._paints.clear()
            self._display.clear()
            self.drive.reset_counts()
            self.drive.start()
            self._line.start()
        self.events.add("info", f"Connecting to {parsed}")

    def disconnect(self) -> None:
        """Leave the car; a STOP that was not acknowledged is given up."""
        with self._lock:
            line, self._line = self._line, None
            intake, self._intake = self._intake, None
            self._address = self._error = self._stop_error = ""
            self._stop_acked_at = self._stop_took = None
            self._left = [old for old in self._left if not old.ended]
            if line is not None:
                self._left.append(line)
        if line is not None and intake is not None:
            self._button.give_up()
            self.seat.sit_down(None)
            intake.close()
            line.leave()
            self.drive.hold_neutral(False)
            self.events.add("info", f"Left {line.address}")
            self._on_wake()

    def close(self) -> None:
        """Leave and join every thread; < 1 s; twice is fine."""
        with self._lock:
            self._closed = True
        self.drive.close()
        self.disconnect()
        for line in self._left:
            line.close()
        self._button.close()
        self.seat.close()

    def __enter__(self) -> CarSession:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def take_frame(self) -> Frame | None:
        """The newest decoded picture that was not taken yet, else None."""
        intake = self._intake
        return None if intake is None else intake.mailbox.take()

    def painted(self, frame: Frame, now: float | None = None) -> None:
        """``frame`` is on the screen; counts once per frame."""
        now = time.monotonic() if now is None else now
        if self._paints.painted(frame, now):
            self._display.painted(now, frame.captured)

    def frame_ages(self) -> npt.NDArray[np.float64]:
        """Capture to painted of the pictures of the last minute, oldest first, seconds."""
        return self._paints.ages()

    def display_ages(self, begin: float, end: float) -> npt.NDArray[np.float64]:
        """Age of the painted picture at every millisecond of the last minute, seconds.

        Args:
            begin, end: local monotonic times.
        """
        return self._display.ages(begin, end)

    def stop(self, why: str) -> None:
        """Latch STOP on the car: tried until it acknowledges. Driving sends neutral at once.

        Args:
            why: what was pressed; other people read who pressed it, which the car knows.
        """
        self.drive.hold_neutral(True)
        if self._line is None:
            self.drive.hold_neutral(False)
            return
        self.events.add("bad", f"STOP pressed: {why}")
        with self._lock:
            self._stop_took = None
            self._stop_why = why
        self.seat.give_up()
        self._button.press(why)
        self._on_wake()

    def snapshot(self, now: float | None = None) -> Snapshot:
        """Everything the views show, at ``now`` (local monotonic)."""
        now = time.monotonic() if now is None else now
        with self._lock:
            line, intake = self._line, self._intake
            address, error, stop_error = self._address, self._error, self._stop_error
            acked_at, stop_took = self._stop_acked_at, self._stop_took
        if line is None or intake is None:
            return Snapshot(error=error)
        facts = line.facts
        status, status_at = intake.status, intake.status_at
        paint = self._paints.figures(now)
        steer, throttle, sending = self.drive.current(now)
        connection = line.connection
        pressed = self._button.pending
        latched = status is not None and status.stage == "stopped"
        peer = intake.terms.peer
        stopped = latched or acked_at is not None
        troubles = (
            facts.error,
            stop_error if pressed else "",
            intake.trouble(driving=self.drive.wants(now)),
        )
        return Snapshot(
            link=link_state(self._link_facts(facts, intake), now),
            address=address,
            car=intake.car,
            status=status,
            status_age=None if status_at is None else max(0.0, now - status_at),
            picture_age=None if paint.captured is None else max(0.0, now - paint.captured),
            frame_age=paint.age,
            frame_age_p50=paint.p50,
            frame_age_p99=paint.p99,
            fps=paint.fps,
            frames_painted=paint.painted,
            round_trip=None if connection is None else connection.round_trip,
            command_age=intake.command_age,
            commands_sent=self.drive.commands_sent,
            commands_accepted=intake.accepted,
            dropped=intake.gaps + intake.mailbox.replaced,
            throttle_held=self.drive.throttle_held,
            must_let_go=self.drive.must_let_go,
            codec="" if connection is None else connection.codec,
            camera_lanes=0 if connection is None else connection.lanes("camera"),
            drive_lanes=0 if connection is None else connection.lanes("drive"),
            error=next((text for text in troubles if text), ""),
            can_be_paired=facts.can_be_paired,
            car_id="" if peer is None else peer.id,
            role=intake.terms.role,
            insecure=self._insecure,
            wheel=self.seat.wheel(now),
            ordering=self.seat.ordering,
            reply=self.seat.reply(now),
            lost_since=facts.lost_since,
            retry_in=None if facts.retry_at is None else max(0.0, facts.retry_at - now),
            stop_pressed=pressed,
            stopped=stopped,
            stop_reason=status.reason if latched and status is not None else "",
            stop_took=stop_took if stopped else None,
            stop_why=self._stop_why if pressed or (stopped and stop_took is not None) else "",
            steer=steer,
            throttle=throttle,
            input_source=self.drive.source,
            sending=sending,
        )

    @staticmethod
    def _link_facts(facts: LineFacts, intake: Intake) -> LinkFacts:
        return LinkFacts(
            wanted=True,
            connected=facts.connected,
            ever_connected=facts.ever_connected,
            tries_since_loss=facts.tries_since_loss,
            connected_at=facts.connected_at,
            has_camera=intake.car is None or bool(intake.car.cameras),
            picture_at=intake.picture_at,
            status_at=intake.status_at,
        )

    def _send(self, seq: int, steer: float, throttle: float, read_at: float, epoch: int) -> bool:
        """Give one command to the car; on the sending thread."""
        line, intake = self._line, self._intake
        connection = None if line is None else line.connection
        if connection is None or intake is None:
            return False
        self._sent.note(seq, read_at)
        if not connection.send(seq, steer, throttle, read_at, epoch):
            return False
        intake.on_command_sent()
        return True

    def _call(self, subroutine: str, arguments: tuple[Any, ...], timeout: float) -> object:
        return self._connection().car.call(subroutine, *arguments, timeout=timeout)

    def _call_stop(self, timeout: float) -> None:
        self._connection().stop(timeout)

    def _connection(self) -> Connection:
        line = self._line
        connection = None if line is None else line.connection
        if connection is None:
            raise NotConnectedError
        return connection

    def _on_status(self, status: CarStatus) -> None:
        """The newest status, before it shows; on a network thread."""
        stopped = status.stage == "stopped"
        with self._lock:
            intake, acked_at = self._intake, self._stop_acked_at
            at = None if intake is None else intake.status_at
            if not stopped and acked_at and at and at > acked_at + CLOCK_DOUBT:
                # Our STOP is over: the next one may be somebody else's.
                self._stop_acked_at = self._stop_took = None
            ours = self._stop_acked_at is not None
        self.drive.hold_neutral(stopped or ours or self._button.pending)
        self.seat.on_status(status)

    def _on_stop_acknowledged(self, took: float) -> None:
        with self._lock:
            self._stop_error = ""
            self._stop_acked_at = time.monotonic()
            self._stop_took = took
        self.events.add("good", f"The car acknowledged STOP after {took * 1000:.0f} ms")
        self._on_wake()

    def _on_stop_trouble(self, error: Exception) -> None:
        sentence = sentences.explain_stop(error)
        with self._lock:
            known = self._stop_error == sentence
            self._stop_error = sentence
        if not known:
            self.events.add("bad", sentence)
        self._on_wake()
