"""What keeps the car from moving: why it is disarmed or stopped, and what to do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QWidget

from rcapp.views import theme
from rcapp.views.panels import MessagePanel, PanelButton
from rcapp.views.text import label, set_text

if TYPE_CHECKING:
    from pynet.rc.messages import Refusal

MOST_REFUSALS = 4


class RefusalList(QWidget):
    """Numbered reasons why the car cannot be armed, each with its remedy."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("plain")
        self._shown: tuple[Refusal, ...] = ()
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 4, 0, 0)
        grid.setHorizontalSpacing(10)
        grid.setVerticalSpacing(2)
        grid.setColumnStretch(1, 1)
        self._rows = []
        for index in range(MOST_REFUSALS):
            number = label("", size=theme.LABEL, weight=theme.SEMIBOLD, role="key")
            number.setAlignment(Qt.AlignmentFlag.AlignCenter)
            number.setFixedSize(30, 24)
            sentence = label("", weight=theme.SEMIBOLD, wrap=True)
            remedy = label("", size=theme.LABEL, role="secondary", wrap=True)
            grid.addWidget(number, 2 * index, 0, 2, 1, Qt.AlignmentFlag.AlignTop)
            grid.addWidget(sentence, 2 * index, 1)
            grid.addWidget(remedy, 2 * index + 1, 1)
            self._rows.append((number, sentence, remedy))
        self.show_refusals(())

    @property
    def shown(self) -> tuple[Refusal, ...]:
        """What it lists."""
        return self._shown

    def show_refusals(self, refusals: tuple[Refusal, ...]) -> None:
        """List others."""
        self._shown = refusals
        for index, parts in enumerate(self._rows):
            there = index < len(refusals)
            if there:
                one = refusals[index]
                for part, text in zip(
                    parts, (str(one.number), one.sentence, one.remedy), strict=True
                ):
                    set_text(part, text)
            for part in parts:
                part.setVisible(there)
        self.setVisible(bool(refusals))


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
