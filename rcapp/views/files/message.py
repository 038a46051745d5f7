"""What stands where there is nothing to list: an icon, what is so, and what can be done."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from rcapp.views import icons, theme
from rcapp.views.text import label, set_role, set_text

WIDTH = 400


class EmptyMessage(QWidget):
    """Stands in the middle of the room there is; room that is short leaves out the icon.

    Attributes:
        button: the one thing that can be done; hidden when there is none.
    """

    def __init__(self) -> None:
        super().__init__()
        self._icon = _Icon()
        self._title = label("", size=theme.TITLE, weight=theme.SEMIBOLD)
        self._text = label("", size=theme.BODY, role="secondary", wrap=True)
        self._text.setMaximumWidth(WIDTH)
        self.button = QPushButton("")
        self.button.setFont(theme.font(theme.BODY, theme.MEDIUM))
        for shown in (self._title, self._text):
            shown.setAlignment(Qt.AlignmentFlag.AlignCenter)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 4, 16, 12)
        column.setSpacing(6)
        column.addStretch(1)
        middle = Qt.AlignmentFlag.AlignHCenter
        column.addWidget(self._icon, 0, middle)
        column.addWidget(self._title, 0, middle)
        row = QHBoxLayout()
        row.addStretch(1)
        row.addWidget(self._text, 100)
        row.addStretch(1)
        column.addLayout(row)
        column.addSpacing(4)
        column.addWidget(self.button, 0, middle)
        column.addStretch(1)

    @property
    def texts(self) -> tuple[str, str]:
        """Title and sentence."""
        return self._title.text(), self._text.text()

    def say(
        self, icon: str, title: str, text: str = "", *, button: str = "", role: str = ""
    ) -> None:
        """Show other words; ``role`` names the colour of the title."""
        self._icon.show_icon(icon)
        set_text(self._title, title)
        set_role(self._title, role)
        set_text(self._text, text)
        self._text.setVisible(bool(text))
        self.button.setText(button)
        self.button.setVisible(bool(button))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Leave out the icon where there is little room."""
        self._icon.setVisible(self.height() >= 190)
        super().resizeEvent(event)

    def minimumSizeHint(self) -> QSize:
        """Nothing is pushed aside for it."""
        return QSize(160, 90)


class _Icon(QWidget):
    def __init__(self) -> None:
        super().__init__()
        self._name = "folder"
        self.setFixedSize(44, 44)

    def show_icon(self, name: str) -> None:
        if name != self._name:
            self._name = name
            self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        colours = theme.current()
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(colours.field))
        painter.drawEllipse(QRectF(self.rect()))
        inner = QRect(11, 11, 22, 22)
        painter.drawPixmap(
            inner, icons.pixmap(self._name, colours.secondary, 22, self.devicePixelRatioF())
        )

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.PaletteChange:
            self.update()
        super().changeEvent(event)
