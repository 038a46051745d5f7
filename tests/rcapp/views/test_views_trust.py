"""A stranger's window and a real car: pairing, driving, handing over, STOP, being revoked."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from pynet.trust import pair
from pynet.trust.store import Trust
from rcapp.core.acquaintances import Acquaintances
from rcapp.core.demo_car import DemoCar
from rcapp.core.sentences import split_address
from rcapp.core.session import CarSession
from rcapp.core.settings import Settings
from rcapp.core.state import Link, Snapshot
from rcapp.core.wheel import Holder
from rcapp.views.force_dialog import ForceDialog
from rcapp.views.main_window import MainWindow
from rcapp.views.pairing_dialog import PairingDialog
from rcapp.views.scripted import send_key
from tests.rcapp.views.conftest import Silence

Key = Qt.Key
PRESS, RELEASE = QEvent.Type.KeyPress, QEvent.Type.KeyRelease
PATIENCE = 25_000

pytestmark = [pytest.mark.programs, pytest.mark.timeout(150)]


class Anna:
    """Somebody else's laptop, without a screen, whose keyboard has the focus."""

    def __init__(self, folder: Path) -> None:
        self.acquaintances = Acquaintances(lambda: Trust(folder))
        self.session = CarSession(name="Anna's laptop", acquaintances=self.acquaintances)
        self.session.drive.set_keyboard_active(True)
        self._pressed = float("-inf")
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._tick, name="anna")
        self._thread.start()

    def _tick(self) -> None:
        while not self._over.wait(0.02):
            self.session.drive.tick()
            self.session.take_frame()

    @property
    def now(self) -> Snapshot:
        return self.session.snapshot()

    def armed(self) -> bool:
        """Whether her car is armed; if it could be, she presses the key, and not too often."""
        now = self.now
        if now.armed:
            return True
        ready = now.status is not None and now.status_known and not now.status.refusals
        if ready and now.wheel.yours and time.monotonic() - self._pressed > 0.7:
            self._pressed = time.monotonic()
            self.session.seat.arm()
        return False

    def close(self) -> None:
        self._over.set()
        self._thread.join()
        self.session.close()


class Car:
    """A simulated car with an identity of its own, whose owner sits at its terminal."""

    def __init__(self, folder: Path) -> None:
        self.environment = {**os.environ, "PYNET_CONFIG": str(folder)}
        before = os.environ["PYNET_CONFIG"]
        os.environ["PYNET_CONFIG"] = str(folder)
        try:
            self.process = DemoCar(name="Club car")
        finally:
            os.environ["PYNET_CONFIG"] = before
        self.address = self.process.wait_ready()

    def run(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "pi_agent", *arguments],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            text=True,
        )

    @contextmanager
    def shows_code(self, role: str) -> Iterator[str]:
        """Let somebody in; the code is good inside the block."""
        port = self.address.rpartition(":")[2]
        with self.run("pair", "--port", port, "--role", role, "--json") as terminal:
            try:
                assert terminal.stdout is not None
                yield json.loads(terminal.stdout.readline())["code"]
            finally:
                terminal.terminate()
                terminal.wait(10)

    def revoke(self, name: str) -> None:
        with self.run("peers", "revoke", name) as terminal:
            out, errors = terminal.communicate(timeout=20)
            assert terminal.returncode == 0, out + errors


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as made:
        yield made


@pytest.fixture
def car(stack: ExitStack, tmp_path: Path) -> Car:
    made = Car(tmp_path / "car")
    stack.callback(made.process.close)
    return made


@pytest.fixture
def anna(stack: ExitStack, tmp_path: Path) -> Anna:
    made = Anna(tmp_path / "anna")
    stack.callback(made.close)
    return made


@pytest.fixture
def stranger(stack: ExitStack, tmp_path: Path, qtbot: QtBot) -> MainWindow:
    """A window on a laptop that knows nobody."""
    window = MainWindow(
        Settings(name="Ben's laptop"),
        settings_path=tmp_path / "settings.toml",
        acquaintances=Acquaintances(lambda: Trust(tmp_path / "ben")),
        browse=Silence,
    )
    stack.callback(window.deleteLater)
    stack.callback(window.close)
    window.resize(1280, 720)
    with qtbot.waitActive(window):
        window.show()
        window.activateWindow()
    return window


def until(qtbot: QtBot, true: Callable[[], object]) -> None:
    qtbot.waitUntil(lambda: bool(true()), timeout=PATIENCE)


def tap(window: MainWindow, key: Qt.Key) -> None:
    send_key(window, key, PRESS)
    send_key(window, key, RELEASE)


def moves(window: MainWindow) -> bool:
    """Hold the throttle until the car moves; a machine that stalled wants it let go once."""
    now = window.snapshot
    lets_go = now.stage == "neutral" or now.must_let_go
    held = "up" in window.drive.keys.held
    if held == lets_go:
        send_key(window, Key.Key_Up, RELEASE if lets_go else PRESS)
    return now.status is not None and now.status.speed > 0.3


