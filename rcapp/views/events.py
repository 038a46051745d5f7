"""What happened, newest last: a strip at the foot, or a list where the panel is tall."""

from __future__ import annotations

from collections import deque

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QHelpEvent, QPainter, QPaintEvent, QWheelEvent
from PySide6.QtWidgets import QToolTip, QWidget

from rcapp.core.events import Event, EventLog
from rcapp.views import theme
from rcapp.views.hud import PaintedText
from rcapp.views.words import clock

ROW = 26
COLUMN = 420
SIDE = 16
LEVELS = {"good": "good", "info": "accent", "warn": "warn", "bad": "bad"}
WORDS = {"good": "Good", "info": "Note", "warn": "Warning", "bad": "Problem"}


class EventsPanel(QWidget):
    """Paints the newest events into as many columns and rows as there is room for.

    Attributes:
        texts: what the last painting wrote and where.
    """

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[PaintedText] = []
        self._log: EventLog | None = None
        self._next = 0
        self._back = 0
        self._places_shown: list[tuple[QRectF, str]] = []
        self._events: deque[Event] = deque(maxlen=500)
        self.setMinimumSize(220, ROW + 10)
        self.setAccessibleName("Events")

    def sizeHint(self) -> QSize:
        """One row."""
        return QSize(600, ROW + 10)

    @property
    def newest(self) -> str:
        """Text of the newest event, or empty."""
        return self._events[-1].text if self._events else ""

    def follow(self, log: EventLog) -> None:
        """Take over what is new in ``log``."""
        if log is not self._log:
            self._log, self._next = log, 0
            self._events.clear()
        fresh = log.since(self._next)
        if not fresh:
            return
        self._next = fresh[-1].index + 1
        self._events.extend(fresh)
        self.setAccessibleDescription(f"{WORDS[fresh[-1].level]}: {fresh[-1].text}")
        self.update()

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Look back, or towards now again."""
        columns, rows = self._places()
        step = columns if rows > 1 else 1
        back = self._back + (step if event.angleDelta().y() > 0 else -step)
        self._back = max(0, min(back, len(self._events) - columns * rows))
        self.update()

    def event(self, event: QEvent) -> bool:
        """Show the whole sentence of an event that was elided, under the pointer."""
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            place = QPointF(event.pos())
            full = next((text for rect, text in self._places_shown if rect.contains(place)), "")
            QToolTip.showText(event.globalPos(), full, self)
            return True
        return super().event(event)

    def _places(self) -> tuple[int, int]:
        width = self.width() - 2 * SIDE
        return max(1, width // COLUMN), max(1, (self.height() - 8) // ROW)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Dot, time and sentence of each event."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        colours = theme.current()
        self.texts = []
        if not self._events:
            self._write(
                painter,
                QRectF(SIDE, 0, self.width() - 2 * SIDE, ROW),
                "Nothing has happened yet.",
                colours.secondary,
                theme.LABEL,
            )
            return
        columns, rows = self._places()
        end = len(self._events) - self._back
        shown = list(self._events)[max(0, end - columns * rows) : end]
        width = (self.width() - 2 * SIDE) / columns
        self._places_shown = []
        for number, event in enumerate(shown):
            place = QRectF(SIDE + number % columns * width, number // columns * ROW, width, ROW)
            self._event(painter, place, event)
            self._places_shown.append((place, event.text))

    def _event(self, painter: QPainter, place: QRectF, event: Event) -> None:
        colours = theme.current()
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(getattr(colours, LEVELS[event.level])))
        centre = QPointF(place.left() + 5, place.center().y())
        if event.level in ("warn", "bad"):
            # A shape of its own, for eyes that do not tell the colours apart.
            half = 4.5
            painter.drawPolygon(
                [
                    centre + QPointF(0, -half),
                    centre + QPointF(half + 0.5, half - 0.5),
                    centre + QPointF(-half - 0.5, half - 0.5),
                ]
            )
        else:
            painter.drawEllipse(centre, 4.0, 4.0)
        rest = place.adjusted(18, 0, 0, 0)
        used = self._write(painter, rest, clock(event.time), colours.secondary, theme.LABEL)
        rest.adjust(used + 7, 0, -12, 0)
        self._write(painter, rest, event.text, colours.text, theme.BODY)

    def _write(self, painter: QPainter, place: QRectF, text: str, colour: str, size: int) -> float:
        painter.setFont(theme.font(size))
        painter.setPen(QColor(colour))
        metrics = painter.fontMetrics()
        text = metrics.elidedText(text, Qt.TextElideMode.ElideRight, int(place.width()))
        flags = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        painter.drawText(place, int(flags), text)
        width = float(metrics.horizontalAdvance(text))
        rect = QRectF(place.left(), place.center().y() - size / 2, width, size)
        card = QColor(theme.current().card)
        self.texts.append(PaintedText(text, rect, QColor(colour), card))
        return width
