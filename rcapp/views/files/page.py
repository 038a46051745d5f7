"""What the pages inside the Files tab share: a head with a way back, cards, a strip of words."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QShortcut
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLayout, QPushButton, QVBoxLayout, QWidget

from rcapp.views import icons, theme
from rcapp.views.text import ElidedLabel, label, set_role, set_text


class Page(QWidget):
    """A page inside the tab: a head, and what the kinds of pages put below it.

    Args:
        title: the first line of the head.

    Attributes:
        back: leads to the files.
        column: what lies below the head.
        tools: the right part of the head.
    """

    left = Signal()
    """The person goes back to the files."""

    def __init__(self, title: str) -> None:
        super().__init__()
        self.setObjectName("plain")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.back = QPushButton("Files")
        self.back.setFont(theme.font(theme.BODY, theme.MEDIUM))
        self.back.setIconSize(QSize(16, 16))
        self.back.setToolTip("Back to the files (Alt+←)")
        self.back.clicked.connect(self.left)
        QShortcut(
            "Alt+Left", self, self.left.emit, context=Qt.ShortcutContext.WidgetWithChildrenShortcut
        )
        self.title = ElidedLabel(title, size=20, weight=theme.BOLD)
        self.subtitle = ElidedLabel("", size=theme.LABEL, role="secondary")
        names = QVBoxLayout()
        names.setSpacing(1)
        names.addWidget(self.title)
        names.addWidget(self.subtitle)
        self.tools = QHBoxLayout()
        self.tools.setSpacing(10)
        head = QHBoxLayout()
        head.setSpacing(16)
        head.addWidget(self.back)
        head.addLayout(names, 1)
        head.addLayout(self.tools)
        self.column = QVBoxLayout(self)
        self.column.setContentsMargins(theme.GAP, theme.GAP, theme.GAP, theme.GAP)
        self.column.setSpacing(theme.GAP)
        self.column.addLayout(head)
        self._tint()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Backspace leads back, as it leads out of a folder."""
        if event.key() == Qt.Key.Key_Backspace:
            self.left.emit()
        else:
            super().keyPressEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        """Tint the icon anew when the theme changes."""
        if event.type() == QEvent.Type.PaletteChange and hasattr(self, "back"):
            self._tint()
        super().changeEvent(event)

    def _tint(self) -> None:
        self.back.setIcon(icons.icon("arrow-left", theme.current().text))


class Strip(QFrame):
    """A line that says how things stand and what to do; a colour at its left edge says how much.

    Attributes:
        button: the one thing to do; hidden when there is none.
    """

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("card", True)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.title = label("", size=theme.BODY, weight=theme.SEMIBOLD, wrap=True)
        self.text = label("", size=theme.BODY, role="secondary", wrap=True)
        self.button = QPushButton("")
        self.button.setFont(theme.font(theme.BODY, theme.MEDIUM))
        words = QVBoxLayout()
        words.setSpacing(3)
        words.addWidget(self.title)
        words.addWidget(self.text)
        row = QHBoxLayout(self)
        row.setContentsMargins(20, 12, 16, 12)
        row.setSpacing(16)
        row.addLayout(words, 1)
        row.addWidget(self.button)

    def say(self, title: str, text: str = "", *, role: str = "", button: str = "") -> None:
        """Show other words; ``role`` names the colour of the title."""
        set_text(self.title, title)
        set_role(self.title, role)
        set_text(self.text, text)
        self.text.setVisible(bool(text))
        if self.button.text() != button:
            self.button.setText(button)
        self.button.setVisible(bool(button))


def card(*, margins: tuple[int, int, int, int] = (20, 14, 20, 14)) -> tuple[QFrame, QVBoxLayout]:
    """A card and the column in it."""
    made = QFrame()
    made.setProperty("card", True)
    made.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
    column = QVBoxLayout(made)
    column.setContentsMargins(*margins)
    column.setSpacing(6)
    return made, column


def button(text: str, *, primary: bool = False) -> QPushButton:
    """A button in the app's type."""
    made = QPushButton(text)
    made.setFont(theme.font(theme.BODY, theme.MEDIUM))
    if primary:
        made.setProperty("kind", "primary")
    return made


def plain(layout: QLayout) -> QWidget:
    """A widget without a look of its own around a layout."""
    made = QWidget()
    made.setObjectName("plain")
    made.setLayout(layout)
    return made
