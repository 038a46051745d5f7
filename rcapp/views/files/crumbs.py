"""The way to a folder, each part a button that leads there."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QToolButton, QWidget

from rcapp.core.files.folders import Crumb
from rcapp.views import theme
from rcapp.views.files.table_model import shown
from rcapp.views.text import label

HEIGHT = 24
DOTS = 44
"""Pixels of the button that stands for the parts left out, and of the slash behind it."""


class CrumbButton(QToolButton):
    """One part of the way."""

    def __init__(self, text: str, *, last: bool) -> None:
        super().__init__()
        self.setProperty("crumb", True)
        self.setText(text)
        self.setToolTip(text)
        self.setFixedHeight(HEIGHT)
        self.setFont(theme.font(theme.LABEL, theme.MEDIUM if last else theme.REGULAR))
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAccessibleName(f"Go to {text}")
        self.setMinimumWidth(24)

    def sizeHint(self) -> QSize:
        """The text with a little room around it."""
        return QSize(self.fontMetrics().horizontalAdvance(self.text()) + 10, HEIGHT)


class Crumbs(QWidget):
    """Shows the way to a folder; where room is short the first parts are left out."""

    chosen = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self._crumbs: tuple[Crumb, ...] = ()
        self._width = 0
        self.setFixedHeight(HEIGHT)
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(0)

    def texts(self) -> list[str]:
        """What the parts say, from the left."""
        return [text for text, _ in self._crumbs]

    def show_crumbs(self, crumbs: tuple[Crumb, ...]) -> None:
        """Show another way."""
        if crumbs != self._crumbs:
            self._crumbs = crumbs
            self._lay_out()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Show as many parts as fit."""
        if self.width() != self._width:
            self._lay_out()
        super().resizeEvent(event)

    def minimumSizeHint(self) -> QSize:
        """The rest is left out."""
        return QSize(60, HEIGHT)

    def _lay_out(self) -> None:
        self._width = self.width()
        while (item := self._row.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.hide()
                widget.deleteLater()
        parts = [
            CrumbButton(_fitting(shown(text), self._width), last=place == len(self._crumbs) - 1)
            for place, (text, _) in enumerate(self._crumbs)
        ]
        between = self.fontMetrics().horizontalAdvance("/") + 6
        room, first = self._width, len(parts)
        while first and room - parts[first - 1].sizeHint().width() >= 0:
            first -= 1
            room -= parts[first].sizeHint().width() + between
        first = min(first, max(0, len(parts) - 1))
        while first and room < DOTS and first < len(parts) - 1:
            room += parts[first].sizeHint().width() + between
            first += 1
        if first:
            parts[first - 1].setText("…")
            parts[first - 1].setToolTip(shown(self._crumbs[first - 1][0]))
            first -= 1
        for place, part in enumerate(parts):
            if place < first:
                part.deleteLater()
                continue
            if place > first:
                self._row.addWidget(_slash())
            path = self._crumbs[place][1]
            part.clicked.connect(lambda _checked=False, to=path: self.chosen.emit(to))
            self._row.addWidget(part)
        self._row.addStretch(1)


def _slash() -> QLabel:
    made = label("/", size=theme.LABEL, role="secondary")
    made.setContentsMargins(1, 0, 1, 0)
    return made


def _fitting(text: str, width: int) -> str:
    """A long name must leave room for the dots before it."""
    most = max(8, (width - 60) // 7) if width else 40
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}…"
