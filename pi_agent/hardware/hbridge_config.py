"""What the car's file says about an H-bridge; a module of its own for the motors' process."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class HBridgeConfig:
    """Two motors on four pins.

    Attributes:
        left, right: BCM numbers of the forward and the backward pin of each side.
        invert_left, invert_right: True for a motor that is wired the other way round.
        limit: most power, 0.1 to 1.
        trim: -0.5 to 0.5; positive weakens the right side, negative the left one.
        frequency: of the pulse-width modulation, Hz.
        enable: BCM number of the pin on the bridge's enable inputs, or None.
    """

    left: tuple[int, int] = (9, 10)
    right: tuple[int, int] = (17, 27)
    invert_left: bool = False
    invert_right: bool = False
    limit: float = 1.0
    trim: float = 0.0
    frequency: int = 200
    enable: int | None = None
