"""The card at the top: how full the car is, and what the backup would do about it."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from rcapp.core.files import words
from rcapp.core.files.desk_view import DeskView
from rcapp.core.files.jobs import JobView
from rcapp.views import theme
from rcapp.views.files.gauge import StorageGauge
from rcapp.views.text import ElidedLabel, FigureLabel, set_role, set_text

PLAN_WIDTH, PLAN_NARROW, NARROW = 408, 344, 1080


class StorageCard(QFrame):
    """Shows the desk's state.

    Attributes:
        gauge: the bar.
        review, policy, history: the buttons.
        why: opens the review where it says what stays.
        headline, details: what the backup would do.
    """

    review_wanted = Signal()
    why_wanted = Signal()
    policy_wanted = Signal()
    history_wanted = Signal()
    again_wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("card", True)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._failed = False
        row = QHBoxLayout(self)
        row.setContentsMargins(20, 14, 20, 14)
        row.setSpacing(36)
        row.addLayout(self._storage(), 1)
        self._plan_side = self._plan()
        row.addWidget(self._plan_side)

    def _storage(self) -> QVBoxLayout:
        self.title = ElidedLabel("Storage", size=theme.TITLE, weight=theme.SEMIBOLD)
        self.note = ElidedLabel("", size=theme.LABEL, role="secondary")
        self.share = FigureLabel("–", size=theme.STRONG, weight=theme.SEMIBOLD, widest="00.0 %")
        self.amount = ElidedLabel("", size=theme.LABEL, role="secondary")
        self.forecast = ElidedLabel("", size=theme.LABEL, role="secondary")
        self.gauge = StorageGauge()
        figures = QHBoxLayout()
        figures.setContentsMargins(0, 0, 0, 0)
        figures.setSpacing(12)
        figures.addWidget(self.share)
        figures.addWidget(self.amount)
        figures.addStretch(1)
        figures.addWidget(self.forecast)
        column = QVBoxLayout()
        column.setSpacing(2)
        column.addWidget(self.title)
        column.addWidget(self.note)
        column.addStretch(1)
        column.addSpacing(8)
        column.addLayout(figures)
        column.addWidget(self.gauge)
        return column

    def _plan(self) -> QWidget:
        self.headline = ElidedLabel("", size=theme.TITLE, weight=theme.SEMIBOLD)
        self.details = ElidedLabel("", size=theme.LABEL, role="secondary")
        self.reach = ElidedLabel("", size=theme.LABEL, role="secondary")
        self.why = QPushButton("")
        self.why.setProperty("link", True)
        self.why.setFont(theme.font(theme.LABEL, theme.MEDIUM))
        self.why.setCursor(Qt.CursorShape.PointingHandCursor)
        self.why.clicked.connect(self.why_wanted)
        reach = QHBoxLayout()
        reach.setContentsMargins(0, 0, 0, 0)
        reach.setSpacing(6)
        reach.addWidget(self.reach)
        reach.addWidget(self.why)
        reach.addStretch(1)
        self.review = QPushButton("Review and run")
        self.review.setProperty("kind", "primary")
        self.policy = QPushButton("Policy…")
        self.history = QPushButton("History")
        buttons = QHBoxLayout()
        buttons.setContentsMargins(0, 0, 0, 0)
        buttons.setSpacing(10)
        for button, weight in ((self.review, 2), (self.policy, 1), (self.history, 1)):
            button.setFont(theme.font(theme.BODY, theme.MEDIUM))
            buttons.addWidget(button, weight)
        self.review.clicked.connect(self._review_pressed)
        self.policy.clicked.connect(self.policy_wanted)
        self.history.clicked.connect(self.history_wanted)
        side = QWidget()
        side.setObjectName("plain")
        column = QVBoxLayout(side)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(3)
        column.addStretch(1)
        column.addWidget(self.headline)
        column.addWidget(self.details)
        column.addLayout(reach)
        column.addSpacing(6)
        column.addLayout(buttons)
        column.addStretch(1)
        return side

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Give the gauge more of a narrow window."""
        wide = PLAN_WIDTH if event.size().width() >= NARROW else PLAN_NARROW
        self._plan_side.setFixedWidth(wide)
        super().resizeEvent(event)

    def make_compact(self, on: bool) -> None:
        """Leave out what can be missed, where the window is low."""
        self.note.setVisible(not on)
        layout = self.layout()
        assert layout is not None
        layout.setContentsMargins(20, 8 if on else 14, 20, 8 if on else 14)

    def _review_pressed(self) -> None:
        (self.again_wanted if self._failed else self.review_wanted).emit()

    # What it shows.

    def show_desk(self, desk: DeskView, job: JobView | None, rate: float | None) -> None:
        """Show the backup as it is now.

        Args:
            desk: the backup.
            job: the run that waits or goes on, if any.
            rate: bytes a second of the newest transfers, or None.
        """
        self._show_storage(desk)
        there = bool(desk.car_id)
        self.policy.setEnabled(there)
        self.history.setEnabled(there)
        self._failed = bool(desk.plan_error) and not desk.planning
        set_role(self.headline, "")
        if not there:
            self._say("No car", "Connect to a car to see how full it is.", "", "")
            self._show_button("Review and run", enabled=False)
        elif job is not None and not job.over:
            self._show_running(job)
        elif self._failed:
            set_role(self.headline, "warn")
            self._say("The car could not be looked through", desk.plan_error, "", "")
            self._show_button("Try again", enabled=True)
        elif desk.plan is None:
            self._say(f"Looking through {desk.car_name}…", "Which files may go, and which stay.")
            self._show_button("Review and run", enabled=False)
        else:
            self._show_plan(desk, rate)

    def _show_storage(self, desk: DeskView) -> None:
        storage = desk.storage
        set_text(self.title, f"Storage on {desk.car_name}" if desk.car_name else "Storage")
        set_text(self.note, storage.error or "used / (used + available), as df counts")
        usage = storage.usage
        self.share.show_text("–" if usage is None else words.share(usage.share))
        set_text(self.amount, storage.amount())
        set_text(self.forecast, storage.forecast())
        set_role(self.forecast, "warn" if storage.level in ("warn", "bad") else "secondary")
        moving = desk.plan is not None and bool(desk.plan.rows)
        after = desk.plan.end_share if moving and desk.plan is not None else None
        self.gauge.show_storage(storage, after)

    def _show_running(self, job: JobView) -> None:
        progress = job.progress
        amount = job.amount()
        done = f"{words.grouped(progress.files)} of {words.plural(progress.files_total, 'file')}"
        counted = done if progress.files_total else job.sentence()
        self._say(job.order.title, f"{counted} · {amount}" if amount else counted, job.sentence())
        self._show_button("Review", enabled=True, primary=False)

    def _show_plan(self, desk: DeskView, rate: float | None) -> None:
        plan = desk.plan
        assert plan is not None
        policy = desk.policy
        stay = len(plan.stays)
        why = f"{words.plural(stay, 'file')} {'stays' if stay == 1 else 'stay'} (why?)"
        if not plan.needed:
            high = words.mark(policy.high)
            self._say("Nothing to move", f"The backup starts when the car is {high} full.")
            self._show_button("Review", enabled=True, primary=False)
        elif not plan.rows:
            set_role(self.headline, "warn")
            self._say("No file may be moved", _cannot(desk), "", why if stay else "")
            self._show_button("Review", enabled=True, primary=False)
        else:
            count = words.plural(plan.files, "file")
            details = f"oldest first, until {words.share(plan.end_share)}"
            if rate:
                details = f"{details} · about {words.span(plan.bytes / rate)}"
            reach = f"lowest reachable {words.share(plan.lowest)}"
            if not plan.reaches:
                set_role(self.reach, "warn")
                reach = f"{words.mark(policy.low)} cannot be reached"
            self._say(
                f"Move {count} · {words.size(plan.bytes)}",
                details,
                f"{reach} ·" if stay else reach,
                why if stay else "",
            )
            self._show_button("Review and run", enabled=True)

    def _say(self, headline: str, details: str, reach: str = "", why: str = "") -> None:
        if "cannot be reached" not in reach:
            set_role(self.reach, "secondary")
        set_text(self.headline, headline)
        set_text(self.details, details)
        set_text(self.reach, reach)
        if self.why.text() != why:
            self.why.setText(why)
        self.reach.setVisible(bool(reach))
        self.why.setVisible(bool(why))

    def _show_button(self, text: str, *, enabled: bool, primary: bool = True) -> None:
        button = self.review
        if button.text() != text:
            button.setText(text)
        button.setEnabled(enabled)
        kind = "primary" if primary else ""
        if button.property("kind") != kind:
            button.setProperty("kind", kind)
            button.style().unpolish(button)
            button.style().polish(button)


def _cannot(desk: DeskView) -> str:
    assert desk.plan is not None
    return f"{words.size(desk.plan.outside)} is used outside of the folders that may be moved."
