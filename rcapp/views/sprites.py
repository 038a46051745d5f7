"""Small pictures drawn once and shown many times.

Outlines around letters and round plates cost a millisecond each to rasterise, and the
figures over the picture are painted thirty times a second; most of them say the same as
in the frame before.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import NamedTuple

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPainterPath, QPen, QPixmap

KEPT = 400
"""Pictures kept: all letters in all sizes in use, and the last chips."""


class Sprite(NamedTuple):
    """A picture and where its reference point lies in it, in logical pixels."""

    pixmap: QPixmap
    origin: QPointF
    advance: float


class SpriteCache:
    """Keeps the pictures used last.

    Attributes:
        made: pictures drawn so far.
        shown: (place, picture) of everything shown since it was last replaced by a new list.
    """

    def __init__(self) -> None:
        self.made = 0
        self.shown: list[tuple[QPointF, QPixmap]] = []
        self._kept: OrderedDict[Hashable, Sprite] = OrderedDict()

    def draw(
        self,
        painter: QPainter,
        key: Hashable,
        rect: QRectF,
        paint: Callable[[QPainter], None],
    ) -> None:
        """Show what ``paint`` draws inside ``rect``; painted only if ``key`` is new.

        The place is not part of the key: ``paint`` is called with ``rect`` moved so that its
        fraction of a pixel stays, and draws in the coordinates of the widget.
        """
        ratio = painter.device().devicePixelRatio()
        full = (key, ratio, round(rect.width(), 2), round(rect.height(), 2))
        sprite = self._kept.get(full)
        if sprite is None:
            sprite = _record(rect, ratio, paint)
            self._keep(full, sprite)
        else:
            self._kept.move_to_end(full)
        self._show(painter, _whole(rect.topLeft()) - sprite.origin, sprite.pixmap)

    def text(
        self,
        painter: QPainter,
        at: QPointF,
        text: str,
        made: QFont,
        ink: QColor,
        outline: QColor,
    ) -> float:
        """Show ``text`` with an outline, its base line starting at ``at``; returns its width."""
        ratio = painter.device().devicePixelRatio()
        key = (text, made.pixelSize(), made.weight(), ink.rgba(), ratio)
        sprite = self._kept.get(key)
        if sprite is None:
            sprite = _outlined(text, made, ink, outline, ratio)
            self._keep(key, sprite)
        else:
            self._kept.move_to_end(key)
        self._show(painter, _whole(at) - sprite.origin, sprite.pixmap)
        return sprite.advance

    def _show(self, painter: QPainter, at: QPointF, pixmap: QPixmap) -> None:
        painter.drawPixmap(at, pixmap)
        self.shown.append((at, pixmap))

    def _keep(self, key: Hashable, sprite: Sprite) -> None:
        self.made += 1
        self._kept[key] = sprite
        if len(self._kept) > KEPT:
            self._kept.popitem(last=False)


def _whole(point: QPointF) -> QPointF:
    """A pixmap between two pixels would be blurred."""
    return QPointF(round(point.x()), round(point.y()))


def _blank(width: float, height: float, ratio: float) -> QPixmap:
    made = QPixmap(math.ceil(width * ratio), math.ceil(height * ratio))
    made.setDevicePixelRatio(ratio)
    made.fill(Qt.GlobalColor.transparent)
    return made


def _record(rect: QRectF, ratio: float, paint: Callable[[QPainter], None]) -> Sprite:
    edge = 2.0
    pixmap = _blank(rect.width() + 2 * edge + 1, rect.height() + 2 * edge + 1, ratio)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    whole = _whole(rect.topLeft())
    painter.translate(edge - whole.x(), edge - whole.y())
    paint(painter)
    painter.end()
    return Sprite(pixmap, QPointF(edge, edge), rect.width())


def _outlined(text: str, made: QFont, ink: QColor, outline: QColor, ratio: float) -> Sprite:
    metrics = QFontMetricsF(made)
    edge = 4.0
    advance = metrics.horizontalAdvance(text)
    pixmap = _blank(advance + 2 * edge, metrics.height() + 2 * edge, ratio)
    origin = QPointF(edge, edge + metrics.ascent())
    path = QPainterPath()
    path.addText(origin, made, text)
    pen = QPen(outline, min(4.5, max(3.0, made.pixelSize() * 0.22)))
    pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.strokePath(path, pen)
    painter.fillPath(path, ink)
    painter.end()
    return Sprite(pixmap, _whole(origin), advance)
