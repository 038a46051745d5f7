"""What the motors get: a state machine without I/O, threads or clock.

Every entry takes the time as an argument, in seconds of one monotonic clock. The stage is
never stored: it is what the most severe of the present causes demands
(:func:`pi_agent.failsafe.rules.stage_of`), so that several causes at once cannot hide one
another.
"""

from __future__ import annotations

from collections import deque

from pi_agent.failsafe import rules
from pi_agent.failsafe.rules import DEGRADED, DISARMED, NEUTRAL

NEVER = float("-inf")
LARGEST = 1.7976931348623157e308
"""The largest finite number; comparing with it costs no import."""
REMEMBERED = 4
"""Commands that a transition keeps."""


class Command:
    """One command as it came to the car.

    Attributes:
        epoch: of the lease it was sent under.
        seq: grows with each.
        heard: when it came, on this machine's clock.
        age: seconds that the person's input was old then.
        steer, throttle: as sent.
        pilot: number of a pilot's engagement, or 0 for a person.
        frame_age: seconds, of the picture behind a pilot's command.
    """

    __slots__ = ("age", "epoch", "frame_age", "heard", "pilot", "seq", "steer", "throttle")

    def __init__(
        self,
        epoch: int,
        seq: int,
        heard: float,
        age: float,
        steer: float,
        throttle: float,
        pilot: int = 0,
        frame_age: float = 0.0,
    ) -> None:
        self.epoch = epoch
        self.seq = seq
        self.heard = heard
        self.age = age
        self.steer = steer
        self.throttle = throttle
        self.pilot = pilot
        self.frame_age = frame_age


class Change:
    """One transition: the stages and causes around it and the commands before it."""

    __slots__ = ("after", "before", "causes", "commands", "epoch", "silent", "time")

    def __init__(
        self,
        time: float,
        before: int,
        after: int,
        causes: int,
        epoch: int,
        silent: float,
        commands: tuple[tuple[int, float, float, float], ...],
    ) -> None:
        self.time = time
        self.before = before
        self.after = after
        self.causes = causes
        self.epoch = epoch
        self.silent = silent
        self.commands = commands


