"""Controls that Qt does not have in this form."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QAbstractButton,
    QButtonGroup,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QSlider,
    QWidget,
)

from rcapp.views import theme
from rcapp.views.text import label


class Segments(QFrame):
    """A row of buttons of which one is chosen."""

    chosen = Signal(str)

    def __init__(self, choices: list[tuple[str, str]], name: str) -> None:
        super().__init__()
        self.setObjectName("segments")
        self.setAccessibleName(name)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self._group = QButtonGroup(self)
        self._buttons: dict[str, QPushButton] = {}
        row = QHBoxLayout(self)
        row.setContentsMargins(3, 3, 3, 3)
        row.setSpacing(2)
        for value, text in choices:
            button = QPushButton(text)
            button.setProperty("segment", True)
            button.setProperty("value", value)
            button.setCheckable(True)
            button.setFont(theme.font(theme.BODY, theme.MEDIUM))
            self._group.addButton(button)
            self._buttons[value] = button
            row.addWidget(button)
        self._group.buttonClicked.connect(self._clicked)

    def choose(self, value: str) -> None:
        """Show ``value`` as chosen, without saying so."""
        if value in self._buttons:
            self._buttons[value].setChecked(True)

    def _clicked(self, button: QAbstractButton) -> None:
        self.chosen.emit(str(button.property("value")))


class AxisBar(QWidget):
    """A value from -1 to 1 as a bar that grows from its middle."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._value: float | None = None
        self.setFixedHeight(14)
        self.setMinimumWidth(140)
        self.setAccessibleName(name)

    def sizeHint(self) -> QSize:
        """Wide enough to see a tenth."""
        return QSize(240, 14)

    def show_value(self, value: float | None) -> None:
        """Show another value; None while there is nothing to read."""
        if value != self._value:
            self._value = value
            self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Track, bar, middle."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        colours = theme.current()
        track = QRectF(self.rect()).adjusted(0, 2, 0, -2)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(colours.field_line))
        painter.drawRoundedRect(track, 5, 5)
        middle = track.center().x()
        if self._value:
            end = middle + max(-1.0, min(1.0, self._value)) * track.width() / 2
            painter.setBrush(QColor(colours.accent))
            left, right = min(middle, end), max(middle, end)
            painter.drawRoundedRect(QRectF(left, track.top(), right - left, track.height()), 3, 3)
        painter.setBrush(QColor(colours.text))
        painter.drawRect(QRectF(middle - 1, 0, 2, self.height()))


class PercentSlider(QWidget):
    """A slider with its value beside it; values are fractions."""

    changed = Signal(float)

    def __init__(self, name: str, highest: float) -> None:
        super().__init__()
        self._slider = QSlider(Qt.Orientation.Horizontal)
        self._slider.setRange(0, round(highest * 100))
        self._slider.setPageStep(5)
        self._slider.setFixedWidth(240)
        self._slider.setAccessibleName(name)
        self._value: QLabel = label("0 %", size=theme.BODY, weight=theme.SEMIBOLD)
        self._value.setMinimumWidth(44)
        self._slider.valueChanged.connect(self._moved)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(14)
        row.addWidget(self._slider)
        row.addWidget(self._value)
        row.addStretch(1)

    def set_value(self, value: float) -> None:
        """Show ``value``."""
        self._slider.setValue(round(value * 100))
        self._value.setText(f"{self._slider.value()} %")

    def _moved(self, value: int) -> None:
        self._value.setText(f"{value} %")
        self.changed.emit(value / 100)
