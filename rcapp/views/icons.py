"""Own SVG icons, tinted in the theme's colours."""

from __future__ import annotations

import functools

from PySide6.QtCore import QByteArray, QRectF, QSize, Qt
from PySide6.QtGui import QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

from rcapp.views import theme
from rcapp.views.assets import assets_dir


@functools.cache
def _source(name: str) -> str:
    return (assets_dir() / "icons" / f"{name}.svg").read_text(encoding="utf-8")


@functools.lru_cache(maxsize=256)
def pixmap(name: str, colour: str, size: int = 20, ratio: float = 1.0) -> QPixmap:
    """The icon ``name`` drawn in ``colour``, ``size`` logical pixels wide."""
    made = QPixmap(QSize(round(size * ratio), round(size * ratio)))
    made.fill(Qt.GlobalColor.transparent)
    painter = QPainter(made)
    renderer = QSvgRenderer(QByteArray(_source(name).replace("#000000", colour).encode()))
    renderer.render(painter, QRectF(made.rect()))
    painter.end()
    made.setDevicePixelRatio(ratio)
    return made


def icon(name: str, colour: str | None = None, active: str | None = None) -> QIcon:
    """An icon for actions and buttons, sharp at one, two and three times the pixels.

    Args:
        name: file name in ``assets/icons`` without its ending.
        colour: ``#RRGGBB``; the theme's secondary text when left out.
        active: colour of the checked state, where it differs.
    """
    made = QIcon()
    plain = colour or theme.current().secondary
    for ratio in (1.0, 2.0, 3.0):
        for size in (16, 20, 28):
            made.addPixmap(pixmap(name, plain, size, ratio))
            made.addPixmap(pixmap(name, plain, size, ratio), QIcon.Mode.Disabled)
            if active:
                shown = pixmap(name, active, size, ratio)
                made.addPixmap(shown, QIcon.Mode.Normal, QIcon.State.On)
    return made


def app_icon() -> QIcon:
    """The icon of the window and the task bar."""
    return QIcon(str(assets_dir() / "icons" / "app.svg"))
