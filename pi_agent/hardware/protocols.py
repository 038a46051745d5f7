"""What every kind of hardware offers, real or simulated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from pi_agent.hardware.errors import CameraError, HardwareError
from pynet.rc.messages import SensorInfo

__all__ = [
    "Camera",
    "CameraError",
    "Drivetrain",
    "HardwareError",
    "Motion",
    "Picture",
    "Sensor",
]

Picture = npt.NDArray[np.uint8]
"""Shape (rows, columns, 3), blue green red."""


class Drivetrain(Protocol):
    """What moves the car. Called from one thread at a time."""

    def drive(self, steer: float, throttle: float) -> None:
        """Follows a fresh command; both -1 to 1, steer positive to the right."""

    def neutral(self, steer: float = 0.0) -> None:
        """Gives no power at all; a car with a steered axle turns it to ``steer`` (-1 to 1)."""

    def power(self, on: bool) -> None:
        """Raises or drops the motors' enable line, where there is one."""

    def close(self) -> None:
        """Neutral, and gives the pins back; may be called again."""


class Camera(Protocol):
    """What takes pictures."""

    @property
    def width(self) -> int:
        """Pixels."""

    @property
    def height(self) -> int:
        """Pixels."""

    @property
    def fps(self) -> float:
        """Pictures per second, nominal."""

    def read(self) -> tuple[float, Picture]:
        """Waits for the next picture.

        Returns:
            When it was taken (seconds, monotonic clock) and the picture.

        Raises:
            CameraError: there will be no more pictures, or the camera was closed.
        """

    def close(self) -> None:
        """Ends a waiting :meth:`read` and frees the device; may be called again."""


class Sensor(Protocol):
    """What measures something."""

    @property
    def info(self) -> SensorInfo:
        """What it measures and how to draw it."""

    def read(self) -> tuple[float, ...]:
        """The values now, in the order of ``info.series``."""


@dataclass(frozen=True, slots=True)
class Motion:
    """What the car knows about its own movement.

    Attributes:
        distance: metres driven.
        speed: m/s, negative in reverse.
        battery: volts, or None without a sensor.
    """

    distance: float = 0.0
    speed: float = 0.0
    battery: float | None = None
