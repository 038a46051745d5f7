"""One side of the Files tab: a folder, what is in it, what of it is shown and in which order."""

from __future__ import annotations

import enum
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from rcapp.core.files.engine import Entry
from rcapp.core.files.explain import explain
from rcapp.core.files.folders import Crumb, Folders
from rcapp.core.files.listing import Arranged, Filter, Order, arrange, parse_filter
from rcapp.core.files.worker import Worker

LOOK_EVERY = 2.0
"""Seconds between two looks whether a folder has changed."""


class PaneState(enum.Enum):
    """What a pane has to show."""

    NO_CAR = "no car"
    LOADING = "loading"
    READY = "ready"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class PaneView:
    """A pane at one moment.

    Attributes:
        state: see there.
        folder: whose entries ``shown`` has.
        opening: the folder that is being read, or empty.
        crumbs: the way to the folder that is open or being opened.
        parent: the folder around it, or None.
        shown: entries as they are shown.
        chosen: the filter.
        order: how they are sorted.
        error: why there are none.
        writable: files may be put here.
        serial: grows whenever ``shown`` is another one.
        visits: grows whenever another folder has been opened.
    """

    state: PaneState = PaneState.NO_CAR
    folder: str = ""
    opening: str = ""
    crumbs: tuple[Crumb, ...] = ()
    parent: str | None = None
    shown: Arranged = field(default_factory=Arranged)
    chosen: Filter = field(default_factory=Filter)
    order: Order = field(default_factory=Order)
    error: str = ""
    writable: bool = False
    serial: int = 0
    visits: int = 0


