"""The list of transfers: what runs, what waits, what is over, and what can be done with each."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from rcapp.core.files import engine
from rcapp.core.files.jobs import WAITING, JobView, QueueView
from rcapp.views import icons, theme
from rcapp.views.files.bars import JobBars
from rcapp.views.files.table_model import shown
from rcapp.views.text import ElidedLabel, FigureLabel, label, set_role, set_text

ROW = 52
MOST_SEEN = 4
"""Rows that the card grows to; more scroll."""

ACTIONS = {
    "pause": ("pause", "Pause"),
    "resume": ("play", "Go on"),
    "cancel": ("close", "Cancel"),
    "up": ("arrow-up", "Earlier"),
    "down": ("arrow-down", "Later"),
    "retry": ("refresh", "Try again"),
    "remove": ("close", "Take off the list"),
}
SLOTS = 3
"""Places for buttons in a row, so that all rows end at one line."""

COLOURS = {
    engine.FAILED: "bad",
    engine.CANCELLED: "secondary",
    engine.PAUSED: "warn",
    engine.RECONNECTING: "warn",
}


class JobRow(QWidget):
    """One job.

    Attributes:
        buttons: the actions that it offers now, by name.
    """

    wanted = Signal(str, int)
    """An action, and the number of the job."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("plain")
        self.setFixedHeight(ROW)
        self.job: JobView | None = None
        self._actions: tuple[str, ...] = ()
        self.title = ElidedLabel("", size=theme.TITLE, weight=theme.SEMIBOLD)
        self.sentence = ElidedLabel("", size=theme.LABEL, role="secondary")
        self.bars = JobBars()
        self.amount = FigureLabel(
            "", size=theme.LABEL, weight=theme.REGULAR, widest="00.00 of 00.00 GB", right=True
        )
        self._places = [QToolButton() for _ in range(SLOTS)]
        words = QVBoxLayout()
        words.setContentsMargins(0, 0, 0, 0)
        words.setSpacing(1)
        words.addStretch(1)
        words.addWidget(self.title)
        words.addWidget(self.sentence)
        words.addStretch(1)
        self._words = QWidget()
        self._words.setObjectName("plain")
        self._words.setLayout(words)
        row = QHBoxLayout(self)
        row.setContentsMargins(20, 0, 12, 0)
        row.setSpacing(14)
        row.addWidget(self._words)
        row.addWidget(self.bars, 1)
        row.addWidget(self.amount)
        buttons = QHBoxLayout()
        buttons.setSpacing(0)
        for place in self._places:
            place.setProperty("flat", True)
            place.setFixedSize(32, 32)
            place.setIconSize(QSize(16, 16))
            place.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            keep = place.sizePolicy()
            keep.setRetainSizeWhenHidden(True)
            place.setSizePolicy(keep)
            place.clicked.connect(lambda _checked=False, at=place: self._pressed(at))
            buttons.addWidget(place)
        row.addLayout(buttons)

    @property
    def buttons(self) -> dict[str, QToolButton]:
        """The actions that it offers now."""
        return dict(zip(self._actions, reversed(self._places), strict=False))

    def show_job(self, job: JobView) -> None:
        """Show another job, or how it stands now."""
        before, self.job = self.job, job
        if before == job:
            return
        set_text(self.title, shown(job.order.title))
        set_text(self.sentence, job.sentence())
        attention = job.state == engine.FAILED
        problems = bool(job.report and job.report.problems)
        set_role(self.sentence, "bad" if attention else "warn" if problems else "secondary")
        lanes = job.progress.lanes if job.state in (engine.RUNNING, engine.PAUSED) else ()
        self.bars.show_progress(job.fraction, COLOURS.get(job.state, "good"), lanes)
        self.amount.show_text(job.amount(), "secondary")
        self._show_actions(job.actions()[::-1])
        tip = [problem.text for problem in job.report.problems[:20]] if job.report else []
        self.setToolTip("\n".join(tip))

    def _show_actions(self, actions: tuple[str, ...]) -> None:
        if actions == self._actions:
            return
        self._actions = actions
        for number, place in enumerate(reversed(self._places)):
            offered = number < len(actions)
            place.setVisible(offered)
            if offered:
                text = ACTIONS[actions[number]][1]
                place.setToolTip(text)
                place.setAccessibleName(text)
        self.tint()

    def _pressed(self, place: QToolButton) -> None:
        number = SLOTS - 1 - self._places.index(place)
        if self.job is not None and number < len(self._actions):
            self.wanted.emit(self._actions[number], self.job.id)

    def tint(self) -> None:
        """Draw the icons in the colours of the current theme."""
        for action, place in zip(self._actions, reversed(self._places), strict=False):
            place.setIcon(icons.icon(ACTIONS[action][0]))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Names get a part of the width, so that all bars begin at one line."""
        self._words.setFixedWidth(max(180, min(460, int(self.width() * 0.3))))
        super().resizeEvent(event)


class TransfersCard(QFrame):
    """Shows the queue.

    Attributes:
        rows: of the jobs shown, from the top.
        clear: takes what is over off the list.
        headline: rate, time left, what holds it back.
    """

    wanted = Signal(str, int)
    clear_wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("card", True)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.rows: list[JobRow] = []
        self._most = MOST_SEEN
        self._serial = -1
        self.headline = ElidedLabel("", size=theme.LABEL, role="secondary")
        self.clear = QPushButton("Clear finished")
        self.clear.setFont(theme.font(theme.BODY, theme.MEDIUM))
        self.clear.clicked.connect(self.clear_wanted)
        names = QVBoxLayout()
        names.setSpacing(1)
        names.addWidget(label("Transfers", size=theme.TITLE, weight=theme.SEMIBOLD))
        names.addWidget(self.headline)
        head = QHBoxLayout()
        head.setContentsMargins(20, 0, 20, 0)
        head.addLayout(names, 1)
        head.addWidget(self.clear)
        keep = self.clear.sizePolicy()
        keep.setRetainSizeWhenHidden(True)
        self.clear.setSizePolicy(keep)
        inner = QWidget()
        inner.setObjectName("plain")
        self._list = QVBoxLayout(inner)
        self._list.setContentsMargins(0, 0, 0, 0)
        self._list.setSpacing(2)
        self._list.addStretch(1)
        self._scroll = QScrollArea()
        self._scroll.setWidgetResizable(True)
        self._scroll.setFrameShape(QFrame.Shape.NoFrame)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.viewport().setAutoFillBackground(False)
        self._scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._scroll.setWidget(inner)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 12, 0, 10)
        column.setSpacing(8)
        column.addLayout(head)
        column.addWidget(self._scroll, 1)
        self._fit()

    def show_most(self, rows: int) -> None:
        """Grow to so many rows; more scroll."""
        if rows != self._most:
            self._most = rows
            self._fit()

    def show_queue(self, queue: QueueView) -> None:
        """Show the jobs as they are now."""
        if queue.serial == self._serial:
            return
        self._serial = queue.serial
        text = queue.headline()
        if not queue.jobs:
            text = "None yet. Choose files and copy them, or drag them to the other side."
        set_text(self.headline, text)
        self.clear.setVisible(queue.finished > 0)
        while len(self.rows) > len(queue.jobs):
            gone = self.rows.pop()
            self._list.removeWidget(gone)
            gone.hide()
            gone.deleteLater()
        while len(self.rows) < len(queue.jobs):
            row = JobRow()
            row.wanted.connect(self.wanted)
            self._list.insertWidget(len(self.rows), row)
            self.rows.append(row)
        for row, job in zip(self.rows, queue.jobs, strict=True):
            row.show_job(job)
        self._fit()

    def row_of(self, number: int) -> JobRow | None:
        """The row of a job, if it is listed."""
        return next((row for row in self.rows if row.job and row.job.id == number), None)

    def waiting(self) -> list[JobRow]:
        """Rows of the jobs that wait."""
        return [row for row in self.rows if row.job is not None and row.job.state == WAITING]

    def _fit(self) -> None:
        seen = min(len(self.rows), self._most)
        inner = seen * ROW + max(0, seen - 1) * 2
        self._scroll.setVisible(seen > 0)
        self.setFixedHeight(12 + 38 + (8 + inner if seen else 0) + 12)

    def changeEvent(self, event: QEvent) -> None:
        """Tint the icons anew when the theme changes."""
        if event.type() == QEvent.Type.PaletteChange:
            for row in getattr(self, "rows", ()):
                row.tint()
        super().changeEvent(event)
