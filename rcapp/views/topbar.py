"""The bar at the top, the same over every view: car, driver, state, figures, STOP."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QMenu, QWidget

from rcapp.core.state import Link, Snapshot
from rcapp.core.wheel import Holder
from rcapp.views import icons, theme
from rcapp.views.chips import CarChip, DriverChip, Figure, StateChip, StopButton
from rcapp.views.words import NONE, milliseconds, old, shortened

WIDE, NARROW = 1220, 1100
"""Below these widths (px) the pictures per second, then the battery make room: the picture says
them too. Who drives is always there."""


class TopBar(QWidget):
    """Shows a snapshot; owns the STOP button.

    Args:
        cars: the menu that the car chip opens.
        wheel: the menu that the driver chip opens.

    Attributes:
        stop: the STOP button.
    """

    def __init__(self, cars: QMenu, wheel: QMenu) -> None:
        super().__init__()
        self.setObjectName("topBar")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFixedHeight(theme.BAR_HEIGHT)
        self.car = CarChip(cars)
        self.driver = DriverChip(wheel)
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
        self.rate.setVisible(event.size().width() >= WIDE)
        self.battery.setVisible(event.size().width() >= NARROW)
        super().resizeEvent(event)

    def show_snapshot(self, now: Snapshot) -> None:
        """Show the state of the car and its link."""
        word, level = state_word(now)
        self.state.show_state(word, level)
        name = now.car.name if now.car else (now.address or "No car")
        where = "" if name == now.address else now.address
        if now.role:
            where = f"{where} · {now.role}"
        if now.car and now.car.simulated:
            where = f"simulated · {now.role}"
        self.car.show_words(
            name if now.link is not Link.IDLE else "No car", where, _link_level(now)
        )
        self._show_driver(now)
        self._show_figures(now)

    def _show_driver(self, now: Snapshot) -> None:
        self.driver.show_words(*driver_words(now))

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


def _link_level(now: Snapshot) -> str:
    if now.link is Link.IDLE:
        return "secondary"
    return {Link.LIVE: "good", Link.LOST: "bad"}.get(now.link, "warn")


def driver_words(now: Snapshot) -> tuple[str, str, str]:
    """Who drives, what there is to know about it, and the colour of the light."""
    wheel = now.wheel
    if wheel.yours:
        if wheel.request:
            return "You drive", f"{shortened(wheel.request)} asks", "warn"
        return "You drive", now.input_source if now.sending else "no input", "good"
    if wheel.holder is Holder.OTHER:
        more = "you have asked" if wheel.asking else ""
        return (
            f"{shortened(wheel.driver)} drives",
            "offered to you" if wheel.offered else more,
            "accent",
        )
    if now.link in (Link.IDLE, Link.CONNECTING) or wheel.holder is Holder.NOBODY:
        return "Nobody drives", "offered to you" if wheel.offered else "", "secondary"
    return "Driver unknown", "", "secondary"


STAGE_WORDS = {
    "ready": ("ARMED", "good"),
    "degraded": ("ARMED · LATE", "warn"),
    "neutral": ("NEUTRAL", "warn"),
    "disarmed": ("DISARMED", "warn"),
}


def state_word(now: Snapshot) -> tuple[str, str]:
    """The one word of the state chip, and its colour: STOP, then the link, then the car."""
    if now.link is not Link.IDLE and (now.stopped or now.stop_pressed):
        return "STOPPED", "bad"
    if now.link is Link.STALE:
        return f"STALE {old(now.picture_age)}", "warn"
    if now.link is Link.LIVE:
        return STAGE_WORDS.get(now.stage, ("LIVE", "good"))
    return {
        Link.IDLE: ("NO CAR", "secondary"),
        Link.CONNECTING: ("CONNECTING", "warn"),
        Link.LOST: ("LOST", "bad"),
        Link.RECONNECTING: ("RECONNECTING", "warn"),
    }[now.link]


def urgent(now: Snapshot) -> tuple[object, ...]:
    """What the bar must show at once when it changes; its figures may wait."""
    wheel = now.wheel
    who = wheel.holder, wheel.driver, wheel.request, wheel.asking, wheel.offered
    state = now.link, now.stage, now.stopped, now.stop_pressed
    return *state, now.address, now.sending, *who
