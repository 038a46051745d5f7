"""The figures painted over the picture.

Everything is drawn in the same paint event as the picture, because a widget over a
changing picture would be composed anew for every frame. Sizes follow the height of the
picture, so the figures stay in proportion from a laptop to a wall.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontMetricsF,
    QLinearGradient,
    QPainter,
    QPainterPath,
    QPen,
)

from rcapp.core.state import Link
from rcapp.views import theme
from rcapp.views.words import figure, signed

INK = QColor("#FFFFFF")
SOFT = QColor("#C9D3DC")
PLATE = QColor(13, 18, 24, 217)
OUTLINE = QColor(8, 12, 16, 205)
COLOURS = {
    "good": QColor("#3DD68C"),
    "warn": QColor("#F5B83D"),
    "bad": QColor("#FF7A7F"),
    "accent": QColor("#5AB0F6"),
}
FULL_SIZE_HEIGHT = 640.0
"""Height of the picture (px) at which the figures have the sizes of the design."""

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


@functools.lru_cache(maxsize=128)
def _outlined(text: str, size: int, weight: QFont.Weight) -> QPainterPath:
    path = QPainterPath()
    path.addText(0.0, 0.0, _metrics(size, weight)[0], text)
    return path


class HudPainter:
    """Paints one :class:`HudState` into a rectangle.

    Attributes:
        texts: what the last :meth:`paint` wrote and where.
    """

    def __init__(self) -> None:
        self.texts: list[PaintedText] = []
        self._scale = 1.0

    def paint(self, painter: QPainter, area: QRectF, state: HudState) -> None:
        """Draw all figures inside ``area``."""
        self.texts = []
        self._scale = min(1.7, max(0.72, area.height() / FULL_SIZE_HEIGHT))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._shade(painter, area)
        inner = area.adjusted(*(self._px(v) for v in (16, 16, -16, -16)))
        used = self._link_chip(painter, inner, state)
        self._figures_chip(painter, inner, state, used)
        if state.link not in (Link.LIVE, Link.STALE):
            # What the car does now is unknown: an old figure would be a lie.
            return
        self._speed(painter, inner, state)
        self._steer(painter, inner, state)
        self._throttle(painter, inner, state)

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

    def _plain(
        self,
        painter: QPainter,
        at: QPointF,
        text: str,
        size: int,
        weight: QFont.Weight,
        ink: QColor,
    ) -> float:
        """Text on a plate; ``at`` is the left end of its base line. Returns its width."""
        made, metrics = _metrics(self._size(size), weight)
        painter.setFont(made)
        painter.setPen(ink)
        painter.drawText(at, text)
        width = metrics.horizontalAdvance(text)
        self._note(text, at, width, metrics, ink, PLATE)
        return width

    def _free(
        self,
        painter: QPainter,
        at: QPointF,
        text: str,
        size: int,
        weight: QFont.Weight,
        ink: QColor,
    ) -> float:
        """Text on the bare picture, with a dark outline. Returns its width."""
        real = self._size(size)
        _, metrics = _metrics(real, weight)
        path = _outlined(text, real, weight)
        painter.save()
        painter.translate(at)
        pen = QPen(OUTLINE, 3.0 if real < 30 else 4.0)
        pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
        painter.strokePath(path, pen)
        painter.fillPath(path, ink)
        painter.restore()
        width = metrics.horizontalAdvance(text)
        self._note(text, at, width, metrics, ink, OUTLINE)
        return width

    def _note(
        self,
        text: str,
        at: QPointF,
        width: float,
        metrics: QFontMetricsF,
        ink: QColor,
        behind: QColor,
    ) -> None:
        tight = metrics.tightBoundingRect(text)
        rect = QRectF(at.x(), at.y() + tight.top(), width, tight.height())
        self.texts.append(PaintedText(text, rect, ink, behind))

    def _plate(self, painter: QPainter, rect: QRectF) -> None:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(PLATE)
        painter.drawRoundedRect(rect, self._px(8), self._px(8))

    def _link_chip(self, painter: QPainter, area: QRectF, state: HudState) -> float:
        """The state of the picture; returns the right edge of the chip."""
        bold = _metrics(self._size(13), theme.SEMIBOLD)[1]
        thin = _metrics(self._size(12), theme.REGULAR)[1]
        dot, gap = self._px(10), self._px(8)
        width = self._px(24) + dot + gap + bold.horizontalAdvance(state.headline)
        if state.detail:
            width += self._px(10) + thin.horizontalAdvance(state.detail)
        plate = QRectF(area.left(), area.top(), width, self._px(32))
        self._plate(painter, plate)
        colour = COLOURS[state.level]
        painter.setBrush(colour)
        x = plate.left() + self._px(12)
        painter.drawEllipse(QRectF(x, plate.center().y() - dot / 2, dot, dot))
        x += dot + gap
        base = plate.center().y() + bold.capHeight() / 2
        ink = INK if state.link is Link.LIVE else colour
        x += self._plain(painter, QPointF(x, base), state.headline, 13, theme.SEMIBOLD, ink)
        if state.detail:
            at = QPointF(x + self._px(10), base)
            self._plain(painter, at, state.detail, 12, theme.REGULAR, SOFT)
        return plate.right()

    def _figures_chip(self, painter: QPainter, area: QRectF, state: HudState, used: float) -> None:
        """Label and value pairs at the right; the last ones go where room is short."""
        bold = _metrics(self._size(13), theme.SEMIBOLD)[1]
        thin = _metrics(self._size(12), theme.REGULAR)[1]
        between, near = self._px(16), self._px(6)
        shown = list(state.figures)
        while shown:
            width = self._px(24) + between * (len(shown) - 1)
            for name, value in shown:
                width += thin.horizontalAdvance(name) + near + bold.horizontalAdvance(value)
            if area.right() - width >= used + self._px(12):
                break
            shown.pop()
        if not shown:
            return
        plate = QRectF(area.right() - width, area.top(), width, self._px(32))
        self._plate(painter, plate)
        x = plate.left() + self._px(12)
        base = plate.center().y() + bold.capHeight() / 2
        for name, value in shown:
            x += self._plain(painter, QPointF(x, base), name, 12, theme.REGULAR, SOFT) + near
            x += self._plain(painter, QPointF(x, base), value, 13, theme.SEMIBOLD, INK) + between

    def _speed(self, painter: QPainter, area: QRectF, state: HudState) -> None:
        base = QPointF(area.left() + self._px(12), area.bottom() - self._px(34))
        text = "–" if state.speed is None else figure(state.speed, 1)
        width = self._free(painter, base, text, theme.SPEED, theme.BOLD, INK)
        unit = QPointF(base.x() + width + self._px(6), base.y())
        self._free(painter, unit, "m/s", theme.STRONG, theme.SEMIBOLD, INK)
        caption = state.hint or state.caption
        if caption:
            at = QPointF(base.x() + self._px(2), area.bottom() - self._px(10))
            ink = COLOURS["warn"] if state.hint else INK
            self._free(painter, at, caption, 13, theme.MEDIUM, ink)

    def _steer(self, painter: QPainter, area: QRectF, state: HudState) -> None:
        """An arc: the filled part is what the car does, the knob what is asked for."""
        radius, half = self._px(184), 42.0
        centre = QPointF(area.center().x(), area.bottom() - self._px(112) + radius)
        circle = QRectF(centre.x() - radius, centre.y() - radius, 2 * radius, 2 * radius)

        def arc(start: float, span: float, width: float, colour: QColor) -> None:
            pen = QPen(colour, self._px(width), Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap)
            painter.setPen(pen)
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawArc(circle, round(start * 16), round(span * 16))

        def at(value: float, out: float = 0.0) -> QPointF:
            angle = math.radians(value * half)
            reach = radius + self._px(out)
            return QPointF(
                centre.x() + reach * math.sin(angle), centre.y() - reach * math.cos(angle)
            )

        arc(90 - half, 2 * half, 11, QColor(13, 18, 24, 190))
        arc(90 - half, 2 * half, 3, QColor(190, 200, 208, 170))
        if abs(state.car_steer) > 0.005:
            arc(90, -state.car_steer * half, 7, COLOURS["accent"])
        painter.setPen(QPen(INK, self._px(2)))
        painter.drawLine(at(0.0, 11), at(0.0, -11))
        painter.setPen(QPen(INK, self._px(2)))
        painter.setBrush(COLOURS["accent"])
        painter.drawEllipse(at(state.steer), self._px(9.5), self._px(9.5))
        text = f"steer {signed(state.steer)}"
        width = _metrics(self._size(13), theme.SEMIBOLD)[1].horizontalAdvance(text)
        base = QPointF(centre.x() - width / 2, centre.y() - radius + self._px(44))
        self._free(painter, base, text, 13, theme.SEMIBOLD, INK)

    def _throttle(self, painter: QPainter, area: QRectF, state: HudState) -> None:
        """A bar: green forward, amber reverse; the white line is neutral."""
        plate = QRectF(0, 0, self._px(40), self._px(168))
        plate.moveBottomRight(QPointF(area.right() - self._px(8), area.bottom()))
        self._plate(painter, plate)
        track = plate.adjusted(*(self._px(v) for v in (8, 8, -8, -8)))
        painter.setBrush(QColor(40, 52, 63, 230))
        painter.drawRoundedRect(track, self._px(4), self._px(4))
        zero = track.top() + track.height() * THROTTLE_ZERO

        def height(value: float) -> float:
            room = zero - track.top() if value >= 0 else track.bottom() - zero
            return zero - max(-1.0, min(1.0, value)) * room

        forward = state.car_throttle >= 0
        if abs(state.car_throttle) > 0.005:
            bar = QRectF(track.left(), zero, track.width(), 0.0)
            bar.setTop(min(zero, height(state.car_throttle)))
            bar.setBottom(max(zero, height(state.car_throttle)))
            painter.setBrush(COLOURS["good" if forward else "warn"])
            painter.drawRoundedRect(bar, self._px(4), self._px(4))
        painter.setPen(QPen(INK, self._px(2)))
        left, right = plate.left() + self._px(4), plate.right() - self._px(4)
        painter.drawLine(QPointF(left, zero), QPointF(right, zero))
        text = signed(state.throttle)
        _, metrics = _metrics(self._size(13), theme.SEMIBOLD)
        x = plate.left() - self._px(8) - metrics.horizontalAdvance(text)
        base = QPointF(x, height(state.throttle) + metrics.capHeight() / 2)
        self._free(painter, base, text, 13, theme.SEMIBOLD, INK)
