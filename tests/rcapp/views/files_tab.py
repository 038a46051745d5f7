"""The Files tab with a car that is a folder: what its tests have at hand."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from rcapp.core.files.engine import FilesEngine
from rcapp.core.files.pane import PaneState
from rcapp.core.state import Snapshot
from rcapp.views.files.files_view import FilesView
from rcapp.views.files.table import FilesTable
from rcapp.views.main_window import MainWindow
from tests.rcapp.files.local_engine import LocalEngine
from tests.rcapp.files.scene import make_car, make_laptop

Key, Button = Qt.Key, Qt.MouseButton
CTRL = Qt.KeyboardModifier.ControlModifier
MONTH = "recordings/2026-11"


class FixedLink:
    """Stands for the session: this car is connected, or none."""

    def __init__(self, car: FilesEngine | None) -> None:
        self.car = car

    def engine(self, _snap: Snapshot) -> FilesEngine | None:
        return self.car


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("USERPROFILE", str(home))
    return home


@pytest.fixture
def car(tmp_path: Path) -> Iterator[LocalEngine]:
    made = make_car(tmp_path / "car")
    yield made
    made.gate.open()
    made.close()


def join(window: MainWindow, car: FilesEngine | None) -> FilesView:
    window.files.link = FixedLink(car)
    return window.files


@pytest.fixture
def files(window: MainWindow, qtbot: QtBot, home: Path, car: LocalEngine) -> FilesView:
    """The tab with a car that has been looked through, in a folder with files."""
    make_laptop(home / "Car backup")
    view = join(window, car)
    qtbot.keyClick(window, Key.Key_2, CTRL)
    qtbot.waitUntil(view.isVisible)
    qtbot.waitUntil(lambda: view.station.car.view.state is PaneState.READY)
    view.station.car.open(MONTH)
    qtbot.waitUntil(lambda: view.car.model.view.folder == MONTH and view.car.model.rowCount() == 9)
    qtbot.waitUntil(lambda: view.laptop.model.rowCount() == 4)
    qtbot.waitUntil(lambda: view.station.desk.view.plan is not None)
    view.car.table.setFocus()
    return view


def row_point(table: FilesTable, name: str) -> QPoint:
    row = table._files.row_of(name)
    assert row is not None, f"{name} is not shown"
    index = table.model().index(row, 0)
    table.scrollTo(index)
    return table.visualRect(index).center()


def names(table: FilesTable) -> list[str]:
    return [table._files.entry(row).name for row in range(table._files.rowCount())]


def chosen(table: FilesTable) -> list[str]:
    return [entry.name for entry in table.chosen()]


def texts(widget: QWidget) -> str:
    shown = [child for child in widget.findChildren(QWidget) if child.isVisible()]
    found = [text() for child in shown if callable(text := getattr(child, "text", None))]
    return " | ".join(str(text) for text in found)
