"""A panel of the Drive view: a dock with a head that looks like the head of a card."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QSize, Qt
from PySide6.QtWidgets import QDockWidget, QHBoxLayout, QToolButton, QVBoxLayout, QWidget

from rcapp.views import icons, theme
from rcapp.views.text import ElidedLabel, FigureLabel


class PanelDock(QDockWidget):
    """Hide it with its cross, move it by its head, resize it at its edge.

    Args:
        title: what the head says.
        name: identifies the panel in the stored layout; never change it.
        inner: what it shows.
    """

    def __init__(self, title: str, name: str, inner: QWidget) -> None:
        super().__init__(title)
        self.setObjectName(name)
        features = QDockWidget.DockWidgetFeature
        self.setFeatures(features.DockWidgetClosable | features.DockWidgetMovable)
        # Its room is kept from the start: the head of a dock is not always laid out again.
        self._note = FigureLabel(
            size=theme.LABEL, weight=theme.REGULAR, widest="last 60 s · P pauses", right=True
        )
        self._close = QToolButton()
        self._close.setProperty("flat", True)
        self._close.setFixedSize(32, 32)
        self._close.setIconSize(QSize(16, 16))
        self._close.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._close.setToolTip(f"Hide {title.lower()} (View menu brings it back)")
        self._close.setAccessibleName(f"Hide {title.lower()}")
        self._close.clicked.connect(self.close)
        head = QWidget()
        head.setObjectName("dockHead")
        head.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        head.setCursor(Qt.CursorShape.SizeAllCursor)
        self._close.setCursor(Qt.CursorShape.ArrowCursor)
        row = QHBoxLayout(head)
        row.setContentsMargins(16, 6, 8, 2)
        row.addWidget(ElidedLabel(title, size=theme.TITLE, weight=theme.SEMIBOLD))
        row.addStretch(1)
        row.addWidget(self._note)
        row.addWidget(self._close)
        body = QWidget()
        body.setObjectName("dockBody")
        body.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        column = QVBoxLayout(body)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(inner)
        self.setTitleBarWidget(head)
        self.setWidget(body)
        self._tint()

    def show_note(self, note: str) -> None:
        """The small words at the right of the head."""
        self._note.show_text(note, "secondary")

    @property
    def note(self) -> str:
        """The small words shown now."""
        return self._note.text()

    def _tint(self) -> None:
        self._close.setIcon(icons.icon("close"))

    def changeEvent(self, event: QEvent) -> None:
        """Tint the cross anew when the theme changes."""
        if event.type() == QEvent.Type.PaletteChange and hasattr(self, "_close"):
            self._tint()
        super().changeEvent(event)
