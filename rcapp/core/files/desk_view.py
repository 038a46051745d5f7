"""The backup of one car at one moment, as the views show it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from rcapp.core.files.engine import PastJob, Plan, Root
from rcapp.core.files.kept import Remembered, rules_of
from rcapp.core.files.policy import BackupPolicy
from rcapp.core.files.storage import Storage


@dataclass(frozen=True, slots=True)
class StayGroup:
    """Files that stay for one reason.

    Attributes:
        code, reason: as in :class:`~rcapp.core.files.engine.Stay`.
        files, bytes: how many.
        names: of the first few, largest first.
    """

    code: str
    reason: str
    files: int
    bytes: int
    names: tuple[str, ...]


MOST_NAMES = 200

USUAL_ROOT = "recordings"
"""What fills a car: the shared folder that is emptied unless a person chooses another."""


def root_for(policy: BackupPolicy, roots: Sequence[Root]) -> str:
    """The shared folder that the backup empties, or empty when there is none it may change."""
    names = [root.name for root in roots if root.writable]
    wanted = (policy.root, USUAL_ROOT, *names)
    return next((name for name in wanted if name in names), "")


def grouped_stays(plan: Plan) -> tuple[StayGroup, ...]:
    """What stays and why, the reason that keeps most bytes first."""
    groups: dict[tuple[str, str], list[tuple[int, str]]] = {}
    for stay in plan.stays:
        groups.setdefault((stay.code, stay.reason), []).append((stay.size, stay.name))
    made = [
        StayGroup(
            code,
            reason,
            len(found),
            sum(size for size, _ in found),
            tuple(
                name for _, name in sorted(found, key=lambda one: (-one[0], one[1]))[:MOST_NAMES]
            ),
        )
        for (code, reason), found in groups.items()
    ]
    return tuple(sorted(made, key=lambda group: (-group.bytes, group.reason)))


@dataclass(frozen=True, slots=True)
class DeskView:
    """The backup at one moment.

    Attributes:
        car_id, car_name: of the car that is connected; empty without one.
        storage: how full it is.
        kept: policy and consent.
        plan: the newest one, or None.
        stays: what it leaves on the car, grouped.
        planning: one is being made.
        plan_error: why there is none.
        plan_lost: because the car was away; it is made when it answers again.
        roots: what the car shares, as far as it is known.
        root: the shared folder that the backup empties, or empty.
        history: runs, newest first, or None while they have not been read.
        history_error: why there are none.
        job: number of the run or rehearsal that waits or runs, or 0.
        rehearsed: the rules that the newest rehearsal was for.
        error: why something could not be kept.
    """

    car_id: str = ""
    car_name: str = ""
    storage: Storage = field(default_factory=Storage)
    kept: Remembered = field(default_factory=Remembered)
    plan: Plan | None = None
    stays: tuple[StayGroup, ...] = ()
    planning: bool = False
    plan_error: str = ""
    plan_lost: bool = False
    roots: tuple[Root, ...] = ()
    root: str = ""
    history: tuple[PastJob, ...] | None = None
    history_error: str = ""
    job: int = 0
    rehearsed: str = ""
    error: str = ""

    @property
    def policy(self) -> BackupPolicy:
        """The rules."""
        return self.kept.policy

    @property
    def rules(self) -> BackupPolicy:
        """The rules, with the shared folder that they are for."""
        return replace(self.policy, root=self.root)

    @property
    def agreed(self) -> bool:
        """A person has seen a rehearsal of just these rules, and let files be moved by them."""
        return self.kept.consent == rules_of(self.rules)

    @property
    def may_run(self) -> bool:
        """A rehearsal of just these rules has been seen, now or at an earlier time."""
        return self.agreed or self.rehearsed == rules_of(self.rules)
