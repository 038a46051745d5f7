"""What was moved off the car before: runs, their files with hashes, and the way back."""

from __future__ import annotations

import time
from pathlib import Path

from PySide6.QtCore import Qt, QUrl, Signal
from PySide6.QtGui import QDesktopServices, QGuiApplication, QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLineEdit, QStackedWidget

from rcapp.core.files import words
from rcapp.core.files.desk_view import DeskView
from rcapp.core.files.engine import Kept, PastJob
from rcapp.views import theme
from rcapp.views.files.message import EmptyMessage
from rcapp.views.files.page import Page, button, card, plain
from rcapp.views.files.rows_table import Column, RowsTable
from rcapp.views.files.table_model import shown
from rcapp.views.text import ElidedLabel, label, set_text

SIDE_WIDE, SIDE_NARROW, NARROW = 340, 296, 1080
SHORT_HASH = 12
"""Letters of a hash that are shown: enough to compare by eye; a copy has all of them."""

STATES = {
    "done": "all removed from the car",
    "partly": "some stayed on the car, too",
    "open": "not settled yet: the next run goes on with it",
}


class HistoryPage(Page):
    """Shows the desk's history.

    Attributes:
        jobs: the runs, newest first.
        files: those of the run that is chosen.
        restore: copies what is chosen back to the car, all of the run if nothing is.
    """

    restore_wanted = Signal(object, list)
    """A :class:`PastJob`, and names of files; none for all."""

    again_wanted = Signal()

    def __init__(self) -> None:
        super().__init__("History")
        self._history: tuple[PastJob, ...] | None = None
        self._job: PastJob | None = None
        self.restore = button("Restore all to the car", primary=True)
        self.restore.clicked.connect(self._restore)
        self.copy_hash = button("Copy hashes")
        self.copy_hash.setToolTip(
            "Hash and name of each file, one a line, as sha256sum writes them"
        )
        self.copy_hash.clicked.connect(self._copy_hashes)
        self.open_folder = button("Open folder")
        self.open_folder.clicked.connect(self._open_folder)
        for one in (self.open_folder, self.copy_hash, self.restore):
            self.tools.addWidget(one)
        row = QHBoxLayout()
        row.setSpacing(theme.GAP)
        self._runs = self._runs_card()
        row.addWidget(self._runs)
        row.addWidget(self._files_card(), 1)
        self.body = QStackedWidget()
        row.setContentsMargins(0, 0, 0, 0)
        self.body.addWidget(plain(row))
        empty, inner = card()
        self.message = EmptyMessage()
        self.message.button.clicked.connect(self.again_wanted)
        inner.addWidget(self.message)
        self.body.addWidget(empty)
        self.column.addWidget(self.body, 1)

    def _runs_card(self) -> QFrame:
        self.jobs = RowsTable(
            (
                Column("Run", _when, tip=lambda job: f"{_when(job)}, {_state(job)}"),
                Column("Files", lambda job: words.grouped(len(job.files)), 56),
                Column("Size", lambda job: words.size(job.bytes), 76),
            ),
            "Runs of the backup, newest first",
        )
        self.jobs.setSelectionMode(RowsTable.SelectionMode.SingleSelection)
        self.jobs.selectionModel().selectionChanged.connect(self._job_chosen)
        frame, column = card(margins=(10, 8, 10, 10))
        column.addWidget(self.jobs)
        return frame

    def _files_card(self) -> QFrame:
        self.files = RowsTable(
            (
                Column("File", lambda file: shown(file.name), tip=_about),
                Column("Changed", lambda file: _day(file.mtime), 96),
                Column("Size", lambda file: words.size(file.size), 80),
                Column("Hash", _short, 120, tip=_whole, code=True),
                Column("Copy here", _verified, 110),
            ),
            "Files of the run",
        )
        self.files.selectionModel().selectionChanged.connect(lambda *_: self._show_buttons())
        self.run_title = label("", size=theme.TITLE, weight=theme.SEMIBOLD)
        middle = Qt.TextElideMode.ElideMiddle
        self.run_text = ElidedLabel("", size=theme.LABEL, role="secondary", mode=middle)
        self.filter = QLineEdit()
        self.filter.setPlaceholderText("Find a file")
        self.filter.setAccessibleName("Find a file")
        self.filter.setClearButtonEnabled(True)
        self.filter.setMaximumWidth(220)
        self.filter.setFont(theme.font(theme.LABEL))
        self.filter.textChanged.connect(lambda _text: self._show_files())
        frame, column = card(margins=(10, 12, 10, 10))
        head = QHBoxLayout()
        head.setContentsMargins(10, 0, 0, 0)
        head.addWidget(self.run_title)
        head.addStretch(1)
        head.addWidget(self.filter)
        column.addLayout(head)
        line = QHBoxLayout()
        line.setContentsMargins(10, 0, 10, 0)
        line.addWidget(self.run_text)
        column.addLayout(line)
        column.addWidget(self.files, 1)
        return frame

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Give the files more of a narrow window."""
        wide = SIDE_WIDE if event.size().width() >= NARROW else SIDE_NARROW
        self._runs.setFixedWidth(wide)
        # Names matter most; dates are in the tool tips, too.
        self.files.setColumnHidden(1, wide == SIDE_NARROW)
        super().resizeEvent(event)

    def show_desk(self, desk: DeskView) -> None:
        """Show the history."""
        destination = desk.policy.destination
        set_text(
            self.subtitle, f"Moved off {desk.car_name} to {destination}" if desk.car_id else ""
        )
        if desk.history == self._history and desk.car_id:
            self._show_empty(desk)
            return
        self._history = desk.history
        kept = "" if self._job is None else self._job.id
        self.jobs.show_rows(desk.history or ())
        place = next((n for n, job in enumerate(desk.history or ()) if job.id == kept), 0)
        if desk.history:
            self.jobs.setCurrentIndex(self.jobs.rows_model.index(place, 0))
        else:
            self._job = None
            self._show_files()
        self._show_empty(desk)

    def _show_empty(self, desk: DeskView) -> None:
        self.body.setCurrentIndex(0 if desk.history else 1)
        self._show_buttons()
        if not desk.car_id:
            self.message.say("car", "No car", "Connect to a car to see what was moved off it.")
        elif desk.history_error:
            self.message.say(
                "warning",
                "The history cannot be read",
                desk.history_error,
                button="Try again",
                role="warn",
            )
        elif desk.history is None:
            self.message.say("refresh", "Reading what was moved…")
        elif not desk.history:
            self.message.say(
                "history",
                "Nothing was moved yet",
                "Every run of the backup is listed here with its files and their hashes, and each "
                "can be copied back to the car.",
            )

    def _job_chosen(self) -> None:
        chosen = self.jobs.chosen_rows()
        if chosen:
            self._job = chosen[0]
            self._show_files()

    def _show_files(self) -> None:
        job, wanted = self._job, self.filter.text().strip().casefold()
        files = () if job is None else job.files
        if wanted:
            files = tuple(file for file in files if wanted in file.name.casefold())
        self.files.show_rows(files)
        if job is not None:
            set_text(self.run_title, _when(job))
            took = f" in {words.left(job.seconds)}" if job.seconds >= 1 else ""
            count = f"{words.plural(len(job.files), 'file')} · {words.size(job.bytes)}{took}"
            set_text(self.run_text, f"{count} · {_state(job)} · {job.folder}")
        self._show_buttons()

    def _show_buttons(self) -> None:
        there = bool(self._history) and self._job is not None
        chosen = len(self.files.chosen_rows())
        text = "Restore all to the car"
        if chosen:
            text = f"Restore {words.plural(chosen, 'file')} to the car"
        self.restore.setText(text)
        for one in (self.restore, self.copy_hash, self.open_folder):
            one.setVisible(there)

    def _restore(self) -> None:
        if self._job is not None:
            names = [file.name for file in self.files.chosen_rows()]
            self.restore_wanted.emit(self._job, names)

    def _copy_hashes(self) -> None:
        if self._job is not None:
            files = self.files.chosen_rows() or self._job.files
            lines = [f"{file.root}  {shown(file.name)}" for file in files]
            QGuiApplication.clipboard().setText("\n".join(lines) + "\n")

    def _open_folder(self) -> None:
        if self._job is not None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(Path(self._job.folder))))


def _when(job: PastJob) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(job.began))


def _day(wall: float) -> str:
    return time.strftime("%Y-%m-%d", time.localtime(wall))


def _state(job: PastJob) -> str:
    return STATES.get(job.state, job.state)


def _short(file: Kept) -> str:
    return file.root[:SHORT_HASH]


def _whole(file: Kept) -> str:
    return f"{file.algorithm} {file.root}"


def _verified(file: Kept) -> str:
    return "verified" if file.removed else "verified, on both"


def _about(file: Kept) -> str:
    return f"{shown(file.name)}, {_day(file.mtime)}\nhere as {shown(file.final_name)}"
