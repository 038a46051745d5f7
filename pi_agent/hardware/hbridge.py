"""A differential drivetrain: two motors on an H-bridge such as L293D or L298N.

Wiring of the default pins (BCM numbers)::

    Raspberry Pi            L293D            motors
    GPIO 9  ------------->  1A  1Y  -------> left, forward
    GPIO 10 ------------->  2A  2Y  -------> left, backward
    GPIO 17 ------------->  3A  3Y  -------> right, forward
    GPIO 27 ------------->  4A  4Y  -------> right, backward
    GPIO 22 ------------->  1,2EN and 3,4EN, and over 10 kOhm to GND
    GND ----------------->  GND     <------- battery GND

The enable line is optional (``enable = 22`` in the car's file); without one, 1,2EN and 3,4EN
belong on 3V3. Only the motors' process uses this module.

gpiozero chooses how pins are reached; the environment variable
GPIOZERO_PIN_FACTORY says otherwise (``lgpio`` on a Pi, ``mock`` without one,
then with GPIOZERO_MOCK_PIN_CLASS=mockpwmpin).
"""

from __future__ import annotations

import atexit
import contextlib
import json
from types import TracebackType
from typing import Any, Self

from pi_agent.hardware.errors import HardwareError
from pi_agent.hardware.hbridge_config import HBridgeConfig


def mix(steer: float, throttle: float) -> tuple[float, float]:
    """Arcade mixing: how fast the left and the right motor turn, each -1 to 1.

    The sum is scaled down rather than cut, so that a turn keeps its shape at
    full throttle.
    """
    left, right = throttle + steer, throttle - steer
    most = max(1.0, abs(left), abs(right))
    return left / most, right / most


class HBridge:
    """Two motors on four pins with pulse-width modulation.

    Raises:
        HardwareError: gpiozero is missing, or a pin cannot be used.
    """

    def __init__(self, config: HBridgeConfig) -> None:
        self._config = config
        self._left: Any = None
        self._right: Any = None
        self._enable: Any = None
        self._now: tuple[float, float] | None = None
        try:
            from gpiozero import DigitalOutputDevice, Motor
            from gpiozero.exc import GPIOZeroError
        except ImportError as error:
            raise HardwareError(
                "The H-bridge needs gpiozero; install it with: pip install 'pynet-rc[pi]'"
            ) from error
        try:
            # Power is off before any other pin is touched.
            if config.enable is not None:
                self._enable = DigitalOutputDevice(config.enable, initial_value=False)
            self._left = Motor(*config.left, pwm=True)
            self._right = Motor(*config.right, pwm=True)
            for motor in (self._left, self._right):
                motor.forward_device.frequency = config.frequency
                motor.backward_device.frequency = config.frequency
        except (GPIOZeroError, OSError, ValueError) as error:
            self.close()
            pins = [*config.left, *config.right]
            pins += [] if config.enable is None else [config.enable]
            raise HardwareError(
                f"The pins {', '.join(map(str, pins))} of the H-bridge cannot be used: {error}. "
                "Check the wiring, that no other program holds them, and GPIOZERO_PIN_FACTORY."
            ) from error
        atexit.register(self.close)
        self.neutral()

    @classmethod
    def from_text(cls, text: str) -> HBridge:
        """From the configuration as JSON, as it comes to the motors' process."""
        values = json.loads(text)
        values["left"], values["right"] = tuple(values["left"]), tuple(values["right"])
        return cls(HBridgeConfig(**values))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def drive(self, steer: float, throttle: float) -> None:
        """Turns both motors as the mixture of steer and throttle says."""
        config = self._config
        left, right = mix(steer, throttle)
        left *= config.limit * min(1.0, 1.0 + config.trim)
        right *= config.limit * min(1.0, 1.0 - config.trim)
        self._set(-left if config.invert_left else left, -right if config.invert_right else right)

    def neutral(self, steer: float = 0.0) -> None:
        """Stops both motors; on two driven sides ``steer`` alone would move the car."""
        self._set(0.0, 0.0)

    def power(self, on: bool) -> None:
        """Raises or drops the enable line, where there is one."""
        if self._enable is not None and not self._enable.closed and self._enable.is_active != on:
            self._enable.value = on

    def close(self) -> None:
        """Drops the enable line, stops both motors and gives the pins back."""
        atexit.unregister(self.close)
        if self._enable is not None and not self._enable.closed:
            with contextlib.suppress(Exception):
                self._enable.off()
        # One side that fails must not keep the other side running.
        for motor in (self._left, self._right):
            if motor is not None and not motor.closed:
                with contextlib.suppress(Exception):
                    motor.stop()
                with contextlib.suppress(Exception):
                    motor.close()
        if self._enable is not None:
            with contextlib.suppress(Exception):
                self._enable.close()
        self._now = (0.0, 0.0)

    def _set(self, left: float, right: float) -> None:
        # Writing the same duty cycle again would restart the wave of some pin factories.
        if (left, right) == self._now or self._left is None or self._left.closed:
            return
        self._now = None
        self._left.value = left
        self._right.value = right
        self._now = (left, right)
