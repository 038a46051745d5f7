"""What a backup would move: the oldest files, just enough of them, and why the others stay.

It only computes: what it is told about disks and files comes in, a :class:`Plan` comes out.
"""

from __future__ import annotations

import enum
import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from pynet.backup.policy import Policy
from pynet.backup.units import Skip, Unit, sort_out
from pynet.files.info import FileInfo, Problem, Usage

SPARE_FILES = 1000
"""So many more files must fit on the destination than are planned, where it has such a limit."""

Probe = Callable[[Unit], Skip | None]
"""Looks closely at what is about to be planned; says why it has to stay, if it has."""


class Status(enum.Enum):
    """What a plan comes to."""

    IDLE = "idle"
    """The disk is not full enough for anything to move."""
    READY = "ready"
    """The planned files are enough."""
    EXHAUSTED = "exhausted"
    """All that can move is not enough."""
    DEST_FULL = "destination full"
    """More would have to move than the destination may take."""


@dataclass(frozen=True, slots=True)
class Step:
    """One unit that moves.

    Attributes:
        unit: it.
        first: id of its first file in this job; those of the others follow.
        after: usage that is expected when it is gone.
    """

    unit: Unit
    first: int
    after: Usage


@dataclass(frozen=True, slots=True)
class Held:
    """What keeps the disk from becoming emptier.

    Attributes:
        code: as in :class:`Skip`; ``"outside"`` for what lies outside the root.
        files: how many; 0 where that is not known.
        size: bytes on the disk.
    """

    code: str
    files: int
    size: int


