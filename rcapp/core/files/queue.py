"""One transfer after the other: waiting, running, paused, over; any of them can be changed."""

from __future__ import annotations

import itertools
import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from types import TracebackType

from pynet.errors import Cancelled, Closed
from rcapp.core.files import engine
from rcapp.core.files.engine import FilesEngine, Progress, Report, Transfer
from rcapp.core.files.explain import explain, is_loss
from rcapp.core.files.jobs import WAITING, JobView, Order, QueueView

logger = logging.getLogger("rcapp.files")

LOOK_EVERY = 0.1
"""Seconds between two looks at what runs: bars follow, and nobody reads faster."""

MOST_KEPT = 50
"""Jobs that are over and still listed."""

AGAIN = 5.0
"""Seconds until a job that lost its connection is begun again, unless the car comes back before."""

JOIN_LIMIT = 5.0
"""Seconds that :meth:`TransferQueue.close` waits for transfers to end."""


class _Job:
    """One job; everything but its transfer is touched with the lock only."""

    def __init__(self, number: int, order: Order) -> None:
        self.id = number
        self.order = order
        self.state = WAITING
        self.transfer: Transfer | None = None
        self.progress = Progress()
        self.report: Report | None = None
        self.error = ""
        self.wish = ""
        self.unwanted = False
        self.not_before = 0.0
        self.car: FilesEngine | None = None
        self.ended_at = 0.0

    @property
    def over(self) -> bool:
        return self.state in engine.OVER

    def begin_again(self) -> None:
        self.state, self.error, self.report = WAITING, "", None
        self.progress, self.wish, self.ended_at = Progress(), "", 0.0
        self.unwanted = False
        self.not_before = 0.0


