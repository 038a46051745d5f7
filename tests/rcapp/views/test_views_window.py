from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QSettings, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QAbstractButton, QApplication, QMenu, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from rcapp.core import settings as settings_file
from rcapp.core.settings import Settings
from rcapp.core.state import Link
from rcapp.views import theme
from rcapp.views.connect_dialog import ConnectDialog
from rcapp.views.dialogs import AboutDialog, KeysDialog
from rcapp.views.main_window import MainWindow
from tests.rcapp.views.scenes import SENSORS, filled

MakeWindow = Callable[..., MainWindow]


def menu_actions(menu: QMenu) -> list[QAction]:
    found = []
    for action in menu.actions():
        inner = action.menu()
        if isinstance(inner, QMenu):
            found += menu_actions(inner)
        elif not action.isSeparator():
            found.append(action)
    return found


def test_each_action_exists_once_and_has_its_own_keys(window: MainWindow) -> None:
    shown = [a for top in window.menuBar().actions() for a in menu_actions(top.menu())]
    assert len(shown) == len(set(shown))
    names = [action.text() for action in shown]
    assert len(names) == len(set(names))
    keys = [action.shortcut().toString() for action in shown if not action.shortcut().isEmpty()]
    assert len(keys) == len(set(keys))
    assert {"Ctrl+O", "Ctrl+D", "F11", "Esc", "F1"} <= set(keys)


def test_the_rail_shows_the_views_that_exist(window: MainWindow, qtbot: QtBot) -> None:
    drive, files, settings = (button for _, button in window.rail.buttons)
    assert (drive.text(), files.text(), settings.text()) == ("Drive", "Files", "Settings")
    qtbot.mouseClick(settings, Qt.MouseButton.LeftButton)
    assert window.settings_view.isVisible()
    assert settings.isChecked()
    assert not drive.isChecked()
    qtbot.mouseClick(settings, Qt.MouseButton.LeftButton)
    assert settings.isChecked(), "the chosen view stays chosen"
    qtbot.mouseClick(drive, Qt.MouseButton.LeftButton)
    assert window.drive.picture.hasFocus()


def test_dialogs_open_and_close(window: MainWindow) -> None:
    for action, kind in (
        (window.actions_.connect_car, ConnectDialog),
        (window.actions_.keys, KeysDialog),
        (window.actions_.about, AboutDialog),
    ):
        action.trigger()
        dialog = QApplication.activeModalWidget()
        assert isinstance(dialog, kind)
        dialog.close()
        assert window.drive.picture.hasFocus()


