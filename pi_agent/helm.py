"""Joins the driver lease and the motors' process: everything that moves the car goes through here.

Only commands of the session that holds the lease are passed on; the motors' process looks at
their epoch, sequence and age once more. Every change of the lease goes there at once, and
disarms the car.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from pi_agent.actuators import Actuators, Plan
from pi_agent.black_box import BlackBox
from pi_agent.failsafe import rules
from pi_agent.failsafe.frames import State
from pi_agent.failsafe.machine import Change, Command
from pi_agent.lease import LeaseDesk, LeaseRefused, Person
from pynet.rc.messages import ArmAnswer, Lease, LeaseAnswer, Refusal, Transition

logger = logging.getLogger(__name__)

GRACE = 10.0
"""Seconds that somebody who got the lease has to open a feed for drive commands."""
LARGEST_SEQ = 2**63 - 1
LARGEST_PILOT = 2**32 - 1


class NotStopped(Exception):
    """The motors' process did not answer; the text says what happens now."""


class Helm:
    """Who drives, and what of theirs reaches the motors. Any thread.

    Args:
        plan: of the motors' process.
        on_output: told what the motors get; the simulated car follows it.
        box: keeps the transitions.
        checks: gives more reasons against arming, as bits.
    """

    def __init__(
        self,
        plan: Plan,
        on_output: Callable[[float, float, bool], None],
        box: BlackBox,
        checks: Callable[[], int],
    ) -> None:
        self._box = box
        self._checks = checks
        self._lock = threading.Lock()
        # Milliseconds of the machine's clock: epochs grow over a restart of the agent, too.
        self._desk = LeaseDesk(int(time.monotonic() * 1000))
        self._known_epoch = self._desk.epoch
        self._feeds: Counter[tuple[str, str]] = Counter()
        self._heard = 0.0
        self._refused = 0
        self._stop_reason = ""
        self._lease_reason = ""
        self.actuators = Actuators(
            plan,
            on_output=on_output,
            on_state=self._on_state,
            on_change=self._on_change,
            on_tick=self._on_tick,
        )

    def start(self) -> None:
        """Starts the motors' process.

        Raises:
            HardwareError: it cannot have the motors.
        """
        self._box.start()
        self.actuators.start()

    def close(self) -> None:
        """Neutral, then ends the motors' process; may be called again."""
        self.actuators.close()
        self._box.close()

    # --- the lease ---------------------------------------------------------------------------

    def request(self, who: Person) -> LeaseAnswer:
        """See :meth:`LeaseDesk.request`."""
        return self._granted(who, lambda now: self._desk.request(who, now))

    def take(self, who: Person) -> LeaseAnswer:
        """See :meth:`LeaseDesk.take`."""
        return self._granted(who, lambda now: self._desk.take(who, now))

    def force(self, who: Person, reason: str) -> LeaseAnswer:
        """See :meth:`LeaseDesk.force`."""
        answer = self._granted(who, lambda now: self._desk.force(who, reason, now))
        logger.warning("%s", self.lease().forced_reason or f"{who.name} drives")
        return answer

    def answer(self, who: Person, request_id: int, accept: bool) -> None:
        """See :meth:`LeaseDesk.answer`."""
        with self._lock:
            self._desk.answer(who, request_id, accept, time.monotonic())

    def release(self, who: Person) -> None:
        """See :meth:`LeaseDesk.release`."""
        with self._lock:
            if self._desk.release(who, time.monotonic()):
                self._pass_on(f"{who.name} gave the car back.")

    def lease(self) -> Lease:
        """For everybody who watches."""
        with self._lock:
            return self._desk.status(time.monotonic())

    def driver(self) -> Person | None:
        """Who holds the lease."""
        with self._lock:
            return self._desk.holder

    def feed_begins(self, who: Person) -> None:
        """A connection that drive commands come over."""
        with self._lock:
            self._feeds[who.session, who.machine] += 1
            self._desk.present(who, True, time.monotonic())

    def feed_ends(self, who: Person) -> None:
        """It is closed or lost; the driver's last one makes the car neutral at once."""
        with self._lock:
            self._feeds[who.session, who.machine] -= 1
            if self._feeds[who.session, who.machine] > 0:
                return
            del self._feeds[who.session, who.machine]
            self._desk.present(who, False, time.monotonic())
            if self._holds(who):
                self.actuators.gone(self._desk.epoch)

    # --- driving -----------------------------------------------------------------------------

    def command(self, who: Person, command: Any, age: float, heard: float) -> bool:
        """Passes a command on if it is whole and comes from who drives.

        Args:
            who: sends it.
            command: a :class:`pynet.rc.messages.DriveCommand`, or whatever came instead.
            age: seconds that it was on its way.
            heard: when it came, monotonic clock.

        Returns:
            False for one that was refused here already.
        """
        with self._lock:
            if not self._holds(who) or not _is_whole(command):
                self._refused += 1
                return False
            # Of several lanes an older one may bring the newer command.
            self._heard = max(self._heard, heard)
            self.actuators.send(
                Command(
                    command.epoch,
                    command.seq,
                    self._heard,
                    max(age, 0.0) + command.input_age + self._heard - heard,
                    float(command.steer),
                    float(command.throttle),
                    command.pilot,
                    float(command.frame_age),
                )
            )
            return True

    def arm(self, who: Person) -> ArmAnswer:
        """Arms the car for who drives, or says why not."""
        with self._lock:
            holds, epoch = self._holds(who), self._desk.epoch
        if not holds:
            return ArmAnswer(False, self._sentences(rules.NO_LEASE))
        bits = self._checks()
        bits |= self.actuators.state.refusals if bits else self.actuators.arm(epoch)
        if bits:
            return ArmAnswer(False, self._sentences(bits))
        self._stop_reason = ""
        logger.info("%s armed the car", who.name)
        return ArmAnswer(True)

    def disarm(self, name: str) -> None:
        """Neutral at once; driving on needs :meth:`arm`.

        Raises:
            NotStopped: the motors' process does not answer.
        """
        logger.info("%s disarmed the car", name)
        if not self.actuators.disarm():
            raise NotStopped(_NO_ANSWER)

    def stop(self, reason: str) -> None:
        """Latches STOP.

        Raises:
            NotStopped: the motors' process does not answer; STOP stays wanted.
        """
        self._stop_reason = reason
        logger.warning("STOP: %s", reason)
        if not self.actuators.stop():
            raise NotStopped(_NO_ANSWER)

    # --- what is told ------------------------------------------------------------------------

    @property
    def state(self) -> State:
        """The newest report of the motors' process."""
        return self.actuators.state

    @property
    def refused(self) -> int:
        """Commands that did not reach the motors."""
        return self._refused + self.state.refused

    def causes(self, bits: int) -> tuple[str, ...]:
        """Sentences for causes, the most severe first; with names where they are known."""
        own = {rules.STOP: self._stop_reason, rules.LEASE: self._lease_reason}
        return tuple(
            own.get(cause) or text for cause, (_, text) in rules.CAUSES.items() if bits & cause
        )

    def refusals(self) -> tuple[Refusal, ...]:
        """Why the driver could not arm the car now; empty while it is armed."""
        state = self.state
        if rules.STAGES[state.stage] not in ("disarmed", "stopped"):
            return ()
        bits = state.refusals | self._checks()
        with self._lock:
            bits |= rules.NO_LEASE if self._desk.holder is None else 0
        return self._sentences(bits)

    def _sentences(self, bits: int) -> tuple[Refusal, ...]:
        return tuple(
            Refusal(bit.bit_length(), text, remedy)
            for bit, (text, remedy) in rules.REFUSALS.items()
            if bits & bit
        )

    # --- inside ------------------------------------------------------------------------------

    def _granted(self, who: Person, ask: Callable[[float], LeaseAnswer]) -> LeaseAnswer:
        with self._lock:
            now = time.monotonic()
            answer = ask(now)
            if self._desk.epoch != self._known_epoch:
                self._heard = 0.0
                if not self._feeds[who.session, who.machine]:
                    self._desk.present(who, False, now + GRACE)
                reason = self._desk.status(now).forced_reason
                self._pass_on(f"{reason or f'{who.name} drives now'}.")
            return answer

    def _holds(self, who: Person) -> bool:
        return who.is_same(self._desk.holder)

    def _pass_on(self, reason: str) -> None:
        """A changed lease goes to the motors' process, which disarms. Under the lock."""
        if self._desk.epoch != self._known_epoch:
            self._known_epoch = self._desk.epoch
            self._lease_reason = reason
            self.actuators.set_epoch(self._desk.epoch)
            logger.info("%s", reason)

    def _on_state(self, state: State) -> None:
        if state.lost_epoch != self._known_epoch or not state.lost_epoch:
            return
        with self._lock:
            holder = self._desk.holder
            if holder is not None and self._desk.lost(state.lost_epoch, time.monotonic()):
                self._pass_on(f"{holder.name} fell silent; the wheel is free.")

    def _on_tick(self) -> None:
        with self._lock:
            holder = self._desk.holder
            stage = rules.STAGES[self.state.stage]
            armed = stage in ("ready", "degraded", "neutral")
            if self._desk.tick(time.monotonic(), armed) and holder is not None:
                self._pass_on(f"{holder.name} is gone; the wheel is free.")

    def _on_change(self, change: Change) -> None:
        transition = Transition(
            time=change.time,
            before=rules.STAGES[change.before],
            after=rules.STAGES[change.after],
            causes=self.causes(change.causes),
            epoch=change.epoch,
            silent=change.silent,
            commands=change.commands,
        )
        self._box.add(transition)
        if change.before != change.after:
            level = logging.WARNING if change.after > rules.DEGRADED else logging.INFO
            why = " ".join(transition.causes)
            logger.log(level, "%s -> %s. %s", transition.before, transition.after, why)


_NO_ANSWER = (
    "The process that owns the motors does not answer. It is ended now, which stops them; "
    "switch the battery off if the car still moves."
)


def _is_whole(command: Any) -> bool:
    """Whether what came is a command at all; the motors' process judges the rest."""
    for name, largest in (("seq", LARGEST_SEQ), ("epoch", LARGEST_SEQ), ("pilot", LARGEST_PILOT)):
        value = getattr(command, name, None)
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= largest:
            return False
    for name in ("steer", "throttle", "input_age", "frame_age"):
        value = getattr(command, name, None)
        if isinstance(value, bool) or not isinstance(value, int | float):
            return False
        # A whole number may be too large for a float.
        if not isinstance(value, float) and abs(value) > 2**53:
            return False
    return command.input_age >= 0 and not math.isinf(command.input_age)


__all__ = ["Helm", "LeaseRefused", "NotStopped", "Person"]
