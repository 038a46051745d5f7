"""What dialogs have in common; keys, about. None opens by itself, none while driving."""

from __future__ import annotations

import platform
from importlib import metadata

from PySide6.QtCore import Qt, qVersion
from PySide6.QtWidgets import (
    QDialog,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from rcapp import __version__
from rcapp.views import icons, theme
from rcapp.views.assets import font_licence
from rcapp.views.keys_help import KeysTable
from rcapp.views.text import label

PARTS = (
    ("PySide6-Essentials", "LGPL-3.0"),
    ("pyqtgraph", "MIT"),
    ("opencv-python", "Apache-2.0"),
    ("numpy", "BSD-3-Clause"),
    ("msgpack", "Apache-2.0"),
    ("cryptography", "Apache-2.0"),
    ("spake2", "MIT"),
    ("zeroconf", "LGPL-2.1"),
    ("PySDL2", "public domain"),
    ("platformdirs", "MIT"),
)


class AppDialog(QDialog):
    """A modal dialog in the app's look.

    Args:
        title: title of its window and its first line.
        parent: the window it belongs to.
    """

    def __init__(self, title: str, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self.setModal(True)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.column = QVBoxLayout(self)
        self.column.setContentsMargins(28, 24, 28, 24)
        self.column.setSpacing(10)
        self._title = label(title, size=20, weight=theme.BOLD, wrap=True)
        self.column.addWidget(self._title)

    def add_buttons(self, *buttons: QPushButton) -> None:
        """Buttons at the foot, at the right."""
        row = QHBoxLayout()
        row.setContentsMargins(0, 12, 0, 0)
        row.setSpacing(10)
        row.addStretch(1)
        for button in buttons:
            row.addWidget(button)
        self.column.addLayout(row)


def dialog_button(text: str, *, primary: bool = False) -> QPushButton:
    """A button for the foot of a dialog."""
    made = QPushButton(text)
    made.setFont(theme.font(theme.BODY, theme.SEMIBOLD))
    made.setDefault(primary)
    made.setAutoDefault(primary)
    made.setMinimumWidth(96)
    if primary:
        made.setProperty("kind", "primary")
    return made


class KeysDialog(AppDialog):
    """What every key does."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__("Keys", parent)
        self.setMinimumWidth(500)
        self.column.addSpacing(6)
        self.column.addWidget(KeysTable())
        close = dialog_button("Close", primary=True)
        close.clicked.connect(self.accept)
        self.add_buttons(close)


class AboutDialog(AppDialog):
    """Versions of the parts, and the licences they are under."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__("About this app", parent)
        self.setMinimumWidth(520)
        mark = QLabel()
        mark.setPixmap(icons.app_icon().pixmap(56, 56))
        head = QHBoxLayout()
        head.setSpacing(16)
        head.addWidget(mark)
        words = QVBoxLayout()
        words.setSpacing(2)
        words.addWidget(label(f"rcapp {__version__}", size=theme.STRONG, weight=theme.SEMIBOLD))
        words.addWidget(label("Drives a Raspberry Pi car from the desktop.", size=theme.BODY))
        words.addWidget(label("MIT licence", size=theme.LABEL, role="secondary"))
        head.addLayout(words, 1)
        self.column.addSpacing(4)
        self.column.addLayout(head)
        self.column.addSpacing(6)
        self.column.addLayout(_parts())
        self.column.addSpacing(6)
        self.column.addWidget(
            label("Licence of the Inter typeface", size=theme.LABEL, role="secondary")
        )
        text = QPlainTextEdit(font_licence())
        text.setReadOnly(True)
        text.setFont(theme.font(theme.SMALL))
        text.setFixedHeight(120)
        text.setTabChangesFocus(True)
        text.setAccessibleName("Licence of the Inter typeface")
        self.column.addWidget(text)
        close = dialog_button("Close", primary=True)
        close.clicked.connect(self.accept)
        self.add_buttons(close)
        close.setFocus()


def _parts() -> QGridLayout:
    grid = QGridLayout()
    grid.setHorizontalSpacing(20)
    grid.setVerticalSpacing(4)
    grid.setColumnStretch(2, 1)
    rows = [("Python", platform.python_version(), "PSF-2.0"), ("Qt", qVersion(), "LGPL-3.0")]
    rows += [(name, version(name), licence) for name, licence in PARTS]
    for row, (name, number, licence) in enumerate(rows):
        grid.addWidget(label(name, size=theme.BODY), row, 0)
        grid.addWidget(label(number, size=theme.BODY, weight=theme.MEDIUM), row, 1)
        grid.addWidget(label(licence, size=theme.BODY, role="secondary"), row, 2)
    return grid


def version(distribution: str) -> str:
    """Version of an installed distribution, or a dash where it is not installed."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return "–"
