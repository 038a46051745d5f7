"""The Files tab: one page with both sides, and a page each for review, policy and history."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from rcapp.core.files.engine import RUNNING, Entry, PastJob
from rcapp.core.files.jobs import JobView, Kind, QueueView
from rcapp.core.files.link import CarLink, FilesLink, MakeEngine
from rcapp.core.files.pane import PaneState
from rcapp.core.files.policy import BackupPolicy
from rcapp.core.files.station import FileStation
from rcapp.core.session import CarSession
from rcapp.core.state import Snapshot
from rcapp.views import theme
from rcapp.views.bridge import WakeBridge
from rcapp.views.files.history import HistoryPage
from rcapp.views.files.notices import DesktopNotices
from rcapp.views.files.page import Page
from rcapp.views.files.pane_view import PaneCard
from rcapp.views.files.policy_page import PolicyPage
from rcapp.views.files.review import ReviewPage
from rcapp.views.files.storage_card import StorageCard
from rcapp.views.files.transfers import ROW, TransfersCard

LOW = 640
"""Pixels of height below which the storage says less."""

PANES = 250
"""Pixels of height that the two sides keep at least, before the list of transfers grows."""


class FilesView(QWidget):
    """Everything about files.

    Args:
        session: the car, and the log of events.
        kept: folder of what is remembered of each car.
        make: makes an engine of a connected Gateway; over pynet by default.

    Attributes:
        station: what is shown.
        car, laptop: the two sides.
        storage: the card at the top.
        transfers: the card at the foot.
        link: which car's files are shown.
    """

    car_wanted = Signal()
    """The person wants to choose a car."""

    def __init__(self, session: CarSession, *, kept: Path, make: MakeEngine | None = None) -> None:
        super().__init__()
        self.setObjectName("page")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._events = session.events
        self._bridge = WakeBridge()
        self._bridge.woken.connect(self._woken)
        self._rate: float | None = None
        self._last = "car"
        self._left = False
        self.link: FilesLink = CarLink(session, make)
        self.station = FileStation(self._bridge.wake, kept)
        self.notices = DesktopNotices(self)
        self.storage = StorageCard()
        self.car = PaneCard(self.station.car, car=True)
        self.laptop = PaneCard(self.station.laptop, car=False)
        self.transfers = TransfersCard()
        self.pages = QStackedWidget()
        self.main = self._main_page()
        self.review = ReviewPage()
        self.policy = PolicyPage()
        self.history = HistoryPage()
        for page in (self.main, self.review, self.policy, self.history):
            self.pages.addWidget(page)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(self.pages)
        self._connect()
        self.laptop.show_name("This laptop")
        self.car.show_name("Car")

    def _main_page(self) -> QWidget:
        page = QWidget()
        page.setObjectName("plain")
        sides = QHBoxLayout()
        sides.setSpacing(theme.GAP)
        sides.addWidget(self.car, 1)
        sides.addWidget(self.laptop, 1)
        column = QVBoxLayout(page)
        column.setContentsMargins(theme.GAP, theme.GAP, theme.GAP, theme.GAP)
        column.setSpacing(theme.GAP)
        column.addWidget(self.storage)
        column.addLayout(sides, 1)
        column.addWidget(self.transfers)
        return page

    def _connect(self) -> None:
        for name, side in (("car", self.car), ("laptop", self.laptop)):
            side.table.selectionModel().currentChanged.connect(
                lambda *_, used=name: setattr(self, "_last", used)
            )
        self.car.copy_wanted.connect(self.copy_to_laptop)
        self.laptop.copy_wanted.connect(self.copy_to_car)
        self.car.car_wanted.connect(self.car_wanted)
        self.car.table.urls_dropped.connect(self._urls_dropped)
        self.laptop.table.car_files_dropped.connect(self._car_files_dropped)
        self.transfers.wanted.connect(self._job_wanted)
        self.transfers.clear_wanted.connect(self.station.queue.clear_finished)
        self._connect_backup()

    def _connect_backup(self) -> None:
        desk, storage = self.station.desk, self.storage
        storage.again_wanted.connect(desk.make_plan)
        storage.review_wanted.connect(self.show_review)
        storage.why_wanted.connect(self._show_why)
        storage.policy_wanted.connect(lambda: self._show_page(self.policy))
        storage.history_wanted.connect(self.show_history)
        for page in (self.review, self.policy, self.history):
            page.left.connect(self.show_files)
        self.review.rehearse_wanted.connect(desk.rehearse)
        self.review.run_wanted.connect(desk.agree_and_run)
        self.review.again_wanted.connect(desk.make_plan)
        self.review.cancel_wanted.connect(self.station.queue.cancel)
        self.policy.saved.connect(self._policy_saved)
        self.policy.here_wanted.connect(
            lambda: self.policy.use_folder(self.station.laptop.view.folder)
        )
        self.history.restore_wanted.connect(self._restore)
        self.history.again_wanted.connect(desk.read_history)

    # The pages.

    def show_files(self) -> None:
        """Show both sides."""
        self.pages.setCurrentWidget(self.main)
        self.refresh()
        self.take_focus()

    def show_review(self) -> None:
        """Show what the backup would do, as it is now."""
        if not self.station.desk.view.job:
            self.station.desk.make_plan()
        self._show_page(self.review)

    def show_history(self) -> None:
        """Show what was moved before."""
        self.station.desk.read_history()
        self._show_page(self.history)

    def _show_why(self) -> None:
        self._show_page(self.review)
        self.review.show_why()

    def _show_page(self, page: Page) -> None:
        self.pages.setCurrentWidget(page)
        self.refresh()
        page.setFocus()

    def _policy_saved(self, policy: BackupPolicy) -> None:
        self.station.desk.set_policy(policy)
        self._events.add("info", f"Backup policy: {policy.sentence()}")
        self.show_files()

    def _restore(self, job: PastJob, names: list[str]) -> None:
        self.station.desk.restore(job, names)
        self.show_files()

    # What the person does.

    def copy_to_laptop(self) -> None:
        """Copy what is chosen on the car's side."""
        if self.car.may_copy:
            self.station.copy_to_laptop(self.car.table.chosen())

    def copy_to_car(self) -> None:
        """Copy what is chosen on this laptop's side."""
        if self.laptop.may_copy:
            self.station.copy_from_laptop(self.laptop.table.chosen())

    def _urls_dropped(self, paths: list[str], onto: str) -> None:
        folder, folders = self.station.car.view.folder, self.station.car.folders
        if folders is not None:
            into = folders.join(folder, onto) if onto else ""
            self.station.copy_to_car(paths, self._known_here(paths), into)

    def _known_here(self, paths: Sequence[str]) -> list[Entry]:
        """What the laptop's side knows of these paths, if it knows all of them."""
        folders, view = self.station.laptop.folders, self.station.laptop.view
        if folders is None:
            return []
        known = {folders.join(view.folder, entry.name): entry for entry in view.shown.rows}
        return [known[path] for path in paths] if all(path in known for path in paths) else []

    def _car_files_dropped(self, folder: str, names: list[str], onto: str) -> None:
        view, folders = self.station.laptop.view, self.station.laptop.folders
        if folders is None:
            return
        shown = self.station.car.view
        rows = shown.shown.rows_of if shown.folder == folder else {}
        entries = [shown.shown.rows[rows[n]] if n in rows else Entry(n, size=-1) for n in names]
        into = folders.join(view.folder, onto) if onto else ""
        self.station.copy_to_laptop(entries, into, folder=folder)

    def _job_wanted(self, action: str, number: int) -> None:
        queue = self.station.queue
        {
            "pause": lambda: queue.pause(number),
            "resume": lambda: queue.resume(number),
            "cancel": lambda: queue.cancel(number),
            "up": lambda: queue.move(number, -1),
            "down": lambda: queue.move(number, 1),
            "retry": lambda: queue.retry(number),
            "remove": lambda: queue.remove(number),
        }[action]()

    def take_focus(self) -> None:
        """Give the keys to the side that was used last, or to the car's."""
        if self.pages.currentWidget() is not self.main:
            self.pages.setFocus()
            return
        (self.laptop if self._last == "laptop" else self.car).take_focus()

    # What happens by itself.

    def show_snapshot(self, snap: Snapshot, now: float) -> None:
        """Follow the session, and look now and then what has changed.

        Args:
            snap: its newest state.
            now: local monotonic time.
        """
        if self._left:
            return
        self.station.use(self.link.engine(snap))
        reading = self.pages.currentWidget() is self.review
        self.station.tend(now, seen=self.isVisible(), reading=reading)

    def _woken(self) -> None:
        """A thread of the station has something."""
        self._bridge.taken()
        if self._left:
            return
        news = [job.news() for job in self.station.take_news()]
        for level, text in (*news, *self.station.desk.take_notes()):
            self._events.add(level, text)
            self.notices.say(level, text)
        if self.isVisible():
            self.refresh()

    def refresh(self) -> None:
        """Show everything as it is now."""
        desk, queue = self.station.desk.view, self.station.queue.view()
        self._note_rate(queue)
        job = self._job(queue, desk.job)
        shown = self.pages.currentWidget()
        if shown is self.review:
            self.review.show_desk(desk, job, self._rate, time.time())
            return
        if shown is self.policy:
            self.policy.show_desk(desk)
            return
        if shown is self.history:
            self.history.show_desk(desk)
            return
        self.storage.show_desk(desk, job, self._rate)
        self.car.show_name(desk.car_name or "Car")
        self.car.show_view(self.station.car.view)
        self.laptop.show_view(self.station.laptop.view)
        self.car.show_other(self._laptop_refuses())
        self.laptop.show_other(self._car_refuses())
        self.transfers.show_queue(queue)

    def _job(self, queue: QueueView, number: int) -> JobView | None:
        return next((job for job in queue.jobs if job.id == number), None)

    def _note_rate(self, queue: QueueView) -> None:
        """How fast it goes, for saying how long more would take."""
        moving = (job for job in queue.jobs if job.state == RUNNING)
        rate = sum(job.progress.rate for job in moving if job.order.kind is not Kind.REHEARSE)
        if rate > 0:
            self._rate = rate

    def _laptop_refuses(self) -> str:
        view = self.station.laptop.view
        if view.state is not PaneState.READY:
            return "Open a folder of this laptop first."
        return "" if view.writable else "This folder of this laptop cannot be written to."

    def _car_refuses(self) -> str:
        view = self.station.car.view
        if view.state is PaneState.NO_CAR:
            return "Connect to a car first."
        if view.state is not PaneState.READY or not view.folder:
            return "Open a folder of the car first."
        root = view.folder.partition("/")[0]
        return "" if view.writable else f"The car shares {root} for reading only."

    def showEvent(self, event: QShowEvent) -> None:
        """Show what has changed while nobody looked."""
        super().showEvent(event)
        self.refresh()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Share out the height: the sides keep what they need."""
        super().resizeEvent(event)
        self.storage.make_compact(event.size().height() < LOW)
        spare = event.size().height() - 150 - PANES - 62 - 4 * theme.GAP
        self.transfers.show_most(max(1, min(5, spare // ROW)))

    def leave(self) -> None:
        """End transfers and join every thread. Twice is fine."""
        self._left = True
        self.station.close()
        self.notices.close()
