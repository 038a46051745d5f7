"""How far a job is: one large bar, and one small one for each pair."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPoint, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QHelpEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from rcapp.core.files import words
from rcapp.core.files.engine import Lane
from rcapp.views import theme

LARGE, SMALL, BETWEEN, APART = 10, 4, 8, 8
SILENT = 0.02
"""Least part of a small bar that is seen: a pair that hangs is a pair that is there."""


class JobBars(QWidget):
    """Paints the progress of one job.

    The small bars show the rate of each pair beside that of the fastest: one that hangs is seen.
    """

    def __init__(self) -> None:
        super().__init__()
        self._fraction = 0.0
        self._colour = "good"
        self._lanes: tuple[Lane, ...] = ()
        self.setFixedHeight(LARGE + BETWEEN + SMALL)
        self.setMinimumWidth(120)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        """As wide as there is room."""
        return QSize(420, LARGE + BETWEEN + SMALL)

    def show_progress(self, fraction: float, colour: str, lanes: tuple[Lane, ...]) -> None:
        """Show how far it is, 0 to 1, in a colour of the theme, and what each pair does."""
        if (fraction, colour, lanes) != (self._fraction, self._colour, self._lanes):
            self._fraction, self._colour, self._lanes = fraction, colour, lanes
            self.setAccessibleName(f"{fraction * 100:.0f} %")
            self.update()

    def event(self, event: QEvent) -> bool:
        """Say what the pair under the pointer does."""
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            QToolTip.showText(event.globalPos(), self._told(event.pos()), self)
            return True
        return super().event(event)

    def _told(self, place: QPoint) -> str:
        if not self._lanes or place.y() < LARGE:
            return f"{self._fraction * 100:.0f} %"
        number = min(len(self._lanes) - 1, place.x() * len(self._lanes) // max(1, self.width()))
        lane = self._lanes[number]
        return f"Pair {lane.number}: {words.rate(lane.rate)}, {words.size(lane.bytes)} so far"

    def paintEvent(self, _event: QPaintEvent) -> None:
        """The bars."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        colours = theme.current()
        wide = float(self.width())
        ink = getattr(colours, self._colour)
        self._bar(painter, QRectF(0, 0, wide, LARGE), self._fraction, ink)
        if not self._lanes:
            return
        each = (wide - APART * (len(self._lanes) - 1)) / len(self._lanes)
        fastest = max(lane.rate for lane in self._lanes)
        for place, lane in enumerate(self._lanes):
            rect = QRectF(place * (each + APART), LARGE + BETWEEN, each, SMALL)
            part = lane.rate / fastest if fastest > 0 else 0.0
            self._bar(painter, rect, max(SILENT, part), colours.accent)

    def _bar(self, painter: QPainter, rect: QRectF, part: float, ink: str) -> None:
        round_ = rect.height() / 2
        painter.setBrush(QColor(theme.current().field_line))
        painter.drawRoundedRect(rect, round_, round_)
        if part <= 0:
            return
        painter.save()
        painter.setClipRect(rect.adjusted(0, 0, -rect.width() * (1 - min(1.0, part)), 0))
        painter.setBrush(QColor(ink))
        painter.drawRoundedRect(rect, round_, round_)
        painter.restore()
