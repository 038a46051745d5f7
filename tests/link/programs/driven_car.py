"""The car's own program, which notes besides what was asked of it and what its motors got.

The first argument names the file for these notes; the others are those of pi-agent.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import pi_agent.agent
from pi_agent.cli import main
from pi_agent.drive import DriveGate
from pi_agent.hardware.protocols import Drivetrain
from pi_agent.watchdog import Watchdog

commands: list[dict[str, Any]] = []
motors: list[tuple[float, float]] = []


class NotingDrivetrain:
    """Passes everything on."""

    def __init__(self, drivetrain: Drivetrain) -> None:
        self._drivetrain = drivetrain

    def drive(self, steer: float, throttle: float) -> None:
        self._drivetrain.drive(steer, throttle)
        motors.append((time.monotonic(), throttle))

    def neutral(self, steer: float) -> None:
        self._drivetrain.neutral(steer)
        motors.append((time.monotonic(), 0.0))


class NotingWatchdog(Watchdog):
    """The real one between two pencils."""

    def __init__(self, gate: DriveGate, drivetrain: Drivetrain) -> None:
        super().__init__(gate, NotingDrivetrain(drivetrain))

    def offer(self, lease: int, command: Any) -> str:
        at = time.monotonic()
        refusal = super().offer(lease, command)
        # Both ends of an emulated link are one machine: `time` is of the same clock.
        commands.append(
            {
                "at": at,
                "made": command.time,
                "seq": command.seq,
                "throttle": command.throttle,
                "refusal": refusal,
            }
        )
        return refusal


pi_agent.agent.Watchdog = NotingWatchdog
code = main(sys.argv[2:])
Path(sys.argv[1]).write_text(json.dumps({"commands": commands, "motors": motors}))
sys.exit(code)
