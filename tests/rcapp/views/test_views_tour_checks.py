"""The tour's own judgement: it must see what is wrong, and nothing that is not."""

from __future__ import annotations

import pytest
from PySide6.QtWidgets import QApplication, QHBoxLayout, QLabel, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from rcapp.views import theme
from rcapp.views.main_window import MainWindow
from rcapp.views.text import ElidedLabel, label
from rcapp.views.tour_checks import check_theme, check_window


@pytest.fixture
def page(qtbot: QtBot) -> QWidget:
    made = QWidget()
    made.setObjectName("page")
    qtbot.addWidget(made)
    made.resize(400, 200)
    return made


def judge(page: QWidget) -> list[str]:
    page.show()
    return check_window(page, page.grab().toImage())


def test_a_good_page_has_no_fault(page: QWidget) -> None:
    row = QHBoxLayout(page)
    row.addWidget(label("One"))
    row.addWidget(QPushButton("Two"))
    row.addWidget(label("three", role="secondary", wrap=True))
    assert judge(page) == []


def test_cut_text_is_found(page: QWidget) -> None:
    cut = label("far too long for its place", parent=page)
    cut.setGeometry(10, 10, 40, 20)
    assert any("cut" in fault for fault in judge(page))


def test_text_outside_its_parent_is_found(page: QWidget) -> None:
    label("sticks out", parent=page).move(370, 10)
    assert any("sticks out of" in fault for fault in judge(page))


def test_an_ellipsis_is_fine_unless_nothing_is_left(page: QWidget) -> None:
    elided = ElidedLabel("a rather long sentence about cars")
    elided.setParent(page)
    elided.setGeometry(10, 10, 120, 20)
    assert judge(page) == []
    elided.setGeometry(10, 10, 16, 20)
    assert any("only" in fault for fault in judge(page))


def test_overlapping_texts_are_found(page: QWidget) -> None:
    for x in (10, 30):
        shown = label("overlapping", parent=page)
        shown.move(x, 10)
        shown.adjustSize()
    assert any("overlap" in fault for fault in judge(page))


def test_weak_text_is_found(page: QWidget) -> None:
    weak = QLabel("can hardly be read", page)
    weak.setStyleSheet("color: #3a4650;")
    weak.adjustSize()
    assert any("contrast" in fault for fault in judge(page))


def test_the_first_screen_has_no_fault(window: MainWindow) -> None:
    window.show_now(0.0)
    QApplication.processEvents()
    assert check_window(window, window.grab().toImage()) == []


@pytest.mark.parametrize("shown", list(theme.THEMES.values()), ids=lambda t: t.name)
def test_themes_have_no_fault(shown: theme.Theme) -> None:
    assert check_theme(shown) == []
