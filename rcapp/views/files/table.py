"""The table of a pane: many rows, chosen by mouse and keys, dragged and dropped."""

from __future__ import annotations

import json

from PySide6.QtCore import (
    QEvent,
    QItemSelection,
    QItemSelectionModel,
    QRect,
    QRectF,
    Qt,
    Signal,
)
from PySide6.QtGui import (
    QColor,
    QContextMenuEvent,
    QDrag,
    QDragEnterEvent,
    QDragLeaveEvent,
    QDragMoveEvent,
    QDropEvent,
    QFontMetrics,
    QKeyEvent,
    QPainter,
    QPen,
    QPixmap,
    QResizeEvent,
)
from PySide6.QtWidgets import (
    QAbstractItemView,
)

from pynet.files.info import LINK
from rcapp.core.files import words
from rcapp.core.files.engine import Entry
from rcapp.core.files.listing import COLUMNS, Order
from rcapp.views import icons, theme
from rcapp.views.files.band_table import ROW, SIDE, BandTable
from rcapp.views.files.table_model import CAR_MIME, NAME, SIZE, FilesModel

ICON = 18
SIZE_WIDTH, SIZE_NARROW, CHANGED_WIDTH = 158, 124, 92
NARROW = 440
"""Pixels below which the size column has room for fewer words."""

Key = Qt.Key
PLAIN = (
    Qt.KeyboardModifier.ControlModifier
    | Qt.KeyboardModifier.AltModifier
    | Qt.KeyboardModifier.MetaModifier
)


NAVIGATION = (Key.Key_Up, Key.Key_Down, Key.Key_Home, Key.Key_End, Key.Key_PageUp, Key.Key_PageDown)