@dataclass(frozen=True, slots=True)
class Plan:
    """What to move and what not.

    Attributes:
        status: what it comes to.
        policy: it follows.
        time: when it was made, seconds since 1970.
        usage: of the disk then.
        need: bytes that have to be freed.
        steps: in the order in which they move: oldest first.
        skipped: what stays, oldest first, with the reason.
        lowest: share that would be left if all that can move did, wherever to.
        held: what that share consists of, largest first.
        warnings: sentences for people.
    """

    status: Status
    policy: Policy
    time: float
    usage: Usage
    need: int = 0
    steps: tuple[Step, ...] = ()
    skipped: tuple[Skip, ...] = ()
    lowest: float = 0.0
    held: tuple[Held, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def files(self) -> Iterator[tuple[int, FileInfo]]:
        """Every file that moves, with its id."""
        for step in self.steps:
            yield from enumerate(step.unit.files, step.first)

    @property
    def size(self) -> int:
        """Bytes to send."""
        return sum(step.unit.size for step in self.steps)

    @property
    def after(self) -> Usage:
        """The usage that is expected in the end."""
        return self.steps[-1].after if self.steps else self.usage


def plan(
    policy: Policy,
    usage: Usage,
    found: Iterable[FileInfo | Problem],
    now: float,
    *,
    draining: bool = False,
    destination: Usage | None = None,
    largest: int | None = None,
    probe: Probe | None = None,
    stay: Mapping[bytes, str] | None = None,
    mark: bytes = b"",
) -> Plan:
    """Decide what moves.

    Args:
        policy: the rules.
        usage: of the disk that the root is on.
        found: what a scan of the root gives.
        now: seconds since 1970.
        draining: it was full and is not empty enough yet; go on until it is.
        destination: how full the other disk is; None if it is not known.
        largest: bytes that a file can have there (FAT: 4 GiB - 1); None for any.
        probe: asked about each unit that is about to be planned.
        stay: why single files stay whatever the rules say, by name.
        mark: name of the file that is among the destination's copies, see :mod:`pynet.backup.mark`.
    """
    if usage.share <= policy.low or (usage.share < policy.high and not draining):
        return Plan(Status.IDLE, policy, now, usage, lowest=usage.share)
    planner = _Planner(policy, usage, now, destination, largest, probe)
    return planner.made(list(found), stay, mark)


def need(usage: Usage, low: float) -> int:
    """Bytes that have to be freed for the share to be at most ``low``."""
    return max(math.ceil(usage.used - low * usage.capacity), 0)


def without(usage: Usage, size: int) -> Usage:
    """The usage when so many bytes more are free."""
    size = min(size, usage.used)
    return Usage(usage.used - size, usage.available + size, usage.files_free)


def percent(usage: Usage) -> int:
    """As df shows it: rounded up."""
    return math.ceil(100 * usage.used / usage.capacity) if usage.capacity else 100


class _Planner:
    def __init__(
        self,
        policy: Policy,
        usage: Usage,
        now: float,
        destination: Usage | None,
        largest: int | None,
        probe: Probe | None,
    ) -> None:
        self._policy = policy
        self._usage = usage
        self._now = now
        self._destination = destination
        self._largest = largest
        self._probe = probe
        self._files = 0
        self._sent = 0
        self._freed = 0

    def made(
        self, found: list[FileInfo | Problem], stay: Mapping[bytes, str] | None, mark: bytes
    ) -> Plan:
        listed = sort_out(self._policy, found, self._now, stay, mark)
        steps: list[Step] = []
        skipped = list(listed.skipped)
        status = Status.EXHAUSTED
        movable = sum(unit.allocated for unit in listed.units)
        for unit in listed.units:
            skip = self._looked_at(unit)
            if skip is not None:
                skipped.append(skip)
                movable -= unit.allocated
                continue
            if not self._fits(unit):
                status = Status.DEST_FULL
                break
            steps.append(self._step(unit))
            if steps[-1].after.share <= self._policy.low:
                status = Status.READY
                break
        skipped.sort(key=lambda skip: (skip.mtime_ns, skip.name))
        held = self._held(found, skipped)
        return Plan(
            status,
            self._policy,
            self._now,
            self._usage,
            need(self._usage, self._policy.low),
            tuple(steps),
            tuple(skipped),
            without(self._usage, movable).share,
            held,
            tuple(self._warnings(skipped)),
        )

    def _looked_at(self, unit: Unit) -> Skip | None:
        if self._largest is not None:
            for file in unit.files:
                if file.size > self._largest:
                    text = f"{file.text} is larger than a file can be on the destination's disk"
                    return Skip(unit.name, "large", text, unit.mtime_ns, unit.allocated)
        return self._probe(unit) if self._probe is not None else None

    def _fits(self, unit: Unit) -> bool:
        """Whether the destination keeps its floor free; sizes there are in whole blocks."""
        there = self._destination
        if there is None:
            return True
        size = sum(-(-file.size // 4096) * 4096 for file in unit.files)
        files = self._files + len(unit.files)
        if 0 <= there.files_free < files + SPARE_FILES:
            return False
        return there.available - self._sent - size >= self._policy.floor(there.capacity)

    def _step(self, unit: Unit) -> Step:
        first = self._files
        self._files += len(unit.files)
        self._sent += sum(-(-file.size // 4096) * 4096 for file in unit.files)
        self._freed += unit.allocated
        return Step(unit, first, without(self._usage, self._freed))

    def _held(self, found: list[FileInfo | Problem], skipped: list[Skip]) -> tuple[Held, ...]:
        files: Counter[str] = Counter()
        sizes: Counter[str] = Counter()
        for skip in skipped:
            files[skip.code] += 1
            sizes[skip.code] += skip.allocated
        seen = {
            (one.device, one.inode): one.allocated for one in found if isinstance(one, FileInfo)
        }
        held = [Held(code, files[code], sizes[code]) for code in files]
        held.append(Held("outside", 0, max(self._usage.used - sum(seen.values()), 0)))
        return tuple(sorted(held, key=lambda one: -one.size))

    def _warnings(self, skipped: list[Skip]) -> Iterator[str]:
        future = sum(skip.code == "future" for skip in skipped)
        if future:
            yield (
                f"{future} files have dates in the future and stay; "
                "the clock of this machine, or of one that wrote them, may be wrong"
            )
        if self._usage.available == 0:
            yield (
                "the disk is full into what is reserved for the system; what is freed first goes "
                "there, so more files may have to move than are listed"
            )
