"""The Files tab by mouse and keys, over a car that is a folder."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QAction, QDragEnterEvent, QDragMoveEvent, QDropEvent
from PySide6.QtWidgets import QApplication, QMenu, QWidget
from pytestqt.qtbot import QtBot

from pynet.errors import Forbidden
from rcapp.core.files.engine import Entry
from rcapp.core.files.folders import LocalFolders
from rcapp.views.files.files_view import FilesView
from rcapp.views.files.table import FilesTable
from rcapp.views.files.table_model import CAR_MIME
from rcapp.views.main_window import MainWindow
from rcapp.views.tour_checks import check_window
from tests.rcapp.files.local_engine import LocalEngine
from tests.rcapp.files.scene import write
from tests.rcapp.views.files_tab import (
    CTRL,
    MONTH,
    Button,
    Key,
    chosen,
    join,
    names,
    row_point,
)

# Getting there.


def test_the_tab_is_reached_by_rail_and_key(window: MainWindow, qtbot: QtBot) -> None:
    _, files, _ = (button for _, button in window.rail.buttons)
    assert files.text() == "Files"
    qtbot.mouseClick(files, Button.LeftButton)
    assert window.files.isVisible()
    assert files.isChecked()
    window.show_drive()
    qtbot.keyClick(window, Key.Key_2, CTRL)
    assert window.files.isVisible()


def test_without_a_car_it_says_so_and_leads_to_one(
    window: MainWindow, qtbot: QtBot, home: Path
) -> None:
    write(home / "a.txt", 5)
    window.show_files()
    view = window.files
    qtbot.waitUntil(view.car.message.isVisible)
    assert view.car.message.texts[0] == "No car"
    assert not view.storage.review.isEnabled()
    qtbot.waitUntil(lambda: names(view.laptop.table) == ["a.txt"])
    qtbot.mouseClick(view.car.message.button, Button.LeftButton)
    assert window.drive.isVisible()


def test_stop_is_where_it_always_is(waiting_window: MainWindow, qtbot: QtBot) -> None:
    waiting_window.show_files()
    assert waiting_window.bar.stop.isVisible()
    qtbot.keyClick(waiting_window.files.car, Key.Key_Escape)
    assert waiting_window.session.snapshot().stop_pressed


def test_a_car_that_shares_nothing_is_explained(
    window: MainWindow, qtbot: QtBot, tmp_path: Path, home: Path
) -> None:
    (tmp_path / "bare").mkdir()
    view = join(window, LocalEngine(tmp_path / "bare"))
    window.show_files()
    qtbot.waitUntil(lambda: view.car.message.texts[0] == "This car shares no folders")


def test_a_car_that_refuses_is_explained(
    window: MainWindow, qtbot: QtBot, car: LocalEngine, home: Path
) -> None:
    car.refusal = Forbidden("no")
    view = join(window, car)
    window.show_files()
    qtbot.waitUntil(lambda: "owners only" in view.car.message.texts[1])
    car.refusal = None
    qtbot.mouseClick(view.car.message.button, Button.LeftButton)
    qtbot.waitUntil(lambda: names(view.car.table) == ["maps", "recordings"])


# Walking through folders.


def test_keys_open_choose_and_go_up(files: FilesView, qtbot: QtBot) -> None:
    table = files.car.table
    qtbot.keyClick(table, Key.Key_Home)
    assert chosen(table) == ["2026-11-03 lap practice"]
    qtbot.keyClick(table, Key.Key_Down)
    assert chosen(table) == ["2026-11-04 rain"]
    qtbot.keyClick(table, Key.Key_Return)
    qtbot.waitUntil(lambda: "segment-000.mcap" in names(table))
    assert files.car.crumbs.texts() == [
        "Shared folders",
        "recordings",
        "2026-11",
        "2026-11-04 rain",
    ]
    qtbot.keyClick(table, Key.Key_A, CTRL)
    assert len(chosen(table)) == 4
    qtbot.keyClick(table, Key.Key_Backspace)
    qtbot.waitUntil(lambda: "notes.txt" in names(table))
    assert table.current_name() == "2026-11-04 rain", "one comes back to where one was"


def test_letters_look_for_names_and_are_no_shortcuts(
    files: FilesView, window: MainWindow, qtbot: QtBot
) -> None:
    table = files.car.table
    qtbot.keyClick(table, Key.Key_N)
    assert table.current_name() == "notes.txt"
    qtbot.keyClick(table, Key.Key_P)
    assert not window.actions_.pause_plots.isChecked()


def test_mouse_opens_sorts_and_chooses(files: FilesView, qtbot: QtBot) -> None:
    table = files.car.table
    viewport = table.viewport()
    head = table.header()
    middle = QPoint(head.sectionViewportPosition(1) + 20, 10)
    qtbot.mouseClick(head.viewport(), Button.LeftButton, pos=middle)
    qtbot.waitUntil(lambda: names(table)[3] == "2026-11-19 club.mcap")
    assert table.model().headerData(1, Qt.Orientation.Horizontal) == "Size ↓"
    qtbot.mouseClick(viewport, Button.LeftButton, pos=row_point(table, "notes.txt"))
    assert chosen(table) == ["notes.txt"]
    place = row_point(table, "calibration.toml")
    qtbot.mouseClick(viewport, Button.LeftButton, CTRL, place)
    assert set(chosen(table)) == {"notes.txt", "calibration.toml"}
    place = row_point(table, "2026-11-04 rain")
    qtbot.mouseClick(viewport, Button.LeftButton, pos=place)
    qtbot.mouseDClick(viewport, Button.LeftButton, pos=place)
    qtbot.waitUntil(lambda: "segment-000.mcap" in names(table))
    qtbot.mouseClick(files.car.up, Button.LeftButton)
    qtbot.waitUntil(lambda: "notes.txt" in names(table))


def test_crumbs_lead_back(files: FilesView, qtbot: QtBot) -> None:
    crumb = next(
        part
        for part in files.car.crumbs.findChildren(QWidget)
        if part.isVisible() and getattr(part, "text", str)() == "recordings"
    )
    qtbot.mouseClick(crumb, Button.LeftButton)
    qtbot.waitUntil(lambda: names(files.car.table) == ["2026-10", "2026-11", "new"])


def test_f5_reads_anew_and_keeps_what_is_chosen(
    files: FilesView, qtbot: QtBot, car: LocalEngine
) -> None:
    table = files.car.table
    table.choose({"notes.txt"}, "notes.txt")
    write(car.folder / MONTH / "a new file", 7)
    qtbot.keyClick(table, Key.Key_F5)
    qtbot.waitUntil(lambda: "a new file" in names(table))
    assert chosen(table) == ["notes.txt"]


def test_the_filter(files: FilesView, qtbot: QtBot) -> None:
    pane = files.car
    qtbot.mouseClick(pane.filter, Button.LeftButton)
    qtbot.keyClicks(pane.filter, "*.jpg > 2 d")
    qtbot.waitUntil(lambda: names(pane.table) == ["snapshot-0412.jpg", "snapshot-0413.jpg"])
    assert pane.count.text() == "2 of 9 items · 6 kB"
    qtbot.keyClicks(pane.filter, " > 5 x")
    qtbot.waitUntil(lambda: "write an age or a size" in pane.count.text())
    assert pane.filter.property("wrong")
    pane.filter.clear()
    qtbot.keyClicks(pane.filter, "nothing like it")
    qtbot.waitUntil(pane.message.isVisible)
    assert "9 items are left out." in pane.message.texts[1]
    qtbot.mouseClick(pane.message.button, Button.LeftButton)
    qtbot.waitUntil(lambda: pane.model.rowCount() == 9)


def test_an_empty_folder_says_what_can_be_done(files: FilesView, qtbot: QtBot) -> None:
    files.station.car.open("recordings/new")
    qtbot.waitUntil(files.car.message.isVisible)
    assert files.car.message.texts == (
        "This folder is empty",
        "Drag files here to copy them to the car.",
    )
    # The keys of the rows go on working.
    qtbot.waitUntil(files.car.hasFocus)
    qtbot.keyClick(files.car, Key.Key_Backspace)
    qtbot.waitUntil(lambda: "new" in names(files.car.table))


# Copying.


def test_the_button_copies_what_is_chosen(files: FilesView, qtbot: QtBot, home: Path) -> None:
    assert not files.car.copy.isEnabled()
    files.car.table.choose({"2026-11-04 rain", "notes.txt"})
    assert files.car.count.text() == "2 of 9 items chosen · 1.4 MB"
    qtbot.mouseClick(files.car.copy, Button.LeftButton)
    qtbot.waitUntil(lambda: len(files.transfers.rows) == 1)
    qtbot.waitUntil(lambda: "done" in files.transfers.rows[0].sentence.text())
    there = home / "Car backup"
    assert len(list((there / "2026-11-04 rain").iterdir())) == 4
    qtbot.waitUntil(lambda: "notes.txt" in names(files.laptop.table))


def test_keys_copy_across(files: FilesView, qtbot: QtBot, car: LocalEngine) -> None:
    files.laptop.table.choose({"manifest.json"}, "manifest.json")
    files.laptop.table.setFocus()
    qtbot.keyClick(files.laptop.table, Key.Key_Left, CTRL)
    qtbot.waitUntil(lambda: "manifest.json" in names(files.car.table))
    assert (car.folder / MONTH / "manifest.json").exists()


def test_a_share_for_reading_takes_nothing(files: FilesView, qtbot: QtBot) -> None:
    files.station.car.open("maps")
    qtbot.waitUntil(lambda: "track-0.png" in names(files.car.table))
    files.laptop.table.choose({"manifest.json"})
    qtbot.waitUntil(lambda: not files.laptop.copy.isEnabled())
    assert files.laptop.copy.toolTip() == "The car shares maps for reading only."
    assert not drag_onto(files.car.table, urls("/etc/hostname"), None)


def menu_action(menu: QMenu, text: str) -> QAction:
    return next(action for action in menu.actions() if action.text() == text)


def test_the_context_menu(files: FilesView, qtbot: QtBot, home: Path) -> None:
    files.car.table.choose({"notes.txt"}, "notes.txt")
    menu = files.car.make_menu()
    assert not menu_action(menu, "Open").isEnabled()
    menu_action(menu, "Copy to laptop").trigger()
    qtbot.waitUntil((home / "Car backup" / "notes.txt").exists)
    assert not [action for action in menu.actions() if "elete" in action.text()]
    menu_action(menu, "Show hidden files").trigger()
    menu.deleteLater()


# Drag and drop.


def urls(*paths: str | Path) -> QMimeData:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    return data


def drag_onto(table: FilesTable, data: QMimeData, name: str | None) -> bool:
    """Drag over a row, or beside the rows, and let go; tells whether it was taken."""
    place = QPointF(row_point(table, name)) if name else QPointF(20, table.viewport().height() - 4)
    copy, left, none = Qt.DropAction.CopyAction, Button.LeftButton, Qt.KeyboardModifier.NoModifier
    app = QApplication.instance()
    assert app is not None
    enter = QDragEnterEvent(place.toPoint(), copy, data, left, none)
    app.sendEvent(table.viewport(), enter)
    if not enter.isAccepted():
        return False
    move = QDragMoveEvent(place.toPoint(), copy, data, left, none)
    app.sendEvent(table.viewport(), move)
    drop = QDropEvent(place, copy, data, left, none)
    app.sendEvent(table.viewport(), drop)
    return drop.isAccepted()


def test_from_the_car_to_the_laptop(files: FilesView, qtbot: QtBot, home: Path) -> None:
    table = files.car.table
    table.choose({"2026-11-12 night.mcap", "notes.txt"})
    data = table._files.mimeData(table.selectionModel().selectedRows())
    assert json.loads(bytes(data.data(CAR_MIME).data()))["folder"] == MONTH
    assert not data.hasUrls()
    assert drag_onto(files.laptop.table, data, None)
    qtbot.waitUntil((home / "Car backup" / "2026-11-12 night.mcap").exists)
    assert files.transfers.rows[0].title.text() == "2026-11-12 night.mcap and 1 more"


def test_onto_a_folder(files: FilesView, qtbot: QtBot, home: Path) -> None:
    table = files.car.table
    table.choose({"notes.txt"})
    data = table._files.mimeData(table.selectionModel().selectedRows())
    assert drag_onto(files.laptop.table, data, "2026-10 archive")
    qtbot.waitUntil((home / "Car backup/2026-10 archive/notes.txt").exists)


def test_from_the_desktop_to_the_car(
    files: FilesView, qtbot: QtBot, car: LocalEngine, tmp_path: Path
) -> None:
    path = write(tmp_path / "desktop" / "track é.png", 10)
    assert drag_onto(files.car.table, urls(path), "2026-11-07 corridor")
    there = car.folder / MONTH / "2026-11-07 corridor" / "track é.png"
    qtbot.waitUntil(there.exists)


def test_from_the_laptop_to_the_desktop(files: FilesView, home: Path) -> None:
    table = files.laptop.table
    table.choose({"manifest.json", "2026-10 archive"})
    data = table._files.mimeData(table.selectionModel().selectedRows())
    paths = {Path(url.toLocalFile()) for url in data.urls()}
    assert paths == {home / "Car backup" / name for name in chosen(table)}


def test_what_does_not_belong_is_refused(files: FilesView) -> None:
    text = QMimeData()
    text.setText("hello")
    assert not drag_onto(files.car.table, text, None)
    assert not drag_onto(files.laptop.table, urls("/etc/hostname"), None)


# The list of transfers.


def pressed(files: FilesView, qtbot: QtBot, row: int, action: str) -> None:
    button = files.transfers.rows[row].buttons[action]
    qtbot.waitUntil(button.isVisible)
    qtbot.mouseClick(button, Button.LeftButton)


def test_jobs_are_paused_reordered_and_cancelled(
    files: FilesView, qtbot: QtBot, car: LocalEngine
) -> None:
    car.gate.hold_after(5)
    for name in ("2026-11-03 lap practice", "2026-11-04 rain", "2026-11-07 corridor"):
        files.car.table.choose({name})
        qtbot.mouseClick(files.car.copy, Button.LeftButton)
    rows = files.transfers.rows
    qtbot.waitUntil(lambda: len(rows) == 3 and "verify" in rows[0].sentence.text())
    qtbot.waitUntil(lambda: "pairs" in files.transfers.headline.text())
    pressed(files, qtbot, 0, "pause")
    qtbot.waitUntil(lambda: rows[0].sentence.text() == "paused")
    pressed(files, qtbot, 0, "resume")
    qtbot.waitUntil(lambda: rows[0].sentence.text() != "paused")
    pressed(files, qtbot, 2, "up")
    qtbot.waitUntil(lambda: rows[1].title.text() == "2026-11-07 corridor")
    pressed(files, qtbot, 2, "cancel")
    qtbot.waitUntil(lambda: "cancelled" in rows[2].sentence.text())
    pressed(files, qtbot, 0, "cancel")
    car.gate.open()
    qtbot.waitUntil(lambda: not files.station.queue.view().open)
    qtbot.mouseClick(files.transfers.clear, Button.LeftButton)
    qtbot.waitUntil(lambda: files.transfers.rows == [])
    assert "None yet" in files.transfers.headline.text()


def test_what_ended_is_in_the_log(files: FilesView, qtbot: QtBot, window: MainWindow) -> None:
    files.car.table.choose({"notes.txt"})
    qtbot.mouseClick(files.car.copy, Button.LeftButton)
    said = "notes.txt is on this laptop: 1 file, 1 B"
    qtbot.waitUntil(lambda: said in [event.text for event in window.session.events.since(0)])
    # Without a tray there is nobody to tell, which is no error.
    assert not files.notices.say("good", said)


# Many files, small windows.


class Crowd(LocalFolders):
    """A folder with 20 000 files, which take no room on the disk."""

    def read(self, folder: str) -> list[Entry]:
        return [Entry(f"snapshot-{n:05d}.jpg", size=n, mtime=1e9 + n) for n in range(20_000)]


def test_20_000_files_take_no_widget_each(files: FilesView, qtbot: QtBot) -> None:
    before = len(files.findChildren(QWidget))
    files.station.laptop.use(Crowd())
    table, model = files.laptop.table, files.laptop.model
    qtbot.waitUntil(lambda: model.rowCount() == 20_000)
    assert len(files.findChildren(QWidget)) <= before + 8  # another crumb or two
    table.setFocus()
    qtbot.keyClick(table, Key.Key_End)
    qtbot.keyClick(table, Key.Key_End)
    assert table.current_name() == "snapshot-19999.jpg"
    table.scrollToTop()
    table.grab()
    assert len(table.texts) < 200, "only what is seen is painted"
    qtbot.keyClick(table, Key.Key_A, CTRL)
    assert files.laptop.count.text().startswith("20\u202f000 of 20\u202f000 items chosen")
    files.laptop.filter.setText("*-1999?.jpg")
    qtbot.waitUntil(lambda: model.rowCount() == 10)
    assert len(table.chosen()) == 10


@pytest.mark.parametrize("theme_name", ["dark", "light", "contrast"])
def test_no_text_is_cut_in_the_smallest_window(
    files: FilesView, window: MainWindow, qtbot: QtBot, theme_name: str, car: LocalEngine
) -> None:
    window.actions_.themes[theme_name].trigger()
    window.resize(1000, 640)
    car.gate.hold_after(5)
    files.car.table.choose({"2026-11-03 lap practice"})
    qtbot.mouseClick(files.car.copy, Button.LeftButton)
    qtbot.waitUntil(lambda: car.gate.passed >= 5)
    for show in (files.show_files, files.show_review, files.show_history, show_policy(files)):
        show()
        qtbot.waitUntil(lambda: not files.station.desk.view.planning)
        faults = ["not looked at yet"]
        for _ in range(5):  # a figure that has just changed is laid out a moment later
            qtbot.wait(30)
            window.grab()
            faults = check_window(window, window.grab().toImage())
            if not faults:
                break
        assert faults == []


def show_policy(files: FilesView) -> Callable[[], None]:
    return lambda: files._show_page(files.policy)
