"""The list of keys, as the help dialog and the settings show it."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QWidget

from rcapp.views import theme
from rcapp.views.keys import KEY_HELP
from rcapp.views.text import label


class KeysTable(QWidget):
    """Groups of keys with what they do."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("plain")
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(20)
        grid.setVerticalSpacing(4)
        grid.setColumnStretch(2, 1)
        group = ""
        for row, (name, keys, meaning) in enumerate(KEY_HELP):
            if name != group:
                title = label(name, size=theme.LABEL, weight=theme.SEMIBOLD, role="secondary")
                grid.addWidget(title, row, 0)
                grid.setRowMinimumHeight(row, 30 if row else 0)
                group = name
            grid.addLayout(_caps(keys), row, 1)
            grid.addWidget(label(meaning, size=theme.BODY), row, 2)


def _caps(keys: tuple[str, ...]) -> QHBoxLayout:
    row = QHBoxLayout()
    row.setSpacing(5)
    for key in keys:
        cap: QLabel = label(key, size=theme.LABEL, weight=theme.SEMIBOLD, role="key")
        cap.setAlignment(Qt.AlignmentFlag.AlignCenter)
        cap.setMinimumWidth(28)
        cap.setFixedHeight(24)
        row.addWidget(cap)
    row.addStretch(1)
    return row
