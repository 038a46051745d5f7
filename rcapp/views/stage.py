"""The picture, and the one panel that may lie over it."""

from __future__ import annotations

import time

from PySide6.QtCore import Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QWidget

from rcapp.core.state import Link, Snapshot
from rcapp.views.hud import HudState
from rcapp.views.panels import MessagePanel, PanelButton, WelcomePanel
from rcapp.views.picture import PictureView
from rcapp.views.words import clock, duration, milliseconds, old

STOPPED_TOP = 64
"""Pixels above the panel of a stopped car: the height of the chips and a gap."""

FIGURES_PERIOD = 0.2
"""Seconds for which the painted figures stand still, so that they can be read."""


class Stage(QWidget):
    """Shows a snapshot: the picture with its figures, or the state there is instead.

    Args:
        picture: shown behind everything.
        own_name: what this app is called at the car.
    """

    demo_wanted = Signal()
    connect_wanted = Signal(str)
    disconnect_wanted = Signal()
    retry_wanted = Signal()
    clear_wanted = Signal()

    def __init__(self, picture: PictureView, own_name: str) -> None:
        super().__init__()
        self.picture = picture
        self._own_name = own_name
        self._figures_at = 0.0
        self._figures: tuple[str, tuple[tuple[str, str], ...], str] = ("", (), "")
        self._stopped_at = ""
        picture.setParent(self)
        self.welcome = WelcomePanel()
        self.connecting = MessagePanel("Connecting")
        self.lost = MessagePanel("Link lost", role="bad")
        self.stopped = MessagePanel("STOPPED", kind="stop", role="bad")
        self._panels: tuple[MessagePanel, ...] = (
            self.welcome,
            self.connecting,
            self.lost,
            self.stopped,
        )
        self._fill_panels()
        # On the screen from the first moment on, so that it can have the focus.
        self._shown: MessagePanel | None = self.welcome
        for panel in self._panels:
            panel.setParent(self)
            panel.setVisible(panel is self._shown)

    def _fill_panels(self) -> None:
        self.welcome.demo_wanted.connect(self.demo_wanted)
        self.welcome.connect_wanted.connect(self.connect_wanted)
        self.connecting.add_line()
        self.connecting.add_line(role="warn")
        self.connecting.add_line(role="secondary")
        self.cancel = PanelButton("Cancel")
        self.cancel.clicked.connect(self.disconnect_wanted)
        self.connecting.add_buttons(self.cancel)
        for role in ("", "", "secondary", "warn"):
            self.lost.add_line(role=role)
        self.retry = PanelButton("Try now", primary=True, icon="refresh")
        self.retry.clicked.connect(self.retry_wanted)
        self.leave = PanelButton("Disconnect", icon="unlink")
        self.leave.clicked.connect(self.disconnect_wanted)
        self.lost.add_buttons(self.retry, self.leave)
        self.stopped.add_line(strong=True)
        self.stopped.add_line(role="secondary")
        self.clear = PanelButton("Clear STOP")
        self.clear.clicked.connect(self.clear_wanted)
        self.stopped.add_buttons(self.clear)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Picture everywhere, panel in its place."""
        super().resizeEvent(event)
        self.picture.setGeometry(self.rect())
        self._place()

    def _place(self) -> None:
        panel = self._shown
        if panel is None:
            return
        panel.fit(self.width(), self.height())
        x = (self.width() - panel.width()) // 2
        y = (self.height() - panel.height()) // 2
        if panel is self.stopped:
            # The car may still roll: leave the road in sight.
            y = min(y, STOPPED_TOP)
        panel.move(x, max(8, y))

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
        self.picture.set_state(self._hud(now, has_keys), self._is_stopped(now))
        panel = self._panel_for(now, note, starting)
        if panel is not self._shown:
            for other in self._panels:
                other.setVisible(other is panel)
            self._shown = panel
            if panel is not None:
                panel.raise_()
        self._place()

    @staticmethod
    def _is_stopped(now: Snapshot) -> bool:
        return now.link is not Link.IDLE and (now.stopped or now.stop_pressed)

    def _panel_for(self, now: Snapshot, note: str, starting: bool) -> MessagePanel | None:
        if not self._is_stopped(now):
            self._stopped_at = ""
        if now.link is Link.IDLE:
            self.welcome.show_state(note or now.error, starting=starting)
            return self.welcome
        if now.link is Link.CONNECTING:
            self.connecting.say(
                f"Connecting to {now.address}",
                "" if now.error else "Asking the car who it is.",
                now.error,
                _next_try(now),
            )
            return self.connecting
        if now.link in (Link.LOST, Link.RECONNECTING):
            return self._lost_panel(now)
        return self._stopped_panel(now) if self._is_stopped(now) else None

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
        return self.lost

    def _stopped_panel(self, now: Snapshot) -> MessagePanel:
        self._stopped_at = self._stopped_at or clock(time.time())
        who = self._who_stopped(now)
        if now.stopped:
            how = "The throttle is at neutral. Let go of the controls, then clear it."
        else:
            how = "Telling the car. Until it answers, only neutral is sent."
        if now.stop_pressed and now.error:
            how = now.error
        self.stopped.say("STOPPED", f"{self._stopped_at}  {who}", how)
        self.clear.setEnabled(now.stopped)
        return self.stopped

    def _who_stopped(self, now: Snapshot) -> str:
        if not now.stopped:
            return "You pressed STOP"
        what, by, who = now.stop_reason.rpartition(_BY)
        if by and who == self._own_name:
            return f"You pressed {what}"
        if by:
            return f"{who} pressed {what}"
        return now.stop_reason or "STOP was pressed"

    def _hud(self, now: Snapshot, has_keys: bool) -> HudState:
        # An old status is none: the car may have gone neutral by itself since.
        status, at = now.status if now.status_known else None, time.monotonic()
        if at - self._figures_at >= FIGURES_PERIOD or now.link is not Link.LIVE:
            self._figures_at = at
            self._figures = (_detail(now), _figures(now), self._caption(now))
        detail, figures, caption = self._figures
        return HudState(
            link=now.link,
            headline=_headline(now),
            detail=detail,
            figures=figures,
            speed=None if status is None else round(status.speed, 1),
            caption=caption,
            hint=self._hint(now, has_keys),
            steer=round(now.steer, 2),
            throttle=round(now.throttle, 2),
            car_steer=round(status.steer, 2) if status else 0.0,
            car_throttle=round(status.throttle, 2) if status else 0.0,
        )

    def _caption(self, now: Snapshot) -> str:
        words = [now.status.state] if now.status and now.status_known else []
        if now.status and not now.status_known:
            words.append(f"last heard {old(now.status_age)} ago")
        if now.input_source:
            words.append(now.input_source)
        if now.car and now.car.speed_limit > 0:
            words.append(f"limit {now.car.speed_limit:.1f} m/s")
        return " · ".join(words)

    def _hint(self, now: Snapshot, has_keys: bool) -> str:
        if now.link is not Link.LIVE or self._is_stopped(now):
            return ""
        if now.error:
            return now.error
        driver = now.status.driver if now.status else ""
        if driver and driver != self._own_name:
            return f"{driver} drives"
        if now.must_let_go and now.sending:
            return "Let go of the throttle once to drive on"
        if not has_keys and now.input_source != "gamepad":
            return "Click the picture to drive with the keys"
        return ""


_BY = ", by "


def stop_words(what: str, who: str) -> str:
    """The reason given to the car: other screens show it too, so it names who and how."""
    return f"{what}{_BY}{who}"


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
