from __future__ import annotations

import time

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from pynet.rc.messages import SensorInfo
from rcapp.core.events import EventLog
from rcapp.core.series import SeriesBuffer
from rcapp.views.events import EventsPanel
from rcapp.views.sensors import SensorsPanel
from tests.rcapp.views.scenes import SENSORS, filled


@pytest.fixture
def sensors(qtbot: QtBot) -> SensorsPanel:
    made = SensorsPanel()
    qtbot.addWidget(made)
    made.resize(380, 620)
    made.show()
    return made


def show(sensors: SensorsPanel, series: dict[str, SeriesBuffer]) -> None:
    sensors.show_series(series, 30.0)
    while sensors.make_next():
        pass


def test_every_announced_sensor_gets_a_plot_with_a_line_for_each_value(
    sensors: SensorsPanel,
) -> None:
    series = {info.name: filled(info) for info in SENSORS}
    show(sensors, series)
    assert list(sensors.plots) == ["distance", "speed", "battery"]
    assert [len(plot.curves) for plot in sensors.plots.values()] == [3, 1, 1]
    QApplication.processEvents()
    sensors.refresh(time.monotonic())
    ages, values = sensors.plots["speed"].curves[0].getData()
    assert len(ages) == len(values) > 150
    assert -30.0 <= ages[0] < ages[-1] <= 0.0


def test_a_car_with_other_sensors_replaces_the_plots(sensors: SensorsPanel) -> None:
    show(sensors, {"speed": filled(SENSORS[1])})
    odd = SensorInfo("odd", "Something new", "lm", ("a", "b"), 0.0, 1.0)
    show(sensors, {"odd": filled(odd)})
    assert list(sensors.plots) == ["odd"]
    show(sensors, {})
    assert not sensors.plots


def test_the_same_sensors_keep_their_plots(sensors: SensorsPanel) -> None:
    series = {"speed": filled(SENSORS[1])}
    show(sensors, series)
    plot = sensors.plots["speed"]
    show(sensors, dict(series))
    assert sensors.plots["speed"] is plot


def test_values_that_are_no_numbers_do_not_break_a_plot(sensors: SensorsPanel) -> None:
    series = filled(SENSORS[1])
    series.append(time.monotonic(), [float("nan")])
    show(sensors, {"speed": series})
    QApplication.processEvents()
    sensors.refresh(time.monotonic())
    assert len(sensors.plots["speed"].curves[0].getData()[0]) > 100


def test_no_line_is_drawn_over_a_time_of_which_nothing_is_known(sensors: SensorsPanel) -> None:
    now = time.monotonic()
    series = SeriesBuffer(SENSORS[1])
    for at in (*np.arange(now - 8.0, now - 5.0, 0.05), *np.arange(now - 2.0, now, 0.05)):
        series.append(at, [1.0])
    show(sensors, {"speed": series})
    QApplication.processEvents()
    sensors.refresh(now)
    path = sensors.plots["speed"].curves[0].getPath()
    starts = [path.elementAt(n) for n in range(path.elementCount())]
    moves = [round(element.x, 1) for element in starts if element.isMoveTo()]
    assert moves == [-8.0, -2.0]


def test_a_value_past_its_limit_is_named(sensors: SensorsPanel) -> None:
    show(sensors, {"battery": filled(SENSORS[2], value=6.1)})
    QApplication.processEvents()
    sensors.refresh(time.monotonic())
    plot = sensors.plots["battery"]
    assert plot.alarm == "low"
    assert plot.figures == ["6.10"]


def test_an_old_value_is_no_value(sensors: SensorsPanel) -> None:
    show(sensors, {"battery": filled(SENSORS[2], value=6.1)})
    QApplication.processEvents()
    sensors.refresh(time.monotonic() + 3.0)
    plot = sensors.plots["battery"]
    assert plot.figures == ["–"]
    assert plot.alarm == ""


def test_the_axis_reaches_past_the_announced_range_when_values_do(sensors: SensorsPanel) -> None:
    show(sensors, {"speed": filled(SENSORS[1], value=5.0)})
    QApplication.processEvents()
    sensors.refresh(time.monotonic())
    low, high = sensors.plots["speed"].range
    assert low == SENSORS[1].low
    assert high > 5.0


def test_hidden_plots_do_no_work(sensors: SensorsPanel) -> None:
    show(sensors, {"speed": filled(SENSORS[1])})
    sensors.hide()
    sensors.refresh(time.monotonic())
    assert len(sensors.plots["speed"].curves[0].getData()[0]) == 0


def test_many_sensors_use_columns_before_they_scroll(sensors: SensorsPanel) -> None:
    infos = [SensorInfo(f"s{i}", f"Sensor {i}", "", ("v",), 0.0, 1.0) for i in range(12)]
    show(sensors, {info.name: filled(info, 1.0) for info in infos})
    QApplication.processEvents()
    lefts = {plot.mapTo(sensors, QPoint(0, 0)).x() for plot in sensors.plots.values()}
    assert len(lefts) == 1
    sensors.resize(760, 620)
    QApplication.processEvents()
    lefts = {plot.mapTo(sensors, QPoint(0, 0)).x() for plot in sensors.plots.values()}
    assert len(lefts) == 2


@pytest.fixture
def events(qtbot: QtBot) -> EventsPanel:
    made = EventsPanel()
    qtbot.addWidget(made)
    made.resize(900, 36)
    made.show()
    return made


def shown(events: EventsPanel) -> list[str]:
    events.grab()
    return [text.text for text in events.texts[1::2]]


def test_the_newest_events_are_shown_newest_last(events: EventsPanel) -> None:
    log = EventLog()
    assert shown(events) == []
    for text in ("one", "two", "three"):
        log.add("info", text)
    events.follow(log)
    assert shown(events) == ["two", "three"]
    assert events.newest == "three"
    log.add("bad", "four")
    events.follow(log)
    assert shown(events) == ["three", "four"]
    assert events.accessibleDescription() == "Problem: four"


def test_a_tall_panel_shows_more_and_the_wheel_looks_back(events: EventsPanel) -> None:
    log = EventLog()
    for number in range(10):
        log.add("info", f"event {number}")
    events.follow(log)
    events.resize(300, 26 * 4 + 8)
    assert shown(events) == [f"event {n}" for n in (6, 7, 8, 9)]
    for delta, first in ((120, "event 5"), (-120, "event 6")):
        events.wheelEvent(
            QWheelEvent(
                QPointF(5, 5),
                QPointF(5, 5),
                QPoint(),
                QPoint(0, delta),
                Qt.MouseButton.NoButton,
                Qt.KeyboardModifier.NoModifier,
                Qt.ScrollPhase.NoScrollPhase,
                False,
            )
        )
        assert shown(events)[0] == first


def test_long_events_are_elided(events: EventsPanel) -> None:
    log = EventLog()
    log.add("warn", "a very long story " * 20)
    events.follow(log)
    events.grab()
    for text in events.texts:
        assert text.rect.right() <= events.width()
    assert shown(events)[0].endswith("…")
