"""Gamepads through SDL, polled by the GUI timer. Without SDL there are simply none."""

from __future__ import annotations


class Gamepad:
    """The first gamepad that is plugged in.

    Attributes:
        reason: why no gamepad can be used on this machine; empty when they can.
    """

    def __init__(self, *, dead_zone: float = 0.1, expo: float = 0.3) -> None:
        self.reason = "not started"
        self.dead_zone = dead_zone
        self.expo = expo

    @property
    def name(self) -> str:
        """What the pad calls itself, or empty."""
        return ""

    @property
    def connected(self) -> bool:
        """A pad is plugged in."""
        return False

    def poll(self) -> None:
        """Read what happened since the last call; about 2 us."""

    def sample(self) -> tuple[float, float] | None:
        """``(steer, throttle)``, -1 to 1, or None when no pad is there."""
        return None

    def close(self) -> None:
        """Let SDL go."""
