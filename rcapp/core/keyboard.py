"""Keys that feel like a stick: ramp towards the held direction, centre on release.

Pure: the time is an argument, and no key codes are known here. The view turns
its keys into ``"left"``, ``"right"``, ``"up"`` and ``"down"`` and drops auto-repeats.
"""

from __future__ import annotations

from dataclasses import dataclass

KEYS = frozenset({"left", "right", "up", "down"})
"""The keys this driver knows."""

LONGEST_STEP = 0.1
"""Seconds; a GUI that stalled for longer must not make the stick jump."""


@dataclass(frozen=True, slots=True)
class AxisFeel:
    """How one axis moves, in full deflections per second.

    Attributes:
        out: towards the held direction, from centre outwards.
        back: towards the centre with no key held.
        reverse: towards the centre while the opposite direction is held.
    """

    out: float
    back: float
    reverse: float


STEER_FEEL = AxisFeel(out=3.0, back=5.0, reverse=10.0)
"""Full lock in a third of a second, so that a 60 ms tap is a small correction (0.18); centred
in a fifth; a change of mind costs a tenth."""

THROTTLE_FEEL = AxisFeel(out=1.6, back=4.0, reverse=8.0)
"""Full throttle in 0.6 s, which lets a tap hold walking pace; let go in a quarter."""


def move(value: float, direction: int, dt: float, feel: AxisFeel) -> float:
    """Where an axis at ``value`` is after ``dt`` seconds with ``direction`` (-1, 0, 1) held.

    Passing through zero while reversing spends the rest of the step at the outward rate.
    """
    if direction == 0:
        step = feel.back * dt
        return max(0.0, value - step) if value > 0 else min(0.0, value + step)
    along = value * direction
    if along < 0:
        to_centre = -along / feel.reverse
        if to_centre >= dt:
            return (along + feel.reverse * dt) * direction
        along, dt = 0.0, dt - to_centre
    return min(1.0, along + feel.out * dt) * direction


class KeyboardDriver:
    """Turns held keys into steer and throttle. Used from one thread."""

    def __init__(self, steer: AxisFeel = STEER_FEEL, throttle: AxisFeel = THROTTLE_FEEL) -> None:
        self._steer_feel = steer
        self._throttle_feel = throttle
        self._held: set[str] = set()
        self._tapped: set[str] = set()
        self._steer = 0.0
        self._throttle = 0.0
        self._sampled_at: float | None = None
        self._presses = 0

    @property
    def held(self) -> frozenset[str]:
        """Keys that are down now."""
        return frozenset(self._held)

    @property
    def presses(self) -> int:
        """Keys pressed since the start: tells that a person touched the keyboard."""
        return self._presses

    def press(self, key: str) -> None:
        """``key`` went down. Pressing a held key again changes nothing.

        Raises:
            ValueError: for a key that is not in :data:`KEYS`.
        """
        if key not in KEYS:
            raise ValueError(f"no such driving key: {key!r}")
        if key not in self._held:
            self._presses += 1
        self._held.add(key)
        self._tapped.add(key)

    def release(self, key: str) -> None:
        """``key`` went up. Releasing a key that is not held is allowed."""
        self._held.discard(key)

    def release_all(self) -> None:
        """Forget every key and centre at once: focus is gone, or STOP was pressed."""
        self._held.clear()
        self._tapped.clear()
        self._steer = self._throttle = 0.0

    def sample(self, now: float) -> tuple[float, float]:
        """``(steer, throttle)`` at ``now``, each -1 to 1: right and forward are positive.

        A key pressed and released between two samples still counts for one step.
        """
        dt = 0.0 if self._sampled_at is None else now - self._sampled_at
        dt = min(max(dt, 0.0), LONGEST_STEP)
        self._sampled_at = now
        down = self._held | self._tapped
        self._tapped.clear()
        steer = ("right" in down) - ("left" in down)
        throttle = ("up" in down) - ("down" in down)
        self._steer = move(self._steer, steer, dt, self._steer_feel)
        self._throttle = move(self._throttle, throttle, dt, self._throttle_feel)
        return self._steer, self._throttle
