"""One run of a backup: plans and moves until the disk is empty enough, whatever is cut off."""

from __future__ import annotations

import contextlib
import logging
import random
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from pynet.backup.arrival import Arrival, read_outcomes, receipt
from pynet.backup.drain import Drain, Verdict
from pynet.backup.plan import Plan, Status
from pynet.backup.planning import ask_for_plan
from pynet.backup.policy import Policy
from pynet.backup.report import BackupReport, Order
from pynet.backup.returning import place_of
from pynet.backup.room import beginning, room_of
from pynet.backup.service import ALGORITHM
from pynet.backup.sheet import pack_files
from pynet.backup.stores import Stores
from pynet.backup.storing import StoringArrival
from pynet.backup.words import HAVE, KEPT, REMOVED, SETTLED
from pynet.bulk.rate import UNLIMITED
from pynet.errors import (
    Busy,
    Cancelled,
    ConnectError,
    ConnectionLost,
    FilesError,
    NoSpace,
    PynetError,
    TalkEnded,
)
from pynet.files.attempt import Attempt
from pynet.files.info import Problem, Usage, shown
from pynet.files.landing import Landing
from pynet.files.lanes import WarmLanes
from pynet.files.ledger import Entry, Ledger
from pynet.files.meter import Meter
from pynet.files.problems import FULL
from pynet.files.progress import LISTING, PAUSED, RECONNECTING, RUNNING, LaneProgress, Progress
from pynet.files.receipts import Outcome
from pynet.files.transfer import Transfer
from pynet.files.tree import Tree
from pynet.remote import RemoteGateway
from pynet.talk import open_talk

log = logging.getLogger("pynet.backup")

MOVES = "moves"
"""The part of the spool that a run has, which has the ledger and so is alone."""

TELL = 0.1
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 5.0
"""Seconds before a lost way is tried again; doubled each time, each shortened at random."""


