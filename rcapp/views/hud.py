"""The figures painted over the picture.

Everything is drawn in the same paint event as the picture, because a widget over a
changing picture would be composed anew for every frame. Sizes follow the height of the
picture, so the figures stay in proportion from a laptop to a wall.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from PySide6.QtCore import QPointF, QRectF, QSizeF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QLinearGradient, QPainter, QPen, QPixmap

from rcapp.core.state import Link
from rcapp.views import theme
from rcapp.views.sprites import SpriteCache
from rcapp.views.words import figure, signed

INK = QColor("#FFFFFF")
SOFT = QColor("#C9D3DC")
PLATE = QColor(13, 18, 24, 217)
OUTLINE = QColor(8, 12, 16, 225)
COLOURS = {
    "good": QColor("#3DD68C"),
    "warn": QColor("#F5B83D"),
    "bad": QColor("#FF7A7F"),
    "accent": QColor("#5AB0F6"),
}
FULL_SIZE_HEIGHT = 640.0
"""Height of the picture (px) at which the figures have the sizes of the design."""

_CHIPS = ("link", "headline", "detail", "figures")
_SPEED = ("speed", "caption", "hint")
_Block = tuple[tuple[Any, ...], list[tuple[QPointF, QPixmap]], list["PaintedText"]]

ARC_HALF = 42.0
"""Degrees from the middle of the steering arc to its end."""

THROTTLE_ZERO = 0.66
"""Where the throttle bar has its zero, from the top: forward gets the larger part."""


@dataclass(frozen=True, slots=True)
class HudState:
    """What the figures say.

    Attributes:
        link: colours and wording of the first chip.
        headline: ``"LIVE"``, ``"STALE 0.8 s"``...
        detail: ``"31 ms · 30 fps"``.
        figures: (label, value) pairs of the chip at the right.
        speed: m/s, or None while unknown.
        caption: the line under the speed.
        hint: what the person could do now; empty for nothing.
        steer, throttle: what is asked for, -1 to 1.
        car_steer, car_throttle: what the car gives its motors, -1 to 1.
    """

    link: Link = Link.IDLE
    headline: str = ""
    detail: str = ""
    figures: tuple[tuple[str, str], ...] = ()
    speed: float | None = None
    caption: str = ""
    hint: str = ""
    steer: float = 0.0
    throttle: float = 0.0
    car_steer: float = 0.0
    car_throttle: float = 0.0

    @property
    def level(self) -> str:
        """Name of the colour that goes with the link."""
        return {Link.LIVE: "good", Link.STALE: "warn", Link.LOST: "bad"}.get(self.link, "warn")


class Text(NamedTuple):
    """Words in a size of the design (px), a weight and a colour."""

    words: str
    size: int
    weight: QFont.Weight
    ink: QColor


@dataclass(frozen=True, slots=True)
class PaintedText:
    """One text of the last painting, so that a check can find overlaps and weak contrast."""

    text: str
    rect: QRectF
    colour: QColor
    behind: QColor


@functools.lru_cache(maxsize=64)
def _metrics(size: int, weight: QFont.Weight) -> tuple[QFont, QFontMetricsF]:
    made = theme.font(size, weight)
    return made, QFontMetricsF(made)


@functools.lru_cache(maxsize=512)
def _measure(text: str, size: int, weight: QFont.Weight) -> tuple[float, QRectF]:
    """Advance of ``text`` and the tight rectangle of its ink, from the start of its base line."""
    metrics = _metrics(size, weight)[1]
    return metrics.horizontalAdvance(text), metrics.tightBoundingRect(text)


class HudPainter:
    """Paints one :class:`HudState` into a rectangle.

    Attributes:
        texts: what the last :meth:`paint` wrote and where.
        sprites: the parts that are drawn already.
    """

    def __init__(self) -> None:
        self.texts: list[PaintedText] = []
        self.sprites = SpriteCache()
        self._scale = 1.0
        self._blocks: dict[tuple[str, ...], _Block] = {}

    def paint(self, painter: QPainter, area: QRectF, state: HudState) -> None:
        """Draw all figures inside ``area``."""
        self.texts = []
        self._scale = min(1.7, max(0.72, area.height() / FULL_SIZE_HEIGHT))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        inner = area.adjusted(*(self._px(v) for v in (16, 16, -16, -16)))
        self._block(painter, inner, state, _CHIPS, self._chips)
        if state.link not in (Link.LIVE, Link.STALE):
            # What the car does now is unknown: an old figure would be a lie.
            return
        self._shade(painter, area)
        self._block(painter, inner, state, _SPEED, self._speed)
        self._steer(painter, inner, state)
        self._throttle(painter, inner, state)
        self.sprites.shown = []

    def _block(
        self,
        painter: QPainter,
        area: QRectF,
        state: HudState,
        depends: tuple[str, ...],
        paint: Callable[[QPainter, QRectF, HudState], None],
    ) -> None:
        """Show again what ``paint`` showed, while nothing it depends on is different."""
        ratio = painter.device().devicePixelRatio()
        key = (area.getRect(), ratio, *(getattr(state, name) for name in depends))
        kept = self._blocks.get(depends)
        if kept is not None and kept[0] == key:
            for at, pixmap in kept[1]:
                painter.drawPixmap(at, pixmap)
            self.texts += kept[2]
            return
        before = len(self.texts)
        self.sprites.shown = []
        paint(painter, area, state)
        self._blocks[depends] = (key, self.sprites.shown, self.texts[before:])
        self.sprites.shown = []

    def _chips(self, painter: QPainter, area: QRectF, state: HudState) -> None:
        used = self._link_chip(painter, area, state)
        self._figures_chip(painter, area, state, used)

    def _px(self, design: float) -> float:
        return design * self._scale

    def _size(self, design: int) -> int:
        return max(11, round(design * self._scale))

    def _shade(self, painter: QPainter, area: QRectF) -> None:
        """Darken the foot of the picture so that light figures stand on any road."""
        height = min(self._px(190), area.height() * 0.4)
        foot = QRectF(area.left(), area.bottom() - height, area.width(), height)
        gradient = QLinearGradient(foot.topLeft(), foot.bottomLeft())
        gradient.setColorAt(0.0, QColor(8, 12, 16, 0))
        gradient.setColorAt(1.0, QColor(8, 12, 16, 190))
        painter.fillRect(foot, gradient)

    def _width(self, text: str, size: int, weight: QFont.Weight) -> float:
        return _measure(text, self._size(size), weight)[0]

    def _free(self, painter: QPainter, at: QPointF, text: Text) -> float:
        """Text on the bare picture, with a dark outline. Returns its width."""
        made = _metrics(self._size(text.size), text.weight)[0]
        # Figures change with every frame; letter by letter they are all drawn already.
        figures = text.words[0] in "+-0123456789"
        pieces = tuple(text.words) if figures else (text.words,)
        x = at.x()
        for piece in pieces:
            here = QPointF(x, at.y())
            x += self.sprites.text(painter, here, piece, made, text.ink, OUTLINE)
        self._note(at, text, OUTLINE)
        return x - at.x()

    def _note(self, at: QPointF, text: Text, behind: QColor) -> None:
        width, tight = _measure(text.words, self._size(text.size), text.weight)
        rect = QRectF(at.x(), at.y() + tight.top(), width, tight.height())
        self.texts.append(PaintedText(text.words, rect, text.ink, behind))

    def _chip(
        self, painter: QPainter, plate: QRectF, texts: list[tuple[float, Text]], dot: QColor | None
    ) -> None:
        """A plate with texts at the given distances from its left edge."""
        cap = _metrics(self._size(13), theme.SEMIBOLD)[1].capHeight()
        base = plate.center().y() + cap / 2
        for x, text in texts:
            self._note(QPointF(plate.left() + x, base), text, PLATE)

        def paint(onto: QPainter) -> None:
            _plate(onto, plate, self._px(8))
            if dot is not None:
                size = self._px(10)
                onto.setBrush(dot)
                left = plate.left() + self._px(12)
                onto.drawEllipse(QRectF(left, plate.center().y() - size / 2, size, size))
            for x, text in texts:
                onto.setFont(_metrics(self._size(text.size), text.weight)[0])
                onto.setPen(text.ink)
                onto.drawText(QPointF(plate.left() + x, base), text.words)

        key = ("chip", tuple((x, t.words, t.ink.rgba()) for x, t in texts), dot and dot.rgba())
        self.sprites.draw(painter, key, plate, paint)

    def _link_chip(self, painter: QPainter, area: QRectF, state: HudState) -> float:
        """The state of the picture; returns the right edge of the chip."""
        colour = COLOURS[state.level]
        ink = INK if state.link is Link.LIVE else colour
        x = self._px(12 + 10 + 8)
        texts = [(x, Text(state.headline, 13, theme.SEMIBOLD, ink))]
        x += self._width(state.headline, 13, theme.SEMIBOLD)
        if state.detail:
            x += self._px(10)
            texts.append((x, Text(state.detail, 12, theme.REGULAR, SOFT)))
            x += self._width(state.detail, 12, theme.REGULAR)
        plate = QRectF(area.left(), area.top(), x + self._px(12), self._px(32))
        self._chip(painter, plate, texts, colour)
        return plate.right()

    def _figures_chip(self, painter: QPainter, area: QRectF, state: HudState, used: float) -> None:
        """Label and value pairs at the right; the last ones go where room is short."""
        between, near = self._px(16), self._px(6)
        shown = list(state.figures)
        while shown:
            texts: list[tuple[float, Text]] = []
            x = self._px(12)
            for name, value in shown:
                texts.append((x, Text(name, 12, theme.REGULAR, SOFT)))
                x += self._width(name, 12, theme.REGULAR) + near
                texts.append((x, Text(value, 13, theme.SEMIBOLD, INK)))
                x += self._width(value, 13, theme.SEMIBOLD) + between
            width = x - between + self._px(12)
            if area.right() - width >= used + self._px(12):
                plate = QRectF(area.right() - width, area.top(), width, self._px(32))
                self._chip(painter, plate, texts, None)
                return
            shown.pop()

    def _speed(self, painter: QPainter, area: QRectF, state: HudState) -> None:
        base = QPointF(area.left() + self._px(12), area.bottom() - self._px(34))
        text = "–" if state.speed is None else figure(state.speed, 1)
        width = self._free(painter, base, Text(text, theme.SPEED, theme.BOLD, INK))
        unit = QPointF(base.x() + width + self._px(6), base.y())
        self._free(painter, unit, Text("m/s", theme.STRONG, theme.SEMIBOLD, INK))
        caption = state.hint or state.caption
        if caption:
            at = QPointF(base.x() + self._px(2), area.bottom() - self._px(10))
            metrics = _metrics(self._size(13), theme.MEDIUM)[1]
            room = area.width() - self._px(76)
            caption = metrics.elidedText(caption, Qt.TextElideMode.ElideRight, room)
            ink = COLOURS["warn"] if state.hint else INK
            self._free(painter, at, Text(caption, 13, theme.MEDIUM, ink))

    def _steer(self, painter: QPainter, area: QRectF, state: HudState) -> None:
        """An arc: the filled part is what the car does, the knob what is asked for."""
        radius = self._px(184)
        centre = QPointF(area.center().x(), area.bottom() - self._px(112) + radius)
        arc = Arc(centre, radius, self._scale)
        box = QRectF(centre.x() - self._px(136), centre.y() - radius - self._px(14), 0, 0)
        box.setSize(QSizeF(self._px(272), self._px(76)))
        self.sprites.draw(painter, "arc", box, arc.paint_track)
        if abs(state.car_steer) > 0.005:
            arc.paint_part(painter, state.car_steer, COLOURS["accent"])
        painter.setPen(QPen(INK, self._px(2)))
        painter.drawLine(arc.at(0.0, 11), arc.at(0.0, -11))
        painter.setBrush(COLOURS["accent"])
        painter.drawEllipse(arc.at(state.steer), self._px(9.5), self._px(9.5))
        value = signed(state.steer)
        word = self._width("steer ", 13, theme.SEMIBOLD)
        width = word + self._width(value, 13, theme.SEMIBOLD)
        at = QPointF(centre.x() - width / 2, centre.y() - radius + self._px(44))
        self._free(painter, at, Text("steer ", 13, theme.SEMIBOLD, INK))
        self._free(painter, at + QPointF(word, 0), Text(value, 13, theme.SEMIBOLD, INK))

    def _throttle(self, painter: QPainter, area: QRectF, state: HudState) -> None:
        """A bar: green forward, amber reverse; the white line is neutral."""
        plate = QRectF(0, 0, self._px(40), self._px(168))
        plate.moveBottomRight(QPointF(area.right() - self._px(8), area.bottom()))
        track = plate.adjusted(*(self._px(v) for v in (8, 8, -8, -8)))

        def paint(onto: QPainter) -> None:
            _plate(onto, plate, self._px(8))
            onto.setBrush(QColor(40, 52, 63, 230))
            onto.drawRoundedRect(track, self._px(4), self._px(4))

        self.sprites.draw(painter, "throttle", plate, paint)
        zero = track.top() + track.height() * THROTTLE_ZERO

        def height(value: float) -> float:
            room = zero - track.top() if value >= 0 else track.bottom() - zero
            return zero - max(-1.0, min(1.0, value)) * room

        end = height(state.car_throttle)
        bar = QRectF(track.left(), min(zero, end), track.width(), abs(end - zero))
        painter.fillRect(bar, COLOURS["good" if state.car_throttle >= 0 else "warn"])
        line = QRectF(plate.left() + self._px(4), zero - self._px(1), self._px(32), self._px(2))
        painter.fillRect(line, INK)
        text = signed(state.throttle)
        x = plate.left() - self._px(8) - self._width(text, 13, theme.SEMIBOLD)
        cap = _metrics(self._size(13), theme.SEMIBOLD)[1].capHeight()
        at = QPointF(x, height(state.throttle) + cap / 2)
        self._free(painter, at, Text(text, 13, theme.SEMIBOLD, INK))


class Arc:
    """The steering arc: where values lie on it, and its parts.

    Args:
        centre: of the circle the arc is a part of.
        radius: of that circle.
        scale: of the figures.
    """

    def __init__(self, centre: QPointF, radius: float, scale: float) -> None:
        self._centre, self._radius, self._scale = centre, radius, scale

    def at(self, value: float, out: float = 0.0) -> QPointF:
        """The place of ``value`` (-1 to 1), ``out`` pixels of the design outside the arc."""
        angle = math.radians(value * ARC_HALF)
        reach = self._radius + out * self._scale
        return self._centre + QPointF(reach * math.sin(angle), -reach * math.cos(angle))

    def paint_track(self, painter: QPainter) -> None:
        """The whole arc, empty."""
        self._paint(painter, 90 - ARC_HALF, 2 * ARC_HALF, 11, QColor(13, 18, 24, 190))
        self._paint(painter, 90 - ARC_HALF, 2 * ARC_HALF, 3, QColor(190, 200, 208, 170))

    def paint_part(self, painter: QPainter, value: float, colour: QColor) -> None:
        """The arc from its middle to ``value``."""
        self._paint(painter, 90, -value * ARC_HALF, 7, colour)

    def _paint(
        self, painter: QPainter, start: float, span: float, width: float, colour: QColor
    ) -> None:
        pen = QPen(colour, width * self._scale, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap)
        painter.setPen(pen)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        around = QRectF(0, 0, 2 * self._radius, 2 * self._radius)
        around.moveCenter(self._centre)
        painter.drawArc(around, round(start * 16), round(span * 16))


def _plate(painter: QPainter, rect: QRectF, radius: float) -> None:
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(PLATE)
    painter.drawRoundedRect(rect, radius, radius)
