"""The strip over the picture that says who drives, and lets the person do something about it."""

from __future__ import annotations

import math
from dataclasses import dataclass

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QBoxLayout, QFrame, QHBoxLayout, QVBoxLayout

from rcapp.core.state import Link, Snapshot
from rcapp.core.wheel import Holder, Wheel
from rcapp.views import theme
from rcapp.views.chips import Dot
from rcapp.views.panels import PanelButton
from rcapp.views.text import ElidedLabel, label, set_text
from rcapp.views.words import shortened

WIDEST = 620


@dataclass(frozen=True, slots=True)
class BarWords:
    """What the strip says and offers.

    Attributes:
        text: who drives, or who asks; empty hides the strip.
        left: seconds that are left for it, as text, or empty.
        note: a second line, or empty.
        level: colour of its light.
        primary, secondary, third: text of its buttons, empty for none.
    """

    text: str = ""
    left: str = ""
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
            f"{shortened(wheel.driver) or 'The driver'} offers you the wheel",
            _seconds(wheel.offered_left),
            "The car is at neutral until you have taken it and armed.",
            "warn",
            primary="Take it · T",
        )
    if wheel.yours:
        return _while_driving(wheel, now)
    if not wheel.may_drive:
        return BarWords(
            f"{_who(wheel)} · you watch",
            "",
            now.reply or "This car lets this computer watch, and press STOP.",
            "accent",
        )
    if wheel.holder is Holder.NOBODY and not wheel.busy_with:
        note = now.reply or wheel.forced_reason
        return BarWords("Nobody drives", "", note, "accent", primary="Take the wheel · T")
    return _while_watching(wheel, now)


def _while_driving(wheel: Wheel, now: Snapshot) -> BarWords:
    if wheel.request:
        return BarWords(
            f"{shortened(wheel.request)} asks for the wheel",
            _seconds(wheel.request_left),
            "Handing over disarms the car. Without an answer you keep it.",
            "warn",
            secondary="Hand over · Y",
            third="Keep it · N",
        )
    if wheel.offered_to:
        return BarWords(
            f"The wheel is offered to {shortened(wheel.offered_to)}", "", now.reply, "warn"
        )
    return BarWords(now.reply, level="warn") if now.reply and now.armed else BarWords()


def _who(wheel: Wheel) -> str:
    return f"{shortened(wheel.driver)} drives" if wheel.driver else "Nobody drives"


def _while_watching(wheel: Wheel, now: Snapshot) -> BarWords:
    force = "Take it by force…" if wheel.may_force and wheel.driver else ""
    if wheel.asking:
        return BarWords(
            f"You have asked {shortened(wheel.driver) or 'the driver'} for the wheel",
            _seconds(wheel.asking_left),
            "",
            "warn",
            third=force,
        )
    text = f"{_who(wheel)} · you watch"
    if wheel.busy_with:
        note = now.reply or f"{shortened(wheel.busy_with)} has asked for the wheel."
        return BarWords(text, "", note, "accent", third=force)
    note = now.reply or wheel.forced_reason
    return BarWords(text, "", note, "accent", secondary="Ask for the wheel · T", third=force)


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
        self._fitted: tuple[BarWords, int] | None = None
        self._dot = Dot()
        self._text = ElidedLabel("", size=theme.TITLE, weight=theme.SEMIBOLD)
        self._left = label("", size=theme.TITLE, weight=theme.BOLD, role="warn")
        self._note = label("", size=theme.LABEL, role="secondary", wrap=True)
        self.primary = PanelButton("", primary=True)
        self.secondary = PanelButton("")
        self.third = PanelButton("")
        self.primary.clicked.connect(self.take_wanted)
        self.secondary.clicked.connect(self._second)
        self.third.clicked.connect(self._third)
        said = QHBoxLayout()
        said.setSpacing(10)
        said.addWidget(self._dot)
        said.addWidget(self._text, 1)
        said.addWidget(self._left)
        self._offered = QHBoxLayout()
        self._offered.setSpacing(8)
        for button in (self.primary, self.secondary, self.third):
            self._offered.addWidget(button)
        self._head = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._head.setSpacing(10)
        self._head.addLayout(said, 1)
        self._head.addLayout(self._offered)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(16, 9, 10, 9)
        self._column.setSpacing(3)
        self._column.addLayout(self._head)
        self._column.addWidget(self._note)
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
            set_text(self._left, words.left)
            self._left.setVisible(bool(words.left))
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
        if self._fitted == (self._words, room):
            return
        self._fitted = (self._words, room)
        self._turn(QBoxLayout.Direction.LeftToRight)
        wanted = self._column.sizeHint().width() + 8
        if wanted > room:
            # What is said comes before what can be done about it.
            self._turn(QBoxLayout.Direction.TopToBottom)
            wanted = max(self._column.sizeHint().width() + 8, min(room, 440))
        elif self._words.note:
            wanted = max(wanted, min(room, 440))
        self.setFixedWidth(min(room, wanted))
        wraps = self._column.hasHeightForWidth()
        hint = self._column.sizeHint().height()
        self.setFixedHeight(self._column.totalHeightForWidth(self.width()) if wraps else hint)

    def _turn(self, direction: QBoxLayout.Direction) -> None:
        """Buttons beside the words, or below them."""
        self._head.setDirection(direction)
        self._column.invalidate()

    def _second(self) -> None:
        # The same place asks for the wheel, or hands it over.
        (self.accept_wanted if self._words.third == "Keep it · N" else self.take_wanted).emit()

    def _third(self) -> None:
        (self.decline_wanted if self._words.third == "Keep it · N" else self.force_wanted).emit()
