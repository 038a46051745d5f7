"""The Settings view: how it looks, what drives, where things are kept."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import Qt, QUrl, Signal
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import (
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from rcapp.core.acquaintances import Acquaintances
from rcapp.core.drive import DriveInput
from rcapp.core.gamepad import Gamepad
from rcapp.core.settings import Settings
from rcapp.views import theme
from rcapp.views.actions import theme_choices
from rcapp.views.controls import AxisBar, PercentSlider, Segments
from rcapp.views.keys_help import KeysTable
from rcapp.views.text import ElidedLabel, label, set_text
from rcapp.views.trust_cards import OwnIdentity, PeerList
from rcapp.views.words import signed

COLUMN = 760
"""Width of the column of cards: a line of text stays readable on a wide screen."""

PLOT_SECONDS = (("10", "10 s"), ("30", "30 s"), ("60", "60 s"))


class SettingsView(QWidget):
    """Shows the settings and says when the person changes one.

    Args:
        paths: (label, path) of what the app keeps on this computer.
        acquaintances: who this computer is, and whom it knows.
    """

    changed = Signal(object)

    def __init__(self, paths: list[tuple[str, Path]], acquaintances: Acquaintances) -> None:
        super().__init__()
        self.setObjectName("page")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._settings = Settings()
        self._loading = False
        column = QWidget()
        column.setObjectName("plain")
        column.setMaximumWidth(COLUMN)
        cards = QVBoxLayout(column)
        cards.setContentsMargins(0, theme.GAP, 0, theme.GAP)
        cards.setSpacing(theme.GAP)
        cards.addWidget(label("Settings", size=24, weight=theme.BOLD))
        trust = self._trust(acquaintances)
        for card in (self._looks(), trust, self._gamepad(), self._keys(), self._places(paths)):
            cards.addWidget(card)
        cards.addStretch(1)
        host = QWidget()
        host.setObjectName("plain")
        middle = QHBoxLayout(host)
        middle.setContentsMargins(theme.GAP, 0, theme.GAP, 0)
        middle.addStretch(1)
        middle.addWidget(column, 100)
        middle.addStretch(1)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.viewport().setAutoFillBackground(False)
        scroll.setWidget(host)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(scroll)

    def _looks(self) -> QFrame:
        card, grid = _card("Window")
        self.theme_choice = Segments(theme_choices(), "Colours")
        self.theme_choice.chosen.connect(self._theme_chosen)
        self.plot_choice = Segments(list(PLOT_SECONDS), "Plots show the last")
        self.plot_choice.chosen.connect(self._plot_chosen)
        _row(grid, "Colours", _left(self.theme_choice))
        _row(grid, "Plots show the last", _left(self.plot_choice))
        self.start_choice = Segments(
            [("wait", "Let me choose a car"), ("connect", "Connect to the last car")], "At start"
        )
        self.start_choice.chosen.connect(self._start_chosen)
        _row(grid, "At start", _left(self.start_choice))
        return card

    def _trust(self, acquaintances: Acquaintances) -> QFrame:
        card, grid = _card("Who may talk to whom")
        self.own = OwnIdentity(acquaintances)
        self.own.name_chosen.connect(self._name_chosen)
        self.peers = PeerList(acquaintances)
        _row(grid, "Cars call this computer", self.own.name)
        _row(grid, "Its device id", self.own)
        _row(grid, "Paired with", self.peers)
        return card

    def _gamepad(self) -> QFrame:
        card, grid = _card("Gamepad")
        self.pad_name = ElidedLabel("None found", size=theme.BODY, weight=theme.MEDIUM)
        self.pad_note = label("", size=theme.LABEL, role="secondary", wrap=True)
        names = QWidget()
        names.setObjectName("plain")
        lines = QVBoxLayout(names)
        lines.setContentsMargins(0, 0, 0, 0)
        lines.setSpacing(2)
        lines.addWidget(self.pad_name)
        lines.addWidget(self.pad_note)
        _row(grid, "Found", names)
        self._axes = []
        for name in ("Steer", "Throttle"):
            bar = AxisBar(name)
            figure = label("–", size=theme.BODY, weight=theme.SEMIBOLD)
            figure.setMinimumWidth(52)
            bar.setFixedWidth(240)
            self._axes.append((bar, figure))
            _row(grid, name, _left(bar, figure))
        self.dead_zone = PercentSlider("Dead zone", 0.5)
        self.dead_zone.changed.connect(self._dead_zone_changed)
        self.expo = PercentSlider("Fine steering near the centre", 1.0)
        self.expo.changed.connect(self._expo_changed)
        _row(grid, "Dead zone", self.dead_zone)
        _row(grid, "Fine near the centre", self.expo)
        return card

    def _keys(self) -> QFrame:
        card, grid = _card("Keys")
        grid.addWidget(KeysTable(), grid.rowCount(), 0, 1, 2)
        return card

    def _places(self, paths: list[tuple[str, Path]]) -> QFrame:
        card, grid = _card("Kept on this computer")
        for name, path in paths:
            line = QWidget()
            line.setObjectName("plain")
            inner = QHBoxLayout(line)
            inner.setContentsMargins(0, 0, 0, 0)
            inner.setSpacing(12)
            where = ElidedLabel(
                str(path), size=theme.BODY, mode=Qt.TextElideMode.ElideMiddle, role=""
            )
            where.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            button = QPushButton("Open folder")
            button.setFont(theme.font(theme.BODY, theme.MEDIUM))
            button.setAccessibleName(f"Open the folder of {name.lower()}")
            button.clicked.connect(lambda _checked=False, at=path: _open_folder(at))
            inner.addWidget(where, 1)
            inner.addWidget(button)
            _row(grid, name, line)
        return card

    def show_settings(self, settings: Settings) -> None:
        """Show what is set, without saying that it changed."""
        self._settings = settings
        self._loading = True
        self.theme_choice.choose(settings.theme)
        self.plot_choice.choose(f"{settings.plot_seconds:.0f}")
        self.start_choice.choose("connect" if settings.connect_at_start else "wait")
        self.dead_zone.set_value(settings.gamepad_dead_zone)
        self.expo.set_value(settings.gamepad_expo)
        self.own.show_name(settings.name)
        self._loading = False

    def refresh(self, drive: DriveInput, gamepad: Gamepad | None) -> None:
        """Show what the gamepad says now, and who is known."""
        if not self.isVisible():
            return
        self.own.refresh()
        self.peers.refresh()
        if gamepad is None:
            return
        if gamepad.connected:
            set_text(self.pad_name, gamepad.name or "Gamepad")
            note = "Drives now." if drive.source == "gamepad" else "Move a stick and it drives."
        else:
            set_text(self.pad_name, "None found")
            note = gamepad.reason or "Plug one in: it is found at once."
        set_text(self.pad_note, note)
        sample = gamepad.sample()
        for (bar, figure), value in zip(self._axes, sample or (None, None), strict=True):
            bar.show_value(value)
            set_text(figure, "–" if value is None else signed(value))

    def _change(self, settings: Settings) -> None:
        self._settings = settings
        if not self._loading:
            self.changed.emit(settings)

    def _theme_chosen(self, name: str) -> None:
        self._change(replace(self._settings, theme=name))

    def _plot_chosen(self, seconds: str) -> None:
        self._change(replace(self._settings, plot_seconds=float(seconds)))

    def _start_chosen(self, value: str) -> None:
        self._change(replace(self._settings, connect_at_start=value == "connect"))

    def _name_chosen(self, name: str) -> None:
        if name != self._settings.name:
            self._change(replace(self._settings, name=name))

    def _dead_zone_changed(self, value: float) -> None:
        self._change(replace(self._settings, gamepad_dead_zone=value))

    def _expo_changed(self, value: float) -> None:
        self._change(replace(self._settings, gamepad_expo=value))


def _card(title: str) -> tuple[QFrame, QGridLayout]:
    card = QFrame()
    card.setProperty("card", True)
    card.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
    grid = QGridLayout(card)
    grid.setContentsMargins(20, 16, 20, 18)
    grid.setHorizontalSpacing(20)
    grid.setVerticalSpacing(12)
    grid.setColumnMinimumWidth(0, 150)
    grid.setColumnStretch(1, 1)
    grid.addWidget(label(title, size=theme.TITLE, weight=theme.SEMIBOLD), 0, 0, 1, 2)
    return card, grid


def _left(*parts: QWidget) -> QWidget:
    """Parts side by side at the left, none wider than it needs."""
    line = QWidget()
    line.setObjectName("plain")
    row = QHBoxLayout(line)
    row.setContentsMargins(0, 0, 0, 0)
    row.setSpacing(14)
    for part in parts:
        row.addWidget(part)
    row.addStretch(1)
    return line


def _row(grid: QGridLayout, name: str, control: QWidget) -> None:
    row = grid.rowCount()
    named = label(name, size=theme.BODY, role="secondary", wrap=True)
    tall = control.sizeHint().height() > 2 * theme.CONTROL_HEIGHT
    side = Qt.AlignmentFlag.AlignTop if tall else Qt.AlignmentFlag.AlignVCenter
    grid.addWidget(named, row, 0, side)
    grid.addWidget(control, row, 1)


def _open_folder(path: Path) -> None:
    folder = path if path.is_dir() else path.parent
    QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))