class Failsafe:
    """Decides what the motors get. Starts disarmed, without a driver.

    Args:
        timeout: seconds without a command until the throttle is neutral, 0.15 to 0.5.

    Attributes:
        causes: why the stage is not ready, as bits of :mod:`~pi_agent.failsafe.rules`.
        epoch: of the lease whose commands count; 0 for nobody's.
        lost_epoch: of the last lease that ended because its driver fell silent.
        accepted, refused: commands so far.
        last_seq: of the newest accepted command, -1 before the first.
        accepted_at: when that one was heard.
        trips: how often the throttle went neutral by itself while it was not.
        neutral_at: when the throttle last went to neutral.
        pilot: number of the engagement that drives, 0 while a person does.
        changes: transitions that nobody has taken yet, the oldest first; bounded.
    """

    def __init__(self, timeout: float = rules.NEUTRAL_AFTER) -> None:
        self._timeout = min(max(timeout, rules.SHORTEST_NEUTRAL), rules.LONGEST_NEUTRAL)
        self.causes = rules.STARTED
        self.epoch = 0
        self.lost_epoch = 0
        self.accepted = 0
        self.refused = 0
        self.last_seq = -1
        self.accepted_at = NEVER
        self.trips = 0
        self.neutral_at = NEVER
        self.pilot = 0
        self.changes: deque[Change] = deque(maxlen=64)
        self._highest_epoch = 0
        self._seq = -1
        self._heard = NEVER
        self._good_since = NEVER
        self._stick = 0.0
        self._touched = False
        self._pilot_heard = NEVER
        self._retired = 0
        self._steer = 0.0
        self._throttle = 0.0
        self._disarmed_at = NEVER
        self._motors_bad = False
        self._arm_called = NEVER
        self._commands: deque[tuple[int, float, float, float]] = deque(maxlen=REMEMBERED)

    @property
    def stage(self) -> int:
        """The present stage."""
        return rules.stage_of(self.causes)

    @property
    def armed(self) -> bool:
        """An ordinary command can move the car, at the latest after the throttle was let go."""
        return self.stage < DISARMED

    def output(self) -> tuple[float, float, bool]:
        """Steer, throttle, and whether they are a driver's; False means no power at all."""
        live = self.stage <= DEGRADED
        return self._steer, self._throttle if live else 0.0, live

    def power(self, now: float) -> bool:
        """Whether the enable line is up: armed, or just not any more."""
        return self.armed or now - self._disarmed_at < rules.POWER_AFTER

    def set_epoch(self, epoch: int, now: float) -> bool:
        """Another lease: the car is disarmed, and only commands of ``epoch`` count from now on.

        Returns:
            False for an epoch that is not newer than every one before; nothing changes then.
        """
        self.tick(now)
        if epoch <= self._highest_epoch:
            return False
        if self.armed:
            self._add(rules.LEASE, now)
        self.epoch = self._highest_epoch = epoch
        self._seq = -1
        self._heard = self._good_since = self._arm_called = NEVER
        self._stick = 0.0
        self._touched = False
        self.pilot = self._retired = 0
        return True

    def command(self, command: Command, now: float) -> int:
        """Takes a command if it may count.

        Returns:
            :data:`rules.ACCEPTED`, or why it does not reach the motors.
        """
        # What was due before it was heard comes first, though both are looked at only now.
        self.tick(min(command.heard, now) if command.heard >= self._heard else now)
        verdict = self._judge(command, now)
        if verdict == rules.ACCEPTED:
            verdict = self._heed(command)
        if verdict == rules.ACCEPTED:
            self.accepted += 1
            self.last_seq = command.seq
            self.accepted_at = command.heard
        else:
            self.refused += 1
        return verdict

    def tick(self, now: float) -> None:
        """Lets time act. Call it at :meth:`deadline` at the latest, more often does no harm."""
        stage = self.stage
        if stage < DISARMED:
            silent = now - self._heard
            if silent >= rules.DISARM_AFTER:
                self._lose(now)
            elif silent >= self._timeout:
                self._add(rules.SILENCE, now)
            elif silent >= rules.LATE_AFTER and stage < NEUTRAL:
                self._add(rules.LATE, now)
            if self.pilot and now - self._pilot_heard >= self._timeout:
                self._pilot_failed(now)
        if self.stage > DEGRADED and now - self.neutral_at >= rules.CENTRE_AFTER:
            self._steer = 0.0

    def deadline(self, now: float) -> float:
        """When :meth:`tick` has something to do next; infinity if nothing will happen."""
        due = [self.neutral_at + rules.CENTRE_AFTER]
        if self.armed:
            after = (rules.LATE_AFTER, self._timeout, rules.DISARM_AFTER)
            due += [self._heard + wait for wait in after]
            if self.pilot:
                due.append(self._pilot_heard + self._timeout)
        else:
            due.append(self._disarmed_at + rules.POWER_AFTER)
        return min((time for time in due if time > now), default=float("inf"))

    def refusals(self, now: float) -> int:
        """Why :meth:`arm` would be refused now, as bits; 0 when it would not."""
        bits = 0
        if not self.epoch:
            bits |= rules.NO_LEASE
        if now - self._heard >= rules.LATE_AFTER:
            bits |= rules.NO_COMMANDS
        elif now - self._good_since < rules.RECOVER_DISARMED:
            bits |= rules.YOUNG_LINK
        if abs(self._stick) > rules.NEAR_NEUTRAL:
            bits |= rules.THROTTLE
        if self._motors_bad:
            bits |= rules.BAD_MOTORS
        return bits

    def arm(self, epoch: int, now: float) -> int:
        """Arms the car, and ends STOP, unless something speaks against it.

        Returns:
            The reasons against it as bits; 0 if it is armed now.
        """
        self.tick(now)
        held = now - self._arm_called < rules.HELD_KEY
        self._arm_called = now
        if epoch != self.epoch or not epoch:
            return rules.NO_LEASE
        if self.armed:
            return 0
        bits = self.refusals(now) | (rules.KEY_HELD if held else 0)
        if not bits:
            self._steer = self._throttle = 0.0
            self._become(0, now)
        return bits

    def stop(self, now: float) -> None:
        """Latches STOP."""
        self.tick(now)
        self._add(rules.STOP, now)

    def disarm(self, cause: int, now: float) -> None:
        """Disarms for one of the causes that demand it.

        A trouble is noted in every stage; the button says nothing new to a car at rest.
        """
        self.tick(now)
        if self.armed or cause != rules.DISARM:
            self._add(cause, now)

    def gone(self, epoch: int, now: float) -> None:
        """The connection of the driver with this lease has ended."""
        self.tick(now)
        if self.armed and epoch == self.epoch:
            self._add(rules.GONE, now)

    def motors(self, obey: bool, now: float) -> None:
        """Whether the motors could be set; if not, STOP is latched."""
        self._motors_bad = not obey
        if not obey:
            self._add(rules.MOTORS, now)

    def _judge(self, command: Command, now: float) -> int:
        """Whether a command is genuine, new and whole; nothing of others leaves a trace."""
        if not self.epoch or command.epoch != self.epoch:
            return rules.WRONG_EPOCH
        waited = now - command.heard
        # Written so that what is not a number fails, too.
        if not (command.age >= 0 and waited >= 0 and command.age + waited <= rules.OLDEST):
            return rules.STALE
        if command.seq <= self._seq or command.heard < self._heard:
            return rules.NOT_NEWER
        if command.pilot:
            return self._judge_pilot(command, now)
        if not (abs(command.steer) <= LARGEST and abs(command.throttle) <= LARGEST):
            return rules.NOT_FINITE
        return rules.ACCEPTED

    def _judge_pilot(self, command: Command, now: float) -> int:
        if command.pilot <= self._retired or self._touched:
            return rules.TAKEN_OVER
        seen = command.frame_age + command.age + now - command.heard
        whole = abs(command.steer) <= 1 and abs(command.throttle) <= 1
        if whole and command.frame_age >= 0 and seen <= rules.OLDEST:
            return rules.ACCEPTED
        if self.pilot == command.pilot:
            self._pilot_failed(now)
        return rules.PILOT_FAULT

    def _heed(self, command: Command) -> int:
        """Follows a genuine command as far as the stage allows."""
        now = command.heard
        steer, throttle = _clamp(command.steer), _clamp(command.throttle)
        if now - self._heard >= rules.LATE_AFTER:
            self._good_since = now
        self._heard, self._seq = now, command.seq
        self._commands.append((command.seq, steer, throttle, now))
        if command.pilot:
            if self.stage > DEGRADED:
                return rules.NOT_ARMED if self.stage > NEUTRAL else rules.LET_GO
            self.pilot, self._pilot_heard = command.pilot, now
        else:
            self._stick = throttle
            self._touched = max(abs(steer), abs(throttle)) > rules.TOUCH
            if self.pilot and not self._touched:
                return rules.ACCEPTED
            self._retire()
        if self.stage > NEUTRAL:
            return rules.NOT_ARMED
        if self.stage == NEUTRAL and not self._resumes(throttle, now):
            return rules.LET_GO
        self._follow(steer, throttle, now)
        return rules.ACCEPTED

    def _resumes(self, throttle: float, now: float) -> bool:
        """Ends the neutral stage if the link is good and the throttle was let go."""
        good = now - self._good_since >= rules.RECOVER_NEUTRAL
        if not good or abs(throttle) > rules.NEAR_NEUTRAL:
            return False
        self._become(0, now)
        return True

    def _follow(self, steer: float, throttle: float, now: float) -> None:
        if self.causes & rules.LATE:
            if now - self._good_since >= rules.RECOVER_DEGRADED:
                self._become(self.causes & ~rules.LATE, now)
            else:
                throttle = _no_more_than(self._throttle, throttle)
        if self._throttle and not throttle:
            self.neutral_at = now
        self._steer, self._throttle = steer, throttle

    def _lose(self, now: float) -> None:
        self.lost_epoch = self.epoch
        self._add(rules.LOST | rules.SILENCE, now)
        self.epoch = 0

    def _pilot_failed(self, now: float) -> None:
        self._retire()
        if self.armed:
            self._add(rules.PILOT, now)

    def _retire(self) -> None:
        """The pilot's engagement is over for good."""
        if self.pilot:
            self._retired, self.pilot = self.pilot, 0

    def _add(self, causes: int, now: float) -> None:
        self._become(self.causes | causes, now)

    def _become(self, causes: int, now: float) -> None:
        if causes == self.causes:
            return
        before = self.stage
        new = causes & ~self.causes
        self.causes = causes
        after = self.stage
        if before <= DEGRADED < after:
            if self._throttle and new & rules.FAILURES:
                self.trips += 1
            self._throttle = 0.0
            self.neutral_at = now
            self._retire()
        if before < DISARMED <= after:
            self._disarmed_at = now
        silent = -1.0 if self._heard == NEVER else now - self._heard
        self.changes.append(
            Change(now, before, after, causes, self.epoch, silent, tuple(self._commands))
        )


def _clamp(value: float) -> float:
    return min(max(value, -1.0), 1.0)


def _no_more_than(held: float, wanted: float) -> float:
    """``wanted``, but on the side of ``held`` and not beyond it."""
    return min(max(wanted, min(held, 0.0)), max(held, 0.0))
