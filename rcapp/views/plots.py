"""One sensor as a card row: label, newest values, and its last half minute as lines.

pyqtgraph takes a third of a second to import, so this module is imported only when the
first sensor is announced, after the window is on the screen. What keeps it cheap: pens one
pixel wide, curves without the bookkeeping of plot items, fixed axes that are widened
twice a second at most, and one timer for all plots.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyqtgraph as pg
from PySide6.QtCore import QEvent, QRectF, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from rcapp.core.series import SeriesBuffer
from rcapp.views import theme
from rcapp.views.text import ElidedLabel, FigureLabel, label, set_text
from rcapp.views.words import NONE, figure

RANGE_PERIOD = 0.5
"""Seconds between two looks at whether the values still fit the axis."""

FIGURES_PERIOD = 0.19
"""Seconds for which the figures stand still, so that they can be read."""

FIGURES_LIMIT = 2.0
"""A value older than this (seconds) is no value any more: the line still shows what it was."""

GAP, GAP_SAMPLES = 1.0, 3.0
"""Seconds, and samples, without one after which no line is drawn over them: nothing is known."""

SINGLE_COLOURS = (4, 3, 2, 0, 1)
"""Colours of sensors with one line, in the order of the sensors: neighbours differ."""


class Line(pg.PlotCurveItem):  # type: ignore[misc]
    """A curve in a view whose range is known: it need not look through its samples for it."""

    def __init__(self) -> None:
        super().__init__(skipFiniteCheck=True, antialias=True)
        self._room = QRectF()

    def set_room(self, room: QRectF) -> None:
        """The part of the plane that is seen."""
        self.prepareGeometryChange()
        self._room = room

    def boundingRect(self) -> QRectF:
        """What is seen: nothing outside of it is ever painted."""
        return self._room


class SensorPlot(QWidget):
    """The plot of one sensor.

    Args:
        series: where its samples are; ``series.info`` says how to draw them.
        number: which single-line sensor this is, for its colour.
        seconds: how far back the plot reaches.
    """

    def __init__(self, series: SeriesBuffer, number: int, seconds: float) -> None:
        super().__init__()
        self._series = series
        self._info = series.info
        self._number = number
        self._seconds = seconds
        self._gap = max(GAP, GAP_SAMPLES / max(series.info.hz, 0.1))
        self._range = (math.nan, math.nan)
        self._looked = self._figures_at = -math.inf
        self.setMinimumHeight(64)
        self.setMaximumHeight(220)
        self._values: list[FigureLabel] = []
        self._alarm = label("", size=theme.SMALL, weight=theme.SEMIBOLD, role="bad")
        self._scale = label("", size=theme.SMALL, role="secondary")
        # A view box by itself: axes, titles and menus of a whole plot cost 80 ms each to make.
        self._plot = pg.GraphicsView(background=None)
        self._box = pg.ViewBox(enableMenu=False, enableMouse=False, defaultPadding=0.0)
        self._curves: list[Line] = []
        self._grid: list[pg.InfiniteLine] = []
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addLayout(self._head())
        layout.addWidget(self._plot, 1)
        self._prepare()
        self._fit(self._info.low, self._info.high)
        self.setAccessibleName(f"Plot of {self._info.label}")

    @property
    def curves(self) -> list[Line]:
        """The lines, one for each value of a sample."""
        return self._curves

    @property
    def figures(self) -> list[str]:
        """The newest values as shown."""
        return [value.text() for value in self._values]

    @property
    def alarm(self) -> str:
        """``"low"`` or ``"high"`` while a value is past its limit."""
        return self._alarm.text()

    @property
    def range(self) -> tuple[float, float]:
        """Lowest and highest value the axis shows."""
        return self._range

    def _head(self) -> QHBoxLayout:
        self._row = row = QHBoxLayout()
        row.setSpacing(6)
        name = ElidedLabel(self._info.label, size=theme.LABEL + 1, role="secondary")
        row.addWidget(name)
        row.addWidget(self._scale)
        row.addWidget(self._alarm)
        row.addStretch(1)
        several = len(self._info.series) > 1
        for index, short in enumerate(self._info.series):
            if index:
                row.addSpacing(8)
            value = FigureLabel(NONE, size=theme.TITLE - 1, widest=self._widest(), right=True)
            self._values.append(value)
            row.addWidget(value)
            caption = short if several else self._info.unit
            if caption:
                row.addWidget(label(caption, size=theme.SMALL, role="secondary"))
        if several and self._info.unit:
            row.addWidget(label(self._info.unit, size=theme.SMALL, role="secondary"))
        return row

    def _widest(self) -> str:
        limits = (self._info.low, self._info.high)
        return max((figure(limit, self._info.decimals) for limit in limits), key=len)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Leave out the range where the row is too short for it."""
        super().resizeEvent(event)
        wanted = self._wanted_width() <= event.size().width()
        if wanted == self._scale.isHidden():
            self._scale.setVisible(wanted)

    def _wanted_width(self) -> int:
        """Width of the row with its range; a hidden part would be missing from its size hint."""
        items = (self._row.itemAt(i) for i in range(self._row.count()))
        widgets = [w for w in (item.widget() for item in items if item is not None) if w]
        return sum(w.sizeHint().width() + self._row.spacing() for w in widgets) + 24

    def _prepare(self) -> None:
        plot = self._plot
        plot.setFrameShape(plot.Shape.NoFrame)
        plot.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        plot.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        box = self._box
        plot.setCentralItem(box)
        box.disableAutoRange()
        for _ in range(3):
            self._grid.append(pg.InfiniteLine(angle=0))
        for limit in (self._info.alarm_below, self._info.alarm_above):
            if limit is not None:
                line = pg.InfiniteLine(pos=limit, angle=0)
                line.setZValue(5)
                self._grid.append(line)
        for line in self._grid:
            box.addItem(line, ignoreBounds=True)
        for _ in self._info.series:
            curve = Line()
            curve.setZValue(10)
            box.addItem(curve, ignoreBounds=True)
            self._curves.append(curve)
        box.setXRange(-self._seconds, 0.0, padding=0)
        self._tint()

    def _colours(self) -> list[str]:
        palette = theme.current().series
        if len(self._curves) == 1:
            return [palette[SINGLE_COLOURS[self._number % len(palette)]]]
        return [palette[i % len(palette)] for i in range(len(self._curves))]

    def _tint(self) -> None:
        colours = theme.current()
        self._plot.setBackground(colours.card)
        for line in self._grid[:3]:
            line.setPen(pg.mkPen(colours.grid, width=1))
        for line in self._grid[3:]:
            line.setPen(pg.mkPen(colours.bad, width=1, style=Qt.PenStyle.DashLine))
        for curve, value, colour in zip(self._curves, self._values, self._colours(), strict=True):
            curve.setPen(pg.mkPen(colour, width=1))
            value.set_colour(colour)

    def refresh(self, now: float) -> None:
        """Show what is newest; ``now`` is the right edge (local monotonic seconds)."""
        times, values = self._series.view(self._seconds, now)
        if now - self._figures_at > FIGURES_PERIOD:
            self._figures_at = now
            last, at = self._series.last, self._series.last_time
            if last is None or at is None or now - at > FIGURES_LIMIT:
                last = (math.nan,) * len(self._values)
            self._show_values(last)
        if len(times) < 2:
            for curve in self._curves:
                curve.clear()
            return
        ages = times - now
        if now - self._looked > RANGE_PERIOD:
            self._looked = now
            self._widen(values)
        for curve, line in zip(self._curves, values, strict=True):
            if np.isfinite(line).all():
                curve.setData(ages, line, connect=self._joined(ages))
            else:
                good = np.isfinite(line)
                curve.setData(ages[good], line[good], connect=self._joined(ages[good]))

    def _joined(self, ages: npt.NDArray[np.float64]) -> str | npt.NDArray[np.int32]:
        """Which samples a line joins with the next one."""
        near = np.diff(ages) <= self._gap
        return "all" if near.all() else np.append(near, False).astype(np.int32)

    def _show_values(self, last: Sequence[float]) -> None:
        info = self._info
        bad = ""
        for value, number in zip(self._values, last, strict=True):
            if not math.isfinite(number):
                value.show_text(NONE)
                continue
            value.show_text(figure(number, info.decimals))
            if info.alarm_below is not None and number < info.alarm_below:
                bad = "low"
            elif info.alarm_above is not None and number > info.alarm_above:
                bad = "high"
        set_text(self._alarm, bad)

    def _widen(self, values: npt.NDArray[np.float64]) -> None:
        """Keep the announced range while values fit; else reach a little past them."""
        low, high = self._info.low, self._info.high
        finite = values[np.isfinite(values)]
        if finite.size:
            margin = 0.05 * max(high - low, 1e-9)
            smallest, largest = float(finite.min()), float(finite.max())
            low = smallest - margin if smallest < low else low
            high = largest + margin if largest > high else high
        if self._differs(low, high):
            self._fit(low, high)

    def _differs(self, low: float, high: float) -> bool:
        """Small changes are left alone so that the scale stands still."""
        if math.isnan(self._range[0]):
            return True
        slack = 0.02 * max(self._range[1] - self._range[0], 1e-9)
        return abs(low - self._range[0]) > slack or abs(high - self._range[1]) > slack

    def _fit(self, low: float, high: float) -> None:
        if high <= low:
            high = low + 1.0
        self._range = (low, high)
        room = 0.06 * (high - low)
        self._box.setYRange(low - room, high + room, padding=0)
        whole = QRectF(-self._seconds, low - room, self._seconds, high - low + 2 * room)
        for curve in self._curves:
            curve.set_room(whole)
        for line, at in zip(self._grid, (low, (low + high) / 2, high), strict=False):
            line.setPos(at)
        digits = 0 if high - low >= 4 else 1
        self._scale.setText(f"{figure(low, digits)} to {figure(high, digits)}")

    def changeEvent(self, event: QEvent) -> None:
        """Colour the lines anew when the theme changes."""
        if event.type() == QEvent.Type.PaletteChange and hasattr(self, "_grid") and self._grid:
            self._tint()
        super().changeEvent(event)
