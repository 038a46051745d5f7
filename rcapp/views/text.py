"""Labels of the few kinds that the app uses."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QLabel, QSizePolicy, QWidget

from rcapp.views import theme


def label(
    text: str = "",
    *,
    size: int = theme.BODY,
    weight: QFont.Weight = theme.REGULAR,
    role: str = "",
    wrap: bool = False,
    parent: QWidget | None = None,
) -> QLabel:
    """A label; ``role`` is the name of its colour in the style sheet (``"secondary"``...)."""
    made = QLabel(text, parent)
    made.setTextFormat(Qt.TextFormat.PlainText)
    made.setFont(theme.font(size, weight))
    made.setWordWrap(wrap)
    if role:
        made.setProperty("role", role)
    return made


def set_role(widget: QWidget, role: str) -> None:
    """Change the colour of a label at run time."""
    if widget.property("role") != role:
        widget.setProperty("role", role)
        widget.style().unpolish(widget)
        widget.style().polish(widget)


def set_text(shown: QLabel, text: str) -> None:
    """Set the text only when it differs: an equal text would still cost a layout."""
    if shown.text() != text:
        shown.setText(text)


def rule() -> QFrame:
    """A thin line between parts of a card."""
    made = QFrame()
    made.setProperty("rule", True)
    made.setFixedHeight(1)
    return made


class FigureLabel(QWidget):
    """A figure that changes many times a second without moving anything.

    A QLabel asks every layout above it to think again at each new text; this only paints
    itself, and asks for room when a text is wider than any before.

    Args:
        text: shown at first.
        widest: room is kept for this text.
        right: aligned to the right edge instead of the left one.
    """

    def __init__(
        self,
        text: str = "",
        *,
        size: int = theme.TITLE,
        weight: QFont.Weight = theme.SEMIBOLD,
        widest: str = "",
        right: bool = False,
    ) -> None:
        super().__init__()
        self._text = text
        self._role = "text"
        self._colour = ""
        side = Qt.AlignmentFlag.AlignRight if right else Qt.AlignmentFlag.AlignLeft
        self._flags = side | Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextSingleLine
        self.setFont(theme.font(size, weight))
        self._width = max(self._needs(text), self._needs(widest))
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def _needs(self, text: str) -> int:
        return self.fontMetrics().horizontalAdvance(text) + 2

    def text(self) -> str:
        """What it shows."""
        return self._text

    def colour(self) -> str:
        """The colour of the text."""
        return self._colour or str(getattr(theme.current(), self._role))

    def show_text(self, text: str, role: str = "text") -> None:
        """Show another figure; ``role`` names a colour of the theme."""
        if text == self._text and role == self._role:
            return
        self._text, self._role = text, role
        needs = self._needs(text)
        if needs > self._width:
            self._width = needs
            self.updateGeometry()
        self.update()

    def set_colour(self, colour: str) -> None:
        """Use ``colour`` (``#RRGGBB``) whatever the role; empty goes back to the role."""
        self._colour = colour
        self.update()

    def sizeHint(self) -> QSize:
        """Room for the widest text so far."""
        return QSize(self._width, self.fontMetrics().height())

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the figure."""
        painter = QPainter(self)
        painter.setPen(QColor(self.colour()))
        painter.drawText(self.rect(), int(self._flags), self._text)


class ElidedLabel(QLabel):
    """One line that ends in an ellipsis where room is short; the tool tip has all of it.

    Attributes:
        least: pixels below which it shows nothing, rather than a few letters.
    """

    def __init__(
        self,
        text: str = "",
        *,
        size: int = theme.BODY,
        weight: QFont.Weight = theme.REGULAR,
        role: str = "",
        mode: Qt.TextElideMode = Qt.TextElideMode.ElideRight,
    ) -> None:
        super().__init__(text)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setFont(theme.font(size, weight))
        self.setProperty("role", role)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self._mode = mode
        self.least = 0

    def minimumSizeHint(self) -> QSize:
        """A few characters: the rest may be elided."""
        narrowest = 0 if self.least else self.fontMetrics().averageCharWidth() * 4
        return QSize(narrowest, super().minimumSizeHint().height())

    def sizeHint(self) -> QSize:
        """Room for the whole text, one pixel over so that rounding elides nothing."""
        return QSize(
            self.fontMetrics().horizontalAdvance(self.text()) + 2, super().sizeHint().height()
        )

    def shown_text(self) -> str:
        """What is painted, with its ellipsis if any."""
        if self.width() < min(self.least, self.sizeHint().width()):
            return ""
        return self.fontMetrics().elidedText(self.text(), self._mode, self.width())

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the text, elided to the width there is."""
        shown = self.shown_text()
        self.setToolTip(self.text() if shown != self.text() else "")
        painter = QPainter(self)
        painter.setPen(self.palette().color(self.foregroundRole()))
        painter.drawText(self.rect(), self.alignment() | Qt.TextFlag.TextSingleLine, shown)
