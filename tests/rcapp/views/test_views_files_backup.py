"""The backup in the Files tab, by mouse and keys."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QMenu
from pytestqt.qtbot import QtBot

from rcapp.views.files.files_view import FilesView
from tests.rcapp.files.local_engine import LocalEngine
from tests.rcapp.views.files_tab import (
    Button,
    Key,
    texts,
)

# The backup.


def test_the_card_says_what_would_move(files: FilesView, qtbot: QtBot) -> None:
    card = files.storage
    qtbot.waitUntil(lambda: card.headline.text().startswith("Move "))
    assert card.share.text() == "78.4 %"
    assert "oldest first, until 2" in card.details.text()
    assert card.why.text() == "1 file stays (why?)"
    qtbot.mouseClick(card.why, Button.LeftButton)
    assert files.review.isVisible()
    qtbot.waitUntil(lambda: "recordings/2026-11/notes.txt" in texts(files.review.stays))


def test_review_rehearse_agree_move_history_restore(
    files: FilesView, qtbot: QtBot, car: LocalEngine, home: Path
) -> None:
    qtbot.waitUntil(files.storage.review.isEnabled)
    qtbot.mouseClick(files.storage.review, Button.LeftButton)
    review = files.review
    assert review.isVisible()
    assert not review.window().findChildren(QMenu, "modal")
    assert "First, a rehearsal" in texts(review.strip)
    assert review.go.text() == "Rehearse"
    planned = [row.name for row in review.rows()]
    assert planned[0].startswith("recordings/2026-10/2026-10-12 garden/")
    assert review.table.model().rowCount() == len(planned)
    before = sorted(path for path in car.folder.rglob("*") if path.is_file())
    qtbot.mouseClick(review.go, Button.LeftButton)
    qtbot.waitUntil(lambda: review.go.text().startswith("I have read the list"))
    assert sorted(path for path in car.folder.rglob("*") if path.is_file()) == before
    qtbot.waitUntil(review.go.isEnabled)
    qtbot.mouseClick(review.go, Button.LeftButton)
    qtbot.waitUntil(lambda: not files.station.queue.view().open, timeout=20_000)
    assert all((home / "Car backup" / name).exists() for name in planned)
    assert not any((car.folder / name).exists() for name in planned)
    qtbot.waitUntil(lambda: "Nothing to move" in review.message.texts[0])
    qtbot.mouseClick(review.back, Button.LeftButton)
    assert files.main.isVisible()
    qtbot.mouseClick(files.storage.history, Button.LeftButton)
    history = files.history
    qtbot.waitUntil(lambda: history.files.model().rowCount() == len(planned))
    history.filter.setText("garden/segment-003")
    assert history.files.model().rowCount() == 1
    history.files.selectAll()
    assert history.restore.text() == "Restore 1 file to the car"
    qtbot.mouseClick(history.copy_hash, Button.LeftButton)
    copied = QApplication.clipboard().text()
    assert copied.endswith("garden/segment-003.mcap\n")
    assert len(copied.split()[0]) == 64
    qtbot.mouseClick(history.restore, Button.LeftButton)
    garden = car.folder / "recordings" / "2026-10" / "2026-10-12 garden"
    qtbot.waitUntil((garden / "segment-003.mcap").exists)


def test_a_run_can_be_cancelled_from_the_review(
    files: FilesView, qtbot: QtBot, car: LocalEngine
) -> None:
    car.gate.hold_after(3)
    files.show_review()
    qtbot.waitUntil(files.review.go.isEnabled)
    qtbot.mouseClick(files.review.go, Button.LeftButton)
    qtbot.waitUntil(lambda: "Rehearsing" in texts(files.review.strip))
    assert not files.review.go.isEnabled()
    qtbot.mouseClick(files.review.strip.button, Button.LeftButton)
    qtbot.waitUntil(lambda: "First, a rehearsal" in texts(files.review.strip))
    assert files.review.go.text() == "Rehearse"


def test_a_mark_that_cannot_be_reached_is_said(
    files: FilesView, qtbot: QtBot, car: LocalEngine
) -> None:
    car.system = car.capacity // 2
    car.capacity = round(car.capacity * 1.3)
    files.station.desk.make_plan()
    qtbot.waitUntil(lambda: files.storage.reach.text().startswith("25 % cannot be reached"))
    files.show_review()
    qtbot.waitUntil(lambda: "25 % cannot be reached" in texts(files.review.strip))


def test_a_laptop_that_is_too_full_is_said(files: FilesView, qtbot: QtBot, home: Path) -> None:
    policy = files.station.desk.view.policy
    from dataclasses import replace

    files.station.desk.set_policy(replace(policy, floor_bytes=10**15))
    files.show_review()
    qtbot.waitUntil(lambda: "no more than 0 B fit" in files.review.fits.text())


def test_the_policy_is_edited_with_what_speaks_against_it(
    files: FilesView, qtbot: QtBot, home: Path
) -> None:
    qtbot.mouseClick(files.storage.policy, Button.LeftButton)
    page = files.policy
    assert not page.save.isEnabled()
    page.low.setFocus()
    page.low.selectAll()
    qtbot.keyClicks(page.low, "80")
    assert "never stop" in page.says["low"].text()
    assert not page.save.isEnabled()
    page.low.selectAll()
    qtbot.keyClicks(page.low, "60")
    qtbot.mouseClick(page.protect, Button.LeftButton)
    qtbot.keyClicks(page.protect, "maps/**")
    qtbot.mouseClick(page.here, Button.LeftButton)
    assert page.destination.text() == str(home / "Car backup")
    assert "until it is 60 % full" in page.sentence.text()
    qtbot.mouseClick(page.save, Button.LeftButton)
    assert files.main.isVisible()
    policy = files.station.desk.view.policy
    assert (policy.low, policy.protect) == (0.6, ("maps/**",))
    qtbot.waitUntil(lambda: files.storage.gauge.accessibleDescription() == "78.4 % used")


def test_changes_of_the_policy_can_be_undone(files: FilesView, qtbot: QtBot) -> None:
    qtbot.mouseClick(files.storage.policy, Button.LeftButton)
    before = files.policy.draft
    files.policy.keep_days.setValue(9)
    assert files.policy.draft != before
    qtbot.mouseClick(files.policy.reset, Button.LeftButton)
    assert files.policy.draft == before
    qtbot.keyClick(files.policy, Key.Key_Left, Qt.KeyboardModifier.AltModifier)
    assert files.main.isVisible()
