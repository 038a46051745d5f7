"""The sensors card: one plot for each sensor the car announces, none known beforehand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QGridLayout, QScrollArea, QStackedLayout, QVBoxLayout, QWidget

from rcapp.core.series import SeriesBuffer
from rcapp.views import theme
from rcapp.views.text import label

if TYPE_CHECKING:
    from rcapp.views.plots import SensorPlot

COLUMN_WIDTH = 300
"""A further column of plots appears when each gets this many pixels, and only when they
would not all be seen otherwise."""

ROW_HEIGHT = 72
"""A plot with the gap below it, at its lowest."""

MAX_COLUMNS = 3


class SensorsPanel(QWidget):
    """A grid of plots that follows the announced sensors and the room there is.

    Attributes:
        plots: the plots shown now, by the name of their sensor.
    """

    def __init__(self) -> None:
        super().__init__()
        self.plots: dict[str, SensorPlot] = {}
        self.setMinimumSize(220, 120)
        self._series: Mapping[str, SeriesBuffer] = {}
        self._coming: list[tuple[str, SeriesBuffer]] = []
        self._columns = 0
        self._seconds = 30.0
        self._grid_host = QWidget()
        self._grid_host.setObjectName("plain")
        self._grid = QGridLayout(self._grid_host)
        self._grid.setContentsMargins(16, 6, 16, 12)
        self._grid.setHorizontalSpacing(24)
        self._grid.setVerticalSpacing(8)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.viewport().setAutoFillBackground(False)
        scroll.setWidget(self._grid_host)
        scroll.setAccessibleName("Sensor plots")
        self._empty = self._empty_page()
        self._pages = QStackedLayout(self)
        self._pages.setContentsMargins(0, 0, 0, 0)
        self._pages.addWidget(self._empty)
        self._pages.addWidget(scroll)

    def _empty_page(self) -> QWidget:
        page = QWidget()
        page.setObjectName("plain")
        layout = QVBoxLayout(page)
        layout.setContentsMargins(16, 4, 16, 16)
        layout.addWidget(label("No sensors yet", size=theme.BODY, weight=theme.MEDIUM))
        layout.addWidget(
            label(
                "Each sensor that a car announces gets its plot here.",
                size=theme.LABEL,
                role="secondary",
                wrap=True,
            )
        )
        layout.addStretch(1)
        return page

    def show_series(self, series: Mapping[str, SeriesBuffer], seconds: float) -> None:
        """Follow the announced sensors; does nothing while they are the same."""
        if series is self._series and seconds == self._seconds:
            return
        same = list(series.values()) == list(self._series.values())
        self._series = series
        if same and seconds == self._seconds:
            return
        self._seconds = seconds
        for plot in self.plots.values():
            plot.setParent(None)
            plot.deleteLater()
        self.plots = {}
        self._coming = list(series.items())
        self._pages.setCurrentIndex(1 if series else 0)

    def make_next(self) -> bool:
        """Make one more plot; False when there is none to make.

        One at a time: each takes some milliseconds, and pictures are coming in meanwhile.
        """
        if not self._coming:
            return False
        from rcapp.views.plots import SensorPlot

        name, buffer = self._coming.pop(0)
        single = sum(len(plot.curves) == 1 for plot in self.plots.values())
        self.plots[name] = SensorPlot(buffer, single, self._seconds)
        self._columns = 0
        self._arrange()
        return True

    def refresh(self, now: float) -> None:
        """Redraw the plots that can be seen."""
        if not self.isVisible():
            return
        for plot in self.plots.values():
            if not plot.visibleRegion().isEmpty():
                plot.refresh(now)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Use one, two or three columns, as the width allows."""
        super().resizeEvent(event)
        self._arrange()

    def _arrange(self) -> None:
        most = max(1, min(MAX_COLUMNS, self.width() // COLUMN_WIDTH, len(self.plots)))
        columns = 1
        while columns < most and -(-len(self.plots) // columns) * ROW_HEIGHT > self.height():
            columns += 1
        if columns == self._columns:
            return
        self._columns = columns
        for row in range(self._grid.rowCount()):
            self._grid.setRowStretch(row, 0)
        for column in range(MAX_COLUMNS):
            self._grid.setColumnStretch(column, 1 if column < columns else 0)
        for index, plot in enumerate(self.plots.values()):
            self._grid.addWidget(plot, index // columns, index % columns)
        rows = -(-len(self.plots) // columns)
        for row in range(rows):
            self._grid.setRowStretch(row, 10)
        self._grid.setRowStretch(rows, 1)
