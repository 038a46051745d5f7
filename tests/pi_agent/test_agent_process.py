"""The agent as a process of its own, as the app and systemd start it."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import pynet
from pynet.rc.messages import CarDescription, CarStatus, DriveCommand

pytest.importorskip("cv2")

needs_signals = pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGTERM to catch")

PINS = """
import json, os, sys
from pi_agent.cli import main
code = main(sys.argv[2:])
from gpiozero import Device
waves = {
    pin: [round(state.state, 3) for state in Device.pin_factory.pin(pin).states]
    for pin in (9, 10, 17, 27)
}
open(sys.argv[1], "w").write(json.dumps(waves))
sys.exit(code)
"""


@contextlib.contextmanager
def running(*arguments: str, program: tuple[str, ...] = ("-m", "pi_agent")) -> Iterator[Any]:
    """The process once it is ready, and its address."""
    environment = os.environ | {
        "GPIOZERO_PIN_FACTORY": "mock",
        "GPIOZERO_MOCK_PIN_CLASS": "mockpwmpin",
    }
    process = subprocess.Popen(
        [sys.executable, *program, "--port", "0", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        ready = re.fullmatch(r"pi-agent ready on (127\.0\.0\.1:\d+)\n", line)
        assert ready, f"{line!r}, {process.communicate()[1]}"
        yield process, ready[1]
    finally:
        process.kill()
        process.communicate()


def until(clock: threading.Condition, check: Any) -> None:
    with clock:
        assert clock.wait_for(check, 30)


class Drive:
    """A Controller that drives and notes what the car says."""

    def __init__(self, address: str) -> None:
        self.changed = threading.Condition()
        self.status: list[CarStatus] = []
        self._controller = pynet.Controller(name="laptop")
        self.car = self._controller.connect(address, timeout=20)
        self.car.stream("status", self._note)
        self.feed = self.car.feed("drive", policy="latest")
        self._seq = 0

    def __enter__(self) -> Drive:
        return self

    def __exit__(self, *_: object) -> None:
        self._controller.close()

    def _note(self, status: CarStatus) -> None:
        with self.changed:
            self.status.append(status)
            self.changed.notify_all()

    def until(self, wanted: Any, steer: float | None = None, throttle: float = 0.0) -> CarStatus:
        """Sends a command 50 times a second (none without a steer) until the car says so."""
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            if steer is not None:
                self._seq += 1
                self.feed.send(DriveCommand(self._seq, steer, throttle, time.monotonic()))
            with self.changed:
                self.changed.wait(0.02)
                if self.status and wanted(self.status[-1]):
                    return self.status[-1]
        raise AssertionError(f"never came; last: {self.status[-1:]}")


def read_report(file: Path) -> dict[str, Any]:
    return dict(json.loads(file.read_text(encoding="utf-8")))


@needs_signals
def test_a_simulated_car_from_start_to_end(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    with running("--sim", "--report", str(report), "--name", "Bee") as (process, address):
        with Drive(address) as drive:
            description: CarDescription = drive.car.call("describe")
            assert (description.name, description.simulated) == ("Bee", True)
            frames: list[Any] = []
            samples: list[Any] = []
            came = threading.Condition()

            def keep(where: list[Any]) -> Any:
                def note(item: Any) -> None:
                    with came:
                        where.append(item)
                        came.notify_all()

                return note

            drive.car.stream("camera", keep(frames))
            for info in description.sensors:
                drive.car.stream("sensor", keep(samples), name=info.name)
            drive.until(lambda s: s.distance > 0.5, 0.05, 0.6)
            until(came, lambda: len(frames) > 3)
            until(came, lambda: {s.name for s in samples} == {i.name for i in description.sensors})
            neutral = drive.until(lambda s: s.state == "neutral")
            assert (neutral.throttle, neutral.failsafe_trips) == (0.0, 1)
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=30)
        assert process.returncode == 0, err
        assert out == ""
    values = read_report(report)
    assert values["distance_m"] > 0.5
    assert values["frames"] > 3
    assert values["accepted"] > 5
    assert values["failsafe_trips"] == 1
    assert values["throttle"] == 0.0
    assert values["neutral_at"] > 0
    assert values["wall_seconds"] > 0
    assert set(values) == {
        "accepted",
        "refused",
        "failsafe_trips",
        "distance_m",
        "frames",
        "state",
        "last_seq",
        "cpu_seconds",
        "wall_seconds",
        "neutral_at",
        "throttle",
        "steer",
    }


@needs_signals
def test_a_driver_that_is_killed_leaves_the_car_neutral(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    driver = """
import sys, time, pynet
from pynet.rc.messages import DriveCommand
car = pynet.Controller(name="doomed").connect(sys.argv[1], timeout=20)
feed = car.feed("drive", policy="latest")
for seq in range(100000):
    feed.send(DriveCommand(seq, 0.0, 0.6, time.monotonic()))
    time.sleep(0.02)
"""
    with running("--sim", "--camera", "none", "--report", str(report)) as (_, address):
        child = subprocess.Popen([sys.executable, "-c", driver, address])
        try:
            with Drive(address) as drive:
                drive.until(lambda s: s.driver == "doomed" and s.distance > 0.2)
                child.kill()
                drive.until(lambda s: s.throttle == 0.0 and s.state == "neutral")
                last = drive.until(lambda s: s.speed == 0.0)
                assert last.failsafe_trips == 1
        finally:
            child.kill()
            child.wait()


@needs_signals
def test_the_pins_of_an_h_bridge_follow_the_commands(tmp_path: Path) -> None:
    config, waves = tmp_path / "car.toml", tmp_path / "waves.json"
    config.write_text('[drivetrain]\nkind = "hbridge"\ninvert_right = true\n', encoding="utf-8")
    program = ("-c", PINS, str(waves))
    with running("--config", str(config), program=program) as (process, address):
        with Drive(address) as drive:
            description: CarDescription = drive.car.call("describe")
            assert (description.simulated, description.drivetrain) == (False, "hbridge")
            assert (description.cameras, description.sensors) == ((), ())
            drive.until(lambda s: s.throttle == 0.5, 0.0, 0.5)
            drive.until(lambda s: s.steer == 0.25 and s.throttle == 0.5, 0.25, 0.5)
            drive.until(lambda s: s.state == "neutral")
            drive.until(lambda s: s.state == "driving", 0.0, 0.0)
            drive.until(lambda s: s.throttle == -1.0, 0.0, -1.0)
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=30)
        assert process.returncode == 0
    assert json.loads(waves.read_text(encoding="utf-8")) == {
        "9": [0, 0.5, 0.75, 0],
        "10": [0, 1, 0],
        "17": [0, 1, 0],
        "27": [0, 0.5, 0.25, 0],
    }


def test_it_ends_when_its_parent_ends(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    parent = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    arguments = ("--sim", "--camera", "none", "--parent", str(parent.pid))
    with running(*arguments, "--report", str(report)) as (process, _):
        parent.kill()
        parent.communicate()
        process.communicate(timeout=30)
        assert process.returncode == 0
    assert read_report(report)["state"] == "idle"


@needs_signals
def test_a_terminal_s_interrupt_ends_it_in_order() -> None:
    with running("--sim", "--camera", "none") as (process, _):
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
        assert process.returncode == 0
        assert "Traceback" not in err
