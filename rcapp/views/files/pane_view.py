"""One side on the screen: name, way, filter, table, and what can be done with what is chosen."""

from __future__ import annotations

import os

from PySide6.QtCore import QEvent, QPoint, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLineEdit,
    QMenu,
    QPushButton,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
)

from rcapp.core.files import listing, words
from rcapp.core.files.pane import Pane, PaneState, PaneView
from rcapp.views import icons, theme
from rcapp.views.files.crumbs import Crumbs
from rcapp.views.files.message import EmptyMessage
from rcapp.views.files.table import FilesTable
from rcapp.views.files.table_model import FilesModel
from rcapp.views.text import ElidedLabel, set_text

FILTER_WAIT = 120
"""Milliseconds after the last letter before the filter acts: nobody types slower."""

PATIENCE = 150
"""Milliseconds for which the folder before stays: most are there sooner, and nothing flickers."""


class PaneCard(QFrame):
    """Shows a pane.

    Args:
        pane: one side.
        car: it is the car's.

    Attributes:
        table: the rows.
        filter: the field above them.
        copy: the button that copies what is chosen to the other side.
        message: stands where there are no rows.
    """

    copy_wanted = Signal()
    car_wanted = Signal()
    """The person wants to choose a car."""

    def __init__(self, pane: Pane, *, car: bool) -> None:
        super().__init__()
        self.setProperty("card", True)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._pane = pane
        self._car = car
        self._other = ""
        self._may_copy = False
        self._visits = 0
        self._came_from = ""
        self._hidden = False
        self._act = ""
        self._shown: PaneView | None = None
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.model = FilesModel(pane, car=car)
        self.table = FilesTable(self.model, car=car)
        self.message = EmptyMessage()
        self.message.button.clicked.connect(self._message_pressed)
        self.body = QStackedWidget()
        self.body.addWidget(self.table)
        self.body.addWidget(self.message)
        self.body.setMinimumHeight(96)
        column = QVBoxLayout(self)
        column.setContentsMargins(10, 12, 10, 10)
        column.setSpacing(6)
        column.addLayout(self._head())
        column.addWidget(self.body, 1)
        column.addLayout(self._foot())
        self._typed = QTimer(self)
        self._typed.setSingleShot(True)
        self._typed.setInterval(FILTER_WAIT)
        self._typed.timeout.connect(lambda: pane.set_filter(self.filter.text()))
        self._late = QTimer(self)
        self._late.setSingleShot(True)
        self._late.setInterval(PATIENCE)
        self._late.timeout.connect(self._show_loading)
        table = self.table
        table.opened.connect(self._open)
        table.up_wanted.connect(self._go_up)
        table.refresh_wanted.connect(pane.refresh)
        table.order_wanted.connect(pane.set_order)
        table.copy_wanted.connect(self.copy_wanted)
        table.chosen_changed.connect(self._show_chosen)
        table.menu_wanted.connect(self._open_menu)
        self._tint()

    def _head(self) -> QHBoxLayout:
        self.title = ElidedLabel("", size=theme.TITLE, weight=theme.SEMIBOLD)
        self.up = QToolButton()
        self.refresh = QToolButton()
        for button, name in ((self.up, "Folder above (Backspace)"), (self.refresh, "Refresh (F5)")):
            button.setProperty("flat", True)
            button.setFixedSize(32, 32)
            button.setIconSize(QSize(18, 18))
            button.setToolTip(name)
            button.setAccessibleName(name)
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.up.clicked.connect(self._go_up)
        self.refresh.clicked.connect(self._pane.refresh)
        self.crumbs = Crumbs()
        self.crumbs.chosen.connect(self._pane.open)
        self.filter = QLineEdit()
        self.filter.setPlaceholderText("Filter *.jpg > 7 d")
        self.filter.setToolTip(
            "Names (*.jpg, or a part), ages (> 7 d is older, < 2 h is younger), sizes (> 10 MB)"
        )
        self.filter.setAccessibleName("Filter")
        self.filter.setClearButtonEnabled(True)
        self.filter.setFont(theme.font(theme.LABEL))
        self.filter.setMinimumWidth(120)
        self.filter.setMaximumWidth(190)
        self.filter.textChanged.connect(lambda _text: self._typed.start())
        self.filter.returnPressed.connect(self._filter_entered)
        names = QVBoxLayout()
        names.setSpacing(0)
        self.title.setContentsMargins(5, 0, 0, 0)
        names.addWidget(self.title)
        names.addWidget(self.crumbs)
        row = QHBoxLayout()
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(4)
        row.addWidget(self.up)
        row.addLayout(names, 1)
        row.addWidget(self.refresh)
        row.addWidget(self.filter, 1)
        return row

    def _foot(self) -> QHBoxLayout:
        self.count = ElidedLabel("", size=theme.LABEL, role="secondary")
        self.copy = QPushButton("Copy to laptop" if self._car else "Copy to car")
        self.copy.setFont(theme.font(theme.BODY, theme.MEDIUM))
        self.copy.setIconSize(QSize(16, 16))
        self.copy.clicked.connect(self.copy_wanted)
        if self._car:
            self.copy.setLayoutDirection(Qt.LayoutDirection.RightToLeft)  # the arrow points there
        row = QHBoxLayout()
        row.setContentsMargins(10, 0, 0, 0)
        row.setSpacing(8)
        row.addWidget(self.count, 1)
        row.addWidget(self.copy)
        return row

    # What it shows.

    def show_name(self, name: str) -> None:
        """What this side is called."""
        set_text(self.title, name)

    def show_other(self, reason: str) -> None:
        """Why nothing can be copied to the other side now; empty when it can."""
        if reason != self._other:
            self._other = reason
            self._show_chosen()

    def show_view(self, view: PaneView) -> None:
        """Show the pane as it is now."""
        before = self.model.view
        if view is self._shown:
            return
        self._shown = view
        kept = {entry.name for entry in self.table.chosen()}
        current, place = self.table.current_name(), self.table.verticalScrollBar().value()
        moved = view.visits != self._visits
        self._visits = view.visits
        loading = view.state is PaneState.LOADING
        self.up.setEnabled(view.parent is not None)
        self.crumbs.show_crumbs(view.crumbs)
        self._mark_filter(view)
        self.table.accepts = self._car is False or view.writable
        if loading:
            if not self._late.isActive() and self.body.currentWidget() is self.table:
                self._late.start()
            elif not before.crumbs and not view.crumbs:
                self._show_loading()
            return
        self._late.stop()
        fresh = view.serial != before.serial
        self.model.show_view(view)
        if fresh and not moved:
            self.table.choose(kept, current)
            self.table.verticalScrollBar().setValue(place)
        elif fresh:
            self.table.choose(set(), self._came_from)
            if self._came_from:
                self.table.scrollTo(self.table.currentIndex())
        self._show_body(view)
        self._show_chosen()

    def _show_body(self, view: PaneView) -> None:
        if view.state is PaneState.NO_CAR:
            self._say(
                "car",
                "No car",
                "Connect to a car to see its files.",
                "Choose a car",
                "car",
            )
        elif view.state is PaneState.ERROR:
            self._say("warning", "Cannot show this folder", view.error, "Try again", "again")
        elif view.shown.rows:
            self.body.setCurrentWidget(self.table)
        elif view.shown.total:
            hidden = words.plural(view.shown.total, "item")
            self._say(
                "folder",
                "Nothing matches the filter",
                f"{hidden} {'is' if view.shown.total == 1 else 'are'} left out.",
                "Clear the filter",
                "clear",
            )
        elif self._car and not view.folder:
            self._say(
                "folder",
                "This car shares no folders",
                "Name some under [files] in the car's file, and start pi-agent again.",
            )
        else:
            self._say("folder", "This folder is empty", self._empty_hint(view))

    def _empty_hint(self, view: PaneView) -> str:
        if not self._car:
            return "Drag files of the car here to copy them to this laptop."
        if view.writable:
            return "Drag files here to copy them to the car."
        return "The car shares it for reading only."

    def _show_loading(self) -> None:
        crumbs = self._pane.view.crumbs
        name = crumbs[-1][0] if crumbs else "files"
        self._say("refresh", f"Reading {name}…")

    def _say(self, icon: str, title: str, text: str = "", button: str = "", act: str = "") -> None:
        had_focus = self.table.hasFocus()
        self._act = act
        role = "warn" if icon == "warning" else ""
        self.message.say(icon, title, text, button=button, role=role)
        self.body.setCurrentWidget(self.message)
        if had_focus:
            # Backspace and F5 must go on working where there are no rows.
            self.setFocus()

    def _mark_filter(self, view: PaneView) -> None:
        wrong = view.chosen.error
        if self.filter.property("wrong") != bool(wrong):
            self.filter.setProperty("wrong", bool(wrong))
            self.filter.style().unpolish(self.filter)
            self.filter.style().polish(self.filter)

    def _show_chosen(self) -> None:
        view, chosen = self._pane.view, self.table.chosen()
        shown = view.shown
        if view.chosen.error:
            text = view.chosen.error
        elif self.body.currentWidget() is not self.table:
            text = ""
        elif chosen:
            size = listing.selected_bytes(chosen)
            count = f"{words.grouped(len(chosen))} of {words.plural(len(shown.rows), 'item')}"
            text = f"{count} chosen" + (f" · {words.size(size)}" if size is not None else "")
        else:
            text = words.plural(len(shown.rows), "item")
            if len(shown.rows) < shown.total:
                text = f"{words.grouped(len(shown.rows))} of {words.plural(shown.total, 'item')}"
            if shown.bytes:
                text = f"{text} · {words.size(shown.bytes)}"
        set_text(self.count, text)
        self._may_copy = bool(chosen) and not self._other
        self.copy.setEnabled(self._may_copy)
        across = "→" if self._car else "←"
        self.copy.setToolTip(
            self._other or f"Copy what is chosen to the other side's folder (Ctrl+{across})"
        )

    # What the person does.

    def take_focus(self) -> None:
        """Give the keys to the rows, or to what stands in their place."""
        (self.table if self.body.currentWidget() is self.table else self).setFocus()

    @property
    def may_copy(self) -> bool:
        """Something is chosen, and the other side can take it."""
        return self._may_copy

    def _open(self, name: str) -> None:
        folders = self._pane.folders
        if folders is not None:
            self._came_from = ""
            self._pane.open(folders.join(self._pane.view.folder, name))

    def _go_up(self) -> None:
        folder = self._pane.view.folder
        self._came_from = folder.rpartition("/")[2] if self._car else os.path.basename(folder)
        self._pane.up()

    def _filter_entered(self) -> None:
        self._typed.stop()
        self._pane.set_filter(self.filter.text())
        self.table.setFocus()

    def _message_pressed(self) -> None:
        if self._act == "car":
            self.car_wanted.emit()
        elif self._act == "again":
            self._pane.refresh()
        elif self._act == "clear":
            self.filter.clear()

    def _open_menu(self, place: QPoint) -> None:
        menu = self.make_menu()
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(place)

    def make_menu(self) -> QMenu:
        """What can be done with what is chosen, and with the folder."""
        menu = QMenu(self)
        copy = menu.addAction(icons.icon(self._arrow()), self.copy.text(), self.copy_wanted.emit)
        copy.setEnabled(self._may_copy)
        chosen = self.table.chosen()
        opened = menu.addAction(icons.icon("folder"), "Open", lambda: self._open(chosen[0].name))
        opened.setEnabled(len(chosen) == 1 and chosen[0].is_folder)
        menu.addSeparator()
        above = menu.addAction(icons.icon("arrow-up"), "Folder above", self._go_up)
        above.setEnabled(self._pane.view.parent is not None)
        menu.addAction("Choose all", self.table.selectAll)
        menu.addAction(icons.icon("refresh"), "Refresh", self._pane.refresh)
        hidden = menu.addAction("Show hidden files")
        hidden.setCheckable(True)
        hidden.setChecked(self._hidden)
        hidden.toggled.connect(self._show_hidden)
        return menu

    def _show_hidden(self, on: bool) -> None:
        self._hidden = on
        self._pane.show_hidden(on)

    def _arrow(self) -> str:
        return "arrow-right" if self._car else "arrow-left"

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Keys of the table, also while there are no rows."""
        if self.body.currentWidget() is self.message:
            self.table.keyPressEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        """Tint the icons anew when the theme changes."""
        if event.type() == QEvent.Type.PaletteChange and hasattr(self, "copy"):
            self._tint()
        super().changeEvent(event)

    def _tint(self) -> None:
        self.up.setIcon(icons.icon("arrow-up"))
        self.refresh.setIcon(icons.icon("refresh"))
        self.copy.setIcon(icons.icon(self._arrow(), theme.current().text))
