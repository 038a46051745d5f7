"""Emptying a disk: after each removal, whether to go on, by what was measured and not predicted.

It only decides: usages come in, decisions come out.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable

from pynet.backup.plan import Plan, Status, without
from pynet.files.info import Usage
from pynet.files.receipts import ENOUGH, REMOVED, Outcome
from pynet.files.removal import Decision

PATIENCE = 3  # removals, or plans, after which there must be an effect
LEAST_EFFECT = 0.10  # of what they should have freed
NOISE = 1024 * 1024  # bytes that come and go on any disk


class Verdict(enum.Enum):
    """What comes after the last file of a plan."""

    DONE = "done"
    """The disk is empty enough."""
    REPLAN = "plan again"
    """Less was freed than was expected; there may be more to move."""
    EXHAUSTED = "exhausted"
    """All that could move has, and it is not enough."""
    DEST_FULL = "destination full"
    """The destination may not take more."""
    HELD = "held elsewhere"
    """Removing files frees nothing: a snapshot or an open file holds their space, or somebody
    takes it at once."""


class Drain:
    """One run of a backup, over as many plans as it takes. Give it to a Removal as its brake.

    Args:
        low: share at which it is enough.

    Attributes:
        held: removing files freed nothing.
        stay: why files stayed that were planned; for the next plan of this run.
    """

    def __init__(self, low: float) -> None:
        self._low = low
        self._start: Usage | None = None
        self._removals = 0
        self._freed = 0
        self._settling = False
        self._least: int | None = None
        self._barren = 0
        self.held = False
        self.stay: dict[bytes, str] = {}

    def __call__(self, usage: Usage, freed: int) -> Decision:
        """What to do next.

        Args:
            usage: as measured now.
            freed: what the removal before it should have freed; 0 if there was none.
        """
        if usage.share <= self._low:
            return Decision.STOP
        if self._start is None:
            self._begin(usage)
        if freed:
            self._removals += 1
            self._freed += freed
        settled, self._settling = self._settling and not freed, False
        return self._judged(usage, self._start or usage, settled)

    def _judged(self, usage: Usage, start: Usage, settled: bool) -> Decision:
        known = self._removals >= PATIENCE and self._freed >= NOISE
        nothing = known and start.used - usage.used < LEAST_EFFECT * self._freed
        enough = self._removals > 0 and without(start, self._freed).share <= self._low
        if (nothing or enough) and not settled:
            self._settling = True
            return Decision.SETTLE
        if nothing:
            self.held = True
            return Decision.STOP
        if known or enough:
            # What was freed shows by now, or it will not: what comes is counted from here.
            self._begin(usage)
        return Decision.GO_ON

    def _begin(self, usage: Usage) -> None:
        self._start = usage
        self._removals = self._freed = 0

    def after(self, plan: Plan, outcomes: Iterable[Outcome], usage: Usage) -> Verdict:
        """What to do when a plan is through.

        Args:
            plan: it.
            outcomes: of all its files that got as far as a receipt.
            usage: as measured now.
        """
        removed = False
        for outcome in outcomes:
            removed = removed or outcome.code == REMOVED
            if not outcome.removed and outcome.code != ENOUGH and outcome.name:
                self.stay[outcome.name] = outcome.text
        if usage.share <= self._low:
            return Verdict.DONE
        if self.held or self._is_in_vain(usage):
            return Verdict.HELD
        if plan.status is Status.DEST_FULL:
            return Verdict.DEST_FULL
        if plan.steps and (removed or any(file.name in self.stay for _, file in plan.files)):
            # Each further plan is without files that the one before had, so they come to an end.
            return Verdict.REPLAN
        return Verdict.EXHAUSTED

    def _is_in_vain(self, usage: Usage) -> bool:
        """Whether plan after plan leaves the disk as full as it was: somebody fills it again."""
        self._barren += 1
        if self._least is None or usage.used < self._least:
            self._least, self._barren = usage.used, 0
        return self._barren >= PATIENCE
