"""The small parts of the top bar: dot, car chip, state chip, figure, STOP."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QMenu,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from rcapp.views import icons, theme
from rcapp.views.text import ElidedLabel, FigureLabel, label, set_role, set_text

LEAST_MORE = 50
"""Pixels below which the quiet word of a chip says nothing any more."""

LEVELS = ("good", "warn", "bad", "secondary", "accent")


class Dot(QWidget):
    """A round light in one of the theme's colours."""

    def __init__(self, level: str = "secondary") -> None:
        super().__init__()
        self._level = level
        self.setFixedSize(10, 10)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)

    def set_level(self, level: str) -> None:
        """Show another colour."""
        if level != self._level:
            self._level = level
            self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the light."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(getattr(theme.current(), self._level)))
        painter.drawEllipse(QRectF(self.rect()))


class MenuChip(QToolButton):
    """A chip that opens a menu: a light, a strong word, a quiet one, an arrow.

    Args:
        menu: what it opens.
        what: of what it tells, for screen readers.
        narrowest, widest: pixels.
    """

    def __init__(self, menu: QMenu, what: str, narrowest: int, widest: int) -> None:
        super().__init__()
        self.setObjectName("chip")
        self._what = what
        self._narrowest, self._widest = narrowest, widest
        self.setAccessibleName(f"{what}: none")
        self.setMenu(menu)
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setFixedHeight(38)
        self.setMinimumWidth(narrowest)
        self.setMaximumWidth(widest)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self._dot = Dot()
        self._name = ElidedLabel("", size=theme.TITLE, weight=theme.SEMIBOLD)
        self._more = ElidedLabel("", size=theme.LABEL, role="secondary")
        self._more.least = LEAST_MORE
        self._arrow = QLabel()
        layout = QHBoxLayout(self)
        layout.setContentsMargins(14, 0, 10, 0)
        layout.setSpacing(9)
        for part in (self._dot, self._name, self._more):
            layout.addWidget(part)
        layout.addStretch(1)
        layout.addWidget(self._arrow)
        for quiet in (self._name, self._more, self._arrow):
            quiet.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._tint()

    @property
    def said(self) -> str:
        """The strong word and the quiet one."""
        return f"{self._name.text()} {self._more.text()}".strip()

    def show_words(self, name: str, more: str, level: str) -> None:
        """Show other words, or another light."""
        self._dot.set_level(level)
        if (name, more) != (self._name.text(), self._more.text()):
            self._name.setText(name)
            self._more.setText(more)
            self._more.setVisible(bool(more))
            self._make_room(self.width())
            self.setAccessibleName(f"{self._what}: {name} {more}".strip())
            self.updateGeometry()

    def sizeHint(self) -> QSize:
        """Room for both words."""
        more = self._more.sizeHint().width() + 9 if self._more.text() else 0
        return QSize(min(self._widest, max(self._narrowest, self._bare() + more)), 38)

    def _bare(self) -> int:
        """Pixels without the quiet word."""
        return 14 + 10 + 9 + self._name.sizeHint().width() + 9 + 18 + 10

    def _make_room(self, width: int) -> None:
        """The quiet word goes before the strong one is cut."""
        bare, name = self._bare(), self._name.sizeHint().width()
        self._name.setMinimumWidth(max(24, min(name, width - bare + name)))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Give the strong word what it needs."""
        self._make_room(event.size().width())
        super().resizeEvent(event)

    def minimumSizeHint(self) -> QSize:
        """Room for a part of the strong word."""
        return QSize(self._narrowest, 38)

    def _tint(self) -> None:
        self._arrow.setPixmap(icons.pixmap("chevron-down", theme.current().secondary, 18, 2.0))

    def changeEvent(self, event: QEvent) -> None:
        """Tint the arrow anew when the theme changes."""
        if event.type() == QEvent.Type.PaletteChange and hasattr(self, "_arrow"):
            self._tint()
        super().changeEvent(event)


class CarChip(MenuChip):
    """Which car it is; opens the menu of cars."""

    def __init__(self, menu: QMenu) -> None:
        super().__init__(menu, "Car", 150, 320)
        self.show_words("No car", "", "secondary")


class DriverChip(MenuChip):
    """Who drives, and with what; opens the menu of the wheel."""

    def __init__(self, menu: QMenu) -> None:
        super().__init__(menu, "Driver", 150, 360)
        self.show_words("Nobody drives", "", "secondary")


class StateChip(QFrame):
    """One word about the state, on a fill of its colour."""

    def __init__(self) -> None:
        super().__init__()
        self._level = ""
        self._dot = Dot()
        self._word = label("NO CAR", size=14, weight=theme.SEMIBOLD)
        self.setFixedHeight(38)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(14, 0, 16, 0)
        layout.setSpacing(9)
        layout.addWidget(self._dot)
        layout.addWidget(self._word)
        self.show_state("NO CAR", "secondary")

    @property
    def word(self) -> str:
        """What it says."""
        return self._word.text()

    def show_state(self, word: str, level: str) -> None:
        """Say ``word`` in the colour ``level``."""
        set_text(self._word, word)
        self.setAccessibleName(f"State: {word}")
        if level != self._level:
            self._level = level
            self._dot.set_level(level)
            set_role(self._word, "" if level == "secondary" else level)
            self.setProperty("chip", level)
            self.style().unpolish(self)
            self.style().polish(self)


class Figure(QWidget):
    """A small label with its value below; as wide as its widest value, so nothing moves."""

    def __init__(self, name: str, widest: str, tip: str) -> None:
        super().__init__()
        self._name = label(name, size=theme.LABEL, role="secondary")
        self._value = FigureLabel("–", widest=widest)
        self.setToolTip(tip)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addStretch(1)
        layout.addWidget(self._name)
        layout.addWidget(self._value)
        layout.addStretch(1)

    @property
    def value(self) -> str:
        """What it shows."""
        return self._value.text()

    def show_value(self, value: str, role: str = "text", name: str = "") -> None:
        """Show another value; ``name`` changes the label above it."""
        self._value.show_text(value, role)
        if name:
            set_text(self._name, name)
        self.setAccessibleName(f"{self._name.text()}: {value}")


class StopButton(QPushButton):
    """STOP: always red, always there, always does the same."""

    def __init__(self) -> None:
        super().__init__("STOP")
        self.setObjectName("stop")
        self.setFixedSize(108, 40)
        made = theme.font(theme.STRONG, theme.BOLD)
        made.setLetterSpacing(QFont.SpacingType.AbsoluteSpacing, 1.0)
        self.setFont(made)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAccessibleName("STOP the car")
        self.setToolTip("Stop the car (Esc)")
