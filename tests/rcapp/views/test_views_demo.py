"""The whole way, with the real simulated car: pictures, plots, keys, STOP, loss."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from PySide6.QtCore import QEvent, Qt
from pytestqt.qtbot import QtBot

from rcapp.core.demo_car import DemoCar
from rcapp.core.state import Link
from rcapp.views.main_window import MainWindow
from rcapp.views.scripted import send_key

pytestmark = pytest.mark.programs

Key = Qt.Key
PRESS, RELEASE = QEvent.Type.KeyPress, QEvent.Type.KeyRelease
PATIENCE = 20_000


@pytest.fixture
def driving(window: MainWindow, qtbot: QtBot) -> MainWindow:
    """A window with a live demo car, entered through its button; it has the wheel by itself."""
    qtbot.waitUntil(window.drive.stage.welcome.isVisible)
    qtbot.mouseClick(window.drive.stage.welcome.demo, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: window.snapshot.link is Link.LIVE, timeout=PATIENCE)
    window.drive.picture.setFocus()
    qtbot.waitUntil(lambda: window.snapshot.wheel.yours, timeout=PATIENCE)
    return window


def arm(window: MainWindow, qtbot: QtBot) -> None:
    """Wait until nothing speaks against it, and press Return."""
    stage = window.drive.stage
    panel = stage.stopped if window.snapshot.stopped else stage.disarmed
    qtbot.waitUntil(lambda: panel.isVisible() and panel.arm.isEnabled(), timeout=PATIENCE)
    send_key(window, Key.Key_Return, PRESS)
    send_key(window, Key.Key_Return, RELEASE)
    qtbot.waitUntil(lambda: window.snapshot.armed, timeout=PATIENCE)


def speed(window: MainWindow) -> float:
    status = window.session.snapshot().status
    return 0.0 if status is None else status.speed


def test_keys_drive_the_car_and_escape_stops_it(driving: MainWindow, qtbot: QtBot) -> None:
    window = driving
    qtbot.waitUntil(lambda: window.session.snapshot().frames_painted >= 5, timeout=PATIENCE)
    announced = set(window.session.series)
    qtbot.waitUntil(lambda: set(window.drive.sensors.plots) == announced, timeout=PATIENCE)
    assert window.bar.state.word == "DISARMED"
    arm(window, qtbot)
    assert window.bar.state.word == "ARMED"
    assert not window.drive.stage.disarmed.isVisible()
    send_key(window, Key.Key_Up, PRESS)
    qtbot.waitUntil(lambda: speed(window) > 0.3, timeout=PATIENCE)
    plot = window.drive.sensors.plots["speed"]
    grown = len(plot.curves[0].getData()[0])
    qtbot.waitUntil(lambda: len(plot.curves[0].getData()[0]) > grown, timeout=PATIENCE)
    assert window.bar.driver.said == "You drive keyboard"
    send_key(window, Key.Key_Escape, PRESS)
    qtbot.waitUntil(lambda: window.snapshot.stopped, timeout=PATIENCE)
    qtbot.waitUntil(lambda: abs(speed(window)) < 0.05, timeout=PATIENCE)
    assert window.bar.state.word == "STOPPED"
    send_key(window, Key.Key_Up, RELEASE)
    qtbot.waitUntil(lambda: window.snapshot.throttle == 0.0, timeout=PATIENCE)
    arm(window, qtbot)
    assert not window.snapshot.stopped


def test_a_car_that_dies_is_shown_as_lost_and_can_be_left(
    driving: MainWindow, qtbot: QtBot
) -> None:
    window = driving
    car = window.demo.car
    assert car is not None
    car.kill()
    stage = window.drive.stage
    qtbot.waitUntil(stage.lost.isVisible, timeout=PATIENCE)
    assert window.drive.picture.frame_shown is not None
    qtbot.mouseClick(stage.leave, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(stage.welcome.isVisible, timeout=PATIENCE)
    assert window.drive.picture.frame_shown is None


def test_a_demo_address_is_not_remembered(driving: MainWindow) -> None:
    driving.show_now(0.0)
    assert driving.settings.cars == ()


def test_the_scripted_demo_leaves_its_picture_and_figures(tmp_path: Path) -> None:
    code = (
        "from pathlib import Path\n"
        "from rcapp.core.options import Options\n"
        "from rcapp.views.app import run\n"
        f"raise SystemExit(run(Options(scripted_seconds=9.0, output=Path({str(tmp_path)!r}))))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    figures = json.loads((tmp_path / "demo.json").read_text())
    assert figures["distance_m"] > 0.2
    assert figures["frames_painted"] > 20
    assert (tmp_path / "demo.png").stat().st_size > 50_000


def test_a_car_elsewhere_is_driven_by_the_same_script(tmp_path: Path) -> None:
    with DemoCar() as car:
        command = [sys.executable, "-m", "rcapp", "--connect", car.wait_ready()]
        command += ["--offscreen-seconds", "7", "--output", str(tmp_path)]
        done = subprocess.run(
            command, env=dict(os.environ), capture_output=True, text=True, timeout=50, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert not car.error, "it runs on"
        accepted = car.report()["accepted"]
    figures = json.loads((tmp_path / "demo.json").read_text())
    assert figures["distance_m"] > 1.0
    assert figures["frame_age_ms_p50"] < figures["picture_age_ms_p50"]
    assert figures["codec"] in ("h264", "jpeg")
    assert figures["camera_lanes"] > 1
    assert figures["drive_lanes"] > 1
    assert accepted > 0
    assert figures["agent_cpu_percent"] is None
