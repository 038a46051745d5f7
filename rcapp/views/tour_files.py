"""The part of the tour that walks through the Files tab."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget

from rcapp.core.files.pane import PaneState
from rcapp.views.files.files_view import FilesView
from rcapp.views.main_window import MainWindow


class Walker(Protocol):
    """What the tour does everywhere."""

    window: MainWindow

    def until(self, what: str, there: Callable[[], bool]) -> None:
        """Wait for something."""

    def click(self, widget: QWidget) -> None:
        """Press the mouse on it."""

    def shot(self, name: str, front: QWidget | None = None) -> None:
        """Take a picture, and judge it."""


class FilesTour:
    """Walks through the tab.

    Args:
        tour: the tour that it is a part of.
    """

    def __init__(self, tour: Walker) -> None:
        self._tour = tour
        self._view: FilesView = tour.window.files
        self._folder = ""

    def without_car(self, name: str) -> None:
        """The first sight of the tab."""
        self._tour.click(self._tour.window.rail.buttons[1][1])
        view = self._view
        self._tour.until("no car", view.car.message.isVisible)
        self._tour.until("this laptop", lambda: view.laptop.model.view.state is PaneState.READY)
        self._tour.shot(name)

    def enter(self, folder: str) -> None:
        """Go to the tab, and into a folder of the car."""
        view, tour = self._view, self._tour
        tour.click(tour.window.rail.buttons[1][1])
        tour.until("the car's files", lambda: view.car.model.view.state is PaneState.READY)
        tour.until("a plan", lambda: view.station.desk.view.plan is not None)
        self._folder = folder
        self._open(folder)

    def empty(self, name: str, folder: str) -> None:
        """An empty folder, and a filter that leaves nothing."""
        view, tour = self._view, self._tour
        self._open(folder)
        view.laptop.filter.setText("*.gpx")
        tour.until("nothing left", view.laptop.message.isVisible)
        tour.shot(name)
        view.laptop.filter.clear()
        self._open(self._folder)

    def transfer(self, name: str, chosen: Sequence[str], halfway: Callable[[], bool]) -> None:
        """Some folders on their way; ``halfway`` tells when the picture is taken."""
        view, tour = self._view, self._tour
        for folder in chosen:
            view.car.table.choose({folder}, folder)
            tour.click(view.car.copy)
        view.car.table.choose(set(chosen), chosen[-1])
        tour.until("half of it", halfway)
        tour.shot(name)

    def over(self) -> bool:
        """All that was asked for is done."""
        queue = self._view.station.queue.view()
        return bool(queue.jobs) and not queue.open

    def review(self, name: str) -> None:
        """The plan, its rehearsal, and the consent that it asks for."""
        view, tour = self._view, self._tour
        tour.until("the plan", lambda: view.storage.headline.text().startswith("Move"))
        tour.click(view.storage.review)
        tour.until("the review", lambda: view.review.go.isVisible() and view.review.go.isEnabled())
        view.review.show_why()
        tour.shot(f"{name}-first")
        tour.click(view.review.go)
        tour.until("the rehearsal", lambda: view.station.desk.view.may_run)
        tour.until("the consent", view.review.go.isEnabled)
        tour.shot(name)

    def moving(self, name: str, halfway: Callable[[], bool]) -> None:
        """The run under way, seen from the files."""
        self._tour.click(self._view.review.go)
        self._tour.until("half of it", halfway)
        self._tour.click(self._view.review.back)
        self._tour.shot(name)

    def history(self, name: str) -> None:
        """What was moved, when it is over."""
        view, tour = self._view, self._tour
        tour.until("the end", lambda: not view.station.queue.view().open)
        tour.click(view.storage.history)
        tour.until("the history", lambda: bool(view.station.desk.view.history))
        tour.until("its files", lambda: view.history.files.rows_model.rowCount() > 0)
        tour.shot(name)
        tour.click(view.history.back)

    def policy(self, name: str) -> None:
        """The rules, one of them wrong."""
        view, tour = self._view, self._tour
        tour.click(view.storage.policy)
        view.policy.low.setFocus()
        view.policy.low.selectAll()
        QTest.keyClicks(view.policy.low, "80")
        tour.shot(name)
        tour.click(view.policy.reset)
        tour.click(view.policy.back)

    def _open(self, folder: str) -> None:
        view = self._view
        view.station.car.open(folder)
        self._tour.until(folder, lambda: self._shown(folder))

    def _shown(self, folder: str) -> bool:
        now = self._view.car.model.view
        entries = now.shown.rows
        counted = all(entry.size >= 0 for entry in entries)
        return now.folder == folder and now.state is PaneState.READY and counted
