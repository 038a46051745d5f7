"""The rail at the left: one button for each view that exists."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QSize, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QToolButton, QVBoxLayout, QWidget

from rcapp.views import icons, theme


class Rail(QWidget):
    """Shows the checkable actions of the views as large buttons.

    Args:
        top: actions shown from the top, as (icon name, action).
        bottom: actions shown at the foot.

    Attributes:
        buttons: (icon name, button) of each, from the top.
    """

    def __init__(self, top: list[tuple[str, QAction]], bottom: list[tuple[str, QAction]]) -> None:
        super().__init__()
        self.setObjectName("rail")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFixedWidth(theme.RAIL_WIDTH)
        self.buttons: list[tuple[str, QToolButton]] = []
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 16, 8, 16)
        layout.setSpacing(12)
        for name, action in top:
            layout.addWidget(self._button(name, action))
        layout.addStretch(1)
        for name, action in bottom:
            layout.addWidget(self._button(name, action))
        self._tint()

    def _button(self, name: str, action: QAction) -> QToolButton:
        made = QToolButton()
        made.setProperty("rail", True)
        made.setText(action.iconText())
        made.setAccessibleName(action.iconText())
        made.setToolTip(f"{action.iconText()} ({action.shortcut().toString()})")
        made.setCheckable(True)
        made.setChecked(action.isChecked())
        made.setIconSize(QSize(28, 28))
        made.setFixedSize(56, 60)
        made.setFont(theme.font(theme.SMALL, theme.MEDIUM))
        made.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextUnderIcon)
        made.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        made.clicked.connect(action.trigger)
        # A click on the chosen view must not unchoose it, so the action leads the button.
        action.toggled.connect(made.setChecked)
        made.clicked.connect(lambda _checked=False: made.setChecked(action.isChecked()))
        self.buttons.append((name, made))
        return made

    def _tint(self) -> None:
        colours = theme.current()
        for name, button in self.buttons:
            button.setIcon(icons.icon(name, colours.secondary, colours.accent))

    def changeEvent(self, event: QEvent) -> None:
        """Tint the icons anew when the theme changes."""
        if event.type() == QEvent.Type.PaletteChange:
            self._tint()
        super().changeEvent(event)
