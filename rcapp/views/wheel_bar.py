"""The strip over the picture that says who drives, and lets the person do something about it."""

from __future__ import annotations

import math
from dataclasses import dataclass

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QVBoxLayout

from rcapp.core.state import Link, Snapshot
from rcapp.core.wheel import Holder, Wheel
from rcapp.views import theme
from rcapp.views.chips import Dot
from rcapp.views.panels import PanelButton
from rcapp.views.text import ElidedLabel, label, set_text

WIDEST = 620


@dataclass(frozen=True, slots=True)
class BarWords:
    """What the strip says and offers.

    Attributes:
        text: who drives, or who asks; empty hides the strip.
        note: a second line, or empty.
        level: colour of its light.
        primary, secondary, third: text of its buttons, empty for none.
    """

    text: str = ""
    note: str = ""
    level: str = "secondary"
    primary: str = ""
    secondary: str = ""
    third: str = ""


def _seconds(left: float) -> str:
    return f"{max(0, math.ceil(left))} s"


def bar_words(now: Snapshot) -> BarWords:
    """What there is to say about the wheel; nothing while we simply drive."""
    wheel = now.wheel
    if now.link not in (Link.LIVE, Link.STALE) or wheel.holder is Holder.UNKNOWN:
        return BarWords()
    if wheel.offered:
        return BarWords(
            f"{wheel.driver or 'The driver'} offers you the wheel · {_seconds(wheel.offered_left)}",
            "The car is at neutral until you have taken it and armed.",
            "warn",
            primary="Take it · T",
        )
    if wheel.yours:
        return _while_driving(wheel, now)
    if not wheel.may_drive:
        who = f"{wheel.driver} drives" if wheel.driver else "Nobody drives"
        return BarWords(
            f"{who} · you watch",
            now.reply or "This car lets this computer watch, and press STOP.",
            "accent",
        )
    if wheel.holder is Holder.NOBODY and not wheel.busy_with:
        return BarWords(
            "Nobody drives", now.reply or now.wheel.forced_reason, "accent", "Take the wheel · T"
        )
    return _while_watching(wheel, now)


def _while_driving(wheel: Wheel, now: Snapshot) -> BarWords:
    if wheel.request:
        return BarWords(
            f"{wheel.request} asks for the wheel · {_seconds(wheel.request_left)}",
            "Handing over disarms the car. Without an answer you keep it.",
            "warn",
            secondary="Hand over · Y",
            third="Keep it · N",
        )
    if wheel.offered_to:
        return BarWords(f"The wheel is offered to {wheel.offered_to}", now.reply, "warn")
    return BarWords(now.reply, "", "warn") if now.reply and now.armed else BarWords()


def _while_watching(wheel: Wheel, now: Snapshot) -> BarWords:
    who = f"{wheel.driver} drives" if wheel.driver else "Nobody drives"
    force = "Take it by force…" if wheel.may_force and wheel.driver else ""
    if wheel.asking:
        asked = wheel.driver or "the driver"
        return BarWords(
            f"{who} · you have asked · {_seconds(wheel.asking_left)}",
            f"Waiting for {asked} to answer.",
            "warn",
            third=force,
        )
    if wheel.busy_with:
        return BarWords(
            f"{who} · you watch",
            now.reply or f"{wheel.busy_with} has asked for the wheel.",
            "accent",
            third=force,
        )
    return BarWords(
        f"{who} · you watch",
        now.reply or wheel.forced_reason,
        "accent",
        secondary="Ask for the wheel · T",
        third=force,
    )


class WheelBar(QFrame):
    """Shows :func:`bar_words`; over the picture, never in the way of the road for long."""

    take_wanted = Signal()
    accept_wanted = Signal()
    decline_wanted = Signal()
    force_wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("panel", "true")
        self._words = BarWords()
        self._dot = Dot()
        self._text = ElidedLabel("", size=theme.TITLE, weight=theme.SEMIBOLD)
        self._note = label("", size=theme.LABEL, role="secondary", wrap=True)
        self.primary = PanelButton("", primary=True)
        self.secondary = PanelButton("")
        self.third = PanelButton("")
        self.primary.clicked.connect(self.take_wanted)
        self.secondary.clicked.connect(self._second)
        self.third.clicked.connect(self._third)
        head = QHBoxLayout()
        head.setSpacing(10)
        head.addWidget(self._dot)
        head.addWidget(self._text, 1)
        for button in (self.primary, self.secondary, self.third):
            head.addWidget(button)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 8, 8, 8)
        column.setSpacing(2)
        column.addLayout(head)
        column.addWidget(self._note)
        self.hide()

    @property
    def words(self) -> BarWords:
        """What it says now."""
        return self._words

    def show_snapshot(self, now: Snapshot) -> None:
        """Say who drives."""
        words = bar_words(now)
        if words != self._words:
            self._words = words
            self._dot.set_level(words.level)
            set_text(self._text, words.text)
            set_text(self._note, words.note)
            self._note.setVisible(bool(words.note))
            for button, text in (
                (self.primary, words.primary),
                (self.secondary, words.secondary),
                (self.third, words.third),
            ):
                button.setText(text)
                button.setVisible(bool(text))
            self.setAccessibleName(f"{words.text}. {words.note}")
            self.setProperty("panel", "ask" if words.level == "warn" else "true")
            self.style().unpolish(self)
            self.style().polish(self)
        busy = bool(now.ordering)
        for button in (self.primary, self.secondary, self.third):
            button.setEnabled(not busy)
        self.setVisible(bool(words.text))

    def fit(self, width: int) -> None:
        """Take the room that the words need, at most ``width``."""
        room = min(WIDEST, width - 32)
        layout = self.layout()
        assert layout is not None
        wanted = layout.sizeHint().width() + 8
        if self._words.note:
            wanted = max(wanted, min(room, 440))
        self.setFixedWidth(min(room, wanted))
        height = layout.totalHeightForWidth(self.width())
        self.setFixedHeight(height if height > 0 else layout.sizeHint().height())

    def _second(self) -> None:
        # The same place asks for the wheel, or hands it over.
        (self.accept_wanted if self._words.third == "Keep it · N" else self.take_wanted).emit()

    def _third(self) -> None:
        (self.decline_wanted if self._words.third == "Keep it · N" else self.force_wanted).emit()
