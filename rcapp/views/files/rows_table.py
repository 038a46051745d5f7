"""A table of anything: each column says what it writes. For the plan, the history and its files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QPainter

from rcapp.views import theme
from rcapp.views.files.band_table import SIDE, BandTable
from rcapp.views.files.table_model import Index


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    Attributes:
        head: what stands above it.
        text: what it says of a row.
        width: pixels; the first column takes what is left.
        tip: more about a row, for the pointer.
        share: a small bar beside the text, 0 to 1, or None.
        code: letters of equal width.
        strong: in the colour of what matters.
    """

    head: str
    text: Callable[[Any], str]
    width: int = 90
    tip: Callable[[Any], str] | None = None
    share: Callable[[Any], float] | None = None
    code: bool = False
    strong: bool = False


class RowsModel(QAbstractTableModel):
    """Rows of any kind, and columns that tell about them."""

    def __init__(self, columns: Sequence[Column]) -> None:
        super().__init__()
        self.columns = tuple(columns)
        self.rows: Sequence[Any] = ()

    def show_rows(self, rows: Sequence[Any]) -> None:
        """Show other rows."""
        self.beginResetModel()
        self.rows = rows
        self.endResetModel()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        """Rows shown."""
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        """Columns."""
        return 0 if parent.isValid() else len(self.columns)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """What a cell says."""
        if not index.isValid() or index.row() >= len(self.rows):
            return None
        column, row = self.columns[index.column()], self.rows[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return column.text(row)
        if role == Qt.ItemDataRole.ToolTipRole:
            return (column.tip or column.text)(row)
        return None

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        """The head of a column."""
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return self.columns[section].head
        if role == Qt.ItemDataRole.TextAlignmentRole:
            left = section == 0 or self.columns[section].code
            side = Qt.AlignmentFlag.AlignLeft if left else Qt.AlignmentFlag.AlignRight
            return int(side | Qt.AlignmentFlag.AlignVCenter)
        return None


class RowsTable(BandTable):
    """Shows a :class:`RowsModel`.

    Args:
        columns: of the table.
        name: for people who cannot see it.
    """

    BAR = 46
    """Pixels of a small bar."""

    def __init__(self, columns: Sequence[Column], name: str) -> None:
        self.rows_model = RowsModel(columns)
        super().__init__(self.rows_model, [column.width for column in columns[1:]])
        self.setAccessibleName(name)
        self._fonts: dict[int, QFont] = {}

    def show_rows(self, rows: Sequence[Any]) -> None:
        """Show other rows."""
        self.rows_model.show_rows(rows)

    def chosen_rows(self) -> list[Any]:
        """What is chosen, from the top."""
        parts = self.selectionModel().selection().toList()
        places = sorted(row for part in parts for row in range(part.top(), part.bottom() + 1))
        return [self.rows_model.rows[place] for place in places]

    def _font(self, number: int) -> QFont:
        if number not in self._fonts:
            column = self.rows_model.columns[number]
            code = theme.code_font(theme.LABEL)
            weight = theme.MEDIUM if column.strong else theme.REGULAR
            size = theme.BODY if number == 0 else theme.LABEL
            self._fonts[number] = code if column.code else theme.font(size, weight)
        return self._fonts[number]

    def paint_cell(self, painter: QPainter, rect: QRect, row: int, column: int) -> None:
        """The text of a cell, with its small bar if there is one."""
        shown, what = self.rows_model.columns[column], self.rows_model.rows[row]
        text, font = shown.text(what), self._font(column)
        role = "text" if column == 0 or shown.strong else "secondary"
        left = column == 0 or shown.code
        inner = rect.adjusted(SIDE, 0, -SIDE if not left else -4, 0)
        if shown.share is not None:
            self._bar(painter, inner, shown.share(what))
            inner.adjust(self.BAR + 8, 0, 0, 0)
        mode = Qt.TextElideMode.ElideMiddle if column == 0 else Qt.TextElideMode.ElideRight
        self.write(painter, inner, text, font, role, right=not left, mode=mode)

    def _bar(self, painter: QPainter, rect: QRect, part: float) -> None:
        colours = theme.current()
        track = QRectF(rect.left(), rect.center().y() - 2, self.BAR, 5)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(colours.field_line))
        painter.drawRoundedRect(track, 2.5, 2.5)
        painter.setBrush(QColor(colours.accent))
        track.setWidth(max(5.0, track.width() * min(1.0, part)))
        painter.drawRoundedRect(track, 2.5, 2.5)
