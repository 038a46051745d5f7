"""What the list of transfers shows: jobs and what can be done with each. Pure."""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass, field

from rcapp.core.events import Level
from rcapp.core.files import engine, words
from rcapp.core.files.engine import FilesEngine, Progress, Report, Transfer

WAITING = "waiting"


class Kind(enum.Enum):
    """What a job does."""

    GET = "get"
    PUT = "put"
    MOVE = "move"
    REHEARSE = "rehearse"
    RESTORE = "restore"


STEPS = {
    Kind.GET: "copy to this laptop · verify",
    Kind.PUT: "copy to the car · verify",
    Kind.MOVE: "copy · verify · then remove from the car",
    Kind.REHEARSE: "rehearsal: nothing is moved",
    Kind.RESTORE: "copy back to the car · verify",
}


@dataclass(frozen=True, slots=True)
class Order:
    """What a person asked for.

    Attributes:
        kind: what is to be done.
        title: names it to people.
        begin: starts it; may wait.
        car_id, car_name: of the car that it is for.
        files, bytes: expected, or -1.
        place: where the files go, for the sentence at the end.
    """

    kind: Kind
    title: str
    begin: Callable[[FilesEngine], Transfer]
    car_id: str
    car_name: str
    files: int = engine.UNKNOWN
    bytes: int = engine.UNKNOWN
    place: str = ""


@dataclass(frozen=True, slots=True)
class JobView:
    """A job at one moment.

    Attributes:
        id: names it to :class:`~rcapp.core.files.queue.TransferQueue`.
        order: what was asked for.
        state: ``"waiting"``, or as in :class:`~rcapp.core.files.engine.Progress`.
        progress: where it stands.
        report: what came of it, once it is over.
        error: why it failed.
        absent: it waits for its car.
        wish: ``"pause"``, ``"resume"`` or ``"cancel"`` was asked for and has not happened yet.
        first, last: of those that wait, which tells whether it can go up or down.
        ended_at: seconds since 1970, or 0.
    """

    id: int
    order: Order
    state: str = WAITING
    progress: Progress = field(default_factory=Progress)
    report: Report | None = None
    error: str = ""
    absent: bool = False
    wish: str = ""
    first: bool = True
    last: bool = True
    ended_at: float = 0.0

    @property
    def over(self) -> bool:
        """Nothing more happens with it, unless it is tried again."""
        return self.state in engine.OVER

    @property
    def running(self) -> bool:
        """It has begun and is not over."""
        return self.state in engine.UNDER_WAY

    @property
    def bytes_total(self) -> int:
        """To be moved, as far as it is known; -1 when nothing is."""
        return self.progress.bytes_total or self.order.bytes

    @property
    def fraction(self) -> float:
        """How much of it is done, 0 to 1."""
        if self.state == engine.DONE:
            return 1.0
        whole = max(self.bytes_total, 0)
        if whole:
            return min(1.0, self.progress.bytes / whole)
        files = self.progress.files_total
        return min(1.0, self.progress.files / files) if files else 0.0

    def amount(self) -> str:
        """``"1.30 of 2.10 GB"`` while it runs, ``"1.4 GB"`` before and afterwards."""
        if self.running and self.progress.bytes_total:
            return words.part(self.progress.bytes, self.progress.bytes_total)
        if self.state == engine.DONE and self.report is not None:
            return words.size(self.report.bytes)
        if self.over and self.progress.bytes_total:
            return words.part(self.progress.bytes, self.progress.bytes_total)
        return words.size(self.bytes_total) if self.bytes_total >= 0 else ""

    def sentence(self) -> str:
        """The second line: what it does, or what came of it."""
        if self.wish == "cancel" and not self.over:
            return "ending…"
        if self.state == WAITING:
            return f"waits for {self.order.car_name}" if self.absent else "waiting"
        if self.state == engine.LISTING:
            found = self.progress.files_total
            return f"counting files · {words.plural(found, 'file')}" if found else "counting files"
        if self.state == engine.PAUSED:
            return "paused"
        if self.state == engine.RECONNECTING:
            return f"{self.order.car_name} does not answer · trying again"
        if self.state == engine.RUNNING:
            return STEPS[self.order.kind]
        if self.state == engine.CANCELLED:
            return "cancelled · files that had arrived whole are kept"
        if self.state == engine.FAILED:
            return self.error
        return self._outcome()

    def _outcome(self) -> str:
        report = self.report or Report()
        said = ["done", report.verified or "verified"]
        if self.order.kind is Kind.REHEARSE:
            said = ["done", "nothing was moved"]
        elif self.order.kind is Kind.MOVE:
            said.append(f"{words.grouped(report.removed)} removed")
        if report.identical:
            said.append(f"{words.plural(report.identical, 'file')} already there")
        if report.problems:
            said.append(f"{words.plural(len(report.problems), 'file')} not moved")
        if report.note:
            said.append(report.note)
        return " · ".join(said)

    def actions(self) -> tuple[str, ...]:
        """What a person may ask of it now, in the order of the buttons."""
        if self.over:
            again = ("retry",) if self.state != engine.DONE else ()
            return (*again, "remove")
        if self.wish == "cancel":
            return ()
        if self.state == WAITING:
            return (
                *(() if self.first else ("up",)),
                *(() if self.last else ("down",)),
                "cancel",
            )
        return ("resume" if self.state == engine.PAUSED else "pause", "cancel")

    def news(self) -> tuple[Level, str]:
        """A level and a sentence for the log and the desktop, when it is over."""
        order, report = self.order, self.report or Report()
        if self.state == engine.FAILED:
            return "bad", f"{order.title} was not moved: {self.error}"
        if self.state == engine.CANCELLED:
            return "info", f"{order.title}: cancelled"
        count = f"{words.plural(report.files, 'file')}, {words.size(report.bytes)}"
        left = f"; {words.plural(len(report.problems), 'file')} not" if report.problems else ""
        said = {
            Kind.GET: f"{order.title} is on this laptop: {count}{left}",
            Kind.PUT: f"{order.title} is on {order.car_name}: {count}{left}",
            Kind.MOVE: f"Moved off {order.car_name}: {count}{left}",
            Kind.REHEARSE: f"Rehearsal: {count} would move{left}",
            Kind.RESTORE: f"{order.title} is back on {order.car_name}: {count}{left}",
        }[order.kind]
        note = f". {report.note}" if report.note else ""
        return ("warn" if report.problems or report.note else "good"), said + note


