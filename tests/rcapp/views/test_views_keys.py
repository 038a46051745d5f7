from __future__ import annotations

import pytest
from PySide6.QtCore import QCoreApplication, QEvent, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QApplication, QLineEdit
from pytestqt.qtbot import QtBot

from rcapp.views.connect_dialog import ConnectDialog
from rcapp.views.keys import DriveKeys
from rcapp.views.main_window import MainWindow
from rcapp.views.scripted import send_key

Key = Qt.Key
PRESS, RELEASE = QEvent.Type.KeyPress, QEvent.Type.KeyRelease
NONE, CTRL = Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ControlModifier


def event(
    kind: QEvent.Type, key: Qt.Key, *, repeat: bool = False, modifiers: Qt.KeyboardModifier = NONE
) -> QKeyEvent:
    return QKeyEvent(kind, key, modifiers, "", repeat)


class Log:
    """Notes what :class:`DriveKeys` says."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def press(self, name: str) -> None:
        self.said.append(f"+{name}")

    def release(self, name: str) -> None:
        self.said.append(f"-{name}")

    def release_all(self) -> None:
        self.said.append("none")


@pytest.mark.parametrize(
    ("key", "name"),
    [
        (Key.Key_Left, "left"),
        (Key.Key_A, "left"),
        (Key.Key_Right, "right"),
        (Key.Key_D, "right"),
        (Key.Key_Up, "up"),
        (Key.Key_W, "up"),
        (Key.Key_Down, "down"),
        (Key.Key_S, "down"),
    ],
)
def test_arrows_and_wasd_drive(key: Qt.Key, name: str) -> None:
    log = Log()
    keys = DriveKeys(log)
    assert keys.press(event(PRESS, key))
    assert keys.held == {name}
    assert keys.release(event(RELEASE, key))
    assert log.said == [f"+{name}", f"-{name}"]


def test_auto_repeat_is_no_press_and_no_release() -> None:
    log = Log()
    keys = DriveKeys(log)
    keys.press(event(PRESS, Key.Key_Up))
    for _ in range(5):
        assert keys.release(event(RELEASE, Key.Key_Up, repeat=True))
        assert keys.press(event(PRESS, Key.Key_Up, repeat=True))
    assert log.said == ["+up"]
    assert keys.held == {"up"}


def test_a_repeat_without_its_press_does_not_drive() -> None:
    log = Log()
    keys = DriveKeys(log)
    keys.press(event(PRESS, Key.Key_Up, repeat=True))
    assert log.said == []


def test_two_keys_of_one_direction_are_one() -> None:
    log = Log()
    keys = DriveKeys(log)
    keys.press(event(PRESS, Key.Key_W))
    keys.press(event(PRESS, Key.Key_Up))
    keys.release(event(RELEASE, Key.Key_W))
    assert log.said == ["+up"]
    keys.release(event(RELEASE, Key.Key_Up))
    assert log.said == ["+up", "-up"]


def test_shortcuts_do_not_drive_but_a_release_always_counts() -> None:
    log = Log()
    keys = DriveKeys(log)
    assert not keys.press(event(PRESS, Key.Key_D, modifiers=CTRL))
    keys.press(event(PRESS, Key.Key_D))
    keys.release(event(RELEASE, Key.Key_D, modifiers=CTRL))
    assert log.said == ["+right", "-right"]
    assert not keys.press(event(PRESS, Key.Key_Q))


def test_keys_reach_the_car_only_through_the_picture(window: MainWindow, qtbot: QtBot) -> None:
    send_key(window, Key.Key_W, PRESS)
    assert window.drive.keys.held == {"up"}
    window.tick()
    assert window.session.drive.source == "keyboard"
    send_key(window, Key.Key_W, RELEASE)
    assert not window.drive.keys.held
    field = window.drive.stage.welcome.address
    field.setFocus()
    send_key(window, Key.Key_W, PRESS)
    assert not window.drive.keys.held


def test_losing_the_focus_lets_go(window: MainWindow) -> None:
    send_key(window, Key.Key_W, PRESS)
    window.tick()
    window.drive.stage.welcome.address.setFocus()
    assert not window.drive.keys.held
    assert window.session.drive.source == ""


def test_another_window_lets_go(window: MainWindow, qtbot: QtBot) -> None:
    other = QLineEdit()
    qtbot.addWidget(other)
    send_key(window, Key.Key_W, PRESS)
    window.tick()
    with qtbot.waitActive(other):
        other.show()
        other.activateWindow()
    qtbot.waitUntil(lambda: not window.isActiveWindow())
    assert not window.drive.keys.held
    assert window.session.drive.source == ""


def test_a_dialog_lets_go(window: MainWindow, qtbot: QtBot) -> None:
    send_key(window, Key.Key_W, PRESS)
    window.tick()
    window.show_keys()
    assert not window.drive.keys.held
    assert not window.drive.has_keys()
    window.tick()
    assert window.session.drive.source == ""
    QApplication.activeModalWidget().close()


def test_another_view_lets_go(window: MainWindow) -> None:
    send_key(window, Key.Key_W, PRESS)
    window.tick()
    window.actions_.settings_view.trigger()
    assert not window.drive.keys.held
    assert window.session.drive.source == ""
    window.actions_.drive_view.trigger()
    assert window.drive.picture.hasFocus()


def stopped(window: MainWindow) -> bool:
    return window.session.snapshot().stop_pressed


def test_escape_stops_once_for_each_press(waiting_window: MainWindow) -> None:
    window = waiting_window
    before = window.session.events.count
    send_key(window, Key.Key_Escape, PRESS)
    for _ in range(5):
        send_key(window, Key.Key_Escape, PRESS, repeat=True)
    presses = [e for e in window.session.events.since(before) if "STOP pressed" in e.text]
    assert len(presses) == 1
    assert "Esc" in presses[0].text
    assert stopped(window)


def test_escape_stops_from_a_text_field_of_a_dialog(
    waiting_window: MainWindow, qtbot: QtBot
) -> None:
    window = waiting_window
    window.garage.ask_which()
    dialog = QApplication.activeModalWidget()
    assert isinstance(dialog, ConnectDialog)
    dialog.address.setFocus()
    qtbot.keyClick(dialog.address, Key.Key_Escape)
    assert stopped(window)
    assert dialog.isVisible(), "the first Escape is STOP and nothing else"
    qtbot.keyClick(dialog.address, Key.Key_Escape)
    qtbot.waitUntil(lambda: QApplication.activeModalWidget() is None)


def test_escape_stops_from_an_open_menu_and_the_settings(
    waiting_window: MainWindow, qtbot: QtBot
) -> None:
    window = waiting_window
    window.actions_.settings_view.trigger()
    menu = window.menuBar().actions()[0].menu()
    menu.popup(window.mapToGlobal(window.rect().center()))
    qtbot.waitUntil(menu.isVisible)
    qtbot.keyClick(menu, Key.Key_Escape)
    assert stopped(window)
    assert menu.isVisible()
    menu.close()


def test_escape_without_a_car_closes_a_dialog(window: MainWindow, qtbot: QtBot) -> None:
    window.show_keys()
    qtbot.keyClick(QApplication.activeModalWidget(), Key.Key_Escape)
    qtbot.waitUntil(lambda: QApplication.activeModalWidget() is None)


def test_space_stops_in_the_drive_view_even_on_a_button(waiting_window: MainWindow) -> None:
    window = waiting_window
    window.tick()
    window.show_now(0.0)
    cancel = window.drive.stage.cancel
    cancel.setFocus()
    send_key(window, Key.Key_Space, PRESS)
    send_key(window, Key.Key_Space, RELEASE)
    assert stopped(window)
    assert window.session.snapshot().address, "Space pressed no button"


def test_space_is_a_space_elsewhere(waiting_window: MainWindow, qtbot: QtBot) -> None:
    window = waiting_window
    window.actions_.settings_view.trigger()
    send_key(window, Key.Key_Space, PRESS)
    assert not stopped(window)
    window.garage.ask_which()
    dialog = QApplication.activeModalWidget()
    assert isinstance(dialog, ConnectDialog)
    dialog.address.clear()
    qtbot.keyClicks(dialog.address, "a b")
    assert dialog.address.text() == "a b"
    assert not stopped(window)
    dialog.close()


def test_a_key_event_may_arrive_without_a_focus(window: MainWindow) -> None:
    window.drive.picture.clearFocus()
    QCoreApplication.sendEvent(window, event(PRESS, Key.Key_W))
    assert not window.drive.keys.held


def test_keys_ask_for_the_wheel_once_for_each_press(window: MainWindow, qtbot: QtBot) -> None:
    asked: list[str] = []
    window.drive.wished.connect(asked.append)
    for key in (Key.Key_T, Key.Key_Y, Key.Key_N, Key.Key_Return, Key.Key_Enter, Key.Key_Backspace):
        send_key(window, key, PRESS)
        send_key(window, key, PRESS, repeat=True)
        send_key(window, key, RELEASE)
    assert asked == ["wheel", "accept", "decline", "arm", "arm", "disarm"]


def test_return_in_a_field_over_the_picture_does_not_arm(window: MainWindow, qtbot: QtBot) -> None:
    asked: list[str] = []
    window.drive.wished.connect(asked.append)
    field = window.drive.stage.welcome.address
    field.setFocus()
    qtbot.keyClicks(field, "127.0.0.1:9")
    qtbot.keyClick(field, Key.Key_Return)
    assert window.session.snapshot().address == "127.0.0.1:9"
    assert window.drive.picture.hasFocus(), "the next one would"
    assert asked == []
    send_key(window, Key.Key_Return, PRESS)
    assert asked == ["arm"]
