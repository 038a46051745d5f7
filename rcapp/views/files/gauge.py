"""How full the car is, as a bar with the two marks of the backup."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from rcapp.core.files import words
from rcapp.core.files.storage import Storage
from rcapp.views import theme
from rcapp.views.hud import PaintedText

OVER, BAR, BELOW = 8, 18, 24
"""Pixels: how far the marks stand out above, the bar, the words of the marks below."""


class StorageGauge(QWidget):
    """Paints a :class:`Storage`.

    Attributes:
        texts: what the last painting wrote and where.
    """

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[PaintedText] = []
        self._storage = Storage()
        self._after: float | None = None
        self.setFixedHeight(OVER + BAR + BELOW)
        self.setMinimumWidth(260)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Storage")

    def sizeHint(self) -> QSize:
        """As wide as there is room."""
        return QSize(600, OVER + BAR + BELOW)

    def show_storage(self, storage: Storage, after: float | None = None) -> None:
        """Show another state.

        Args:
            storage: how full it is.
            after: how full the car will be when the backup is done, 0 to 1, or None.
        """
        if storage != self._storage or after != self._after:
            self._storage, self._after = storage, after
            usage = storage.usage
            said = "unknown" if usage is None else f"{words.share(usage.share)} used"
            self.setAccessibleDescription(said)
            self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Track, what is used, what stays after the backup, marks and their words."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        colours, storage = theme.current(), self._storage
        self.texts = []
        track = QRectF(0, OVER, self.width(), BAR)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(colours.field_line))
        painter.drawRoundedRect(track, BAR / 2, BAR / 2)
        usage = storage.usage
        if usage is not None:
            fill = QColor(getattr(colours, storage.level))
            painter.save()
            painter.setClipRect(QRectF(0, OVER, track.width() * min(1.0, usage.share), BAR))
            painter.setBrush(fill)
            painter.drawRoundedRect(track, BAR / 2, BAR / 2)
            painter.restore()
            self._paint_going(painter, track, usage.share)
        self._paint_marks(painter, track)

    def _paint_going(self, painter: QPainter, track: QRectF, share: float) -> None:
        """The part that the backup would free, hatched: it is still there."""
        if self._after is None or self._after >= share:
            return
        left, right = track.width() * self._after, track.width() * share
        hatch = QColor(theme.current().card)
        hatch.setAlphaF(0.35)
        painter.save()
        painter.setClipRect(QRectF(left, track.top(), right - left, track.height()))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        pen = painter.pen()
        pen.setColor(hatch)
        pen.setStyle(Qt.PenStyle.SolidLine)
        pen.setWidth(3)
        painter.setPen(pen)
        x = left - track.height()
        while x < right:
            painter.drawLine(int(x), int(track.bottom()), int(x + BAR), int(track.top()))
            x += 9
        painter.restore()
        painter.setPen(Qt.PenStyle.NoPen)

    def _paint_marks(self, painter: QPainter, track: QRectF) -> None:
        colours, storage = theme.current(), self._storage
        painter.setFont(theme.font(theme.LABEL))
        metrics = painter.fontMetrics()
        told = [(storage.low, "stop"), (storage.high, "start")]
        places = [track.width() * share for share, _ in told]
        texts = [f"{words.mark(share)} {what}" for share, what in told]
        widths = [metrics.horizontalAdvance(text) for text in texts]
        lefts = [
            max(0.0, min(track.width() - width, place - width / 2))
            for place, width in zip(places, widths, strict=True)
        ]
        # Close to each other, the words stand left and right of their marks.
        if lefts[0] + widths[0] + 10 > lefts[1]:
            lefts[0] = max(0.0, places[0] - widths[0] - 4)
            lefts[1] = min(track.width() - widths[1], max(places[1], lefts[0] + widths[0] + 10))
        for place, left, width, text in zip(places, lefts, widths, texts, strict=True):
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(colours.text))
            x = min(track.width() - 2, max(0.0, place - 1))
            painter.drawRect(QRectF(x, track.top() - OVER, 2, BAR + 2 * OVER - 2))
            rect = QRectF(left, track.bottom() + OVER - 1, width + 1, metrics.height())
            painter.setPen(QColor(colours.secondary))
            painter.drawText(rect, int(Qt.AlignmentFlag.AlignLeft), text)
            ink, card = QColor(colours.secondary), QColor(colours.card)
            self.texts.append(PaintedText(text, rect, ink, card))
