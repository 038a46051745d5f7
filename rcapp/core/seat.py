"""The driver's seat: asking for the wheel, handing it over, arming. STOP is not here."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from rcapp.core import sentences
from rcapp.core.drive import DriveInput
from rcapp.core.events import EventLog
from rcapp.core.orders import Call, Orders
from rcapp.core.state import LIVE_LIMIT
from rcapp.core.wheel import Wheel, wheel_of

if TYPE_CHECKING:
    from pynet.rc.messages import CarStatus
    from rcapp.core.intake import Intake

REPLY_SECONDS = 8.0
"""How long an answer of the car that was not a yes is shown."""

ASKED_GRACE = 1.0
"""Seconds after which a request for the wheel must show in the car's status, or it has lapsed."""


class DriverSeat:
    """What the person wants of the wheel of one car, and what the car said to it.

    Every method may be called from any thread and returns at once: what is asked shows in the
    snapshot when the car has answered.

    Args:
        call: asks the car.
        drive: what is sent; it learns under which lease.
        events: where happenings are noted.
        wake: called when there is something new to show.
    """

    def __init__(
        self, call: Call, drive: DriveInput, events: EventLog, wake: Callable[[], None]
    ) -> None:
        self._drive = drive
        self._events = events
        self._wake = wake
        self._lock = threading.Lock()
        self._intake: Intake | None = None
        self._asked_at: float | None = None
        self._reply = ("", 0.0)
        self._orders = Orders(call, on_answer=self._answered, on_trouble=self._troubled)

    @property
    def ordering(self) -> str:
        """The subroutine that the car is asked for now, or empty."""
        return self._orders.pending

    def reply(self, now: float) -> str:
        """What the car answered to the newest wish that it did not grant; soon empty again."""
        with self._lock:
            sentence, until = self._reply
        return sentence if now < until else ""

    def sit_down(self, intake: Intake | None) -> None:
        """In another car, or (None) in none."""
        self._orders.give_up()
        with self._lock:
            self._intake = intake
            self._asked_at = None
            self._reply = ("", 0.0)
        self._drive.set_epoch(0)

    def close(self) -> None:
        """Stop and join the thread that asks."""
        self._orders.close()

    def wheel(self, now: float | None = None) -> Wheel:
        """Who drives, at ``now`` (local monotonic)."""
        with self._lock:
            intake, asked = self._intake, self._asked_at is not None
        if intake is None:
            return Wheel()
        now = time.monotonic() if now is None else now
        at, terms = intake.status_at, intake.terms
        age = 0.0 if at is None else max(0.0, now - at)
        known = intake.status if at is not None and age <= LIVE_LIMIT else None
        return wheel_of(known, terms.session, terms.role, asked=asked, age=age)

    # What the person may wish.

    def ask_for_wheel(self) -> None:
        """Take the wheel if nobody has it or it is offered to us; else ask whoever has it."""
        wheel = self.wheel()
        if self._intake is None or wheel.yours or wheel.asking:
            return
        self._orders.give("lease_take" if wheel.offered else "lease_request")

    def answer_request(self, accept: bool) -> None:
        """Offer the wheel to whoever asks for it, or keep it."""
        wheel = self.wheel()
        if wheel.request:
            self._orders.give("lease_answer", wheel.request_id, accept)

    def let_go_of_wheel(self) -> None:
        """Drive no longer; the car is disarmed."""
        self._drive.set_epoch(0)
        if self._intake is not None:
            self._orders.give("lease_release")

    def force_wheel(self, reason: str) -> None:
        """Take the wheel from whoever has it; everybody sees the reason."""
        if self._intake is not None and reason.strip():
            self._orders.give("lease_force", reason.strip())

    def arm(self) -> None:
        """Let the car move, and end its STOP. Only who drives can; once for each press."""
        if self._intake is None:
            return
        if self._drive.throttle_held:
            self._say("Not armed: you hold the throttle. Let go of it first.")
        else:
            self._orders.give("arm")

    def disarm(self) -> None:
        """Neutral at once, until somebody arms again. Viewers may, too."""
        if self._intake is not None:
            self._orders.give("disarm")

    def give_up(self) -> None:
        """STOP was pressed: an arming that still waits must not come after it."""
        self._orders.give_up()

    # What the car says.

    def on_status(self, status: CarStatus) -> None:
        """The newest status, before it shows; on a network thread."""
        intake = self._intake
        if intake is None:
            return
        lease, session = status.lease, intake.terms.session
        ours = bool(lease.driver) and lease.session == session
        offered = bool(lease.offer_to) and lease.offer_session == session
        # What is sent under a lease that the car has taken back is worth nothing.
        self._drive.set_epoch(lease.epoch if ours else 0)
        with self._lock:
            asked_at = self._asked_at
            late = asked_at is not None and time.monotonic() - asked_at > ASKED_GRACE
            kept = late and not (ours or offered or lease.request)
            if ours or offered or kept:
                self._asked_at = None
        if kept:
            self._say(f"{lease.driver or 'The driver'} keeps the wheel.")

    def on_gone(self) -> None:
        """The connection is lost, and our lease will be."""
        with self._lock:
            self._asked_at = None
        self._drive.set_epoch(0)
        self._drive.let_go_first()

    def _say(self, sentence: str) -> None:
        with self._lock:
            self._reply = (sentence, time.monotonic() + REPLY_SECONDS)
        self._events.add("warn", sentence)
        self._wake()

    def _answered(self, subroutine: str, answer: Any) -> None:
        """The car has answered; what it granted shows in its status by itself."""
        with self._lock:
            self._reply = ("", 0.0)
        if subroutine == "arm" and not answer.armed:
            reasons = " ".join(f"{one.number} {one.sentence}" for one in answer.refusals)
            self._say(f"Not armed: {reasons}" if reasons else "Not armed.")
        elif subroutine in ("lease_request", "lease_take", "lease_force"):
            self._lease_answered(subroutine, answer)
        self._wake()

    def _lease_answered(self, subroutine: str, answer: Any) -> None:
        if answer.granted:
            self._drive.set_epoch(answer.epoch)
        elif subroutine == "lease_request":
            with self._lock:
                self._asked_at = time.monotonic()
            self._events.add("info", answer.message)
        else:
            self._say(answer.message)

    def _troubled(self, subroutine: str, error: Exception) -> None:
        intake = self._intake
        name = intake.car.name if intake is not None and intake.car is not None else "The car"
        role = "" if intake is None else intake.terms.role
        self._say(sentences.explain_refused(error, name, role))
