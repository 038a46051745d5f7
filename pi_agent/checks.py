"""What the agent itself finds against arming: battery, disk, heat."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path

from pi_agent.failsafe import rules

PERIOD = 2.0
"""Seconds that a finding is good for."""
LEAST_FREE = 50_000_000
"""Bytes on the disk; with less, logs and recordings begin to fail."""
HOTTEST = 85.0
"""Degrees Celsius: where a Raspberry Pi throttles itself hard."""
THERMAL_ZONE = Path("/sys/class/thermal/thermal_zone0/temp")


class Checks:
    """Looks at the machine now and then.

    Args:
        battery: gives volts, or None without a sensor.
        battery_low: volts below which the car is not armed; 0 for any.
        disk: a folder on the disk that must not be full.
        zone: file with the temperature in thousandths of a degree.
        clock: seconds, monotonic.
    """

    def __init__(
        self,
        battery: Callable[[], float | None],
        battery_low: float = 0.0,
        disk: Path | None = None,
        zone: Path = THERMAL_ZONE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._battery = battery
        self._battery_low = battery_low
        self._disk = Path.home() if disk is None else disk
        self._zone = zone
        self._clock = clock
        self._found = 0
        self._looked_at = float("-inf")

    def refusals(self) -> int:
        """Bits of :mod:`pi_agent.failsafe.rules`; cheap, because it seldom looks."""
        now = self._clock()
        if now - self._looked_at >= PERIOD:
            self._looked_at = now
            self._found = self._look()
        return self._found

    def _look(self) -> int:
        found = 0
        volts = self._battery() if self._battery_low else None
        if volts is not None and volts < self._battery_low:
            found |= rules.BATTERY
        try:
            if shutil.disk_usage(self._disk).free < LEAST_FREE:
                found |= rules.DISK
        except OSError:
            found |= rules.DISK
        try:
            if int(self._zone.read_text()) / 1000 > HOTTEST:
                found |= rules.HEAT
        except (OSError, ValueError):
            # A machine that does not tell its temperature is not refused for it.
            return found
        return found
