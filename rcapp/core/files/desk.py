"""The backup of the car that is connected: how full it is, the plan, runs, history, restore."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from pynet.errors import FilesError
from pynet.files.info import Usage
from rcapp.core.events import Level
from rcapp.core.files import words
from rcapp.core.files.desk_view import DeskView, grouped_stays, root_for
from rcapp.core.files.engine import FilesEngine, PastJob, Root
from rcapp.core.files.explain import explain, is_loss
from rcapp.core.files.jobs import JobView, Kind, Order
from rcapp.core.files.kept import KeptFiles, rules_of
from rcapp.core.files.policy import BackupPolicy
from rcapp.core.files.queue import TransferQueue
from rcapp.core.files.storage import Storage, fill_rate, with_sample
from rcapp.core.files.worker import Worker

logger = logging.getLogger("rcapp.files")

USAGE_EVERY, UNSEEN_EVERY = 15.0, 60.0
"""Seconds between two looks how full the car is while the tab is seen, and while it is not: one
small question, also while driving."""

FIRST_AFTER = 10.0
"""Seconds after which it is asked for the first time: feeds and driving come first."""

PLAN_EVERY = 120.0
"""Seconds after which a plan is made anew while the tab is seen: the car looks through all files
for it."""


class BackupDesk:
    """Every method but :meth:`close` returns at once; any thread.

    Args:
        kept: what is remembered of each car.
        queue: where runs and restores go.
        wake: called from its thread when :attr:`view` is another one.
    """

    def __init__(self, kept: KeptFiles, queue: TransferQueue, wake: Callable[[], None]) -> None:
        self._kept = kept
        self._queue = queue
        self._wake = wake
        self._lock = threading.Lock()
        self._engine: FilesEngine | None = None
        self._view = DeskView()
        self._usage_at: float | None = None
        self._plan_at = float("-inf")
        self._asked = False
        self._suggesting = threading.Lock()
        self._suggested = ""
        self._notes: deque[tuple[Level, str]] = deque(maxlen=20)
        # A scan of the car may take long: how full it is must not wait behind it.
        self._worker = Worker("rcapp-backup")
        self._gauge = Worker("rcapp-storage")

    @property
    def view(self) -> DeskView:
        """What there is to show now."""
        with self._lock:
            return self._view

    def use(self, car: FilesEngine | None) -> None:
        """This car is connected now, or none."""
        with self._lock:
            self._engine = car
            if car is not None and car.car_id == self._view.car_id:
                self._asked = False  # the same car is back, over another connection
                return
            if car is None:
                self._view = DeskView()
            else:
                self._view = DeskView(car.car_id, car.car_name, planning=True)
            self._usage_at, self._plan_at, self._asked = None, float("-inf"), False
            self._suggested = ""
        if car is not None:
            # Before anything else, on both threads: each needs the policy.
            self._gauge.ask("load", lambda: self._load(car))
        self._wake()

    def take_notes(self) -> list[tuple[Level, str]]:
        """A level and a sentence of what a person should know, since this was asked last."""
        taken = []
        while self._notes:
            taken.append(self._notes.popleft())
        return taken

    def tend(self, now: float, *, seen: bool, plans: bool) -> None:
        """Look now and then.

        Args:
            now: local monotonic time.
            seen: somebody looks at the files.
            plans: a plan may be made, which takes the car some work.
        """
        with self._lock:
            car, view = self._engine, self._view
            if car is None or not view.kept.policy.destination:
                return
            if self._usage_at is None:
                self._usage_at = now + FIRST_AFTER - UNSEEN_EVERY
            pause = USAGE_EVERY if seen else UNSEEN_EVERY
            usage_due = now - self._usage_at >= pause or (seen and not self._asked)
            plan_due = plans and now - self._plan_at >= PLAN_EVERY and not view.job
            if usage_due:
                self._usage_at, self._asked = now, True
            if plan_due:
                self._plan_at = now
        if usage_due:
            self._gauge.ask("usage", lambda: self._look(car))
        if plan_due:
            self.make_plan()

    def make_plan(self) -> None:
        """Look through the car's folders anew."""
        car = self._begin(planning=True, plan_error="", plan_lost=False)
        if car is not None:
            self._worker.ask("plan", lambda: self._plan(car))

    def read_history(self) -> None:
        """Read what was moved before."""
        car = self._begin(history_error="")
        if car is not None:
            self._worker.ask("history", lambda: self._history(car))

    def set_policy(self, policy: BackupPolicy) -> None:
        """Use these rules from now on; they must be without complaints."""
        with self._lock:
            if self._engine is None or policy == self._view.policy:
                return
            storage = replace(self._view.storage, high=policy.high, low=policy.low)
            root = root_for(policy, self._view.roots)
            kept = replace(self._view.kept, policy=policy, own=True)
            self._view = replace(
                self._view,
                kept=kept,
                storage=storage,
                root=root,
                plan=None,
                stays=(),
                history=None,
            )
        self._save()
        self.make_plan()

    def rehearse(self) -> None:
        """Do everything but moving."""
        self._add(Kind.REHEARSE)

    def agree_and_run(self) -> None:
        """The person has read the list: move the files, and do not ask again for these rules."""
        with self._lock:
            if self._engine is None or not self._view.may_run:
                return
            kept = replace(self._view.kept, consent=rules_of(self._view.rules))
            self._view = replace(self._view, kept=kept)
        self._save()
        self._add(Kind.MOVE)

    def restore(self, job: PastJob, names: Sequence[str]) -> None:
        """Copy files back to the car; none for all of the job."""
        with self._lock:
            car, policy = self._engine, self._view.rules
        if car is None:
            return
        wanted = [file for file in job.files if not names or file.name in set(names)]
        self._queue.add(
            Order(
                Kind.RESTORE,
                words.title([file.name for file in wanted]),
                lambda engine: engine.restore(policy, job.id, list(names)),
                car.car_id,
                car.car_name,
                len(wanted),
                sum(file.size for file in wanted),
            )
        )

    def ended(self, job: JobView) -> None:
        """A job of the queue is over."""
        kind = job.order.kind
        with self._lock:
            if self._engine is None or job.order.car_id != self._view.car_id:
                return
            if job.id == self._view.job:
                self._view = replace(self._view, job=0)
                if kind is Kind.REHEARSE and job.state == "done":
                    self._view = replace(self._view, rehearsed=rules_of(self._view.rules))
            self._usage_at = float("-inf")
        if kind in (Kind.MOVE, Kind.RESTORE):
            self.read_history()
        if kind is not Kind.REHEARSE:
            self.make_plan()
        self._wake()

    def close(self) -> None:
        """Join the threads. Twice is fine."""
        self._gauge.close()
        self._worker.close()

    def _begin(self, **changes: object) -> FilesEngine | None:
        with self._lock:
            car = self._engine
            if car is not None:
                self._view = replace(self._view, **changes)  # type: ignore[arg-type]
        self._wake()
        return car

    def _add(self, kind: Kind) -> None:
        with self._lock:
            car, view = self._engine, self._view
            if car is None or view.job:
                return
            policy, plan = view.rules, view.plan
        files = -1 if plan is None else plan.files
        what = "Rehearsal of the backup" if kind is Kind.REHEARSE else "Backup"
        count = "" if plan is None else f" · {words.plural(files, 'file')}"
        number = self._queue.add(
            Order(
                kind,
                f"{what}{count}",
                lambda engine: engine.run(policy, rehearse=kind is Kind.REHEARSE),
                car.car_id,
                car.car_name,
                files,
                -1 if plan is None else plan.bytes,
                policy.destination,
            )
        )
        self._change(car, job=number)

    def _save(self) -> None:
        with self._lock:
            car, kept = self._engine, self._view.kept
        if car is None:
            return

        def write() -> None:
            try:
                self._kept.save(car.car_id, kept)
            except OSError as error:
                logger.warning("the backup's rules are not kept: %s", error)
                said = "The rules hold until the app ends, but could not be kept: "
                self._change(car, error=f"{said}{explain(error)}")

        self._gauge.ask("save", write, last=True)

    def _change(self, car: FilesEngine, **changes: object) -> None:
        with self._lock:
            if self._engine is not car:
                return
            self._view = replace(self._view, **changes)  # type: ignore[arg-type]
        self._wake()

    # On the threads.

    def _load(self, car: FilesEngine) -> None:
        kept = self._kept.load(car.car_id, car.car_name)
        policy = kept.policy
        storage = Storage(
            high=policy.high, low=policy.low, rate=fill_rate(kept.samples), samples=kept.samples
        )
        self._change(car, kept=kept, storage=storage)

    def _look(self, car: FilesEngine) -> None:
        before = self.view.storage
        try:
            roots = self._see_roots(car)
            if not roots:
                self._change(car, storage=replace(before, usage=None, error="nothing is shared"))
                return
            # The disk that the backup empties counts; without one, the fullest.
            chosen = [root for root in roots if root.name == self.view.root] or roots
            fullest = max(chosen, key=lambda root: root.usage.share)
        except Exception as error:
            text = explain(error, car.car_name)
            self._change(car, storage=replace(before, error=text))
            return
        usage = fullest.usage
        self._note_fullness(car, before, usage)
        samples = with_sample(before.samples, time.time(), usage.used)
        made = replace(
            self.view.storage,
            usage=usage,
            rate=fill_rate(samples),
            root=fullest.name,
            error="",
            samples=samples,
        )
        self._change(car, storage=made)
        if self.view.plan_lost and not self.view.job:
            self.make_plan()
        if samples != before.samples:
            with self._lock:
                if self._engine is car:
                    kept = replace(self._view.kept, samples=samples)
                    self._view = replace(self._view, kept=kept)
            self._save()

    def _note_fullness(self, car: FilesEngine, before: Storage, usage: Usage) -> None:
        """Say once that a car has become as full as the upper mark."""
        was_below = before.usage is None or before.usage.share < before.high
        if was_below and usage.share >= before.high:
            full = words.share(usage.share)
            text = f"{car.car_name} is {full} full: Files shows which files the backup would move"
            self._notes.append(("warn", text))

    def _see_roots(self, car: FilesEngine) -> list[Root]:
        roots = car.roots()
        root = root_for(self.view.policy, roots)
        if (tuple(roots), root) != (self.view.roots, self.view.root):
            self._change(car, roots=tuple(roots), root=root)
        # One thread asks, and the other waits: a plan must not begin by rules that change at once.
        with self._suggesting:
            if root and root != self._suggested and not self.view.kept.own:
                self._suggested = root
                self._take_suggestion(car, car.suggestion(root))
        return roots

    def _take_suggestion(self, car: FilesEngine, table: dict[str, Any]) -> None:
        """Use what the car suggests until a person sets a policy."""
        kept = self.view.kept
        usual = kept.policy.to_table()
        policy = BackupPolicy.from_table({**usual, **table, "destination": usual["destination"]})
        if policy.complaints():
            logger.warning("%s suggests a policy that cannot be: %s", car.car_name, table)
            return
        storage = replace(self.view.storage, high=policy.high, low=policy.low)
        self._change(car, kept=replace(kept, policy=policy), storage=storage)

    def _plan(self, car: FilesEngine) -> None:
        if self.view.policy.complaints():
            self._change(car, planning=False)
            return
        try:
            self._see_roots(car)
            if not self.view.root:
                raise FilesError(
                    "the car shares no folder for writing, so nothing can be moved off it; share "
                    "one in the car's file with write = true"
                )
            rules = self.view.rules
            plan = car.plan(rules)
        except Exception as error:
            logger.info("no plan for %s: %s", car.car_name, error)
            text = explain(error, car.car_name)
            lost = is_loss(error)
            self._change(car, planning=False, plan=None, stays=(), plan_error=text, plan_lost=lost)
            return
        if self.view.rules != rules:
            return  # they have changed meanwhile, and a plan by the new ones is asked for already
        storage = replace(self.view.storage, usage=plan.usage, error="")
        self._change(
            car,
            planning=False,
            plan=plan,
            stays=grouped_stays(plan),
            plan_error="",
            storage=storage,
        )

    def _history(self, car: FilesEngine) -> None:
        rules = self.view.rules
        try:
            found = tuple(car.history(rules))
        except Exception as error:
            self._change(car, history=(), history_error=explain(error, car.car_name))
            return
        if self.view.rules == rules:
            self._change(car, history=found, history_error="")