def test_an_address_typed_into_the_dialog_is_connected_to(window: MainWindow, qtbot: QtBot) -> None:
    window.actions_.connect_car.trigger()
    dialog = QApplication.activeModalWidget()
    assert isinstance(dialog, ConnectDialog)
    assert not dialog.ok.isEnabled()
    qtbot.keyClicks(dialog.address, "127.0.0.1:9")
    qtbot.keyClick(dialog.address, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: window.snapshot.address == "127.0.0.1:9")
    assert window.snapshot.link is Link.CONNECTING
    qtbot.waitUntil(window.drive.stage.connecting.isVisible)
    qtbot.mouseClick(window.drive.stage.cancel, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(window.drive.stage.welcome.isVisible)


def test_a_wrong_address_is_explained_where_the_person_looks(
    window: MainWindow, qtbot: QtBot
) -> None:
    window.connect_to("car:notaport")
    qtbot.waitUntil(lambda: bool(window.snapshot.error))
    assert window.snapshot.link is Link.IDLE
    labels = [
        x.text() for x in window.drive.stage.welcome.findChildren(QWidget) if hasattr(x, "text")
    ]
    assert window.snapshot.error in [text() if callable(text) else text for text in labels]


def test_panels_hide_and_come_back(window: MainWindow, qtbot: QtBot) -> None:
    dock = window.drive.events_dock
    close = dock.titleBarWidget().findChild(QAbstractButton)
    qtbot.mouseClick(close, Qt.MouseButton.LeftButton)
    assert dock.isHidden()
    assert not window.actions_.show_events.isChecked()
    window.actions_.show_events.trigger()
    assert dock.isVisible()
    # Going to another view hides the panels with it, which is no wish of the person.
    window.actions_.settings_view.trigger()
    assert window.actions_.show_events.isChecked()


def test_the_layout_is_remembered_and_can_be_reset(make_window: MakeWindow, tmp_path: Path) -> None:
    first = make_window(width=1300, height=800)
    area = Qt.DockWidgetArea.LeftDockWidgetArea
    first.drive.addDockWidget(area, first.drive.sensors_dock)
    first.drive.own_layout = False
    first.actions_.fill_picture.setChecked(True)
    first.close()
    stored = QSettings(str(tmp_path / "window.ini"), QSettings.Format.IniFormat)
    assert stored.value("panels")
    second = make_window(width=1300, height=800)
    assert second.drive.dockWidgetArea(second.drive.sensors_dock) == area
    assert second.drive.picture.fill
    second.actions_.reset_layout.trigger()
    right = Qt.DockWidgetArea.RightDockWidgetArea
    assert second.drive.dockWidgetArea(second.drive.sensors_dock) == right


def test_a_damaged_layout_is_ignored(tmp_path: Path, make_window: MakeWindow) -> None:
    (tmp_path / "window.ini").write_text("[General]\ngeometry=nonsense\npanels=@ByteArray(x)\n")
    window = make_window()
    assert window.drive.sensors_dock.isVisible()


def test_a_theme_is_shown_at_once_and_remembered(window: MainWindow, tmp_path: Path) -> None:
    window.actions_.themes["light"].trigger()
    assert theme.current() is theme.LIGHT
    assert window.grab().toImage().pixelColor(76, 200).name() == theme.LIGHT.ground.lower()
    assert window.actions_.themes["light"].isChecked()
    window.close()
    assert settings_file.load(tmp_path / "settings.toml")[0].theme == "light"


def test_settings_change_what_they_name(window: MainWindow, qtbot: QtBot) -> None:
    window.actions_.settings_view.trigger()
    view = window.settings_view
    sixty = next(b for b in view.plot_choice.findChildren(QPushButton) if b.text() == "60 s")
    qtbot.mouseClick(sixty, Qt.MouseButton.LeftButton)
    assert window.settings.plot_seconds == 60.0
    view.dead_zone.changed.emit(0.2)
    assert window.settings.gamepad_dead_zone == pytest.approx(0.2)
    qtbot.waitUntil(lambda: window.gamepad is not None)
    assert window.gamepad is not None
    assert window.gamepad.dead_zone == pytest.approx(0.2)
    qtbot.waitUntil(lambda: view.pad_name.text() == "None found")


@pytest.mark.parametrize("size", [(1000, 640), (1280, 720), (2560, 1440)])
def test_stop_is_always_in_the_same_corner(make_window: MakeWindow, size: tuple[int, int]) -> None:
    window = make_window(width=size[0], height=size[1])
    for action in (window.actions_.drive_view, window.actions_.settings_view):
        action.trigger()
        stop = window.bar.stop
        corner = stop.mapTo(window, stop.rect().topRight())
        assert stop.isVisible()
        assert window.width() - corner.x() <= 20
        assert corner.y() < 60
        assert stop.visibleRegion().boundingRect() == stop.rect()


def test_controls_have_names_and_are_large_enough(window: MainWindow) -> None:
    for action in (window.actions_.drive_view, window.actions_.settings_view):
        action.trigger()
        QApplication.processEvents()
        for button in window.findChildren(QAbstractButton):
            if button.isVisible() and button.objectName() != "qt_menubar_ext_button":
                assert button.accessibleName() or button.text(), button
                assert min(button.width(), button.height()) >= 32, (button, button.text())


def test_closing_leaves_no_thread(make_window: MakeWindow, qtbot: QtBot) -> None:
    window = make_window()
    window.connect_to("127.0.0.1:9")
    qtbot.waitUntil(lambda: any(t.name.startswith("rcapp") for t in threading.enumerate()))
    window.close()
    left = [t.name for t in threading.enumerate() if t.name.startswith(("rcapp", "pynet-client"))]
    assert left == []
    window.close()


def test_a_broken_settings_file_is_said_on_the_first_screen(qtbot: QtBot, tmp_path: Path) -> None:
    path = tmp_path / "broken.toml"
    path.write_text("theme = [")
    settings, note = settings_file.load(path)
    window = MainWindow(settings, note=note)
    qtbot.addWidget(window)
    window.show()
    window.show_now(0.0)
    shown = [x.text() for x in window.drive.stage.welcome.lines if x.isVisible()]
    assert shown == [note]
    assert settings == Settings()
    window.close()


def test_return_on_the_first_screen_is_for_the_demo_car(qtbot: QtBot) -> None:
    window = MainWindow(Settings())
    qtbot.addWidget(window)
    with qtbot.waitActive(window):
        window.show()
        window.activateWindow()
    assert window.focusWidget() is window.drive.stage.welcome.demo
    window.close()


def test_p_pauses_the_plots_and_says_so(
    window: MainWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    series = {info.name: filled(info) for info in SENSORS}
    monkeypatch.setattr(type(window.session), "series", series)
    qtbot.waitUntil(lambda: len(window.drive.sensors.plots) == len(SENSORS))
    plot = window.drive.sensors.plots["speed"]
    qtbot.waitUntil(lambda: plot.figures != ["–"])
    window.drive.picture.setFocus()
    qtbot.keyClick(window.drive.picture, Qt.Key.Key_P)
    assert window.actions_.pause_plots.isChecked()
    shown = plot.figures
    series["speed"].append(time.monotonic(), (2.34,))
    for _ in range(30):
        window.tick()
    assert plot.figures == shown
    assert "paused" in window.drive.sensors_dock.note
    qtbot.keyClick(window.drive.picture, Qt.Key.Key_P)
    qtbot.waitUntil(lambda: plot.figures == ["2.34"])
