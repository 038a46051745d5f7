"""Who may drive, which commands count, and what the motors get: the failsafe.

Pure logic: no threads, no clock, no I/O. Every entry takes the time as an
argument (seconds of one monotonic clock, never decreasing); the watchdog calls
:meth:`DriveGate.output` often and gives its answer to the motors.

States::

    idle ----fresh command----> driving <---neutral throttle seen--- neutral
                                driving ----no fresh command-------> neutral
    any  ----stop-------------> stopped ----clear_stop-------------> neutral or idle
"""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from typing import Any

IDLE, DRIVING, NEUTRAL, STOPPED = "idle", "driving", "neutral", "stopped"

CENTRE_AFTER = 0.15
"""Seconds that the steering is held after the throttle went neutral: a sudden
straight in the middle of a bend would throw the rolling car off the road."""

NEAR_NEUTRAL = 0.05
"""Throttle up to this counts as let go; sticks and pedals seldom rest at exactly 0."""


class DriveRefused(Exception):
    """The car does not do this now; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Output:
    """What the motors get.

    Attributes:
        steer, throttle: -1 to 1.
        live: True while fresh commands arrive; False means no power, whatever steer says.
    """

    steer: float
    throttle: float
    live: bool


@dataclass(frozen=True, slots=True)
class GateStatus:
    """What the gate knows; the meanings are those of :class:`pynet.rc.messages.CarStatus`.

    ``neutral_at`` is when the throttle last went to neutral, None before it ever moved.
    """

    state: str
    reason: str
    driver: str
    steer: float
    throttle: float
    accepted: int
    refused: int
    last_seq: int
    failsafe_trips: int
    neutral_at: float | None


class DriveGate:
    """Lets through the fresh commands of one driver at a time.

    Args:
        timeout: seconds without a fresh command until the throttle is neutral.
        centre_after: seconds from then until the steering is centred.
    """

    def __init__(self, timeout: float = 0.25, centre_after: float = CENTRE_AFTER) -> None:
        self._timeout = timeout
        self._centre_after = centre_after
        self._state = IDLE
        self._stopped = False
        self._reason = ""
        self._lease = 0
        self._driver = ""
        self._heard_at = -math.inf
        self._accepted_at = -math.inf
        self._neutral_at: float | None = None
        self._centre_at = -math.inf
        self._seq = -1
        self._wanted = 0.0
        self._steer = 0.0
        self._throttle = 0.0
        self._must_let_go = False
        self._accepted = 0
        self._refused = 0
        self._last_seq = -1
        self._trips = 0

    def claim(self, driver: str, now: float) -> int:
        """Makes ``driver`` the one whose commands count.

        Returns:
            The lease to give with every command.

        Raises:
            DriveRefused: somebody else drives.
        """
        self._expire(now)
        if self._driver and now - self._heard_at < self._timeout:
            raise DriveRefused(
                f"{self._driver} drives this car now. Wait until they let go, then try again."
            )
        self._lease += 1
        self._driver = driver or "somebody"
        self._heard_at = now
        self._seq = -1
        self._wanted = 0.0
        return self._lease

    def release(self, lease: int, now: float) -> None:
        """Ends a lease; a car that still moves under it goes neutral at once."""
        self._expire(now)
        if lease != self._lease or not self._driver:
            return
        driver, self._driver = self._driver, ""
        if self._state == DRIVING:
            if self._throttle:
                self._trip(now, f"{driver} is gone; the throttle went neutral.")
            else:
                self._state = IDLE
                self._centre_at = now

    def offer(self, lease: int, command: Any, now: float) -> str:
        """Takes a command if it may count.

        Args:
            lease: what :meth:`claim` gave.
            command: something with ``seq``, ``steer`` and ``throttle``.
            now: seconds.

        Returns:
            Why it was refused, as a sentence; empty if it counts.

        Raises:
            DriveRefused: the lease is over; no later command under it can count.
        """
        self._expire(now)
        if lease != self._lease or not self._driver:
            self._refused += 1
            raise DriveRefused(
                f"{self._driver or 'Nobody'} drives this car now; your turn is over. Ask again."
            )
        refusal = self._why_not(command)
        if refusal:
            self._refused += 1
            return refusal
        self._heard_at = now
        self._seq = command.seq
        self._wanted = _clamp(command.throttle)
        if self._stopped:
            refusal = f"The car is stopped: {self._reason}"
        elif self._must_let_go and abs(self._wanted) > NEAR_NEUTRAL:
            refusal = "Let go of the throttle first; the car was not under control before."
        if refusal:
            self._refused += 1
            return refusal
        self._must_let_go = False
        self._accepted += 1
        self._accepted_at = now
        self._last_seq = command.seq
        self._state, self._reason = DRIVING, ""
        self._steer = _clamp(command.steer)
        if self._throttle and not self._wanted:
            self._neutral_at = now
        self._throttle = self._wanted
        return ""

    def stop(self, reason: str, now: float) -> None:
        """Latches STOP: neutral at once, and no command counts until :meth:`clear_stop`."""
        self._expire(now)
        self._stopped = True
        self._reason = reason or "STOP was pressed."
        self._go_neutral(now)

    def clear_stop(self, now: float) -> None:
        """Releases STOP.

        Raises:
            DriveRefused: somebody holds the throttle.
        """
        self._expire(now)
        if not self._stopped:
            return
        driven = bool(self._driver) and now - self._heard_at < self._timeout
        if driven and abs(self._wanted) > NEAR_NEUTRAL:
            raise DriveRefused(
                f"{self._driver} holds the throttle at {self._wanted:+.2f}. "
                "Let go of it, then clear STOP."
            )
        self._stopped = False
        self._reason = ""
        self._must_let_go = True
        self._state = NEUTRAL if driven else IDLE

    def output(self, now: float) -> Output:
        """What the motors get at this moment."""
        self._expire(now)
        live = self._state == DRIVING and not self._stopped
        return Output(self._steer, self._throttle if live else 0.0, live)

    def status(self, now: float) -> GateStatus:
        """What the gate knows at this moment."""
        self._expire(now)
        return GateStatus(
            state=STOPPED if self._stopped else self._state,
            reason=self._reason,
            driver=self._driver,
            steer=self._steer,
            throttle=self._throttle,
            accepted=self._accepted,
            refused=self._refused,
            last_seq=self._last_seq,
            failsafe_trips=self._trips,
            neutral_at=self._neutral_at,
        )

    def _why_not(self, command: Any) -> str:
        seq = getattr(command, "seq", None)
        if not isinstance(seq, int) or isinstance(seq, bool):
            return "The command has no whole number as its sequence."
        for name in ("steer", "throttle"):
            value = getattr(command, name, None)
            if isinstance(value, bool) or not isinstance(value, int | float):
                return f"{name} must be a number, not a {type(value).__name__}."
            # False for NaN too; a whole number too large for a float is compared exactly.
            if not -sys.float_info.max <= value <= sys.float_info.max:
                return f"{name} must be finite."
        if seq <= self._seq:
            return f"Command {seq} is not newer than {self._seq}."
        return ""

    def _expire(self, now: float) -> None:
        """Lets time act: neutral without fresh commands, then the steering's centre."""
        if self._state == DRIVING and now - self._accepted_at >= self._timeout:
            self._trip(
                now,
                f"No fresh command for {self._timeout:.2f} s; the throttle is neutral. "
                "Let go of the throttle to drive on.",
            )
        if self._state != DRIVING and now >= self._centre_at:
            self._steer = 0.0

    def _trip(self, now: float, reason: str) -> None:
        if self._throttle:
            self._trips += 1
        self._state, self._reason = NEUTRAL, reason
        self._must_let_go = True
        self._go_neutral(now)

    def _go_neutral(self, now: float) -> None:
        if self._throttle:
            self._neutral_at = now
        self._throttle = 0.0
        if self._state == DRIVING:
            self._state = NEUTRAL
        self._centre_at = now + self._centre_after


def _clamp(value: float) -> float:
    return float(min(max(value, -1.0), 1.0))
