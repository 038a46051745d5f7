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
from pi_agent.failsafe.frames import State
from pi_agent.helm import Helm, Person

commands: list[dict[str, Any]] = []
motors: list[tuple[float, float]] = []
followed: set[int] = set()


class NotingHelm(Helm):
    """The real one between two pencils."""

    def __init__(self, plan: Any, on_output: Any, *others: Any) -> None:
        def note(steer: float, throttle: float, live: bool) -> None:
            on_output(steer, throttle, live)
            motors.append((time.monotonic(), throttle))

        super().__init__(plan, note, *others)

    def command(self, who: Person, command: Any, age: float, heard: float) -> bool:
        at = time.monotonic()
        passed = super().command(who, command, age, heard)
        # Both ends of an emulated link are one machine: `time` is of the same clock.
        commands.append(
            {"at": at, "made": command.time, "seq": command.seq, "throttle": command.throttle}
        )
        return passed

    def _on_state(self, state: State) -> None:
        followed.add(state.last_seq)
        super()._on_state(state)


pi_agent.agent.Helm = NotingHelm  # type: ignore[misc]
code = main(sys.argv[2:])
for command in commands:
    command["refusal"] = "" if command["seq"] in followed else "it did not reach the motors"
Path(sys.argv[1]).write_text(json.dumps({"commands": commands, "motors": motors}))
sys.exit(code)
