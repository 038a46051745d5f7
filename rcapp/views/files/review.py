"""The review of the backup: which files go, which stay and why, where they go, and the consent."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from rcapp.core.files import words
from rcapp.core.files.desk_view import DeskView
from rcapp.core.files.engine import Plan, PlanRow
from rcapp.core.files.jobs import JobView, Kind
from rcapp.views import theme
from rcapp.views.files.message import EmptyMessage
from rcapp.views.files.page import Page, Strip, button, card, plain
from rcapp.views.files.rows_table import Column, RowsTable
from rcapp.views.files.stays import StayList
from rcapp.views.files.table_model import shown
from rcapp.views.text import ElidedLabel, label, set_role, set_text
from rcapp.views.words import clock

SIDE_WIDE, SIDE_NARROW, NARROW = 400, 320, 1080


class ReviewPage(Page):
    """Shows the desk's plan.

    Attributes:
        go: the one primary button: rehearse, agree and run, or run.
        table: the files that go.
        stays: what stays.
        strip: how things stand.
        fits: whether the files fit on this laptop.
    """

    rehearse_wanted = Signal()
    run_wanted = Signal()
    again_wanted = Signal()
    cancel_wanted = Signal(int)
    policy_wanted = Signal()

    def __init__(self) -> None:
        super().__init__("Review the backup")
        self._plan: Plan | None = None
        self._now = 0.0
        self._job = 0
        self._act = ""
        self._may_run = False
        self.rehearse = button("Rehearse again")
        self.rehearse.clicked.connect(self.rehearse_wanted)
        self.go = button("Rehearse", primary=True)
        self.go.clicked.connect(self._pressed)
        self.tools.addWidget(self.rehearse)
        self.tools.addWidget(self.go)
        self.strip = Strip()
        self.strip.button.clicked.connect(self._strip_pressed)
        self.column.addWidget(self.strip)
        row = QHBoxLayout()
        row.setSpacing(theme.GAP)
        row.addWidget(self._files(), 1)
        row.addWidget(self._side())
        self.column.addLayout(row, 1)

    def _files(self) -> QStackedWidget:
        self.table = RowsTable(
            (
                Column("File, oldest first", _named),
                Column("Changed", lambda row: words.age(self._now - row.mtime), 90),
                Column("Size", lambda row: words.size(row.size), 84),
                Column(
                    "Car after it",
                    lambda row: words.share(row.share_after),
                    136,
                    share=lambda row: row.share_after,
                    strong=True,
                ),
            ),
            "Files that would be moved, oldest first",
        )
        self.message = EmptyMessage()
        self.message.button.clicked.connect(self.again_wanted)
        frame, column = card(margins=(10, 8, 10, 10))
        column.addWidget(self.table)
        self._foot = ElidedLabel("", size=theme.LABEL, role="secondary")
        foot = QHBoxLayout()
        foot.setContentsMargins(10, 0, 10, 0)
        foot.addWidget(self._foot)
        column.addLayout(foot)
        empty, inner = card()
        inner.addWidget(self.message)
        self.body = QStackedWidget()
        self.body.addWidget(frame)
        self.body.addWidget(empty)
        return self.body

    def _side(self) -> QWidget:
        stay, column = card(margins=(20, 14, 12, 12))
        self._stay_title = label("What stays, and why", size=theme.TITLE, weight=theme.SEMIBOLD)
        self._stay_total = ElidedLabel("", size=theme.LABEL, role="secondary")
        self.stays = StayList()
        column.addWidget(self._stay_title)
        column.addWidget(self._stay_total)
        column.addWidget(self.stays, 1)
        where, lines = card()
        middle = Qt.TextElideMode.ElideMiddle
        self._place = ElidedLabel("", size=theme.BODY, weight=theme.MEDIUM, mode=middle)
        self.fits = label("", size=theme.LABEL, role="secondary", wrap=True)
        lines.addWidget(label("Where they go", size=theme.TITLE, weight=theme.SEMIBOLD))
        lines.addWidget(self._place)
        lines.addWidget(self.fits)
        both = QVBoxLayout()
        both.setContentsMargins(0, 0, 0, 0)
        both.setSpacing(theme.GAP)
        both.addWidget(stay, 1)
        both.addWidget(where)
        self._right = plain(both)
        return self._right

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Give the table more of a narrow window."""
        wide = SIDE_WIDE if event.size().width() >= NARROW else SIDE_NARROW
        self._right.setFixedWidth(wide)
        super().resizeEvent(event)

    # What it shows.

    def show_desk(
        self, desk: DeskView, job: JobView | None, rate: float | None, now: float
    ) -> None:
        """Show the plan and how far its run is.

        Args:
            desk: the backup.
            job: the run or rehearsal that waits or goes on, if any.
            rate: bytes a second of the newest transfers, or None.
            now: seconds since 1970.
        """
        self._now = now
        plan = desk.plan
        # While it runs the list stays as it was agreed to, whatever the car says meanwhile.
        if plan is not None and plan is not self._plan:
            self._plan = plan
            self.table.show_rows(plan.rows)
        self._job = desk.job
        self._show_heading(desk, rate)
        self._show_strip(desk, job)
        self._show_body(desk)
        self._show_side(desk)
        self._show_buttons(desk, job)

    def _show_heading(self, desk: DeskView, rate: float | None) -> None:
        plan = desk.plan
        if plan is None or not plan.rows:
            set_text(self.title, "Review the backup")
            set_text(self.subtitle, desk.policy.sentence() if desk.car_id else "No car")
            return
        count = words.plural(plan.files, "file")
        set_text(self.title, f"Move {count} · {words.size(plan.bytes)}")
        begin, end = words.share(plan.usage.share), words.share(plan.end_share)
        said = f"{desk.car_name} goes from {begin} to {end}, oldest files first"
        if rate:
            said = f"{said} · about {words.span(plan.bytes / rate)}"
        set_text(self.subtitle, said)

    def _show_strip(self, desk: DeskView, job: JobView | None) -> None:
        plan = desk.plan
        self._act = ""
        if job is not None and not job.over:
            self._act = "cancel"
            rehearsal = job.order.kind is Kind.REHEARSE
            done, whole = job.progress.files, job.progress.files_total
            count = f"{words.grouped(done)} of {words.plural(whole, 'file')}" if whole else ""
            title = "Rehearsing" if rehearsal else "Moving files"
            title = " · ".join(part for part in (title, count, job.amount()) if part)
            text = job.progress.current or job.sentence()
            self.strip.say(title, shown(text), role="accent", button="Cancel")
        elif plan is None or not plan.rows:
            self.strip.say("", "")
        elif not desk.may_run:
            self.strip.say(
                "First, a rehearsal",
                "This policy has not been run on this car yet. A rehearsal looks at each file as a "
                "run does, whether it is in use or protected, and for room. Nothing is moved.",
                role="warn",
            )
        elif not desk.agreed:
            count = words.plural(plan.files, "file")
            self.strip.say(
                "The rehearsal is done, nothing was touched",
                f"{count} would move. Each is copied, read back from this laptop's disk and "
                "compared, and only then removed from the car.",
                role="good",
            )
        else:
            self.strip.say("", "")
        if plan is not None and plan.rows and not plan.reaches and not self._act:
            title, text = _short_of_mark(desk, plan)
            if not self.strip.title.text():
                self.strip.say(title, text, role="warn")
            else:
                both = f"{self.strip.text.text()} {title}: {text[:1].lower()}{text[1:]}"
                self.strip.say(self.strip.title.text(), both, role="warn")
        self.strip.setVisible(bool(self.strip.title.text()))

    def _show_body(self, desk: DeskView) -> None:
        plan = desk.plan
        if plan is not None and plan.rows:
            self.body.setCurrentIndex(0)
            said = f"{words.plural(plan.files, 'file')} · {words.size(plan.bytes)}"
            set_text(self._foot, f"{said} · list of {clock(plan.made_at)}")
            return
        self.body.setCurrentIndex(1)
        if not desk.car_id:
            self.message.say("car", "No car", "Connect to a car to see what its backup would move.")
        elif desk.planning and plan is None:
            self.message.say("refresh", f"Looking through {desk.car_name}…")
        elif desk.plan_error:
            self.message.say(
                "warning",
                "The car could not be looked through",
                desk.plan_error,
                button="Try again",
                role="warn",
            )
        elif plan is not None and not plan.needed:
            full, high = words.share(plan.usage.share), words.mark(desk.policy.high)
            self.message.say(
                "check",
                "Nothing to move",
                f"{desk.car_name} is {full} full. The backup starts at {high}.",
                button="Look again",
            )
        elif plan is not None:
            title, text = _short_of_mark(desk, plan)
            self.message.say("warning", title, text, button="Look again", role="warn")

    def _show_side(self, desk: DeskView) -> None:
        plan = desk.plan
        stays = desk.stays
        total, nothing = "", ""
        if plan is not None and not plan.needed and not stays:
            nothing = f"Told when {desk.car_name} is {words.mark(desk.policy.high)} full."
        elif plan is not None:
            count = sum(group.files for group in stays)
            size = sum(group.bytes for group in stays)
            total = f"{words.plural(count, 'file')} · {words.size(size)} on the car"
            if plan.outside:
                total = f"{total}, {words.size(plan.outside)} more outside of its folders"
            nothing = "Every file of the shared folders may go."
        set_text(self._stay_total, total)
        self.stays.show_groups(stays, nothing)
        set_text(self._place, desk.policy.destination or "–")
        text, role = _room(plan)
        set_text(self.fits, text)
        set_role(self.fits, role)

    def _show_buttons(self, desk: DeskView, job: JobView | None) -> None:
        plan = desk.plan
        busy = job is not None and not job.over
        there = plan is not None and bool(plan.rows)
        count = words.plural(plan.files, "file") if plan is not None else ""
        if not desk.may_run:
            text = "Rehearse"
        elif not desk.agreed:
            text = f"I have read the list: move {count}"
        else:
            text = f"Move {count}"
        self.go.setText(text)
        self.go.setVisible(there)
        self.go.setEnabled(there and not busy)
        self.rehearse.setVisible(there and desk.may_run)
        self.rehearse.setEnabled(not busy)
        self._may_run = desk.may_run

    def show_why(self) -> None:
        """Open the reason that keeps most files."""
        self.stays.open_first()

    def _pressed(self) -> None:
        (self.run_wanted if self._may_run else self.rehearse_wanted).emit()

    def _strip_pressed(self) -> None:
        if self._act == "cancel":
            self.cancel_wanted.emit(self._job)

    def rows(self) -> tuple[PlanRow, ...]:
        """What the table lists."""
        return tuple(self.table.rows_model.rows)