class FilesTable(BandTable):
    """Shows a :class:`FilesModel`.

    Args:
        model: the entries.
        car: it is the car's side.

    Attributes:
        accepts: files may be put here.
    """

    opened = Signal(str)
    """Name of a folder that is to be opened."""

    up_wanted = Signal()
    refresh_wanted = Signal()
    copy_wanted = Signal()
    order_wanted = Signal(object)
    chosen_changed = Signal()
    menu_wanted = Signal(object)
    """Where on the screen."""

    urls_dropped = Signal(list, str)
    """Paths of files of this computer, and the name of the folder they fell on, or empty."""

    car_files_dropped = Signal(str, list, str)
    """Folder on the car, names in it, and the name of the folder they fell on, or empty."""

    def __init__(self, model: FilesModel, *, car: bool) -> None:
        super().__init__(model, (SIZE_WIDTH, CHANGED_WIDTH))
        self._car = car
        self._files = model
        self._drop_here = False
        self.accepts = True
        self._name_font = theme.font(theme.BODY)
        self._figure_font = theme.font(theme.LABEL)
        self.setDragEnabled(True)
        self.setAcceptDrops(True)
        self.setDropIndicatorShown(False)
        self.setDragDropMode(QAbstractItemView.DragDropMode.DragDrop)
        self.setAutoScrollMargin(ROW)
        head = self.header()
        head.setSectionsClickable(True)
        head.sectionClicked.connect(self._head_clicked)
        self.doubleClicked.connect(lambda index: self._open(index.row()))
        self.setAccessibleName("Files on the car" if car else "Files on this laptop")

    # What is chosen.

    def chosen(self) -> list[Entry]:
        """The chosen entries, from the top."""
        parts = self.selectionModel().selection().toList()
        rows = [row for part in parts for row in range(part.top(), part.bottom() + 1)]
        return self._files.entries(rows)

    def choose(self, names: set[str], current: str = "") -> None:
        """Choose these entries, as far as they are shown."""
        rows = sorted(row for row in map(self._files.row_of, names) if row is not None)
        selection = QItemSelection()
        last = len(COLUMNS) - 1
        begin = 0
        for place, row in enumerate(rows):
            # Neighbours as one range: a selection of 20 000 single rows would take seconds.
            if place + 1 == len(rows) or rows[place + 1] != row + 1:
                top, bottom = self._files.index(rows[begin], 0), self._files.index(row, last)
                selection.select(top, bottom)
                begin = place + 1
        flags = QItemSelectionModel.SelectionFlag
        self.selectionModel().select(selection, flags.ClearAndSelect | flags.Rows)
        at = self._files.row_of(current) if current else None
        if at is not None:
            index = self._files.index(at, 0)
            self.selectionModel().setCurrentIndex(index, flags.NoUpdate)

    def current_name(self) -> str:
        """The entry that keys act on, or empty."""
        index = self.currentIndex()
        return self._files.entry(index.row()).name if index.isValid() else ""

    def selectionChanged(self, new: QItemSelection, old: QItemSelection) -> None:
        """Say so."""
        super().selectionChanged(new, old)
        self.chosen_changed.emit()

    def _open(self, row: int) -> None:
        if 0 <= row < self._files.rowCount() and self._files.entry(row).is_folder:
            self.opened.emit(self._files.entry(row).name)

    def _head_clicked(self, section: int) -> None:
        order, column = self._files.view.order, COLUMNS[section]
        if order.column == column:
            self.order_wanted.emit(Order(column, not order.descending))
        else:
            # The largest and the newest are what one looks for.
            self.order_wanted.emit(Order(column, section != NAME))

    # Keys and mouse.

    def event(self, event: QEvent) -> bool:
        """Keep letters and digits from the shortcuts: they look for a name here."""
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            typed = event.text()
            if typed and typed.isprintable() and not event.modifiers() & PLAIN:
                event.accept()
                return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Return opens, Backspace goes up, F5 reads anew, Ctrl and an arrow copies across."""
        key, index = event.key(), self.currentIndex()
        across = Key.Key_Right if self._car else Key.Key_Left
        if key in NAVIGATION and not self.chosen() and index.isValid():
            # With nothing chosen the first press chooses where one is, and the next ones go on.
            self.choose({self._files.entry(index.row()).name})
            if key in (Key.Key_Up, Key.Key_Down):
                return
        if key in (Key.Key_Return, Key.Key_Enter) and not event.modifiers() & PLAIN:
            self._open(index.row())
        elif key == Key.Key_Backspace and not event.modifiers() & PLAIN:
            self.up_wanted.emit()
        elif key == Key.Key_F5:
            self.refresh_wanted.emit()
        elif key == across and event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self.copy_wanted.emit()
        else:
            super().keyPressEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Ask for the menu."""
        self.menu_wanted.emit(event.globalPos())

    # Drag and drop. Nothing of it depends on the row order of the model, so Qt's own is not used.

    def _fits(self, event: QDropEvent) -> bool:
        data = event.mimeData()
        if not self.accepts or event.source() is self:
            return False
        if self._car:
            return any(url.isLocalFile() for url in data.urls())
        return data.hasFormat(CAR_MIME)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Take files of the other side, and of the desktop on the car's."""
        if self._fits(event):
            event.setDropAction(Qt.DropAction.CopyAction)
            event.accept()
        else:
            event.ignore()

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        """Show where they would fall."""
        if not self._fits(event):
            event.ignore()
            return
        row = self.indexAt(event.position().toPoint()).row()
        onto = row if row >= 0 and self._files.entry(row).is_folder else None
        if onto != self.marked_row or not self._drop_here:
            self.marked_row, self._drop_here = onto, True
            self.viewport().update()
        event.setDropAction(Qt.DropAction.CopyAction)
        event.accept()

    def dragLeaveEvent(self, _event: QDragLeaveEvent) -> None:
        """They have gone elsewhere."""
        self._end_drop()

    def dropEvent(self, event: QDropEvent) -> None:
        """Say what fell where."""
        fits = self._fits(event)
        row = self.indexAt(event.position().toPoint()).row()
        self._end_drop()
        if not fits:
            event.ignore()
            return
        entry = self._files.entry(row) if row >= 0 else None
        onto = entry.name if entry is not None and entry.is_folder else ""
        data = event.mimeData()
        event.setDropAction(Qt.DropAction.CopyAction)
        event.accept()
        if self._car:
            paths = [url.toLocalFile() for url in data.urls() if url.isLocalFile()]
            self.urls_dropped.emit(paths, onto)
            return
        told = json.loads(bytes(data.data(CAR_MIME).data()))
        self.car_files_dropped.emit(told["folder"], told["names"], onto)

    def _end_drop(self) -> None:
        self.marked_row, self._drop_here = None, False
        self.viewport().update()

    def startDrag(self, actions: Qt.DropAction) -> None:
        """Drag with a small label instead of a picture of the rows."""
        rows = self.selectionModel().selectedRows()
        data = self._files.mimeData(rows)
        if not data.hasFormat(CAR_MIME) and not data.hasUrls():
            return
        drag = QDrag(self)
        drag.setMimeData(data)
        drag.setPixmap(_drag_label([entry.name for entry in self.chosen()]))
        drag.exec(actions, Qt.DropAction.CopyAction)

    # Painting.

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Give the name what the figures leave."""
        width = SIZE_WIDTH if self.viewport().width() >= NARROW else SIZE_NARROW
        if self.header().sectionSize(SIZE) != width:
            self.header().resizeSection(SIZE, width)
        super().resizeEvent(event)

    def paint_over(self, painter: QPainter) -> None:
        """A frame around the place where a drag would fall."""
        if self._drop_here and self.marked_row is None:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(QColor(theme.current().accent), 2))
            painter.drawRoundedRect(QRectF(self.viewport().rect()).adjusted(1, 1, -1, -1), 8, 8)

    def paint_cell(self, painter: QPainter, rect: QRect, row: int, column: int) -> None:
        """Icon and name, or a figure at the right."""
        entry = self._files.entry(row)
        text = self._files.text(entry, column)
        if column != NAME:
            inner = rect.adjusted(4, 0, -SIDE, 0)
            self.write(painter, inner, text, self._figure_font, "secondary", right=True)
            return
        colours = theme.current()
        name = "folder-full" if entry.is_folder else "link-file" if entry.kind == LINK else "file"
        ink = colours.accent if entry.is_folder else colours.secondary
        ratio = self.devicePixelRatioF()
        top = rect.top() + (rect.height() - ICON) // 2
        painter.drawPixmap(rect.left() + SIDE, top, icons.pixmap(name, ink, ICON, ratio))
        inner = rect.adjusted(SIDE + ICON + 8, 0, -4, 0)
        middle = Qt.TextElideMode.ElideMiddle
        self.write(painter, inner, text, self._name_font, "text", mode=middle)


def _drag_label(names: list[str]) -> QPixmap:
    """What hangs at the pointer: one name, or how many."""
    text = names[0] if len(names) == 1 else words.plural(len(names), "item")
    font = theme.font(theme.BODY, theme.SEMIBOLD)
    metrics = QFontMetrics(font)
    text = metrics.elidedText(text, Qt.TextElideMode.ElideMiddle, 240)
    made = QPixmap(metrics.horizontalAdvance(text) + 28, 30)
    made.fill(Qt.GlobalColor.transparent)
    painter = QPainter(made)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(theme.current().action))
    painter.drawRoundedRect(QRectF(made.rect()), 8, 8)
    painter.setFont(font)
    painter.setPen(QColor(theme.current().on_action))
    painter.drawText(made.rect(), int(Qt.AlignmentFlag.AlignCenter), text)
    painter.end()
    return made
