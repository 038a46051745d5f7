"""The list of cars: one line for each, with how it stands and what it needs."""

from __future__ import annotations

import time
from collections.abc import Callable

from PySide6.QtCore import QEvent, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QHideEvent, QKeyEvent, QShowEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from rcapp.core.cars import Bond, CarEntry, Reach
from rcapp.views import icons, theme
from rcapp.views.chips import Dot
from rcapp.views.text import ElidedLabel, label, set_role, set_text
from rcapp.views.words import ago

ROW = 52
REFRESH = 400
"""Milliseconds between two looks at the list."""

ROLE_WORDS = {"viewer": "you may watch", "driver": "you may drive", "owner": "you own it"}


def standing(entry: CarEntry) -> tuple[str, str]:
    """How a car stands, in a word or three, and the name of the colour that goes with it."""
    if entry.bond is Bond.CHANGED:
        return "Another certificate", "bad"
    if entry.reach is Reach.STRANGE:
        return "Not this car", "bad"
    if entry.reach is Reach.SILENT:
        return "No answer", "secondary"
    if entry.needs_pairing:
        return "Needs pairing", "warn"
    if entry.reach is Reach.HERE:
        return ("Ready", "good") if entry.bond is Bond.PAIRED else ("Here", "good")
    return "Asking…", "secondary"


def particulars(entry: CarEntry, now: float) -> str:
    """The second line: where it is, what we may do there, when it was heard.

    Args:
        entry: the car.
        now: wall clock seconds.
    """
    words = [entry.address]
    if entry.bond is Bond.PAIRED and entry.role in ROLE_WORDS:
        words.append(ROLE_WORDS[entry.role])
    if entry.reach is not Reach.HERE and entry.seen:
        words.append(f"seen {ago(now - entry.seen)}")
    elif entry.found and not entry.remembered:
        words.append("found in this network")
    return " · ".join(words)


class CarRow(QPushButton):
    """One car; a click chooses it, the cross forgets it."""

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("car", True)
        self.setAutoDefault(False)
        self.setFixedHeight(ROW)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.entry = CarEntry("", "")
        self._dot = Dot()
        self._name = ElidedLabel("", size=theme.TITLE, weight=theme.SEMIBOLD)
        self._where = ElidedLabel("", size=theme.LABEL, role="secondary")
        self._state = label("", size=theme.LABEL, weight=theme.SEMIBOLD)
        self.forget = QToolButton()
        self.forget.setProperty("flat", True)
        self.forget.setFixedSize(32, 32)
        self.forget.setIconSize(QSize(16, 16))
        keep = self.forget.sizePolicy()
        keep.setRetainSizeWhenHidden(True)  # so that all states end at one line
        self.forget.setSizePolicy(keep)
        words = QVBoxLayout()
        words.setSpacing(1)
        words.setContentsMargins(0, 0, 0, 0)
        words.addStretch(1)
        words.addWidget(self._name)
        words.addWidget(self._where)
        words.addStretch(1)
        row = QHBoxLayout(self)
        row.setContentsMargins(10, 0, 4, 0)
        row.setSpacing(11)
        row.addWidget(self._dot)
        row.addLayout(words, 1)
        row.addWidget(self._state)
        row.addWidget(self.forget)
        for quiet in (self._name, self._where, self._state):
            quiet.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._tint()

    def show_entry(self, entry: CarEntry, now: float) -> None:
        """Show another car, or how it stands now."""
        self.entry = entry
        word, level = standing(entry)
        where = particulars(entry, now)
        self._dot.set_level(level)
        for shown, text in ((self._name, entry.name), (self._where, where), (self._state, word)):
            set_text(shown, text)
        set_role(self._state, level)
        self.forget.setVisible(entry.remembered)
        self.forget.setAccessibleName(f"Forget {entry.name}")
        self.forget.setToolTip(f"Take {entry.name} off this list. It stays paired.")
        self.setAccessibleName(f"{entry.name}, {where}: {word}")

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Return chooses, because Space means STOP in the Drive view."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.click()
        else:
            super().keyPressEvent(event)

    def _tint(self) -> None:
        self.forget.setIcon(icons.icon("close"))

    def changeEvent(self, event: QEvent) -> None:
        """Tint the cross anew when the theme changes."""
        if event.type() == QEvent.Type.PaletteChange and hasattr(self, "forget"):
            self._tint()
        super().changeEvent(event)


class CarList(QScrollArea):
    """Shows the entries that ``entries`` gives, anew while it is on the screen.

    Args:
        entries: gives the cars.
        silence: gives a sentence for when there are none, or too few; may be empty.
    """

    chosen = Signal(object)
    forgotten = Signal(str)
    resized = Signal()

    def __init__(
        self, entries: Callable[[], tuple[CarEntry, ...]], silence: Callable[[], str]
    ) -> None:
        super().__init__()
        self._entries, self._silence = entries, silence
        self._rows: list[CarRow] = []
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.viewport().setAutoFillBackground(False)
        self.setAccessibleName("Cars")
        host = QWidget()
        host.setObjectName("plain")
        self._column = QVBoxLayout(host)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(2)
        self._note = label("", size=theme.LABEL, role="secondary", wrap=True)
        self._note.setContentsMargins(0, 4, 0, 4)
        self._column.addWidget(self._note)
        self._column.addStretch(1)
        self.setWidget(host)
        self._timer = QTimer(self)
        self._timer.setInterval(REFRESH)
        self._timer.timeout.connect(self.refresh)
        self.refresh()

    @property
    def rows(self) -> list[CarRow]:
        """The lines that are shown."""
        return [row for row in self._rows if not row.isHidden()]

    @property
    def note(self) -> str:
        """What is said below the cars."""
        return self._note.text()

    def wanted_height(self, width: int) -> int:
        """Pixels that all lines and the note need, ``width`` pixels wide."""
        height = len(self.rows) * (ROW + 2)
        if self._note.text():
            height += self._note.heightForWidth(width) + 2
        return height

    def refresh(self) -> None:
        """Show the cars as they stand now."""
        entries, now = self._entries(), time.time()
        before = (len(self.rows), self._note.text())
        while len(self._rows) < len(entries):
            self._add_row()
        for row, entry in zip(self._rows, entries, strict=False):
            row.show_entry(entry, now)
        for index, row in enumerate(self._rows):
            row.setVisible(index < len(entries))
        silence = self._silence()
        if not entries and not silence:
            silence = "Looking for cars in this network…"
        set_text(self._note, silence)
        self._note.setVisible(bool(silence))
        if before != (len(self.rows), silence):
            self.resized.emit()

    def _add_row(self) -> None:
        row = CarRow()
        row.clicked.connect(lambda _checked=False: self.chosen.emit(row.entry))
        row.forget.clicked.connect(lambda _checked=False: self._forget(row))
        self._rows.append(row)
        self._column.insertWidget(len(self._rows) - 1, row)

    def _forget(self, row: CarRow) -> None:
        self.forgotten.emit(row.entry.address)
        self.refresh()

    def showEvent(self, event: QShowEvent) -> None:
        """Keep it up to date while somebody sees it."""
        super().showEvent(event)
        self.refresh()
        self._timer.start()

    def hideEvent(self, event: QHideEvent) -> None:
        """Nobody sees it."""
        super().hideEvent(event)
        self._timer.stop()
