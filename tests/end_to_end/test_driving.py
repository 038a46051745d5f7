"""Both programs, a real window, real keys: what a person does first."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pynet

pytest.importorskip("PySide6")
pytest.importorskip("cv2")

pytestmark = [
    pytest.mark.programs,
    pytest.mark.timeout(240),
    pytest.mark.skipif(sys.platform != "linux", reason="needs an X screen in memory"),
]

from benchmarks.security.pin_log import PinLog  # noqa: E402
from tests.end_to_end.conftest import Programs, Screen, until  # noqa: E402

PICTURE = (slice(150, 700), slice(90, 800))
"""Part of the screen that the camera's picture covers, well inside."""

PLOTS = (slice(130, 700), slice(950, 1260))


def changed(before: Any, after: Any) -> float:
    """Share of the points that differ."""
    return float(np.mean(np.any(before != after, axis=2)))


def test_drive_with_real_keys_and_kill_the_app(screen: Screen, programs: Programs) -> None:
    agent, address = programs.agent("--sim")
    app = programs.app("--connect", address)

    # The picture is painted: it moves by itself, because the simulated camera is noisy.
    until(lambda: programs.report().get("frames", 0) > 10, "pictures to be sent")
    until(lambda: np.std(screen.picture()[PICTURE]) > 20, "a picture on the screen")
    first = screen.picture()

    # Nothing moves before the person takes the wheel and arms the car.
    screen.do("key", "Up")
    programs.take_and_arm()
    assert programs.report()["distance_m"] == 0.0

    # It drives as long as the key is down, and the plots grow.
    screen.do("keydown", "Up")
    until(lambda: programs.report()["distance_m"] > 1.0, "the car to move")
    second = screen.picture()
    assert changed(first[PICTURE], second[PICTURE]) > 0.5
    until(lambda: changed(second[PLOTS], screen.picture()[PLOTS]) > 0.005, "the plots to grow")
    driving = programs.report()
    assert driving["accepted"] > 10
    assert driving["throttle"] > 0.5

    # The app dies with the key held down: the car stops by itself.
    app.send_signal(signal.SIGKILL)
    app.wait()
    until(lambda: programs.report()["throttle"] == 0, "the throttle to go neutral")
    after = until(
        lambda: programs.report()["stage"] == "disarmed" and programs.report(),
        "the car to be disarmed",
    )
    assert after["failsafe_trips"] >= 1
    assert after["driver"] == ""
    agent.send_signal(signal.SIGTERM)
    assert agent.wait(30) == 0


def test_escape_stops_and_the_window_closes_cleanly(screen: Screen, programs: Programs) -> None:
    _, address = programs.agent("--sim")
    app = programs.app("--connect", address)
    until(lambda: np.std(screen.picture()[PICTURE]) > 20, "a picture on the screen")
    programs.take_and_arm()
    screen.do("keydown", "w")
    until(lambda: programs.report()["distance_m"] > 0.3, "the car to move")
    screen.do("key", "Escape")
    until(lambda: programs.report()["stage"] == "stopped", "STOP to be latched")
    assert programs.report()["throttle"] == 0
    screen.do("keyup", "w")

    # Only the driver's Arm ends it.
    programs.take_and_arm()
    screen.do("key", "Escape")
    until(lambda: programs.report()["stage"] == "stopped", "STOP to be latched again")
    screen.do("key", "ctrl+q")
    assert app.wait(30) == 0


def test_the_pins_of_an_h_bridge_follow_the_keys(
    screen: Screen, programs: Programs, tmp_path: Path
) -> None:
    """The seam: another drivetrain, the same path from the key to the wheel."""
    config, pins = tmp_path / "car.toml", PinLog(tmp_path / "pins.txt")
    config.write_text('name = "Bench"\n[drivetrain]\nkind = "hbridge"\n')
    agent, address = programs.agent("--config", str(config), pins=pins)
    app = programs.app("--connect", address)
    with pynet.Controller() as controller:
        car = controller.connect(address)
        until(
            lambda: any(row["subroutine"] == "status" for row in car.handlers(everyone=True)),
            "the app to be connected",
        )

    def hold(key: str, condition: Callable[[dict[str, Any]], bool]) -> None:
        screen.do("keydown", key)
        until(lambda: condition(programs.report()), f"the wheels to follow {key}")
        screen.do("keyup", key)

    programs.take_and_arm()
    hold("Up", lambda report: report["throttle"] > 0.4)
    until(lambda: programs.report()["throttle"] == 0, "the throttle to go back")
    hold("Down", lambda report: report["throttle"] < -0.4)
    until(lambda: programs.report()["throttle"] == 0, "the throttle to go back")
    screen.do("key", "Escape")
    until(lambda: programs.report()["stage"] == "stopped", "STOP to be latched")
    screen.do("key", "ctrl+q")
    assert app.wait(30) == 0
    agent.send_signal(signal.SIGTERM)
    assert agent.wait(30) == 0

    waves = pins.waves()
    left, back_left, right, back_right = waves[9], waves[10], waves[17], waves[27]
    # Straight ahead and straight back: both sides alike, one direction at a time, a ramp each
    # way instead of a step, and neutral at the end.
    assert left == right
    assert back_left == back_right
    assert max(left) > 0.4
    assert max(back_left) > 0.4
    assert all(wave[0] == wave[-1] == 0 for wave in waves.values())
    top = left.index(max(left))
    assert top >= 3
    assert left[1 : top + 1] == sorted(left[1 : top + 1])
