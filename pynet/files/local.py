"""Transfers that run on threads of this process."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from pynet.bulk.rate import UNLIMITED
from pynet.errors import Busy, Cancelled, ConnectError, ConnectionLost, PynetError
from pynet.files.attempt import Attempt, MakeEnd
from pynet.files.info import Problem, shown
from pynet.files.lanes import WarmLanes
from pynet.files.meter import Meter
from pynet.files.progress import (
    LISTING,
    PAUSED,
    RECONNECTING,
    RUNNING,
    LaneProgress,
    Progress,
    Report,
)
from pynet.files.receiving import Receiving
from pynet.files.sending import Sending
from pynet.files.transfer import Transfer
from pynet.files.tree import Tree

log = logging.getLogger("pynet.files")

TELL = 0.1
"""Seconds between two pieces of news."""

FIRST_PAUSE, LONGEST_PAUSE = 0.2, 5.0
"""Seconds before a lost way is tried again; doubled each time, each shortened at random."""


class LocalRun:
    """One transfer on a thread of its own; it goes on where a lost connection cut it off.

    Args:
        transfer: to tell.
        lanes: to borrow from.
        name, args: of the subroutine at the other end.
        make_end: our end, made anew for each attempt.
        fixed: number of lanes, or None.
        patience: seconds without a way after which it fails.
        on_over: called at last.
        trees: that it works in; closed at last.
    """

    def __init__(
        self,
        transfer: Transfer[Report],
        lanes: WarmLanes,
        name: str,
        args: tuple[Any, ...],
        make_end: MakeEnd,
        fixed: int | None,
        patience: float,
        on_over: Callable[[LocalRun], None],
        trees: Sequence[Tree],
    ) -> None:
        self._transfer = transfer
        self._lanes = lanes
        self._call = (name, args)
        self._make_end = make_end
        self._fixed = fixed
        self._patience = patience
        self._on_over = on_over
        self._trees = trees
        self._cancelled = threading.Event()
        self._paused = False
        self._rate = UNLIMITED
        self._began = time.monotonic()
        self._told = 0.0
        self._before = 0
        self._meter = Meter(self._began)
        self._lane_meters: dict[int, Meter] = {}
        self._log: list[str] = []
        self._last: Attempt | None = None
        self._repeated = 0
        self.thread = threading.Thread(
            target=self._run, name=f"pynet-files-{transfer.name}"[:48], daemon=True
        )

    def start(self) -> None:
        """Begin."""
        self._transfer.begin(self)
        self.thread.start()

    def pause(self, paused: bool) -> None:
        """See :meth:`Transfer.pause`."""
        self._paused = paused
        if self._last is not None:
            self._last.wants_pause = paused

    def pace(self, rate: float) -> None:
        """See :meth:`Transfer.pace`."""
        self._rate = rate

    def cancel(self) -> None:
        """See :meth:`Transfer.cancel`."""
        self._cancelled.set()

    # ---- on its thread ------------------------------------------------------------------

    def _run(self) -> None:
        report: Report | None = None
        problem: PynetError | None = None
        try:
            report = self._run_attempts()
        except PynetError as error:
            problem = error
        except Exception as error:
            log.exception("a transfer ended with a fault of pynet itself")
            problem = ConnectionLost(f"the transfer failed: {error!r}")
        for tree in self._trees:
            tree.close()
        self._on_over(self)
        here = None if report is None else (report.files, report.bytes)
        self._transfer.end(report, problem, cancelled=self._cancelled.is_set(), here=here)

    def _run_attempts(self) -> Report:
        alone_since = 0.0
        pause = FIRST_PAUSE
        while True:
            attempt = self._attempt()
            try:
                attempt.run()
                return self._report(attempt)
            except (ConnectionLost, ConnectError, Busy) as error:
                now = time.monotonic()
                arrived = self._take_over(attempt)
                # What refuses to begin is told at once; afterwards anything may pass again.
                if self._last is None or (
                    not isinstance(error, ConnectionLost) and not alone_since
                ):
                    raise
                if arrived or not alone_since:
                    alone_since, pause = now, FIRST_PAUSE
                if now - alone_since > self._patience:
                    raise
                self._transfer.tell(self._progress_of(attempt, RECONNECTING, str(error)))
                log.info("a transfer lost its way and goes on: %s", error)
                if self._cancelled.wait(pause * random.uniform(0.5, 1.0)):
                    raise Cancelled("the transfer was cancelled") from error
                pause = min(LONGEST_PAUSE, 2 * pause)

    def _attempt(self) -> Attempt:
        name, args = self._call
        attempt = Attempt(
            self._lanes, name, args, self._make_end, self._fixed, self._look, self._cancelled
        )
        attempt.wants_pause, attempt.wants_rate = self._paused, self._rate
        return attempt

    def _take_over(self, attempt: Attempt) -> int:
        """Keep what an attempt that is over has counted; how many bytes arrived in it."""
        arrived = sum(self._arrived(attempt).values())
        self._before += arrived
        if attempt.count is not None:
            self._log += attempt.count.log
        end = getattr(attempt, "end", None)
        if isinstance(end, Sending):
            self._repeated += end.repeated
        self._lane_meters.clear()
        return arrived

    @staticmethod
    def _arrived(attempt: Attempt) -> dict[int, int]:
        end = getattr(attempt, "end", None)
        return {} if end is None else end.by_lane

    def _look(self, attempt: Attempt) -> None:
        self._last = attempt
        attempt.wants_pause, attempt.wants_rate = self._paused, self._rate
        now = time.monotonic()
        if now - self._told < TELL:
            return
        self._told = now
        self._meter.set(self._before + sum(self._arrived(attempt).values()), now)
        for number, count in list(self._arrived(attempt).items()):
            self._lane_meters.setdefault(number, Meter(now)).set(count, now)
        self._transfer.tell(self._progress_of(attempt, "", ""))

    def _progress_of(self, attempt: Attempt, state: str, note: str) -> Progress:
        now = time.monotonic()
        last = self._transfer.progress
        end = getattr(attempt, "end", None)
        if end is None:
            return Progress(state or LISTING, note=note)
        files, size, files_total, total, known = _counts(end)
        rate = 0.0 if state == RECONNECTING else self._meter.rate(now)
        left = total - size
        lanes = tuple(
            LaneProgress(number, meter.total, meter.rate(now))
            for number in attempt.lanes_now
            if (meter := self._lane_meters.get(number)) is not None
        )
        return Progress(
            state or (PAUSED if self._paused else RUNNING if total or known else LISTING),
            files,
            # An attempt that begins anew counts anew, which is nobody's concern.
            files_total if known else max(files_total, last.files_total),
            size,
            total if known else max(total, last.bytes_total),
            known,
            rate,
            left / rate if known and rate > 1 else None,
            lanes,
            shown(end.current) if isinstance(end, Receiving) else last.current,
            note,
        )

    def _report(self, attempt: Attempt) -> Report:
        end, result = attempt.end, attempt.result
        if attempt.count is not None:
            self._log += attempt.count.log
        if isinstance(end, Receiving):
            files, size, identical, problems = end.files, end.bytes, end.identical, end.problems
            arrived, repeated = end.arrived, int(result.get("repeated", 0))
        else:
            files, size, identical = result["files"], result["bytes"], result["identical"]
            problems = [Problem(bytes(n), str(c), str(t)) for n, c, t in result["problems"]]
            arrived, repeated = result["arrived"], end.repeated
        return Report(
            files,
            size,
            identical,
            tuple(problems),
            time.monotonic() - self._began,
            self._before + arrived,
            self._repeated + repeated,
            tuple(self._log),
        )


def _counts(end: Sending | Receiving) -> tuple[int, int, int, int, bool]:
    """Files and bytes that are there, how many there are in all, and whether that is all."""
    if isinstance(end, Receiving):
        return end.files, end.bytes, end.files_total, end.bytes_total, end.all_told
    return end.files_there, end.bytes_there, end.files, end.bytes, end.told
