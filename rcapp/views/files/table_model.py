"""The entries of a pane for Qt: no widget and no object for each row, so 20 000 are no burden."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import (
    QAbstractTableModel,
    QMimeData,
    QModelIndex,
    QPersistentModelIndex,
    Qt,
    QUrl,
)

from pynet.files.info import FILE, LINK
from rcapp.core.files import words
from rcapp.core.files.engine import Entry
from rcapp.core.files.listing import COLUMNS, Order
from rcapp.core.files.pane import Pane, PaneView

Index = QModelIndex | QPersistentModelIndex

CAR_MIME = "application/x-rcapp-car-files"
"""Names of files on a car, while they are dragged: JSON of their folder and entries."""

HEADS = {"name": "Name", "size": "Size", "changed": "Changed"}
NAME, SIZE, CHANGED = range(3)


class FilesModel(QAbstractTableModel):
    """Shows a pane's entries.

    Args:
        pane: one side.
        car: it is the car's, whose files are no files of this computer.
    """

    def __init__(self, pane: Pane, *, car: bool) -> None:
        super().__init__()
        self._pane = pane
        self._car = car
        self._rows: tuple[Entry, ...] = ()
        self._view = PaneView()
        self._now = time.time()

    @property
    def view(self) -> PaneView:
        """What is shown."""
        return self._view

    def show_view(self, view: PaneView) -> None:
        """Show a pane as it is now."""
        if view.serial != self._view.serial:
            self.beginResetModel()
            self._view, self._rows = view, view.shown.rows
            self._now = time.time()
            self.endResetModel()
            return
        turned = view.order != self._view.order
        self._view = view
        if turned:
            self.headerDataChanged.emit(Qt.Orientation.Horizontal, 0, len(COLUMNS) - 1)

    def entry(self, row: int) -> Entry:
        """The entry of a row."""
        return self._rows[row]

    def entries(self, rows: Sequence[int]) -> list[Entry]:
        """The entries of rows, from the top."""
        return [self._rows[row] for row in sorted(rows) if row < len(self._rows)]

    def row_of(self, name: str) -> int | None:
        """Where an entry is shown, or None."""
        return self._view.shown.rows_of.get(name)

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        """Entries shown."""
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        """Name, size, changed."""
        return 0 if parent.isValid() else len(COLUMNS)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Texts of a cell; the rest is painted from the entry."""
        if not index.isValid() or index.row() >= len(self._rows):
            return None
        entry = self._rows[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return self.text(entry, index.column())
        if role == Qt.ItemDataRole.AccessibleTextRole:
            cells = (self.text(entry, column) for column in range(len(COLUMNS)))
            what = "folder" if entry.is_folder else entry.kind
            return f"{what} {', '.join(cell for cell in cells if cell)}"
        if role == Qt.ItemDataRole.ToolTipRole and index.column() == NAME:
            return f"{shown(entry.name)}{_kind_note(entry)}"
        if role == Qt.ItemDataRole.ToolTipRole and index.column() == CHANGED and entry.mtime:
            return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(entry.mtime))
        return None

    def text(self, entry: Entry, column: int) -> str:
        """What a cell says."""
        if column == NAME:
            return shown(entry.name)
        if column == SIZE:
            return _size(entry)
        return words.age(self._now - entry.mtime) if entry.mtime else ""

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        """The head of a column, with an arrow at the one that sorts."""
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            name = COLUMNS[section]
            order = self._view.order
            if order.column != name or order == Order():
                return HEADS[name]
            return f"{HEADS[name]} {'↓' if order.descending else '↑'}"
        if role == Qt.ItemDataRole.TextAlignmentRole:
            side = Qt.AlignmentFlag.AlignLeft if section == NAME else Qt.AlignmentFlag.AlignRight
            return int(side | Qt.AlignmentFlag.AlignVCenter)
        return None

    def flags(self, index: Index) -> Qt.ItemFlag:
        """Everything can be chosen; what can be copied can be dragged."""
        usual = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
        if index.isValid() and self._copies(self._rows[index.row()]):
            usual |= Qt.ItemFlag.ItemIsDragEnabled
        return usual

    def mimeTypes(self) -> list[str]:
        """What a drag from here carries."""
        return [CAR_MIME] if self._car else ["text/uri-list"]

    def mimeData(self, indexes: Sequence[QModelIndex]) -> QMimeData:
        """What was chosen: names on the car, or files of this computer for any program."""
        entries = self.entries(list({index.row() for index in indexes}))
        chosen = [entry for entry in entries if self._copies(entry)]
        data = QMimeData()
        folder, folders = self._view.folder, self._pane.folders
        if self._car:
            names = {"folder": folder, "names": [entry.name for entry in chosen]}
            data.setData(CAR_MIME, json.dumps(names).encode())
        elif folders is not None:
            paths = [folders.join(folder, entry.name) for entry in chosen]
            data.setUrls([QUrl.fromLocalFile(path) for path in paths])
        return data

    def supportedDragActions(self) -> Qt.DropAction:
        """Nothing is ever moved by dragging."""
        return Qt.DropAction.CopyAction

    @staticmethod
    def _copies(entry: Entry) -> bool:
        return entry.is_folder or entry.kind == FILE


def shown(name: str) -> str:
    """A name for people: bytes that are no UTF-8, and line breaks, as escapes."""
    if name.isprintable():
        return name
    raw = name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return "".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in raw)


def _size(entry: Entry) -> str:
    if entry.kind == LINK:
        return "link"
    if not entry.is_folder:
        return words.size(entry.size) if entry.kind == FILE else "special"
    if entry.files < 0:
        return ""
    if entry.files == 0:
        return "empty"
    return f"{words.size(entry.size)} · {words.plural(entry.files, 'file')}"


def _kind_note(entry: Entry) -> str:
    if entry.kind == LINK:
        return "\nA link: it is never followed, and not copied."
    if not entry.is_folder and entry.kind != FILE:
        return "\nA pipe or device: it is not copied."
    return ""
