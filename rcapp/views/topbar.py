"""The bar at the top, the same over every view: car, driver, state, figures, STOP."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QMenu, QWidget

from rcapp.core.state import Link, Snapshot
from rcapp.views import icons, theme
from rcapp.views.chips import CarChip, DriverChip, Figure, StateChip, StopButton
from rcapp.views.words import NONE, milliseconds, old

WIDE = 1180
"""Below this width (px) the driver chip makes room."""

NARROW = 1060
"""Below this width (px) the pictures-per-second figure makes room: the picture says it too."""


class TopBar(QWidget):
    """Shows a snapshot; owns the STOP button.

    Args:
        cars: the menu that the car chip opens.
        own_name: what this app is called at the car, to tell "you" from others.

    Attributes:
        stop: the STOP button.
    """

    def __init__(self, cars: QMenu, own_name: str) -> None:
        super().__init__()
        self.setObjectName("topBar")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFixedHeight(theme.BAR_HEIGHT)
        self._own_name = own_name
        self.car = CarChip(cars)
        self.driver = DriverChip()
        self.state = StateChip()
        self.stop = StopButton()
        self.age = Figure(
            "Frame age", "0000 ms", "Frame age: from taking the newest picture to painting it"
        )
        self.command = Figure(
            "Command", "0000 ms", "From sending a drive command to the car having taken it"
        )
        self.rate = Figure("Pictures", "00 fps", "Pictures painted in the last second")
        self.battery = Figure("Battery", "00.0 V", "Voltage of the car's battery")
        self._figures = (self.age, self.command, self.rate, self.battery)
        mark = QLabel()
        mark.setPixmap(icons.app_icon().pixmap(30, 30))
        mark.setFixedWidth(theme.RAIL_WIDTH)
        mark.setAlignment(Qt.AlignmentFlag.AlignCenter)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 16, 0)
        layout.setSpacing(12)
        layout.addWidget(mark)
        layout.addSpacing(4)
        for part in (self.car, self.driver, self.state):
            layout.addWidget(part)
        layout.addStretch(1)
        for figure in self._figures:
            layout.addWidget(figure)
            layout.addSpacing(6)
        layout.addWidget(self.stop)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Leave out the less important parts where room is short."""
        self.driver.setVisible(event.size().width() >= WIDE)
        self.rate.setVisible(event.size().width() >= NARROW)
        super().resizeEvent(event)

    def show_snapshot(self, now: Snapshot) -> None:
        """Show the state of the car and its link."""
        word, level = state_word(now)
        self.state.show_state(word, level)
        name = now.car.name if now.car else (now.address or "No car")
        where = "" if name == now.address else now.address
        if now.car and now.car.simulated:
            where = f"{where} · simulated"
        link_level = level if not (now.stopped or now.stop_pressed) else "bad"
        self.car.show_car(name if now.link is not Link.IDLE else "No car", where, link_level)
        self._show_driver(now)
        self._show_figures(now)

    def _show_driver(self, now: Snapshot) -> None:
        driver = now.status.driver if now.status and now.link is Link.LIVE else ""
        if not driver and now.sending:
            driver = self._own_name
        if not driver:
            self.driver.show_driver("nobody", "")
        elif driver == self._own_name:
            self.driver.show_driver("you", now.input_source)
        else:
            self.driver.show_driver(driver, "")

    def _show_figures(self, now: Snapshot) -> None:
        if now.link is Link.LIVE:
            self.age.show_value(milliseconds(now.frame_age), name="Frame age")
        else:
            role = "warn" if now.picture_age is not None else "text"
            self.age.show_value(old(now.picture_age), role, name="Picture age")
        heard = now.link in (Link.LIVE, Link.STALE) and now.status_known
        self.command.show_value(milliseconds(now.round_trip) if heard and now.sending else NONE)
        self.rate.show_value(f"{now.fps:.0f} fps" if now.link is not Link.IDLE else NONE)
        volts = now.status.battery if now.status and heard else None
        self.battery.show_value(NONE if volts is None else f"{volts:.1f} V")


def state_word(now: Snapshot) -> tuple[str, str]:
    """The one word of the state chip, and its colour."""
    if now.link is not Link.IDLE and (now.stopped or now.stop_pressed):
        return "STOPPED", "bad"
    if now.link is Link.STALE:
        return f"STALE {old(now.picture_age)}", "warn"
    return {
        Link.IDLE: ("NO CAR", "secondary"),
        Link.CONNECTING: ("CONNECTING", "warn"),
        Link.LIVE: ("LIVE", "good"),
        Link.LOST: ("LOST", "bad"),
        Link.RECONNECTING: ("RECONNECTING", "warn"),
    }[now.link]
