"""Taking the wheel from somebody: an owner says why, and everybody sees it."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QLineEdit, QWidget

from rcapp.views import theme
from rcapp.views.dialogs import AppDialog, dialog_button
from rcapp.views.text import label

LONGEST_REASON = 120


class ForceDialog(AppDialog):
    """Asks for the reason.

    Args:
        driver: who drives now.
        parent: the window it belongs to.
    """

    force_wanted = Signal(str)

    def __init__(self, driver: str, parent: QWidget) -> None:
        super().__init__(f"Take the wheel from {driver}", parent)
        self.setFixedWidth(460)
        self.column.addWidget(
            label(
                f"The car goes to neutral at once, and {driver} is told why. "
                "Asking for the wheel is the friendlier way.",
                wrap=True,
            )
        )
        self.column.addSpacing(4)
        self.column.addWidget(
            label("Reason, which everybody sees", size=theme.LABEL, role="secondary")
        )
        self.reason = QLineEdit()
        self.reason.setMaxLength(LONGEST_REASON)
        self.reason.setPlaceholderText("The car is about to leave the yard")
        self.reason.setAccessibleName("Reason for taking the wheel")
        self.reason.textChanged.connect(self._changed)
        self.column.addWidget(self.reason)
        self.ok = dialog_button("Take the wheel", primary=True)
        self.ok.clicked.connect(self._accepted)
        cancel = dialog_button("Cancel")
        cancel.clicked.connect(self.reject)
        self.add_buttons(cancel, self.ok)
        self._changed()
        self.reason.setFocus()

    def _changed(self) -> None:
        self.ok.setEnabled(bool(self.reason.text().strip()))

    def _accepted(self) -> None:
        self.force_wanted.emit(self.reason.text().strip())
        self.accept()
