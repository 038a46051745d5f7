"""What stays on the car and why: one line for each reason, which opens to the names."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QSize, Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QScrollArea, QToolButton, QVBoxLayout, QWidget

from rcapp.core.files import words
from rcapp.core.files.desk_view import StayGroup
from rcapp.views import icons, theme
from rcapp.views.files.table_model import shown
from rcapp.views.text import ElidedLabel, label, set_text

MOST_NAMES = 20
"""Names that are listed of one reason: they tell what kind of files it is about."""


class StayRow(QWidget):
    """One reason.

    Attributes:
        opener: shows the names.
        names: the labels of the names, while they are shown.
    """

    def __init__(self, group: StayGroup) -> None:
        super().__init__()
        self.setObjectName("plain")
        self.group = group
        self.names: list[ElidedLabel] = []
        self.opener = QToolButton()
        self.opener.setProperty("flat", True)
        self.opener.setFixedSize(32, 32)
        self.opener.setIconSize(QSize(16, 16))
        self.opener.setCheckable(True)
        self.opener.setAccessibleName(f"Files that stay: {group.reason}")
        self.opener.setToolTip("Show which")
        self.opener.toggled.connect(self._open)
        reason = ElidedLabel(_sentence(group.reason), size=theme.BODY, weight=theme.MEDIUM)
        count = f"{words.plural(group.files, 'file')} · {words.size(group.bytes)}"
        figures = label(count, size=theme.LABEL, role="secondary")
        head = QHBoxLayout()
        head.setContentsMargins(0, 0, 0, 0)
        head.setSpacing(6)
        head.addWidget(self.opener)
        head.addWidget(reason, 1)
        head.addWidget(figures)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(2)
        self._column.addLayout(head)
        self._tint()

    def _open(self, on: bool) -> None:
        self._tint()
        if on and not self.names:
            listed = [shown(name) for name in self.group.names[:MOST_NAMES]]
            more = self.group.files - len(listed)
            listed += [f"and {words.grouped(more)} more"] if more > 0 else []
            for name in listed:
                middle = Qt.TextElideMode.ElideMiddle
                made = ElidedLabel(name, size=theme.LABEL, role="secondary", mode=middle)
                inset = QHBoxLayout()
                inset.setContentsMargins(38, 0, 0, 0)
                inset.addWidget(made)
                self._column.addLayout(inset)
                self.names.append(made)
        for made in self.names:
            made.setVisible(on)

    def _tint(self) -> None:
        name = "chevron-down" if self.opener.isChecked() else "chevron-right"
        self.opener.setIcon(icons.icon(name))

    def changeEvent(self, event: QEvent) -> None:
        """Tint the icon anew when the theme changes."""
        if event.type() == QEvent.Type.PaletteChange and hasattr(self, "opener"):
            self._tint()
        super().changeEvent(event)


class StayList(QScrollArea):
    """All reasons.

    Attributes:
        rows: one for each reason.
    """

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[StayRow] = []
        self._groups: tuple[StayGroup, ...] | None = None
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.viewport().setAutoFillBackground(False)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        inner = QWidget()
        inner.setObjectName("plain")
        self._column = QVBoxLayout(inner)
        self._column.setContentsMargins(0, 0, 8, 0)
        self._column.setSpacing(2)
        self._nothing = label("Every file may go.", size=theme.BODY, role="secondary", wrap=True)
        self._column.addWidget(self._nothing)
        self._column.addStretch(1)
        self.setWidget(inner)

    def show_groups(self, groups: tuple[StayGroup, ...], nothing: str) -> None:
        """Show other reasons, or a sentence when there are none."""
        set_text(self._nothing, nothing)
        if groups == self._groups:
            return
        self._groups = groups
        for row in self.rows:
            self._column.removeWidget(row)
            row.hide()
            row.deleteLater()
        self.rows = [StayRow(group) for group in groups]
        for place, row in enumerate(self.rows):
            self._column.insertWidget(place, row)
        self._nothing.setVisible(not groups)

    def open_first(self) -> None:
        """Show the names of the reason that keeps most."""
        if self.rows:
            self.rows[0].opener.setChecked(True)


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
