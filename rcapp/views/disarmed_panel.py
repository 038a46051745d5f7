"""What keeps the car from moving: why it is disarmed or stopped, and what to do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from rcapp.views import theme
from rcapp.views.panels import MessagePanel, PanelButton
from rcapp.views.text import label, set_text

if TYPE_CHECKING:
    from pynet.rc.messages import Refusal

MOST_REFUSALS = 4


class RefusalRow(QWidget):
    """One reason: its number, what is wrong, what to do."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("plain")
        self._number = label("", size=theme.LABEL, weight=theme.SEMIBOLD, role="key")
        self._number.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._number.setFixedSize(30, 24)
        self._sentence = label("", weight=theme.SEMIBOLD, wrap=True)
        self._remedy = label("", size=theme.LABEL, role="secondary", wrap=True)
        words = QVBoxLayout()
        words.setSpacing(1)
        words.addWidget(self._sentence)
        words.addWidget(self._remedy)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(10)
        row.addWidget(self._number, 0, Qt.AlignmentFlag.AlignTop)
        row.addLayout(words, 1)

    def show_refusal(self, refusal: Refusal) -> None:
        """Show another reason."""
        set_text(self._number, str(refusal.number))
        set_text(self._sentence, refusal.sentence)
        set_text(self._remedy, refusal.remedy)


class RefusalList(QWidget):
    """Numbered reasons why the car cannot be armed, each with its remedy."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("plain")
        self._shown: tuple[Refusal, ...] = ()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 6, 0, 0)
        column.setSpacing(10)
        self._rows = [RefusalRow() for _ in range(MOST_REFUSALS)]
        for row in self._rows:
            column.addWidget(row)
            row.hide()
        self.hide()

    @property
    def shown(self) -> tuple[Refusal, ...]:
        """What it lists."""
        return self._shown

    def show_refusals(self, refusals: tuple[Refusal, ...]) -> None:
        """List others."""
        if refusals == self._shown:
            return
        self._shown = refusals
        for index, row in enumerate(self._rows):
            if index < len(refusals):
                row.show_refusal(refusals[index])
            row.setVisible(index < len(refusals))
        self.setVisible(bool(refusals))
        for part in (*self._rows, self):
            layout = part.layout()
            if layout is not None:
                layout.activate()  # the panel around it asks for its height at once


class ArmPanel(MessagePanel):
    """A car that does not move, and the button that changes that.

    Args:
        title: the first line.
        kind, role: see :class:`~rcapp.views.panels.MessagePanel`.
    """

    WIDTH = 460

    arm_wanted = Signal()
    leave_wanted = Signal()

    def __init__(self, title: str, *, kind: str, role: str) -> None:
        super().__init__(title, kind=kind, role=role)
        self.add_line(strong=True)
        self.add_line(role="secondary")
        self.add_line(role="secondary")
        self.refusals = RefusalList()
        self._layout.addWidget(self.refusals)
        self.arm = PanelButton("Arm · Return", primary=True)
        self.arm.clicked.connect(self.arm_wanted)
        self.leave = PanelButton("Let go of the wheel")
        self.leave.clicked.connect(self.leave_wanted)
        self.add_buttons(self.arm, self.leave)

    def offer(self, *, arm: str, ready: bool, leave: bool) -> None:
        """Show the buttons that make sense now.

        Args:
            arm: text of the button that arms, empty for none.
            ready: it would be armed.
            leave: the wheel can be let go.
        """
        self.arm.setText(arm)
        self.arm.setVisible(bool(arm))
        self.arm.setEnabled(ready)
        self.leave.setVisible(leave)
