"""A simulated car that notes each time its motors were made neutral because commands stopped.

Run as ``python -m benchmarks.security.failsafe_car [ordinary]``, where ``ordinary`` keeps its
motors' process from real-time priority, as for a user without rights. It says
``ready {"port": ...}``, and when its standard input is closed, a line of JSON with its notes.
"""

from __future__ import annotations

import ctypes
import json
import logging
import os
import sys
import threading

from benchmarks.harness import say_ready
from pi_agent.agent import Agent
from pi_agent.config import CameraConfig, Config, FailsafeConfig, GatewayConfig
from pi_agent.failsafe import rules

TIMEOUT = 0.25
CAP_SYS_NICE, PR_CAPBSET_DROP = 23, 24


class Notes:
    """Looks at the newest report of the motors' process often enough to miss no cut."""

    def __init__(self, agent: Agent) -> None:
        self._agent = agent
        self._ended = threading.Event()
        self.cuts: list[float] = []
        self._thread = threading.Thread(target=self._run, name="notes")

    def __enter__(self) -> Notes:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        """A cut lasts 0.3 s and more, in which neither of its two times changes."""
        newest = 0.0
        while not self._ended.wait(0.02):
            state = self._agent.helm.state
            if state.causes & rules.SILENCE and state.neutral_written > newest:
                newest = state.neutral_written
                self.cuts.append(newest - state.accepted_at)


def be_ordinary() -> None:
    """Let no program that this one starts put itself before others, though root may."""
    if os.geteuid() == 0 and ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, CAP_SYS_NICE, 0, 0, 0):
        raise OSError("the right to set priorities cannot be dropped")


def main() -> None:
    """Run until the standard input is closed."""
    logging.basicConfig(level=logging.ERROR)
    if "ordinary" in sys.argv:
        be_ordinary()
    config = Config(
        gateway=GatewayConfig(port=0),
        camera=CameraConfig(width=320, height=240, fps=30.0),
        failsafe=FailsafeConfig(command_timeout=TIMEOUT, black_box="none"),
    )
    with Agent(config) as agent:
        say_ready(port=agent.port)
        with Notes(agent) as notes:
            sys.stdin.read()
        report = agent.report()
    print(json.dumps({"cuts": notes.cuts, "frames": report["frames"], "report": report}))


if __name__ == "__main__":
    main()