class BackupRun:
    """Runs on a thread of its own.

    Args:
        transfer: to tell.
        remote: the file process of the Gateway.
        lanes: to borrow from.
        order: what to do.
        on_over: called at last.
    """

    def __init__(
        self,
        transfer: Transfer[BackupReport],
        remote: RemoteGateway,
        lanes: WarmLanes,
        order: Order,
        on_over: Callable[[BackupRun], None],
    ) -> None:
        self._transfer = transfer
        self._remote = remote
        self._lanes = lanes
        self._order = order
        self._on_over = on_over
        self._policy = Policy.from_dict(order.policy)
        self._place = place_of(order)
        self._stores = Stores(order.store, ALGORITHM, self._place.path, MOVES)
        own = self._stores.own
        self._where = "this disk" if own is None else own.text
        self._cancelled = threading.Event()
        self._paused = False
        self._rate = UNLIMITED
        self._began = time.monotonic()
        self._told = 0.0
        self._meter = Meter(self._began)
        self._before = 0  # bytes that arrived in moves that are over
        self._files = self._bytes = 0
        self._counted: set[tuple[str, bytes]] = set()
        self._kept: dict[bytes, Problem] = {}
        self._plan: Plan | None = None
        self._ahead = 0, 0  # files and bytes of the plan
        self._first: Usage | None = None
        self._number = 0
        self._full_here = False
        self._job = ""
        self.thread = threading.Thread(target=self._run, name="pynet-backup", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._transfer.begin(self)
        self.thread.start()

    def pause(self, paused: bool) -> None:
        """See :meth:`Transfer.pause`."""
        self._paused = paused

    def pace(self, rate: float) -> None:
        """See :meth:`Transfer.pace`."""
        self._rate = rate

    def cancel(self) -> None:
        """See :meth:`Transfer.cancel`."""
        self._cancelled.set()
        self._stores.stop()

    # ---- on its thread ------------------------------------------------------------------

    def _run(self) -> None:
        report: BackupReport | None = None
        problem: PynetError | None = None
        try:
            with self._stores, self._place.tree() as tree, self._place.ledger(tree) as ledger:
                if self._stores.own is not None:
                    self._stores.own.sweep()
                report = self._persist(tree, ledger)
        except PynetError as error:
            problem = error
        except OSError as error:
            kind = NoSpace if error.errno in FULL else FilesError
            reason = error.strerror or str(error)
            problem = kind(f"{self._place.path}: {reason[:1].lower()}{reason[1:]}; nothing is lost")
        except Exception as error:
            log.exception("a backup ended with a fault of pynet itself")
            problem = ConnectionLost(f"the backup failed: {error!r}")
        self._on_over(self)
        here = None if report is None else (report.files, report.bytes)
        self._transfer.end(report, problem, cancelled=self._cancelled.is_set(), here=here)

    def _persist(self, tree: Tree, ledger: Ledger) -> BackupReport:
        """Go on where a lost way cut it off."""
        alone_since, pause = 0.0, FIRST_PAUSE
        while True:
            before = self._bytes
            try:
                busy = self._recover(tree, ledger)
                report = self._drain(tree, ledger)
                return self._tidied(tree, ledger, report) if busy else report
            except (ConnectionLost, ConnectError, Busy) as error:
                now = time.monotonic()
                if self._first is None:  # it never was there
                    raise
                if self._bytes > before or not alone_since:
                    alone_since, pause = now, FIRST_PAUSE
                if now - alone_since > self._order.patience:
                    raise
                self._transfer.tell(self._progress(RECONNECTING, None, str(error)))
                if self._cancelled.wait(pause * random.uniform(0.5, 1.0)):
                    raise Cancelled("the backup was cancelled; nothing is lost") from error
                pause = min(LONGEST_PAUSE, 2 * pause)

    def _tidied(self, tree: Tree, ledger: Ledger, report: BackupReport) -> BackupReport:
        """After moves that had not noticed yet, when this run began, that they were cut off."""
        with contextlib.suppress(ConnectionLost, ConnectError, Busy):
            self._recover(tree, ledger)
        kept = tuple(self._kept.values())
        return replace(report, files=self._files, bytes=self._bytes, kept=kept)

    def _drain(self, tree: Tree, ledger: Ledger) -> BackupReport:
        state = self._place.state()
        drain = Drain(self._policy.low)
        while True:
            usage: Usage = self._remote.call("files.usage", self._order.root)
            self._first = self._first or usage
            draining = state.look(self._policy, usage, at_once=self._order.at_once)
            plan = self._planned(tree, drain, draining or self._order.below)
            if plan.status is Status.IDLE:
                # What was cut off may have been enough, once it was finished.
                return self._report("done" if self._files else "idle", plan.usage, plan)
            if not plan.steps:
                return self._report(plan.status.value, plan.usage, plan)
            limited = self._stores.own is not None
            part = beginning(plan, room_of(plan, tree) if limited else None)
            outcomes, result = self._move(tree, ledger, part)
            if self._full_here:
                self._recover(tree, ledger)
                after = self._remote.call("files.usage", self._order.root)
                return self._report(Verdict.DEST_FULL.value, after, plan)
            after = Usage(*result["usage"])
            drain.held = bool(result["held"])
            verdict = drain.after(plan, outcomes, after)
            if verdict is Verdict.EXHAUSTED and part is not plan:
                verdict = Verdict.REPLAN
            if verdict is not Verdict.REPLAN:
                state.look(self._policy, after)
                return self._report(verdict.value, after, plan)

    def _planned(self, tree: Tree, drain: Drain, draining: bool) -> Plan:
        order = self._order
        self._plan = ask_for_plan(
            self._remote, order.root, self._policy, self._place, tree,
            draining=draining, stay=drain.stay, stores=self._stores,
        )  # fmt: skip
        self._ahead = sum(len(step.unit.files) for step in self._plan.steps), self._plan.size
        self._transfer.tell(self._progress(LISTING, None, ""))
        return self._plan

    # ---- moving -------------------------------------------------------------------------

    def _move(self, tree: Tree, ledger: Ledger, plan: Plan) -> tuple[list[Outcome], dict[str, Any]]:
        if not self._job:
            self._job = secrets.token_hex(8)
            order = self._order
            ledger.begin(self._job, order.device, order.machine, order.root)
        self._number += 1
        files = [info for _, info in plan.files]
        work = {
            "policy": self._policy.to_dict(),
            "files": pack_files(files),
            "units": [
                [step.first, len(step.unit.files), step.unit.name]
                for step in plan.steps
                if step.unit.group
            ],
        }

        def make_end(say: Callable[..., None]) -> Arrival:
            end = (self._landing(tree), say, ALGORITHM, ledger, self._job, files)
            if self._stores.own is None:
                return Arrival(*end)
            return StoringArrival(*end, self._stores.own, self._stores.spool)

        args = (self._order.root, f"{self._job}-{self._number}", work)
        attempt = Attempt(
            self._lanes, "backup.move", args, make_end, self._order.lanes, self._look,
            self._cancelled,
        )  # fmt: skip
        attempt.wants_pause = self._paused
        try:
            attempt.run()
        except NoSpace as error:
            # On this disk it is an end like any other; on that one, something to be told.
            self._full_here = error is getattr(attempt.end, "failure", None)
            if not self._full_here:
                raise
        finally:
            outcomes = self._count(attempt, ledger)
        return outcomes, attempt.result

    def _landing(self, tree: Tree) -> Landing:
        return Landing(
            tree,
            self._base(),
            algorithm=ALGORITHM,
            durable=True,
            origin=self._order.machine or self._order.device,
            floor_bytes=self._policy.floor_bytes,
            floor_share=self._policy.floor_share,
        )

    def _base(self) -> bytes:
        """Where files land: for good, or on their way."""
        if self._stores.own is None:
            return self._place.base
        return self._stores.spool.base + b"/" + self._place.base

    def _count(self, attempt: Attempt, ledger: Ledger) -> list[Outcome]:
        """Keep what a move that is over has come to, however it ended."""
        end = getattr(attempt, "end", None)
        if not isinstance(end, Arrival):
            return []
        self._before += sum(end.by_lane.values())
        self._take_outcomes(ledger, self._job, end.outcomes)
        for problem in end.problems:
            self._kept[problem.name] = problem
        return end.outcomes

    def _take_outcomes(self, ledger: Ledger, job: str, outcomes: list[Outcome]) -> None:
        known = ledger.jobs[job].entries if job in ledger.jobs else {}
        for one in outcomes:
            if one.removed and one.name in known:
                self._kept.pop(one.name, None)
                # What was removed is told of again after a cut.
                if (job == self._job or not known[one.name].outcome) and (
                    (job, one.name) not in self._counted
                ):
                    self._counted.add((job, one.name))
                    self._files += 1
                    self._bytes += known[one.name].size
            elif not one.removed and one.code != "enough":
                self._kept[one.name] = Problem(one.name, one.code, one.text)
        if known:
            ledger.settled(job, {one.name: one.code for one in outcomes})

    # ---- what was cut off ---------------------------------------------------------------

    def _recover(self, tree: Tree, ledger: Ledger) -> int:
        """Answer what the source asks about moves that were cut off.

        Returns:
            How many are under way still.
        """
        rules = self._policy.to_dict()
        busy = 0
        lane = self._lanes.borrow()
        try:
            # The landing also removes what a run that was killed has left here.
            with (
                self._landing(tree) as landing,
                open_talk(lane, "backup.recover", self._order.root, rules) as talk,
            ):
                while True:
                    said = talk.hear()
                    if said is None:
                        continue
                    word, job, rows = said.value
                    if word == HAVE:
                        talk.say([SETTLED, self._receipts(landing, ledger, job, rows)])
                    elif word == REMOVED:
                        self._take_outcomes(ledger, _ledger_job(job), read_outcomes(rows))
                        talk.say([KEPT])
        except TalkEnded:
            busy = talk.result or 0
        finally:
            self._lanes.give_back(lane)
        return busy

    def _receipts(
        self, landing: Landing, ledger: Ledger, job: str, asked: list[Any]
    ) -> list[list[Any]]:
        """Receipts for those that are here, or in a store, for good: read back once more."""
        receipts = []
        stored: list[tuple[int, Entry]] = []
        for number, name, root, _ in asked:
            entry = ledger.holds(_ledger_job(job), name, root)
            if entry is not None and entry.store:
                stored.append((number, entry))
            elif entry is not None and landing.proven(entry.final_name, entry.size, root):
                receipts.append(receipt(number, entry))
        proven = self._stores.proven([entry for _, entry in stored])
        return receipts + [receipt(*one) for one, good in zip(stored, proven, strict=True) if good]

    # ---- how far it is ------------------------------------------------------------------

    def _look(self, attempt: Attempt) -> None:
        attempt.wants_pause, attempt.wants_rate = self._paused, self._rate
        now = time.monotonic()
        if now - self._told < TELL:
            return
        self._told = now
        end = attempt.end
        self._meter.set(self._before + sum(end.by_lane.values()), now)
        self._transfer.tell(self._progress("", attempt, ""))

    def _progress(self, state: str, attempt: Attempt | None, note: str) -> Progress:
        end = getattr(attempt, "end", None)
        plan = self._plan
        files, size = self._files, self._bytes
        lanes: tuple[LaneProgress, ...] = ()
        current = ""
        if attempt is not None and isinstance(end, Arrival):
            removed = [one for one in end.outcomes if one.removed]
            files, size = files + len(removed), size + min(end.bytes, end.bytes_total)
            current = shown(end.current)
            lanes = tuple(
                LaneProgress(number, count, 0.0)
                for number, count in end.by_lane.items()
                if number in attempt.carrying
            )
        ahead, ahead_bytes = self._ahead
        total = self._bytes + ahead_bytes
        rate = self._meter.rate(time.monotonic()) if attempt is not None else 0.0
        return Progress(
            state or (PAUSED if self._paused else RUNNING),
            files,
            self._files + ahead,
            size,
            total,
            plan is not None,
            rate,
            (total - size) / rate if rate > 1 else None,
            lanes,
            current,
            note or f"copied, read back from {self._where}, then removed there",
        )

    def _report(self, verdict: str, after: Usage, plan: Plan) -> BackupReport:
        before = self._first or after
        return BackupReport(
            self._job if self._files else "",
            verdict,
            self._files,
            self._bytes,
            before.used - after.used,
            before,
            after,
            plan.lowest,
            tuple(self._kept.values()),
            time.monotonic() - self._began,
            plan.warnings,
        )


def _ledger_job(job: str) -> str:
    """The ledger's job of a move: without the number of its plan."""
    return job.partition("-")[0]
