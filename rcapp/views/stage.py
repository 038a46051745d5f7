"""The picture, and what may lie over it: one panel, and the strip that says who drives."""

from __future__ import annotations

import time

from PySide6.QtCore import Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QWidget

from rcapp.core.state import Link, Snapshot
from rcapp.core.wheel import Holder
from rcapp.views.disarmed_panel import ArmPanel
from rcapp.views.hud import HudState
from rcapp.views.panels import CarSource, MessagePanel, PanelButton, WelcomePanel
from rcapp.views.picture import PictureView
from rcapp.views.wheel_bar import WheelBar
from rcapp.views.words import clock, duration, milliseconds, old, shortened

TOP = 64
"""Pixels above what lies over the picture of a car that may still roll: the chips and a gap."""

BETWEEN = 8

FIGURES_PERIOD = 0.2
"""Seconds for which the painted figures stand still, so that they can be read."""


class Stage(QWidget):
    """Shows a snapshot: the picture with its figures, or the state there is instead.

    Args:
        picture: shown behind everything.
        cars: gives the list of cars.
    """

    demo_wanted = Signal()
    connect_wanted = Signal(str)
    car_wanted = Signal(object)
    forget_wanted = Signal(str)
    disconnect_wanted = Signal()
    retry_wanted = Signal()
    pair_wanted = Signal()
    arm_wanted = Signal()
    take_wanted = Signal()
    leave_wheel_wanted = Signal()

    def __init__(self, picture: PictureView, cars: CarSource) -> None:
        super().__init__()
        self.picture = picture
        self._figures_at = 0.0
        self._figures: tuple[str, tuple[tuple[str, str], ...], str] = ("", (), "")
        self._stopped_at = ""
        picture.setParent(self)
        self.welcome = WelcomePanel(cars)
        self.connecting = MessagePanel("Connecting")
        self.lost = MessagePanel("Link lost", role="bad")
        self.stopped = ArmPanel("STOPPED", kind="stop", role="bad")
        self.disarmed = ArmPanel("DISARMED", kind="ask", role="warn")
        self.wheel_bar = WheelBar()
        self._panels: tuple[MessagePanel, ...] = (
            self.welcome,
            self.connecting,
            self.lost,
            self.stopped,
            self.disarmed,
        )
        self._fill_panels()
        # On the screen from the first moment on, so that it can have the focus.
        self._shown: MessagePanel | None = self.welcome
        for panel in self._panels:
            panel.setParent(self)
            panel.setVisible(panel is self._shown)
        self.wheel_bar.setParent(self)

    def _fill_panels(self) -> None:
        self.welcome.demo_wanted.connect(self.demo_wanted)
        self.welcome.connect_wanted.connect(self.connect_wanted)
        self.welcome.car_wanted.connect(self.car_wanted)
        self.welcome.forget_wanted.connect(self.forget_wanted)
        self.connecting.add_line()
        self.connecting.add_line(role="warn")
        self.connecting.add_line(role="secondary")
        self.pair = PanelButton("Pair…", primary=True, icon="link")
        self.pair.clicked.connect(self.pair_wanted)
        self.cancel = PanelButton("Cancel")
        self.cancel.clicked.connect(self.disconnect_wanted)
        self.connecting.add_buttons(self.pair, self.cancel)
        for role in ("", "", "secondary", "warn"):
            self.lost.add_line(role=role)
        self.pair_again = PanelButton("Pair again…", primary=True, icon="link")
        self.pair_again.clicked.connect(self.pair_wanted)
        self.retry = PanelButton("Try now", primary=True, icon="refresh")
        self.retry.clicked.connect(self.retry_wanted)
        self.leave = PanelButton("Disconnect", icon="unlink")
        self.leave.clicked.connect(self.disconnect_wanted)
        self.lost.add_buttons(self.pair_again, self.retry, self.leave)
        for panel in (self.stopped, self.disarmed):
            panel.arm_wanted.connect(self.arm_wanted)
            panel.leave_wanted.connect(self.leave_wheel_wanted)
        self.wheel_bar.take_wanted.connect(self.take_wanted)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Picture everywhere, panel in its place."""
        super().resizeEvent(event)
        self.picture.setGeometry(self.rect())
        self._place()

    def _place(self) -> None:
        top = TOP
        bar = self.wheel_bar
        if not bar.isHidden():
            bar.fit(self.width())
            bar.move((self.width() - bar.width()) // 2, top)
            top += bar.height() + BETWEEN
        panel = self._shown
        if panel is None:
            return
        rolling = panel in (self.stopped, self.disarmed)
        panel.fit(self.width(), self.height() - (top if rolling else 0))
        y = (self.height() - panel.height()) // 2
        if rolling:
            # The car may still roll: leave the road in sight.
            y = top
        panel.move((self.width() - panel.width()) // 2, max(8, y))

    def show_snapshot(self, now: Snapshot, *, note: str, starting: bool, has_keys: bool) -> None:
        """Show the state of the car.

        Args:
            now: what is known.
            note: a sentence about what failed before there was a link; may be empty.
            starting: the demo car is on its way.
            has_keys: the keyboard goes to the picture.
        """
        if now.link is Link.IDLE:
            self.picture.forget_frame()
        self.picture.set_state(self._hud(now, has_keys), self.is_stopped(now))
        self.wheel_bar.show_snapshot(now)
        panel = self._panel_for(now, note, starting)
        if panel is not self._shown:
            for other in self._panels:
                other.setVisible(other is panel)
            self._shown = panel
            if panel is not None:
                panel.raise_()
        self._place()

    @staticmethod
    def is_stopped(now: Snapshot) -> bool:
        """STOP is pressed or latched."""
        return now.link is not Link.IDLE and (now.stopped or now.stop_pressed)

    def _panel_for(self, now: Snapshot, note: str, starting: bool) -> MessagePanel | None:
        if not self.is_stopped(now):
            self._stopped_at = ""
        if now.link is Link.IDLE:
            self.welcome.show_state(note or now.error, starting=starting)
            return self.welcome
        if now.link is Link.CONNECTING:
            return self._connecting_panel(now)
        if now.link in (Link.LOST, Link.RECONNECTING):
            return self._lost_panel(now)
        if self.is_stopped(now):
            return self._stopped_panel(now)
        if now.wheel.yours and now.stage == "disarmed":
            return self._disarmed_panel(now)
        return None

    def _connecting_panel(self, now: Snapshot) -> MessagePanel:
        unpaired = now.can_be_paired
        self.connecting.say(
            f"Not paired with {now.address}" if unpaired else f"Connecting to {now.address}",
            "" if now.error else "Asking the car who it is.",
            now.error,
            "" if unpaired else _next_try(now),
        )
        self.pair.setVisible(unpaired)
        return self.connecting

    def _lost_panel(self, now: Snapshot) -> MessagePanel:
        name = now.car.name if now.car else now.address
        since = ""
        age = now.unheard
        if age is not None:
            since = f"Last heard at {clock(time.time() - age)}, {duration(age)} ago."
        car = "The car puts its throttle to neutral by itself when commands stop."
        if now.car is not None:
            limit = milliseconds(now.car.command_timeout)
            car = f"The car puts its throttle to neutral {limit} after the last command."
        if now.stopped:
            car = "STOP is latched on the car: its throttle is at neutral."
        elif now.stop_pressed:
            car += " STOP reaches it as soon as there is a link."
        word = "Reconnecting to" if now.link is Link.RECONNECTING else "Lost the link to"
        self.lost.say(
            f"{word} {name}", now.error or "The car does not answer.", since, car, _next_try(now)
        )
        self.retry.setEnabled(now.link is Link.LOST)
        self.retry.setVisible(not now.can_be_paired)
        self.pair_again.setVisible(now.can_be_paired)
        return self.lost

    def _stopped_panel(self, now: Snapshot) -> MessagePanel:
        self._stopped_at = self._stopped_at or clock(time.time())
        if not now.stopped:
            acknowledged = "Telling the car. Until it answers, only neutral is sent."
        elif now.stop_took is not None:
            acknowledged = f"The car acknowledged it after {milliseconds(now.stop_took)}."
        else:
            acknowledged = "The throttle is at neutral."
        if now.stop_pressed and now.error:
            acknowledged = now.error
        who = f"You pressed {now.stop_why}." if now.stop_why else now.stop_reason
        self.stopped.say(
            "STOPPED",
            f"{self._stopped_at}  {who or 'STOP was pressed.'}",
            acknowledged,
            _how_to_clear(now) if now.stopped else "",
        )
        self._offer_arming(self.stopped, now, "Arm and clear STOP · Return")
        return self.stopped

    def _disarmed_panel(self, now: Snapshot) -> MessagePanel:
        status = now.status
        assert status is not None
        ready = not status.refusals
        how = "Ready. Arm when the road is clear." if ready else "It cannot be armed yet:"
        if ready and now.throttle_held:
            how = "You hold the throttle: let go of it first."
        self.disarmed.say("DISARMED", status.reason, how, now.reply if ready else "")
        self._offer_arming(self.disarmed, now, "Arm · Return")
        return self.disarmed

    def _offer_arming(self, panel: ArmPanel, now: Snapshot, arm: str) -> None:
        refusals = now.status.refusals if now.status is not None and now.status_known else ()
        yours = now.wheel.yours
        panel.refusals.show_refusals(refusals if yours else ())
        panel.offer(
            arm=arm if yours else "",
            ready=not (refusals or now.throttle_held or now.ordering or now.stop_pressed),
            leave=yours,
        )

    def _hud(self, now: Snapshot, has_keys: bool) -> HudState:
        # An old status is none: the car may have gone neutral by itself since.
        status, at = now.status if now.status_known else None, time.monotonic()
        if at - self._figures_at >= FIGURES_PERIOD or now.link is not Link.LIVE:
            self._figures_at = at
            self._figures = (_detail(now), _figures(now), _caption(now))
        detail, figures, caption = self._figures
        yours = now.wheel.yours or status is None
        car_steer = round(status.steer, 2) if status else 0.0
        car_throttle = round(status.throttle, 2) if status else 0.0
        return HudState(
            link=now.link,
            headline=_headline(now),
            detail=detail,
            figures=figures,
            speed=None if status is None else round(status.speed, 1),
            caption=caption,
            hint=_hint(now, has_keys),
            # Who watches has no controls: all four figures are what the car does.
            steer=round(now.steer, 2) if yours else car_steer,
            throttle=round(now.throttle, 2) if yours else car_throttle,
            car_steer=car_steer,
            car_throttle=car_throttle,
        )


def _caption(now: Snapshot) -> str:
    words = [_who_drives(now)]
    if now.stage:
        words.append({"ready": "armed", "degraded": "commands late"}.get(now.stage, now.stage))
    elif now.status is not None:
        words.append(f"last heard {old(now.status_age)} ago")
    if now.input_source and now.wheel.yours:
        words.append(now.input_source)
    if now.car and now.car.speed_limit > 0:
        words.append(f"limit {now.car.speed_limit:.1f} m/s")
    return " · ".join(word for word in words if word)


def _who_drives(now: Snapshot) -> str:
    if now.wheel.holder is Holder.OTHER:
        return f"{shortened(now.wheel.driver)} drives"
    return {Holder.YOU: "you drive", Holder.NOBODY: "nobody drives"}.get(now.wheel.holder, "")


def _hint(now: Snapshot, has_keys: bool) -> str:
    if now.link is not Link.LIVE or Stage.is_stopped(now):
        return ""
    if now.error:
        return now.error
    if not now.wheel.yours:
        return ""
    if not has_keys and now.input_source != "gamepad":
        return "Click the picture to drive with the keys"
    if now.armed and (now.stage == "neutral" or (now.must_let_go and now.sending)):
        return "Let go of the throttle once to drive on"
    return ""


def _how_to_clear(now: Snapshot) -> str:
    wheel = now.wheel
    if wheel.yours:
        return "Arming clears it. Let go of the controls first."
    if not wheel.may_drive or wheel.driver:
        return f"Only {wheel.driver or 'a driver'} can clear it, by arming."
    return "Take the wheel, then arm: that clears it."


def _next_try(now: Snapshot) -> str:
    if now.retry_in is None:
        return "Trying now." if now.link is not Link.CONNECTING or now.error else ""
    return f"Next try in {max(1, round(now.retry_in))} s."


def _headline(now: Snapshot) -> str:
    if now.link is Link.LIVE:
        return "LIVE"
    age = old(now.picture_age) if now.picture_age is not None else ""
    if now.link is Link.STALE:
        return f"STALE {age}".strip()
    return f"LOST · picture {age} old" if age else "LOST"


def _detail(now: Snapshot) -> str:
    if now.link is not Link.LIVE:
        return ""
    return f"frame age {milliseconds(now.frame_age_p50 or now.frame_age)} · {now.fps:.0f} fps"


def _figures(now: Snapshot) -> tuple[tuple[str, str], ...]:
    made = []
    if now.link in (Link.LIVE, Link.STALE):
        if now.status and now.status.battery is not None and now.status_known:
            made.append(("Battery", f"{now.status.battery:.1f} V"))
        if now.sending and now.status_known:
            made.append(("Command", milliseconds(now.round_trip)))
    return tuple(made)