def _named(row: PlanRow) -> str:
    name = shown(row.name)
    return name if row.files == 1 else f"{name} · {words.plural(row.files, 'file')}"


def _short_of_mark(desk: DeskView, plan: Plan) -> tuple[str, str]:
    low, lowest = words.mark(desk.policy.low), words.share(plan.lowest)
    title = f"{low} cannot be reached"
    if plan.full:
        return title, (
            "This laptop's disk has no room for more. Free some, choose another folder in the "
            "policy, or run it again later: what does not fit stays on the car."
        )
    said = f"With all that may go gone, {desk.car_name} is {lowest} full."
    if plan.outside:
        said = f"{said} {words.size(plan.outside)} lie outside of its shared folders."
    return title, f"{said} Let more files go in the policy, or free that space by hand."


def _room(plan: Plan | None) -> tuple[str, str]:
    """Whether the files fit on this laptop, and the colour of the sentence."""
    if plan is None or plan.room is None:
        return "", "secondary"
    room, free = plan.room, plan.room.available
    said = f"{words.size(free)} of {words.size(room.capacity)} free"
    usable = free - plan.floor
    if plan.full or plan.bytes > usable:
        fits, floor = words.size(max(0, usable)), words.size(plan.floor)
        short = f"{said}, of which {floor} stay free: no more than {fits} fit. "
        return f"{short}The oldest files go first, the others stay on the car.", "warn"
    after = words.size(free - plan.bytes)
    floor = f"; {words.size(plan.floor)} are never touched" if plan.floor else ""
    return f"{said}, {after} afterwards{floor}.", "secondary"