class TransferQueue:
    """Runs jobs on a thread of its own. Every method but :meth:`close` returns at once.

    Args:
        wake: called from that thread when :meth:`view` is another one.
        at_once: jobs that run at the same time.
    """

    def __init__(self, wake: Callable[[], None], at_once: int = 1) -> None:
        self._wake = wake
        self._at_once = at_once
        self._changed = threading.Condition()
        self._numbers = itertools.count(1)
        self._jobs: list[_Job] = []
        self._news: deque[JobView] = deque(maxlen=MOST_KEPT)
        self._engine: FilesEngine | None = None
        self._serial = 0
        self._quit = False
        self._thread: threading.Thread | None = None

    # What a person asks for.

    def use(self, car: FilesEngine | None) -> None:
        """This car is connected now, or none: its jobs go on, those of others wait."""
        with self._changed:
            self._engine = car
            for job in self._jobs:
                job.not_before = 0.0
            self._touch()

    def add(self, order: Order) -> int:
        """Do this after what waits already; returns the number of the job."""
        with self._changed:
            job = _Job(next(self._numbers), order)
            self._jobs.append(job)
            if self._thread is None and not self._quit:
                self._thread = threading.Thread(
                    target=self._run, name="rcapp-transfers", daemon=True
                )
                self._thread.start()
            self._touch()
            return job.id

    def pause(self, number: int) -> None:
        """Send nothing more of this job until :meth:`resume`."""
        self._wish(number, "pause")

    def resume(self, number: int) -> None:
        """Go on with a paused job."""
        self._wish(number, "resume")

    def cancel(self, number: int) -> None:
        """End a job; one that waits is over at once."""
        with self._changed:
            job = self._find(number)
            if job is not None and job.state == WAITING:
                self._end(job, engine.CANCELLED)
                self._touch()
                return
        self._wish(number, "cancel")

    def retry(self, number: int) -> None:
        """Do a job again that failed or was cancelled; what has arrived is not sent again."""
        with self._changed:
            job = self._find(number)
            if job is not None and job.over:
                job.begin_again()
                self._jobs.remove(job)
                self._jobs.append(job)
                self._touch()

    def move(self, number: int, by: int) -> None:
        """Move a job that waits before (-1) or behind (+1) its neighbour."""
        with self._changed:
            waiting = [job for job in self._jobs if job.state == WAITING]
            job = self._find(number)
            if job is None or job not in waiting:
                return
            place = waiting.index(job) + by
            if 0 <= place < len(waiting):
                here, there = self._jobs.index(job), self._jobs.index(waiting[place])
                self._jobs[here], self._jobs[there] = self._jobs[there], self._jobs[here]
                self._touch()

    def remove(self, number: int) -> None:
        """Take a job that is over off the list."""
        with self._changed:
            self._jobs = [job for job in self._jobs if job.id != number or not job.over]
            self._touch()

    def clear_finished(self) -> None:
        """Take all jobs off the list that are over."""
        with self._changed:
            self._jobs = [job for job in self._jobs if not job.over]
            self._touch()

    # What the views read.

    def view(self) -> QueueView:
        """The list now."""
        with self._changed:
            begun = [job for job in self._jobs if not job.over and job.state != WAITING]
            waiting = [job for job in self._jobs if job.state == WAITING]
            over = sorted((job for job in self._jobs if job.over), key=_ended, reverse=True)
            views = [self._view_of(job) for job in (*begun, *waiting, *over)]
            for place, job in enumerate(waiting, len(begun)):
                views[place] = replace(
                    views[place], first=job is waiting[0], last=job is waiting[-1]
                )
            return QueueView(tuple(views), self._serial)

    def take_news(self) -> list[JobView]:
        """Jobs that have ended since this was asked last, oldest first."""
        with self._changed:
            taken = list(self._news)
            self._news.clear()
        return taken

    def close(self) -> None:
        """End what runs and join. Twice is fine."""
        with self._changed:
            self._quit = True
            self._changed.notify_all()
            thread = self._thread
        if thread is not None:
            thread.join(JOIN_LIMIT)

    def __enter__(self) -> TransferQueue:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    # With the lock.

    def _touch(self) -> None:
        self._serial += 1
        self._changed.notify_all()
        self._wake()

    def _find(self, number: int) -> _Job | None:
        return next((job for job in self._jobs if job.id == number), None)

    def _wish(self, number: int, wish: str) -> None:
        with self._changed:
            job = self._find(number)
            if job is not None and not job.over and job.wish != "cancel":
                job.wish = wish
                self._touch()

    def _view_of(self, job: _Job) -> JobView:
        car = self._engine
        gone = job.not_before > time.monotonic()
        absent = car is None or car.car_id != job.order.car_id or gone
        return JobView(
            job.id,
            job.order,
            job.state,
            job.progress,
            job.report,
            job.error,
            absent and job.state == WAITING,
            job.wish,
            ended_at=job.ended_at,
        )

    def _end(self, job: _Job, state: str) -> None:
        job.state, job.wish, job.transfer = state, "", None
        job.ended_at = time.time()
        self._news.append(self._view_of(job))
        over = sorted((one for one in self._jobs if one.over), key=_ended)
        for old in over[: max(0, len(over) - MOST_KEPT)]:
            self._jobs.remove(old)

    def _next(self) -> tuple[_Job, FilesEngine] | None:
        """The job that can begin now."""
        car = self._engine
        running = sum(job.transfer is not None for job in self._jobs)
        if car is None or self._quit or running >= self._at_once:
            return None
        now = time.monotonic()
        for job in self._jobs:
            ours = job.state == WAITING and job.order.car_id == car.car_id
            if ours and job.not_before <= now:
                job.state, job.car = engine.LISTING, car
                return job, car
        return None

    def _pause(self) -> float | None:
        """Seconds until a job that lost its connection is begun again, or None."""
        if self._engine is None:
            return None
        later = [job.not_before for job in self._jobs if job.state == WAITING and job.not_before]
        return max(0.05, min(later) - time.monotonic()) if later else None

    # On the thread.

    def _run(self) -> None:
        while True:
            with self._changed:
                if self._quit:
                    break
                fresh = self._next()
                running = [job for job in self._jobs if job.transfer is not None]
                if fresh is None and not running:
                    self._changed.wait(self._pause())
                    continue
            if fresh is not None:
                self._begin(*fresh)
                continue
            for job in running:
                self._grant(job)
                self._look_at(job)
            with self._changed:
                wished = any(job.wish and job.transfer is not None for job in self._jobs)
                if not wished:
                    self._changed.wait(LOOK_EVERY)
        self._end_all()

    def _begin(self, job: _Job, car: FilesEngine) -> None:
        self._say()
        try:
            transfer = job.order.begin(car)
        except Exception as error:
            self._failed(job, error)
            return
        with self._changed:
            job.transfer = transfer

    def _grant(self, job: _Job) -> None:
        """Do what was asked of a job that runs."""
        with self._changed:
            wish, job.wish = job.wish, "cancel" if job.wish == "cancel" else ""
            job.unwanted = job.unwanted or wish == "cancel"
            transfer = job.transfer
        if transfer is None or not wish:
            return
        try:
            {"pause": transfer.pause, "resume": transfer.resume, "cancel": transfer.cancel}[wish]()
        except Exception as error:
            # It has just ended; how, is seen next.
            logger.info("%s of job %d: %s", wish, job.id, error)

    def _look_at(self, job: _Job) -> None:
        transfer = job.transfer
        if transfer is None:
            return
        progress = transfer.progress
        over = progress.state in engine.OVER
        with self._changed:
            changed = progress != job.progress
            job.progress = progress
            if not over:
                job.state = progress.state
        if over:
            self._collect(job, transfer, progress.state)
        elif changed:
            self._say()

    def _collect(self, job: _Job, transfer: Transfer, state: str) -> None:
        """Put away a transfer that is over."""
        report: Report | None = None
        try:
            report = transfer.report()
        except Exception as error:
            transfer.close()
            ended = state == engine.CANCELLED or isinstance(error, Cancelled)
            if ended and not job.unwanted:
                # The car was left, or its link went: what ended the transfer was no person.
                error = Closed(str(error))
            if not job.unwanted:
                self._failed(job, error)
                return
        else:
            transfer.close()
        with self._changed:
            job.report = report
            self._end(job, state)
            self._touch()

    def _failed(self, job: _Job, error: Exception) -> None:
        """Wait for the car if it has gone, else it is over."""
        logger.info("job %d, %s: %s", job.id, job.order.title, error)
        with self._changed:
            cancelled = job.unwanted or job.wish == "cancel"
            if is_loss(error) and not cancelled:
                job.begin_again()
                job.transfer = None
                if job.car is self._engine:
                    job.not_before = time.monotonic() + AGAIN
            else:
                job.error = explain(error, job.order.car_name)
                self._end(job, engine.CANCELLED if cancelled else engine.FAILED)
            self._touch()

    def _end_all(self) -> None:
        with self._changed:
            running = [job.transfer for job in self._jobs if job.transfer is not None]
        for transfer in running:
            try:
                transfer.close()
            except Exception as error:
                logger.warning("a transfer did not end well: %s", error)

    def _say(self) -> None:
        with self._changed:
            self._serial += 1
        self._wake()


def _ended(job: _Job) -> tuple[float, int]:
    return job.ended_at, job.id
