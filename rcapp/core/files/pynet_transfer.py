"""Transfers of pynet, and what is no transfer there, in the words of the Files tab."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from rcapp.core.files import engine
from rcapp.core.files.engine import Lane, Plan, Progress, Report, Transfer

if TYPE_CHECKING:
    from pynet.files.transfer import Transfer as PynetTransfer


JOIN_LIMIT = 2.0
"""Seconds that :meth:`Rehearsal.close` waits for the answer of a car."""


class RunningTransfer:
    """A transfer of pynet.

    Args:
        transfer: it.
        told: puts its report into the words of the tab.
    """

    def __init__(self, transfer: PynetTransfer[Any], told: Callable[[Any], Report]) -> None:
        self._transfer = transfer
        self._told = told

    @property
    def progress(self) -> Progress:
        """Where it stands now."""
        now = self._transfer.progress
        return Progress(
            now.state,
            now.files,
            now.files_total,
            now.bytes,
            now.bytes_total,
            now.total_known,
            now.rate,
            now.eta,
            tuple(Lane(lane.number, lane.bytes, lane.rate) for lane in now.lanes),
            now.current,
            now.note,
        )

    def pause(self) -> None:
        """Send nothing more until :meth:`resume`."""
        self._transfer.pause()

    def resume(self) -> None:
        """Go on."""
        self._transfer.resume()

    def cancel(self) -> None:
        """End it."""
        self._transfer.cancel()

    def report(self) -> Report:
        """What came of it."""
        return self._told(self._transfer.wait())

    def close(self) -> None:
        """Cancel what is not over."""
        self._transfer.close()


class Several:
    """Transfers one after the other, as one. On one thread only.

    Args:
        begins: begin them.
    """

    def __init__(self, begins: Sequence[Callable[[], Transfer]]) -> None:
        self._begins = list(begins)
        self._done: list[Report] = []
        self._cancelled = False
        self._now = self._begins.pop(0)()

    @property
    def progress(self) -> Progress:
        """Where they stand; begins the next when one is done."""
        now = self._now.progress
        if now.state == engine.DONE and self._begins and not self._cancelled:
            self._done.append(self._now.report())
            self._now.close()
            self._now = self._begins.pop(0)()
            now = self._now.progress
        files = sum(report.files for report in self._done)
        size = sum(report.bytes for report in self._done)
        state = now.state
        if state == engine.DONE and self._begins:
            state = engine.CANCELLED
        return replace(
            now,
            state=state,
            files=now.files + files,
            files_total=now.files_total + files + len(self._begins),
            bytes=now.bytes + size,
            bytes_total=now.bytes_total + size,
            eta=now.eta if not self._begins else None,
        )

    def pause(self) -> None:
        """Send nothing more until :meth:`resume`."""
        self._now.pause()

    def resume(self) -> None:
        """Go on."""
        self._now.resume()

    def cancel(self) -> None:
        """End them."""
        self._cancelled = True
        self._now.cancel()

    def report(self) -> Report:
        """What came of all of them."""
        reports = [*self._done, self._now.report()]
        return Report(
            sum(report.files for report in reports),
            sum(report.bytes for report in reports),
            sum(report.identical for report in reports),
            problems=tuple(problem for report in reports for problem in report.problems),
        )

    def close(self) -> None:
        """Cancel what is not over."""
        self._cancelled = True
        self._now.close()


class Rehearsal:
    """Looks at each file as a run does, on a thread of its own, and moves nothing.

    Args:
        plan: makes the plan, which is what a run does first.
    """

    def __init__(self, plan: Callable[[], Plan]) -> None:
        self._plan = plan
        self._progress = Progress()
        self._report = Report()
        self._error: Exception | None = None
        self._cancelled = False
        self._thread = threading.Thread(target=self._run, name="rcapp-rehearsal", daemon=True)
        self._thread.start()

    @property
    def progress(self) -> Progress:
        """Where it stands now."""
        return self._progress

    def pause(self) -> None:
        """It is over in a moment."""

    def resume(self) -> None:
        """It was never paused."""

    def cancel(self) -> None:
        """End it when the car has answered."""
        self._cancelled = True

    def report(self) -> Report:
        """What a run would move."""
        self._thread.join()
        if self._error is not None:
            raise self._error
        return self._report

    def close(self) -> None:
        """End it, which takes until the car has answered or has gone."""
        self._cancelled = True
        self._thread.join(JOIN_LIMIT)

    def _run(self) -> None:
        try:
            plan = self._plan()
        except Exception as error:
            self._error = error
            self._progress = Progress(engine.FAILED)
            return
        files, size = plan.files, plan.bytes
        self._report = Report(files, size, note=plan.note)
        state = engine.CANCELLED if self._cancelled else engine.DONE
        self._progress = Progress(state, files, files, size, size, total_known=True)
