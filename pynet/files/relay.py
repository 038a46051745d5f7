"""A transfer that runs in the worker process, as this one follows it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from pynet.errors import PynetError
from pynet.files.transfer import Transfer
from pynet.files.worker import WorkerJob

PAUSE, PACE = "pause", "pace"
"""What is said to the job: ``[PAUSE, True or False]``, ``[PACE, bytes/s]``."""


R = TypeVar("R")


class RelayedRun(Generic[R]):
    """Waits for the end of a job on a thread of its own, and passes on what is wanted of it.

    Args:
        transfer: to tell.
        job: in the worker process.
        on_over: called at last.
    """

    def __init__(
        self, transfer: Transfer[R], job: WorkerJob, on_over: Callable[[RelayedRun[R]], None]
    ) -> None:
        self._transfer = transfer
        self._job = job
        self._on_over = on_over
        self._cancelled = False
        self._thread = threading.Thread(target=self._wait, name="pynet-files-relay", daemon=True)

    def start(self) -> None:
        """Begin to wait."""
        self._transfer.begin(self)
        self._thread.start()

    def pause(self, paused: bool) -> None:
        """See :meth:`Transfer.pause`."""
        self._job.say([PAUSE, paused])

    def cancel(self) -> None:
        """See :meth:`Transfer.cancel`."""
        self._cancelled = True
        self._job.cancel()

    def pace(self, rate: float) -> None:
        """See :meth:`Transfer.pace`."""
        self._job.say([PACE, rate])

    def join(self) -> None:
        """Wait until the transfer knows how it ended."""
        if self._thread is not threading.current_thread():
            self._thread.join()

    def _wait(self) -> None:
        report: R | None = None
        problem: PynetError | None = None
        here: tuple[int, int] | None = None
        try:
            report = self._job.result()
            files, size = getattr(report, "files", None), getattr(report, "bytes", None)
            if files is not None and size is not None:
                here = files, size
        except PynetError as error:
            problem = error
        self._on_over(self)
        self._transfer.end(report, problem, cancelled=self._cancelled, here=here)
