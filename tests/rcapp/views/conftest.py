"""A window of its own for each test, with settings nobody else has, and nothing left behind."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtCore import QEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from rcapp.core.settings import Settings
from rcapp.views.app import make_app
from rcapp.views.main_window import MainWindow
from tests.rcapp.views.files_tab import car, files, home

__all__ = ["car", "files", "home"]


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every path that settings, layout and logs could take lies in the test's own folder."""
    for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name.lower()))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "localappdata"))
    monkeypatch.setenv("APPDATA", str(tmp_path / "appdata"))
    return tmp_path


@pytest.fixture(autouse=True)
def no_window_left(qapp: QApplication, own_home: Path) -> Iterator[None]:
    """Dress the application as the app does, and fail a test that leaves windows."""
    make_app("dark")
    yield
    for _ in range(3):
        qapp.processEvents()
        qapp.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        gc.collect()
    left = [w for w in qapp.topLevelWidgets() if w.isVisible()]
    assert not left, f"left open: {left}"


class Silence:
    """A network in which nothing announces itself."""

    problem = ""

    def __init__(self, on_change: Callable[[tuple[Any, ...]], None]) -> None:
        on_change(())

    def close(self) -> None:
        pass


@pytest.fixture
def make_window(qtbot: QtBot, tmp_path: Path) -> Iterator[Callable[..., MainWindow]]:
    """Gives a function that opens a window which is active and is closed after the test."""
    opened: list[MainWindow] = []

    def make(
        settings: Settings | None = None, *, width: int = 1280, height: int = 720
    ) -> MainWindow:
        window = MainWindow(
            settings or Settings(),
            settings_path=tmp_path / "settings.toml",
            layout_path=tmp_path / "window.ini",
            browse=Silence,
        )
        opened.append(window)
        window.resize(width, height)
        with qtbot.waitActive(window):
            window.show()
            window.activateWindow()
        window.drive.picture.setFocus()
        qtbot.waitUntil(window.drive.picture.hasFocus)
        return window

    yield make
    for window in opened:
        window.close()
        window.deleteLater()


@pytest.fixture
def window(make_window: Callable[..., MainWindow]) -> MainWindow:
    """An open window without a car."""
    return make_window()


@pytest.fixture
def waiting_window(window: MainWindow, qtbot: QtBot) -> MainWindow:
    """A window that tries to reach a car: there is something to stop, and nobody answers."""
    window.connect_to("127.0.0.1:9")
    qtbot.waitUntil(lambda: window.session.snapshot().address == "127.0.0.1:9")
    window.drive.picture.setFocus()
    return window
