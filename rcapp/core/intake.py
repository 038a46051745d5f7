"""What one line brings in: the newest of everything, turned into what views ask for."""

from __future__ import annotations

import threading
from collections.abc import Callable

from pynet.rc.messages import CarDescription, CarStatus, SensorInfo
from rcapp.core import sentences
from rcapp.core.commands import Accepted, SentTimes
from rcapp.core.events import EventLog
from rcapp.core.line import Terms
from rcapp.core.pictures import Mailbox
from rcapp.core.series import SeriesBuffer
from rcapp.core.state import Frame
from rcapp.core.status_notes import notes_of

COMMAND_AGE = SensorInfo(
    name="command_age",
    label="Command age",
    unit="ms",
    series=("age",),
    low=0.0,
    high=100.0,
    alarm_above=100.0,
    decimals=0,
    hz=20.0,
)
"""The age of the command that the car follows, drawn like a sensor."""


class Intake:
    """Receives everything of one :class:`~rcapp.core.line.Line`, on that line's threads.

    Args:
        events: where happenings are noted.
        sent: when the commands were read that the car reports on.
        wake: called when there is something new to show.
        on_status: told each status, and that it is the first of a connection or not.
        on_gone: told when the connection is lost.

    Attributes:
        mailbox: the newest picture.
        series: replaced as a whole when the car describes itself.
        car, status, terms: the newest known; kept after a loss.
        status_at, picture_at: local monotonic times, of this connection only.
        accepted: commands the car accepted since we connected.
        command_age: seconds, of the command that the car followed when it last reported.
        gaps: pictures dropped on the way here.
    """

    def __init__(
        self,
        events: EventLog,
        sent: SentTimes,
        wake: Callable[[], None],
        on_status: Callable[[CarStatus], None],
        on_gone: Callable[[], None],
    ) -> None:
        self.mailbox = Mailbox()
        self.series: dict[str, SeriesBuffer] = {}
        self.car: CarDescription | None = None
        self.status: CarStatus | None = None
        self.terms = Terms()
        self.status_at: float | None = None
        self.picture_at: float | None = None
        self.accepted = 0
        self.command_age: float | None = None
        self.gaps = 0
        self._events = events
        self._sent = sent
        self._wake = wake
        self._on_status = on_status
        self._on_gone = on_gone
        self._accepted = Accepted()
        self._lock = threading.Lock()
        self._feed_errors: dict[str, str] = {}
        self._closed = False

    def close(self) -> None:
        """The person left this car: what still comes from it is dropped."""
        self._closed = True

    def trouble(self, *, driving: bool) -> str:
        """The most important sentence about feeds that failed; empty when all are well.

        Args:
            driving: the person is trying to drive, so a refused drive feed matters.
        """
        with self._lock:
            if driving and "drive" in self._feed_errors:
                return self._feed_errors["drive"]
            for what in ("camera", "status"):
                if what in self._feed_errors:
                    return self._feed_errors[what]
            others = (text for what, text in self._feed_errors.items() if what != "drive")
            return next(others, "")

    def on_described(self, description: CarDescription, terms: Terms, again: bool) -> None:
        """The car is connected; buffers of sensors it still has go on."""
        if self._closed:
            return
        series: dict[str, SeriesBuffer] = {}
        for info in (*description.sensors, COMMAND_AGE):
            kept = self.series.get(info.name)
            series[info.name] = kept if kept and kept.info == info else SeriesBuffer(info)
        self.car = description
        self.terms = terms
        self.series = series
        self.picture_at = self.status_at = None
        with self._lock:
            self._feed_errors.clear()
        self._events.add("good", f"{description.name} is connected{' again' if again else ''}")
        self._wake()

    def on_lost(self, sentence: str) -> None:
        """The connection is gone."""
        if self._closed:
            return
        self.command_age = None
        self._on_gone()
        self._events.add("bad", sentence)
        self._wake()

    def on_line_changed(self) -> None:
        """The line's own state changed."""
        if not self._closed:
            self._wake()

    def on_picture(self, frame: Frame, gap: int) -> None:
        """A decoded picture."""
        if self._closed:
            return
        self.gaps += gap
        self.picture_at = frame.captured
        self.mailbox.put(frame)
        self._wake()

    def on_sample(self, name: str, at: float, values: tuple[float, ...]) -> None:
        """A sensor's reading."""
        buffer = self.series.get(name)
        if buffer is None or self._closed:
            return
        try:
            buffer.append(at, values)
        except ValueError as error:
            self.on_feed_failed(name, error)

    def on_status(self, status: CarStatus, at: float) -> None:
        """The car's status."""
        if self._closed:
            return
        before, self.status, self.status_at = self.status, status, at
        self.accepted = self._accepted.see(status.accepted)
        ours = status.stage == "ready" and status.lease.session == self.terms.session
        read_at = self._sent.of(status.last_seq) if ours else None
        self.command_age = None if read_at is None else max(0.0, at - read_at)
        if self.command_age is not None:
            self.series[COMMAND_AGE.name].append(at, (self.command_age * 1000,))
        self._on_status(status)
        for level, text in notes_of(before, status, self.terms.session):
            self._events.add(level, text)
        self._wake()

    def on_feed_failed(self, what: str, error: Exception | None) -> None:
        """One feed ended alone."""
        if self._closed:
            return
        name = self.car.name if self.car is not None else "The car"
        if what == "drive" and error is not None:
            sentence = sentences.explain_drive_feed(error, name, self.terms.role)
        else:
            sentence = sentences.explain_feed(error, what, name)
        with self._lock:
            known = self._feed_errors.get(what) == sentence
            self._feed_errors[what] = sentence
        if not known:
            self._events.add("warn", sentence)
        self._wake()

    def on_feed_open(self, what: str) -> None:
        """A feed was opened."""
        with self._lock:
            # A refused driver learns it a moment after the feed opened: it stays said until
            # commands get through.
            if what != "drive":
                self._feed_errors.pop(what, None)

    def on_command_sent(self) -> None:
        """A drive command was given to an open feed."""
        if "drive" in self._feed_errors:
            with self._lock:
                self._feed_errors.pop("drive", None)