def dialog() -> PairingDialog:
    found = QApplication.activeModalWidget()
    assert isinstance(found, PairingDialog)
    return found


def enter(window: MainWindow, car: Car, role: str, qtbot: QtBot) -> None:
    """Connect to a car that does not know us, and pair with it by mouse and keys."""
    window.connect_to(car.address)
    until(qtbot, window.drive.stage.pair.isVisible)
    assert "do not know each other yet" in window.snapshot.error
    qtbot.mouseClick(window.drive.stage.pair, Qt.MouseButton.LeftButton)
    with car.shows_code(role) as code:
        asked = dialog()
        assert not asked.pair.isEnabled()
        assert asked.called.text() == "Ben's laptop"
        qtbot.keyClicks(asked.code, code)
        assert asked.code.text() == f"{code[:4]} {code[4:]}"
        qtbot.keyClick(asked.code, Key.Key_Return)
        until(qtbot, asked.done_page.isVisible)
    qtbot.mouseClick(asked.drive, Qt.MouseButton.LeftButton)
    until(qtbot, lambda: window.snapshot.link is Link.LIVE)
    assert window.snapshot.role == role
    window.drive.picture.setFocus()


def test_from_strangers_to_drivers_and_out_again(
    stranger: MainWindow, car: Car, anna: Anna, qtbot: QtBot
) -> None:
    window, stage = stranger, stranger.drive.stage
    enter(window, car, "driver", qtbot)
    assert [(one.name, one.role) for one in window.settings.cars] == [("Club car", "driver")]
    with car.shows_code("driver") as code:
        host, port = split_address(car.address)
        pair(host, port, code, trust=anna.acquaintances.trust(), name="Anna's laptop")
    anna.session.connect(car.address)

    # Ben drives; the car knows him by the name that was given when it was paired.
    until(qtbot, lambda: stage.wheel_bar.words.primary == "Take the wheel · T")
    tap(window, Key.Key_T)
    until(qtbot, lambda: stage.disarmed.isVisible() and stage.disarmed.arm.isEnabled())
    tap(window, Key.Key_Return)
    until(qtbot, lambda: window.snapshot.armed)
    until(qtbot, lambda: moves(window))
    until(qtbot, lambda: anna.now.wheel.driver == "Ben's laptop")

    # Anna asks, Ben hands over, Anna takes it: the car is at neutral in between.
    anna.session.seat.ask_for_wheel()
    until(qtbot, lambda: stage.wheel_bar.words.text == "Anna's laptop asks for the wheel")
    send_key(window, Key.Key_Up, RELEASE)
    tap(window, Key.Key_Y)
    until(qtbot, lambda: anna.now.wheel.offered)
    anna.session.seat.ask_for_wheel()
    until(qtbot, lambda: anna.now.wheel.yours and not anna.now.armed)
    until(qtbot, lambda: window.snapshot.wheel.holder is Holder.OTHER)
    assert window.bar.driver.said.startswith("Anna's laptop drives")
    until(qtbot, anna.armed)

    # Ben watches: his keys do nothing, but STOP works, from the settings too.
    sent = window.snapshot.commands_sent
    send_key(window, Key.Key_Up, PRESS)
    until(qtbot, lambda: window.session.drive.throttle_held)
    assert window.snapshot.commands_sent == sent
    send_key(window, Key.Key_Up, RELEASE)
    window.actions_.settings_view.trigger()
    send_key(window, Key.Key_Escape, PRESS)
    until(qtbot, lambda: window.snapshot.stop_took is not None)
    until(qtbot, lambda: anna.now.stopped and "Ben's laptop" in anna.now.stop_reason)
    window.actions_.drive_view.trigger()
    until(qtbot, stage.stopped.isVisible)
    assert not stage.stopped.arm.isVisible(), "only who drives can clear it"
    until(qtbot, lambda: anna.armed() and not window.snapshot.stopped)

    # Ben is thrown out.
    car.revoke("Ben's laptop")
    until(qtbot, lambda: window.snapshot.can_be_paired)
    until(qtbot, lambda: stage.pair_again.isVisible() or stage.pair.isVisible())
    assert "revoked it" in window.snapshot.error
    assert anna.now.link is Link.LIVE, "nobody else is disturbed"


