"""The camera picture with its figures: the one widget that has the keys while driving."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import (
    QColor,
    QImage,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPen,
    QPolygonF,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from rcapp.core.state import Frame, Link
from rcapp.views import theme
from rcapp.views.hud import HudPainter, HudState

STALE_SHADE = QColor(8, 12, 16, 130)
LOST_SHADE = QColor(8, 12, 16, 165)
STOP_FRAME = 6
STRIP_PIXELS = 60_000
"""Qt gives a piece of 64 K pixels or more to its thread pool."""

FRAME_DUE = 0.1
"""While frames come faster than this (seconds), figures are painted together with them."""


class PictureView(QWidget):
    """Shows the newest frame, never as live when it is not.

    Args:
        on_painted: called once for each frame, when it is on the screen.

    Attributes:
        hud: what painted the figures, with the texts of the last painting.
        fill: crop the picture to fill the widget instead of showing all of it.
    """

    def __init__(self, on_painted: Callable[[Frame], None] | None = None) -> None:
        super().__init__()
        self.hud = HudPainter()
        self.fill = False
        self._on_painted = on_painted
        self._frame: Frame | None = None
        self._image: QImage | None = None
        self._grey: QImage | None = None
        self._unpainted = False
        self._painted_at = 0.0
        self._state = HudState()
        self._stopped = False
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(320, 240)
        self.setAccessibleName("Camera picture")
        self.setAccessibleDescription(
            "Arrow keys or W A S D drive the car while this has the focus. "
            "Space and Escape stop it."
        )

    def sizeHint(self) -> QSize:
        """The size of a common camera."""
        return QSize(640, 480)

    @property
    def frame_shown(self) -> Frame | None:
        """The newest frame that was set, if any."""
        return self._frame

    def set_frame(self, frame: Frame) -> None:
        """Show ``frame`` at the next paint; an earlier one that was not painted is dropped."""
        self._frame = frame
        self._grey = None
        # The QImage keeps the array alive, and a frame's array is never written to again.
        self._image = QImage(
            frame.image,  # type: ignore[call-overload]
            frame.width,
            frame.height,
            4 * frame.width,
            QImage.Format.Format_RGB32,
        )
        self._unpainted = True
        self.update()

    def forget_frame(self) -> None:
        """Show no picture: the person left the car."""
        if self._image is not None:
            self._frame = self._image = self._grey = None
            self._unpainted = False
            self.update()

    @property
    def state(self) -> HudState:
        """What the figures say."""
        return self._state

    def set_state(self, state: HudState, stopped: bool) -> None:
        """Say something else; while frames come it is painted together with the next one."""
        if state == self._state and stopped == self._stopped:
            return
        waits = state.link is Link.LIVE and state.link is self._state.link
        waits = waits and stopped == self._stopped and self._image is not None
        self._state, self._stopped = state, stopped
        if not waits or time.monotonic() - self._painted_at > FRAME_DUE:
            self.update()

    def set_fill(self, fill: bool) -> None:
        """Fill the widget with the picture (cropped), or show the whole picture."""
        self.fill = fill
        self.update()

    def picture_rect(self) -> QRectF:
        """Where the picture goes, in widget coordinates; larger than the widget when cropped."""
        if self._image is None:
            return QRectF(self.rect())
        width, height = self._image.width(), self._image.height()
        ratios = (self.width() / width, self.height() / height)
        scale = max(ratios) if self.fill else min(ratios)
        made = QRectF(0, 0, width * scale, height * scale)
        made.moveCenter(QRectF(self.rect()).center())
        return made

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Picture, shade, figures, corners; in this order and in one go."""
        painter = QPainter(self)
        colours = theme.current()
        area = QRectF(self.rect())
        image = self._shown_image()
        if image is None:
            self.hud.texts = []
            painter.fillRect(area, QColor(colours.picture))
            _empty_road(painter, area)
        else:
            target = self.picture_rect()
            if not self.fill:
                painter.fillRect(area, QColor(colours.picture))
            _draw_in_strips(painter, area, target, image)
            self._shade(painter, target)
            self.hud.paint(painter, area, self._state)
        if self._stopped:
            _frame(painter, area, QColor(colours.stop))
        _round_corners(painter, area, QColor(colours.ground))
        painter.end()
        self._painted_at = time.monotonic()
        if self._unpainted and self._frame is not None:
            self._unpainted = False
            if self._on_painted is not None:
                self._on_painted(self._frame)

    def _shown_image(self) -> QImage | None:
        if self._image is None:
            return None
        if self._state.link in (Link.LIVE, Link.STALE):
            return self._image
        if self._grey is None:
            self._grey = self._image.convertToFormat(QImage.Format.Format_Grayscale8)
        return self._grey

    def _shade(self, painter: QPainter, target: QRectF) -> None:
        if self._state.link is Link.LIVE:
            return
        painter.fillRect(target, STALE_SHADE if self._state.link is Link.STALE else LOST_SHADE)