@dataclass(frozen=True, slots=True)
class QueueView:
    """The list at one moment.

    Attributes:
        jobs: what runs, then what waits, then what is over, newest first.
        serial: grows with each change.
    """

    jobs: tuple[JobView, ...] = ()
    serial: int = 0

    @property
    def open(self) -> tuple[JobView, ...]:
        """Jobs that are not over."""
        return tuple(job for job in self.jobs if not job.over)

    @property
    def finished(self) -> int:
        """Jobs that are over."""
        return sum(job.over for job in self.jobs)

    def eta(self) -> float | None:
        """Seconds until all is done, or None while that cannot be said."""
        running = [job for job in self.jobs if job.state == engine.RUNNING]
        rate = sum(job.progress.rate for job in running)
        if not running or rate <= 0:
            return None
        left = 0
        for job in self.open:
            if job.absent or job.state == engine.PAUSED:
                continue
            if job.bytes_total < 0:
                return None
            left += max(0, job.bytes_total - job.progress.bytes)
        if len(self.open) == 1 and running[0].progress.eta is not None:
            return running[0].progress.eta
        return left / rate

    def headline(self) -> str:
        """``"6 pairs · 41 MB/s · 2 min 10 s left · driving first: ..."``."""
        running = [job for job in self.jobs if job.running]
        moving = [job for job in running if job.state == engine.RUNNING]
        if not running:
            waiting = len(self.open)
            if waiting:
                names = {job.order.car_name for job in self.open if job.absent}
                first = f"waits for {', '.join(sorted(names))}" if names else "about to start"
                return f"{first} · {words.plural(waiting, 'job')}"
            return "Nothing on its way"
        if not moving:
            return running[0].sentence()
        pairs = sum(len(job.progress.lanes) for job in moving)
        said = [words.plural(pairs, "pair")] if pairs else []
        said.append(words.rate(sum(job.progress.rate for job in moving)))
        eta = self.eta()
        if eta is not None:
            said.append(f"{words.left(eta)} left")
        said += [job.progress.note for job in moving if job.progress.note]
        return " · ".join(said)
