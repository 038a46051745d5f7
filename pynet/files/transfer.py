"""A transfer as whoever began it sees it: how far it is, pause, cancel, what came of it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Generic, Protocol, Self, TypeVar

from pynet.errors import Closed, DeadlineExceeded, PynetError
from pynet.files.progress import CANCELLED, DONE, FAILED, LISTING, Progress

log = logging.getLogger("pynet.files")

OnProgress = Callable[[Progress], object]

R = TypeVar("R")


class Runner(Protocol):
    """What does the work, here or in a process of its own."""

    def pause(self, paused: bool) -> None:
        """Send nothing, or go on."""

    def cancel(self) -> None:
        """End as soon as possible."""

    def pace(self, rate: float) -> None:
        """Send so many bytes/s at most; infinite for no limit."""


class Transfer(Generic[R]):
    """Files on their way, of which a report comes in the end. Any thread.

    Iterate over it for its :class:`Progress`.

    Args:
        name: of what is transferred, for people.
        callback: called with each :class:`Progress`, on the transfer's own thread.

    Attributes:
        name: of what is transferred.
    """

    def __init__(self, name: str, callback: OnProgress | None = None) -> None:
        self.name = name
        self._callback = callback
        self._changed = threading.Condition()
        self._progress = Progress(LISTING)
        self._news = 0
        self._report: R | None = None
        self._error: PynetError | None = None
        self._over = threading.Event()
        self._runner: Runner | None = None

    # ---- for who waits ------------------------------------------------------------------

    @property
    def progress(self) -> Progress:
        """How far it is now."""
        return self._progress

    @property
    def state(self) -> str:
        """See :attr:`Progress.state`."""
        return self._progress.state

    @property
    def error(self) -> PynetError | None:
        """Why it failed, if it did."""
        return self._error

    def wait(self, timeout: float | None = None) -> R:
        """Wait until it is over.

        Raises:
            DeadlineExceeded: it is not, after so many seconds; it goes on.
            PynetError: it failed, or was cancelled; what has arrived is not sent again next time.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        # In steps, as on some systems Ctrl-C cannot interrupt an Event's wait.
        while not self._over.wait(0.5 if deadline is None else min(0.5, _left(deadline))):
            if deadline is not None and time.monotonic() >= deadline:
                raise DeadlineExceeded(f"the transfer of {self.name} is not over after {timeout} s")
        if self._error is not None:
            raise self._error
        assert self._report is not None
        return self._report

    def __iter__(self) -> Iterator[Progress]:
        """Every news until it is over; the last one tells how it ended."""
        seen = -1
        while True:
            with self._changed:
                while self._news == seen:
                    self._changed.wait(0.5)
                seen, progress = self._news, self._progress
            yield progress
            if progress.over:
                return

    def pause(self) -> None:
        """Send nothing until :meth:`resume`; what is on its way still arrives."""
        self._command().pause(True)

    def resume(self) -> None:
        """Go on after :meth:`pause`."""
        self._command().pause(False)

    def pace(self, rate: float) -> None:
        """Send so many bytes/s at most from now on; infinite for no limit."""
        self._command().pace(rate)

    def cancel(self) -> None:
        """End it; what has arrived is not sent again next time. Idempotent."""
        if not self._over.is_set() and self._runner is not None:
            self._runner.cancel()

    def close(self) -> None:
        """Cancel it if it is not over, and wait for its end. Idempotent."""
        self.cancel()
        self._over.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Transfer of {self.name}, {self.state}>"

    def _command(self) -> Runner:
        if self._runner is None or self._over.is_set():
            why = "" if self._error is None else f": {self._error}"
            raise Closed(f"the transfer of {self.name} is over{why}")
        return self._runner

    # ---- for who does the work ----------------------------------------------------------

    def begin(self, runner: Runner) -> None:
        """Who does the work from now on."""
        self._runner = runner

    def tell(self, progress: Progress) -> None:
        """There is news."""
        with self._changed:
            self._progress = progress
            self._news += 1
            self._changed.notify_all()
        if self._callback is not None:
            try:
                self._callback(progress)
            except Exception:
                log.exception("the callback of a transfer failed; it is not called any more")
                self._callback = None

    def end(
        self,
        report: R | None,
        error: PynetError | None,
        *,
        cancelled: bool = False,
        here: tuple[int, int] | None = None,
    ) -> None:
        """It is over; ``here`` are the files and bytes that are where they belong at last."""
        self._report, self._error = report, error
        state = DONE if error is None else CANCELLED if cancelled else FAILED
        last = self._progress
        files, size = here or (last.files, last.bytes)
        # Of what came quickly there was no time to tell.
        files_total, total = last.files_total, last.bytes_total
        if error is None:
            files_total, total = max(files_total, files), max(total, size)
        self._over.set()
        self.tell(
            Progress(
                state, files, files_total, size, total, last.total_known or error is None,
                current=last.current, note="" if error is None else str(error),
            )
        )  # fmt: skip


def _left(deadline: float) -> float:
    return max(0.0, deadline - time.monotonic())