def _draw_in_strips(painter: QPainter, area: QRectF, target: QRectF, image: QImage) -> None:
    """Scale ``image`` into ``target`` by pieces that Qt does not spread over its thread pool.

    On a computer whose cores are busy, waiting for the pool takes longer than doing it here.
    """
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
    seen = target.intersected(area)
    rows = max(1, int(STRIP_PIXELS / max(1.0, seen.width())))
    top = int(seen.top())
    while top < seen.bottom():
        painter.setClipRect(QRectF(seen.left(), top, seen.width(), rows))
        painter.drawImage(target, image)
        top += rows
    painter.setClipping(False)


def _frame(painter: QPainter, area: QRectF, colour: QColor) -> None:
    half = STOP_FRAME / 2
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(colour, STOP_FRAME))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRoundedRect(area.adjusted(half, half, -half, -half), 8, 8)


@functools.lru_cache(maxsize=4)
def _corners(width: float, height: float) -> QPainterPath:
    radius = float(theme.RADIUS_CARD)
    whole, inside = QPainterPath(), QPainterPath()
    for x in (0.0, width - radius):
        for y in (0.0, height - radius):
            whole.addRect(QRectF(x, y, radius, radius))
    inside.addRoundedRect(QRectF(0, 0, width, height), radius, radius)
    return whole.subtracted(inside)


def _round_corners(painter: QPainter, area: QRectF, outside: QColor) -> None:
    """Paint over the corners: clipping the picture to a path would cost a slow blit."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.fillPath(_corners(area.width(), area.height()), outside)


def _empty_road(painter: QPainter, area: QRectF) -> None:
    """A road in the dark: what stands behind the first steps, so that the place says its use."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    horizon = area.top() + area.height() * 0.36
    middle, foot = area.center().x(), area.bottom()

    def strip(near_left: float, near_right: float, top: float, bottom: float) -> QPolygonF:
        def point(offset: float, depth: float) -> QPointF:
            near = middle + offset * area.width()
            return QPointF(middle + (near - middle) * depth, horizon + (foot - horizon) * depth)

        return QPolygonF(
            [
                point(near_left, top),
                point(near_right, top),
                point(near_right, bottom),
                point(near_left, bottom),
            ]
        )

    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(255, 255, 255, 7))
    painter.drawRect(QRectF(area.left(), horizon, area.width(), foot - horizon))
    painter.setBrush(QColor(255, 255, 255, 9))
    painter.drawPolygon(strip(-0.48, 0.48, 0.02, 1.0))
    painter.setBrush(QColor(255, 255, 255, 20))
    for side in (-0.5, 0.48):
        painter.drawPolygon(strip(side, side + 0.02, 0.02, 1.0))
    depth = 0.03
    while depth < 1.0:
        painter.drawPolygon(strip(-0.008, 0.008, depth, min(1.0, depth * 1.45)))
        depth *= 2.1
