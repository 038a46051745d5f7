"""Finds text that is cut, overlaps other text, or is too weak to read.

Works on what is on the screen: the visible widgets of a window, the texts that painted
widgets noted while painting, and the pixels of a picture of the window.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from PySide6.QtCore import QPoint, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QImage
from PySide6.QtWidgets import QAbstractButton, QLabel, QLineEdit, QScrollArea, QToolButton, QWidget

from rcapp.views import theme
from rcapp.views.events import EventsPanel
from rcapp.views.files.band_table import BandTable
from rcapp.views.files.gauge import StorageGauge
from rcapp.views.hud import PaintedText
from rcapp.views.panels import MessagePanel
from rcapp.views.picture import PictureView
from rcapp.views.text import ElidedLabel, FigureLabel
from rcapp.views.wheel_bar import WheelBar

MIN_CONTRAST = 4.5
SHORTEST_ELIDED = 3
"""An elided text with fewer letters left says nothing any more."""


@dataclass(frozen=True, slots=True)
class ShownText:
    """A text on the screen.

    Attributes:
        text: what it says.
        rect: where its letters are, in coordinates of the window.
        owner: the widget that shows it.
        painted: given where a widget painted it itself: its colours.
    """

    text: str
    rect: QRect
    owner: QWidget
    painted: PaintedText | None = None


def check_window(window: QWidget, image: QImage) -> list[str]:
    """Everything wrong with the texts of ``window``, of which ``image`` is a picture."""
    texts = shown_texts(window)
    found = cut_texts(window) + overlapping(texts)
    return found + weak_texts(texts, image)


def check_theme(shown: theme.Theme) -> list[str]:
    """Pairs of colours of a theme that are too close to each other."""
    return [
        f"{shown.name}: {what} has {theme.contrast(ink, surface):.2f}:1"
        for what, ink, surface in theme.text_pairs(shown)
        if theme.contrast(ink, surface) < MIN_CONTRAST
    ]


def _visible(window: QWidget) -> list[QWidget]:
    """Visible widgets of this window that are not scrolled or clipped away altogether."""
    return [
        widget
        for widget in window.findChildren(QWidget)
        if widget.isVisible() and widget.window() is window and not widget.visibleRegion().isEmpty()
    ]


def text_of(widget: QWidget) -> str:
    """What a widget of a known kind shows as text; empty for the others."""
    if isinstance(widget, ElidedLabel):
        return widget.shown_text()
    if isinstance(widget, (QLabel, FigureLabel)):
        return widget.text()
    if isinstance(widget, QToolButton):
        under = widget.toolButtonStyle() != Qt.ToolButtonStyle.ToolButtonIconOnly
        return widget.text() if under else ""
    if isinstance(widget, QAbstractButton):
        return widget.text()
    if isinstance(widget, QLineEdit):
        return widget.text() or widget.placeholderText()
    return ""


def _scrolls(widget: QWidget) -> bool:
    parent = widget.parentWidget()
    while parent is not None:
        if isinstance(parent, QScrollArea):
            return True
        parent = parent.parentWidget()
    return False


def cut_texts(window: QWidget) -> list[str]:
    """Texts that do not fit their widget, or whose widget sticks out of its parents."""
    found = []
    for widget in _visible(window):
        text = text_of(widget)
        if not text:
            continue
        if _too_small(widget, text):
            found.append(f"cut: {text!r} needs more than {widget.width()} x {widget.height()}")
        elif not _scrolls(widget) and widget.visibleRegion().boundingRect() != widget.rect():
            found.append(f"cut: {text!r} sticks out of what holds it")
        elif isinstance(widget, ElidedLabel) and text != widget.text():
            left = len(text.rstrip("…").strip())
            if left < SHORTEST_ELIDED:
                found.append(f"cut: of {widget.text()!r} only {text!r} is left")
    return found


def _too_small(widget: QWidget, text: str) -> bool:
    metrics = widget.fontMetrics()
    if isinstance(widget, QLabel) and widget.wordWrap():
        return widget.heightForWidth(widget.width()) > widget.height() + 1
    wide = max(metrics.horizontalAdvance(line) for line in text.replace("&", "").split("\n"))
    if isinstance(widget, QLabel) and not isinstance(widget, ElidedLabel):
        inner = widget.contentsRect().width()
    elif isinstance(widget, QAbstractButton) and not isinstance(widget, QToolButton):
        icon = widget.iconSize().width() + 4 if not widget.icon().isNull() else 0
        inner = widget.width() - icon
    else:
        inner = widget.width()
    return wide > inner + 1 or metrics.ascent() > widget.height()


def shown_texts(window: QWidget) -> list[ShownText]:
    """All texts of ``window`` with the place of their letters."""
    found = []
    for widget in _visible(window):
        origin = widget.mapTo(window, QPoint(0, 0))
        if isinstance(widget, (PictureView, EventsPanel, BandTable, StorageGauge)):
            painted = widget.hud.texts if isinstance(widget, PictureView) else widget.texts
            for one in painted:
                rect = one.rect.translated(origin).toAlignedRect()
                found.append(ShownText(one.text, rect, widget, one))
            continue
        text = text_of(widget)
        if text:
            region = widget.visibleRegion().boundingRect().translated(origin)
            letters = _letters(widget, text).translated(origin)
            rect = letters.intersected(region)
            # A line that is half scrolled away is neither cut nor to be read.
            if not rect.isEmpty() and (rect == letters or not _scrolls(widget)):
                found.append(ShownText(text, rect, widget))
    return found


def _letters(widget: QWidget, text: str) -> QRect:
    """Where the letters of ``text`` are inside ``widget``."""
    metrics = widget.fontMetrics()
    if isinstance(widget, QLabel):
        flags = widget.alignment()
        if widget.wordWrap():
            return metrics.boundingRect(
                widget.contentsRect(), int(flags | Qt.TextFlag.TextWordWrap), text
            )
        return metrics.boundingRect(widget.contentsRect(), int(flags), text)
    if isinstance(widget, (FigureLabel, QLineEdit)):
        return widget.rect().adjusted(1, 1, -1, -1)
    inner = widget.rect()
    if isinstance(widget, QToolButton):
        return QRect(
            inner.left(), inner.bottom() - metrics.height() - 4, inner.width(), metrics.height()
        )
    if isinstance(widget, QAbstractButton) and widget.property("row"):
        inner = inner.adjusted(8 + widget.iconSize().width(), 0, 0, 0)
        side = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        return metrics.boundingRect(inner, int(side), text)
    return metrics.boundingRect(inner, int(Qt.AlignmentFlag.AlignCenter), text)


def _layer(shown: ShownText) -> QWidget | None:
    """What over the picture a text belongs to, if anything: it hides what is below."""
    widget: QWidget | None = shown.owner
    while widget is not None:
        if isinstance(widget, (MessagePanel, WheelBar)):
            return widget
        widget = widget.parentWidget()
    return None


def overlapping(texts: list[ShownText]) -> list[str]:
    """Pairs of texts of one layer whose letters touch the same pixels."""
    found = []
    for index, one in enumerate(texts):
        for other in texts[index + 1 :]:
            if one.owner is other.owner and one.painted is None:
                continue
            if _layer(one) is not _layer(other):
                continue
            both = one.rect.intersected(other.rect)
            if both.width() > 1 and both.height() > 2:
                found.append(f"overlap: {one.text!r} and {other.text!r}")
    return found


def weak_texts(texts: list[ShownText], image: QImage) -> list[str]:
    """Texts that stand too little apart from what is behind them."""
    found = []
    for one in texts:
        if one.painted is not None and isinstance(one.owner, PictureView):
            # The picture may be anything: judged before the brightest there could be.
            ink, behind = one.painted.colour, over(one.painted.behind, QColor("white"))
            value = theme.contrast(ink, behind)
        else:
            value = sampled_contrast(image, one.rect)
        if value < MIN_CONTRAST:
            found.append(f"contrast: {one.text!r} has {value:.2f}:1")
    return found


def over(top: QColor, below: QColor) -> QColor:
    """The colour of a translucent colour over another."""
    part = top.alphaF()
    channels = (
        (top.redF(), below.redF()),
        (top.greenF(), below.greenF()),
        (top.blueF(), below.blueF()),
    )
    return QColor.fromRgbF(*(part * a + (1 - part) * b for a, b in channels))


def sampled_contrast(image: QImage, rect: QRect) -> float:
    """Contrast of the most frequent colour in ``rect`` and the one farthest from it."""
    ratio = image.devicePixelRatio()
    area = QRectF(rect.x() * ratio, rect.y() * ratio, rect.width() * ratio, rect.height() * ratio)
    inside = area.toAlignedRect().intersected(image.rect())
    colours: Counter[int] = Counter()
    for y in range(inside.top(), inside.bottom() + 1):
        for x in range(inside.left(), inside.right() + 1):
            colours[image.pixel(x, y)] += 1
    if not colours:
        return 21.0
    behind = QColor.fromRgb(colours.most_common(1)[0][0])
    return max(theme.contrast(QColor.fromRgb(colour), behind) for colour in colours)
