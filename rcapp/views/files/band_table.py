"""The look that all tables of the Files tab share: rounded bands, painted cells, no grid."""

from __future__ import annotations

import functools
from collections.abc import Sequence

from PySide6.QtCore import (
    QAbstractItemModel,
    QEvent,
    QItemSelectionModel,
    QModelIndex,
    QRect,
    QRectF,
    Qt,
)
from PySide6.QtGui import QColor, QFont, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView

from rcapp.views import theme
from rcapp.views.files.table_model import Index
from rcapp.views.hud import PaintedText

ROW = 30
HEAD = 30
SIDE = 10


@functools.cache
def _colour(name: str) -> QColor:
    return QColor(name)


class BandTable(QTableView):
    """A table whose rows are painted as a whole.

    A QTreeView would ask the model for each row whenever it changes: half a second for 20 000.

    Args:
        model: the rows.
        widths: of the columns in pixels; the first takes what is left.

    Attributes:
        texts: what the last painting wrote and where.
    """

    def __init__(self, model: QAbstractItemModel, widths: Sequence[int]) -> None:
        super().__init__()
        self.texts: list[PaintedText] = []
        self._hover = -1
        self._noting = False
        self._columns = 1 + len(widths)
        self.marked_row: int | None = None
        self.setModel(model)
        self.setFont(theme.font(theme.BODY))
        self.setFrameShape(QTableView.Shape.NoFrame)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setCornerButtonEnabled(False)
        self.setTabKeyNavigation(False)
        rows = self.verticalHeader()
        rows.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        rows.setMinimumSectionSize(ROW)
        rows.setDefaultSectionSize(ROW)
        rows.hide()
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setMouseTracking(True)
        self.setMinimumHeight(HEAD + 2 * ROW)
        head = self.header()
        head.setFixedHeight(HEAD)
        head.setSectionsMovable(False)
        head.setStretchLastSection(False)
        head.setMinimumSectionSize(40)
        head.setHighlightSections(False)
        head.setFont(theme.font(theme.LABEL))
        head.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        for column, width in enumerate(widths, 1):
            head.setSectionResizeMode(column, QHeaderView.ResizeMode.Fixed)
            head.resizeSection(column, width)

    def header(self) -> QHeaderView:
        """The heads of the columns."""
        return self.horizontalHeader()

    def paint_cell(self, painter: QPainter, rect: QRect, row: int, column: int) -> None:
        """Paint one cell; each kind of table has its own way."""
        raise NotImplementedError

    def write(
        self,
        painter: QPainter,
        rect: QRect,
        text: str,
        font: QFont,
        role: str,
        *,
        right: bool = False,
        mode: Qt.TextElideMode = Qt.TextElideMode.ElideRight,
    ) -> None:
        """Write one line into ``rect``, elided where room is short.

        Args:
            painter: of the row.
            rect: of the cell without its margins.
            text: what to write.
            font: in which.
            role: name of the colour in the theme.
            right: at the right edge.
            mode: where letters are left out.
        """
        if not text or rect.width() < 8:
            return
        ink = _colour(getattr(theme.current(), role))
        painter.setFont(font)
        painter.setPen(ink)
        metrics = painter.fontMetrics()
        fitting = metrics.elidedText(text, mode, rect.width())
        side = Qt.AlignmentFlag.AlignRight if right else Qt.AlignmentFlag.AlignLeft
        painter.drawText(rect, int(side | Qt.AlignmentFlag.AlignVCenter), fitting)
        if self._noting:
            width, height = metrics.horizontalAdvance(fitting), metrics.height()
            left = rect.right() - width + 1 if right else rect.left()
            place = QRectF(left, rect.center().y() - height / 2, width, height)
            place.translate(self.viewport().x(), self.viewport().y())
            if self.viewport().geometry().contains(place.toAlignedRect()):
                behind = _colour(theme.current().card)
                self.texts.append(PaintedText(fitting, place, ink, behind))

    def paintEvent(self, event: QPaintEvent) -> None:
        """The rows."""
        # Scrolling paints a strip only: what is on the screen is noted when all of it is painted.
        self._noting = event.rect().contains(self.viewport().rect())
        if self._noting:
            self.texts = []
        painter = QPainter(self.viewport())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        count = self.model().rowCount()
        first = self.rowAt(event.rect().top())
        last = self.rowAt(event.rect().bottom())
        for row in range(first, (count - 1 if last < 0 else last) + 1) if first >= 0 else ():
            self._paint_row(painter, row)
        self.paint_over(painter)

    def paint_over(self, painter: QPainter) -> None:
        """Paint what lies over the rows; most kinds of tables have nothing there."""

    def _paint_row(self, painter: QPainter, row: int) -> None:
        """One rounded band behind a chosen row, then the cells."""
        colours = theme.current()
        top, height = self.rowViewportPosition(row), self.rowHeight(row)
        band = QRectF(0, top + 1, self.viewport().width(), height - 2)
        chosen = self.selectionModel().isSelected(self.model().index(row, 0))
        current = self.hasFocus() and row == self.currentIndex().row()
        if chosen or row == self._hover:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(colours.selected if chosen else colours.hover))
            painter.drawRoundedRect(band, 6, 6)
        if row == self.marked_row or current:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(QColor(colours.accent), 2 if row == self.marked_row else 1))
            painter.drawRoundedRect(band.adjusted(1, 0.5, -1, -0.5), 6, 6)
        for column in range(self._columns):
            left = self.columnViewportPosition(column)
            cell = QRect(left, top, self.columnWidth(column), height)
            self.paint_cell(painter, cell, row, column)

    def moveCursor(
        self, action: QAbstractItemView.CursorAction, modifiers: Qt.KeyboardModifier
    ) -> QModelIndex:
        """Keys go from row to row: the cells of one have nothing of their own."""
        kinds, count = QAbstractItemView.CursorAction, self.model().rowCount()
        if action in (kinds.MoveHome, kinds.MoveEnd):
            return self.model().index(0 if action == kinds.MoveHome else count - 1, 0)
        if action in (kinds.MoveLeft, kinds.MoveRight):
            return self.currentIndex()
        return super().moveCursor(action, modifiers).siblingAtColumn(0)

    def currentChanged(self, current: Index, previous: Index) -> None:
        """Letters look for names, wherever in its row the person has pressed."""
        super().currentChanged(current, previous)
        if current.column() > 0:
            flags = QItemSelectionModel.SelectionFlag
            first = self.model().index(current.row(), 0)
            self.selectionModel().setCurrentIndex(first, flags.NoUpdate)
        self.viewport().update()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Show what is under the pointer."""
        super().mouseMoveEvent(event)
        self._hover_over(self.indexAt(event.position().toPoint()).row())

    def leaveEvent(self, event: QEvent) -> None:
        """Nothing is under the pointer."""
        super().leaveEvent(event)
        self._hover_over(-1)

    def _hover_over(self, row: int) -> None:
        if row != self._hover:
            self._hover = row
            self.viewport().update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """A press beside the rows chooses nothing."""
        super().mousePressEvent(event)
        if not self.indexAt(event.position().toPoint()).isValid():
            self.clearSelection()