def test_a_viewer_watches_and_an_owner_takes_the_wheel_by_force(
    stranger: MainWindow, car: Car, anna: Anna, qtbot: QtBot
) -> None:
    window, stage = stranger, stranger.drive.stage
    with car.shows_code("driver") as code:
        host, port = split_address(car.address)
        pair(host, port, code, trust=anna.acquaintances.trust(), name="Anna's laptop")
    anna.session.connect(car.address)
    until(qtbot, lambda: anna.now.link is Link.LIVE)
    anna.session.seat.ask_for_wheel()
    until(qtbot, lambda: anna.now.wheel.yours)

    enter(window, car, "viewer", qtbot)
    until(qtbot, lambda: stage.wheel_bar.words.text == "Anna's laptop drives · you watch")
    assert stage.wheel_bar.words.secondary == ""
    assert not window.actions_.take_wheel.isEnabled()
    tap(window, Key.Key_T)
    until(qtbot, lambda: "as viewer" in window.snapshot.reply)
    until(qtbot, lambda: "as viewer" in stage.wheel_bar.words.note)

    # Its role is another one from now on: it comes back by itself.
    with car.run("peers", "role", "Ben's laptop", "owner") as terminal:
        out, errors = terminal.communicate(timeout=20)
        assert terminal.returncode == 0, out + errors
    until(qtbot, lambda: window.snapshot.link is Link.LIVE and window.snapshot.role == "owner")
    until(qtbot, window.actions_.force_wheel.isEnabled)
    window.actions_.force_wheel.trigger()
    asked = QApplication.activeModalWidget()
    assert isinstance(asked, ForceDialog)
    assert not asked.ok.isEnabled()
    qtbot.keyClicks(asked.reason, "The yard ends there")
    qtbot.mouseClick(asked.ok, Qt.MouseButton.LeftButton)
    until(qtbot, lambda: window.snapshot.wheel.yours)
    until(qtbot, lambda: "The yard ends there" in anna.now.wheel.forced_reason)


def test_a_wrong_code_is_said_and_can_be_mended(
    stranger: MainWindow, car: Car, qtbot: QtBot
) -> None:
    stranger.garage.pair("Club car", car.address)
    asked = dialog()
    with car.shows_code("owner") as code:
        asked.code.setText("")
        qtbot.keyClicks(asked.code, f"{(int(code) + 1) % 10**8:08d}")
        qtbot.mouseClick(asked.pair, Qt.MouseButton.LeftButton)
        until(qtbot, lambda: "There are 2 more tries." in asked.said)
        assert asked.code.hasSelectedText(), "typing replaces it"
        # A link, as a QR code gives it, holds address and id as well.
        QApplication.clipboard().setText(f"pynet://{car.address}?code={code}")
        asked.code.paste()
        assert asked.code.text() == f"{code[:4]} {code[4:]}"
        assert asked.said == ""
        qtbot.mouseClick(asked.pair, Qt.MouseButton.LeftButton)
        until(qtbot, asked.done_page.isVisible)
    assert asked.windowTitle() == "Paired"
    qtbot.mouseClick(asked.cancel, Qt.MouseButton.LeftButton)
    until(qtbot, lambda: QApplication.activeModalWidget() is None)
    view = stranger.settings_view
    stranger.actions_.settings_view.trigger()
    until(qtbot, lambda: [row.peer.name for row in view.peers.rows] == ["Club car"])
    row = view.peers.rows[0]
    qtbot.mouseClick(row.rename, Qt.MouseButton.LeftButton)
    row.edit.setText("Blitz")
    qtbot.keyClick(row.edit, Key.Key_Return)
    until(qtbot, lambda: [row.peer.name for row in view.peers.rows] == ["Blitz"])
    row = view.peers.rows[0]
    qtbot.mouseClick(row.forget, Qt.MouseButton.LeftButton)
    assert row.forget.text() == "Really revoke?", "one click alone does nothing"
    qtbot.mouseClick(row.forget, Qt.MouseButton.LeftButton)
    until(qtbot, lambda: not view.peers.rows)
    qtbot.mouseClick(view.own.copy, Qt.MouseButton.LeftButton)
    assert QApplication.clipboard().text() == stranger.session.acquaintances.own_id


def test_a_connection_without_encryption_is_loud(
    stack: ExitStack, tmp_path: Path, qtbot: QtBot
) -> None:
    file = tmp_path / "car.toml"
    file.write_text("[gateway]\ninsecure = true\n")
    car = stack.enter_context(DemoCar(arguments=("--config", str(file))))
    address = car.wait_ready()
    window = MainWindow(Settings(), insecure=True, browse=Silence)
    stack.callback(window.deleteLater)
    stack.callback(window.close)
    window.show()
    window.connect_to(address)
    until(qtbot, lambda: window.snapshot.link is Link.LIVE)
    for action in (window.actions_.settings_view, window.actions_.drive_view):
        action.trigger()
        assert window.banner.isVisible()
        assert "NOT ENCRYPTED" in window.banner.text()
    window.leave_car()
    until(qtbot, lambda: not window.banner.isVisible())
    safe = MainWindow(Settings(), browse=Silence)
    stack.callback(safe.deleteLater)
    stack.callback(safe.close)
    safe.show()
    safe.connect_to(address)
    until(qtbot, lambda: safe.snapshot.error)
    assert "does not encrypt" in safe.snapshot.error
    assert not safe.snapshot.can_be_paired
