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
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import pynet
from benchmarks.security.pin_log import PinLog
from pynet.rc.messages import CarDescription
from tests.pi_agent.driving import Driver, Waiting, alive

pytest.importorskip("cv2")

needs_signals = pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGTERM to catch")


@contextlib.contextmanager
def running(*arguments: str, **environment: str) -> Iterator[Any]:
    """The process once it is ready, and its address."""
    process = subprocess.Popen(
        [sys.executable, "-m", "pi_agent", "--port", "0", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | environment,
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


@contextlib.contextmanager
def driver(address: str) -> Iterator[Driver]:
    """Somebody with a Controller and a stick."""
    with (
        pynet.Controller(name="laptop") as controller,
        Driver(controller.connect(address, timeout=20)) as driver,
    ):
        yield driver


def read_report(file: Path) -> dict[str, Any]:
    return dict(json.loads(file.read_text(encoding="utf-8")))


@needs_signals
def test_a_simulated_car_from_start_to_end(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    with running("--sim", "--report", str(report), "--name", "Bee") as (process, address):
        with driver(address) as drive:
            description: CarDescription = drive.car.call("describe")
            assert (description.name, description.simulated) == ("Bee", True)
            frames, samples = Waiting(), Waiting()
            drive.car.stream("camera", frames)
            for info in description.sensors:
                drive.car.stream("sensor", samples, name=info.name)
            drive.drives(0.6, 0.05).until(lambda s: s.distance > 0.5)
            frames.until_count(4)
            for info in description.sensors:
                samples.until(lambda sample, name=info.name: sample.name == name)
            trips = drive.until(lambda s: s.throttle == 0.6).failsafe_trips
            drive.fall_silent()
            neutral = drive.until(lambda s: s.stage == "neutral")
            assert (neutral.throttle, neutral.failsafe_trips) == (0.0, trips + 1)
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=30)
        assert process.returncode == 0, err
        assert out == ""
    values = read_report(report)
    assert values["distance_m"] > 0.5
    assert values["frames"] > 3
    assert values["accepted"] > 5
    assert values["failsafe_trips"] >= 1
    assert values["throttle"] == 0.0
    assert values["neutral_at"] - values["accepted_at"] >= 0.25
    assert values["wall_seconds"] > 0
    assert set(values) == {
        "accepted",
        "refused",
        "failsafe_trips",
        "distance_m",
        "frames",
        "stage",
        "driver",
        "last_seq",
        "cpu_seconds",
        "wall_seconds",
        "neutral_at",
        "accepted_at",
        "throttle",
        "steer",
        "motors_pid",
    }


DOOMED = """
import sys
import pynet
from tests.pi_agent.driving import Driver
car = pynet.Controller(name="doomed").connect(sys.argv[1], timeout=20)
Driver(car).drives(0.6)
"""


@needs_signals
def test_a_driver_that_is_killed_leaves_the_car_neutral_and_then_to_others() -> None:
    with running("--sim", "--camera", "none") as (_, address), driver(address) as watcher:
        child = subprocess.Popen([sys.executable, "-c", DOOMED, address])
        try:
            watcher.until(lambda s: s.driver == "doomed" and s.distance > 0.2)
            trips = watcher.until(lambda s: s.throttle == 0.6).failsafe_trips
            child.kill()
            neutral = watcher.until(lambda s: s.throttle == 0.0 and s.stage != "ready")
            assert neutral.failsafe_trips >= trips
            watcher.until(lambda s: s.stage == "disarmed" and s.driver == "")
            watcher.until(lambda s: s.speed == 0.0)
            watcher.drives(0.3)
        finally:
            child.kill()
            child.wait()


@needs_signals
def test_a_driver_that_is_frozen_loses_the_lease_and_comes_back_to_a_disarmed_car() -> None:
    with running("--sim", "--camera", "none") as (_, address), driver(address) as watcher:
        child = subprocess.Popen([sys.executable, "-c", DOOMED, address])
        try:
            watcher.until(lambda s: s.driver == "doomed" and s.throttle == 0.6)
            child.send_signal(signal.SIGSTOP)
            watcher.until(lambda s: s.stage == "disarmed" and s.driver == "")
            distance = watcher.until(lambda s: s.speed == 0.0).distance
            refused = watcher.until(lambda s: True).refused
            child.send_signal(signal.SIGCONT)
            # What it had queued, and what it goes on sending, moves nothing.
            after = watcher.until(lambda s: s.refused > refused + 20)
            assert after.distance == pytest.approx(distance, abs=0.01)
        finally:
            child.kill()
            child.wait()


@needs_signals
def test_the_pins_of_an_h_bridge_follow_the_commands(tmp_path: Path) -> None:
    pytest.importorskip("gpiozero")
    config, pins = tmp_path / "car.toml", PinLog(tmp_path / "pins.txt")
    config.write_text('[drivetrain]\nkind = "hbridge"\ninvert_right = true\n', encoding="utf-8")
    with running("--config", str(config), **pins.environment()) as (process, address):
        with driver(address) as drive:
            description: CarDescription = drive.car.call("describe")
            assert (description.simulated, description.drivetrain) == (False, "hbridge")
            assert (description.cameras, description.sensors) == ((), ())
            drive.drives(0.5)
            drive.command = (0.25, 0.5)
            drive.until(lambda s: s.steer == 0.25 and s.throttle == 0.5)
            drive.car.call("stop")
            threading.Event().wait(0.6)  # not a key that is held
            drive.arm()
            drive.command = (0.0, -1.0)
            drive.until(lambda s: s.throttle == -1.0)
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=30)
        assert process.returncode == 0
    assert pins.waves() == {
        9: [0, 0.5, 0.75, 0],
        10: [0, 1, 0],
        17: [0, 1, 0],
        27: [0, 0.5, 0.25, 0],
    }


@needs_signals
def test_kill_9_of_the_agent_stops_the_wheels(tmp_path: Path) -> None:
    pytest.importorskip("gpiozero")
    config, pins = tmp_path / "car.toml", PinLog(tmp_path / "pins.txt")
    report = tmp_path / "report.json"
    config.write_text('[drivetrain]\nkind = "hbridge"\n', encoding="utf-8")
    arguments = ("--config", str(config), "--report", str(report))
    try:
        with (
            running(*arguments, **pins.environment()) as (process, address),
            driver(address) as drive,
        ):
            drive.drives(0.5)
            motors = read_report(report)["motors_pid"]
            pins.until(lambda now: now[9] == 0.5)
            process.kill()
            pins.until(lambda now: now[9] == now[17] == 0)
        # The next agent takes the pins over from the one that holds them.
        with running(*arguments, **pins.environment()) as (process, address):
            assert not alive(motors)
            with driver(address) as drive:
                drive.drives(0.5)
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=30)
    finally:
        for pid in {level.pid for level in pins.read()}:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def test_it_ends_when_its_parent_ends(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    parent = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    arguments = ("--sim", "--camera", "none", "--parent", str(parent.pid))
    with running(*arguments, "--report", str(report)) as (process, _):
        parent.kill()
        parent.communicate()
        process.communicate(timeout=30)
        assert process.returncode == 0
    assert read_report(report)["stage"] == "disarmed"


@needs_signals
def test_a_terminal_s_interrupt_ends_it_in_order() -> None:
    with running("--sim", "--camera", "none") as (process, _):
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
        assert process.returncode == 0
        assert "Traceback" not in err
