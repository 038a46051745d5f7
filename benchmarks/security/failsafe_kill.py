"""kill -9 of a car's main program while its wheels turn: how long they go on turning.

The car has an H-bridge on pins in software, whose every change is noted where it is written, in
the motors' process. Each agent takes the pins over from the process that the last one has left.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.harness import ROOT
from benchmarks.security.pin_log import PinLog

WHEELS = (9, 10, 17, 27)
LIMIT = 60.0
DRIVER = """
import sys, pynet
from benchmarks.security.failsafe_driver import Driver
with pynet.Controller(name="driver") as controller:
    driver = Driver(controller.connect(sys.argv[1], timeout=60))
    driver.ready()
    driver.hold(1.0, lambda _: False)
"""


def kill_agents(kills: int) -> list[float]:
    """Milliseconds from each kill to the last wheel at rest."""
    with tempfile.TemporaryDirectory(prefix="failsafe-") as name:
        folder = Path(name)
        pins = PinLog(folder / "pins.txt")
        environment = os.environ | pins.environment() | {"PYNET_CONFIG": name}
        config = folder / "car.toml"
        config.write_text('[drivetrain]\nkind = "hbridge"\n[failsafe]\nblack_box = "none"\n')
        try:
            return [_kill_one(config, pins, environment) for _ in range(kills)]
        finally:
            for pid in {level.pid for level in pins.read()}:
                _end(pid)


def _kill_one(config: Path, pins: PinLog, environment: dict[str, str]) -> float:
    with contextlib.ExitStack() as stack:
        arguments = ("-m", "pi_agent", "--config", config, "--port", 0)
        agent = stack.enter_context(_program(*arguments, environment=environment))
        assert agent.stdout is not None
        ready = re.search(r"127\.0\.0\.1:\d+", agent.stdout.readline())
        if ready is None:
            raise RuntimeError("the agent did not get ready")
        stack.enter_context(_program("-c", DRIVER, ready[0], environment=environment))
        pins.until(lambda now: now.get(WHEELS[0]) == 1.0)
        killed = time.monotonic()
        agent.send_signal(signal.SIGKILL)
        pins.until(lambda now: not any(now[pin] for pin in WHEELS))
    rested = max(level.time for level in pins.read() if not level.value and level.pin in WHEELS)
    return 1000 * (rested - killed)


@contextlib.contextmanager
def _program(*arguments: object, environment: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, *map(str, arguments)],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def _end(pid: int) -> None:
    """A motors' process that nobody took over."""
    with contextlib.suppress(OSError):
        if b"pi_agent" in Path(f"/proc/{pid}/cmdline").read_bytes():
            os.kill(pid, signal.SIGTERM)


__all__ = ["kill_agents"]