class Pane:
    """One side. Every method but :meth:`close` returns at once; any thread.

    Args:
        name: of its threads.
        wake: called from its threads when :attr:`view` is another one.
    """

    def __init__(self, name: str, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._lock = threading.Lock()
        self._folders: Folders | None = None
        self._entries: list[Entry] = []
        self._hidden = False
        self._stamp: object = None
        self._looked_at = 0.0
        self._view = PaneView()
        self._reader = Worker(name)
        self._counter = Worker(f"{name}-sizes")

    @property
    def view(self) -> PaneView:
        """What there is to show now."""
        with self._lock:
            return self._view

    @property
    def folders(self) -> Folders | None:
        """Where the entries come from."""
        with self._lock:
            return self._folders

    def use(self, folders: Folders | None, folder: str | None = None) -> None:
        """Show these folders from now on, the one they begin with unless another is given."""
        with self._lock:
            self._folders = folders
            self._entries = []
            kept = self._view
            self._view = PaneView(
                PaneState.NO_CAR if folders is None else PaneState.LOADING,
                order=kept.order,
                chosen=kept.chosen,
                serial=kept.serial + 1,
                visits=kept.visits + 1,
            )
        if folders is not None:
            self._reader.ask("open", lambda: self._open(folders, folder))
        self._wake()

    def open(self, folder: str) -> None:
        """Go to a folder."""
        with self._lock:
            folders = self._folders
            if folders is None:
                return
            self._view = replace(
                self._view,
                opening=folder,
                crumbs=folders.crumbs(folder),
                parent=folders.parent(folder),
                error="",
                state=PaneState.LOADING,
            )
        self._reader.ask("open", lambda: self._open(folders, folder))
        self._wake()

    def up(self) -> None:
        """Go to the folder around this one."""
        parent = self.view.parent
        if parent is not None:
            self.open(parent)

    def refresh(self) -> None:
        """Read the folder anew."""
        with self._lock:
            folders, view = self._folders, self._view
        if folders is None or view.opening:
            return
        if view.state is PaneState.ERROR and view.crumbs:
            self.open(view.folder)
        elif view.state is PaneState.ERROR:
            self.use(folders)
        else:
            self._reader.ask("refresh", lambda: self._open(folders, view.folder, again=True))

    def set_filter(self, text: str) -> None:
        """Show only what this text says."""
        with self._lock:
            if text == self._view.chosen.text:
                return
            self._view = replace(self._view, chosen=parse_filter(text))
        self._reader.ask("arrange", self._arrange)
        self._wake()

    def set_order(self, order: Order) -> None:
        """Sort in another way."""
        with self._lock:
            self._view = replace(self._view, order=order)
        self._reader.ask("arrange", self._arrange)

    def show_hidden(self, on: bool) -> None:
        """Show names that begin with a dot, or not."""
        with self._lock:
            self._hidden = on
        self._reader.ask("arrange", self._arrange)

    def tend(self, now: float) -> None:
        """Look now and then whether the folder has changed; ``now`` is local monotonic time."""
        if now - self._looked_at < LOOK_EVERY:
            return
        self._looked_at = now
        with self._lock:
            folders, view = self._folders, self._view
        if folders is not None and view.state is PaneState.READY:
            self._reader.ask("look", lambda: self._look(folders, view.folder))

    def close(self) -> None:
        """Join the threads. Twice is fine."""
        self._reader.close()
        self._counter.close()

    # On the reading thread.

    def _open(self, folders: Folders, folder: str | None, *, again: bool = False) -> None:
        try:
            path = folders.home() if folder is None else folder
            stamp = folders.stamp(path)
            entries = folders.read(path)
            writable = folders.writable(path)
        except Exception as error:
            self._fail(folders, folder, error)
            return
        with self._lock:
            opening = self._view.opening
            if self._folders is not folders or (opening and opening != path):
                return
            if again and self._view.folder != path:
                return
            self._entries = _with_old_sizes(entries, self._entries) if again else entries
            self._stamp = stamp
            visits = self._view.visits + (not again)
            self._view = replace(
                self._view,
                folder=path,
                opening="",
                crumbs=folders.crumbs(path),
                parent=folders.parent(path),
                writable=writable,
                visits=visits,
            )
        self._arrange(ready=True)
        if any(entry.is_folder for entry in entries):
            self._counter.ask("sizes", lambda: self._count(folders, path, entries, visits))

    def _fail(self, folders: Folders, folder: str | None, error: Exception) -> None:
        with self._lock:
            if self._folders is not folders:
                return
            self._entries = []
            self._view = replace(
                self._view,
                state=PaneState.ERROR,
                folder=folder or "",
                opening="",
                error=explain(error),
                shown=Arranged(),
                serial=self._view.serial + 1,
                writable=False,
            )
        self._wake()

    def _arrange(self, *, ready: bool = False) -> None:
        with self._lock:
            entries, view, hidden = self._entries, self._view, self._hidden
        made = arrange(entries, view.chosen, view.order, time.time(), hidden=hidden)
        with self._lock:
            if self._entries is not entries:
                return
            state = PaneState.READY if ready else self._view.state
            self._view = replace(self._view, shown=made, serial=self._view.serial + 1, state=state)
        self._wake()

    def _look(self, folders: Folders, folder: str) -> None:
        stamp = folders.stamp(folder)
        if stamp != self._stamp:
            self._open(folders, folder, again=True)

    # On the counting thread.

    def _count(self, folders: Folders, folder: str, entries: list[Entry], visits: int) -> None:
        def elsewhere() -> bool:
            return self._counter.wanted_elsewhere or self.view.visits != visits

        try:
            counted = folders.sized(folder, entries, elsewhere)
        except Exception:
            # The list is there without these sizes, and reading it says what is wrong.
            return
        if not elsewhere():
            self._reader.ask("sizes", lambda: self._counted(counted, visits))

    def _counted(self, counted: list[Entry], visits: int) -> None:
        with self._lock:
            if self._view.visits != visits:
                return
            self._entries = counted
        self._arrange()


def _with_old_sizes(entries: list[Entry], before: list[Entry]) -> list[Entry]:
    """Folders keep the sizes they had until they have been counted again."""
    old = {entry.name: entry for entry in before if entry.is_folder and entry.size >= 0}
    return [
        replace(entry, size=old[entry.name].size, files=old[entry.name].files)
        if entry.is_folder and entry.size < 0 and entry.name in old
        else entry
        for entry in entries
    ]
