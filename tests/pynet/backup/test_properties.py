"""What holds of every backup of every disk: P1 to P8, on disks that are figures only.

A disk here has files of any age and size, of which some stay for a reason; other things take
space on it too; it may free space late, or less than it should, and others may write meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from hypothesis import example, given, settings
from hypothesis import strategies as st

from pynet.backup.drain import Drain, Verdict
from pynet.backup.plan import Plan, Status, plan
from pynet.backup.policy import Policy
from pynet.backup.units import Skip, Unit, sort_out
from pynet.files.info import FileInfo, Usage
from pynet.files.receipts import Outcome
from pynet.files.removal import Decision
from tests.pynet.backup.made import MIB, NOW, file

MOST_PLANS = 200
rules = Policy(groups=("g*",), floor_bytes=0, floor_share=0.0)


@dataclass
class Disk:
    """A disk that is figures only.

    Attributes:
        files: by name.
        capacity: bytes that users share; what is not theirs is ``other``.
        late: removals show only when they are settled.
        returned: share of what a file holds that is free when it is removed.
        writes: bytes that others write with each removal.
        busy: files that turn out to be open when they are to be removed.
    """

    files: dict[bytes, FileInfo]
    other: int
    capacity: int
    late: bool = False
    returned: float = 1.0
    writes: int = 0
    busy: frozenset[bytes] = frozenset()
    removed: list[bytes] = field(default_factory=list)
    shown: int = 0

    def __post_init__(self) -> None:
        self.shown = self.used()

    def used(self) -> int:
        return min(self.other + sum(one.allocated for one in self.files.values()), self.capacity)

    def usage(self) -> Usage:
        used = self.shown if self.late else self.used()
        return Usage(used, self.capacity - used)

    def settle(self) -> None:
        self.shown = self.used()

    def remove(self, unit: Unit) -> None:
        for info in unit.files:
            del self.files[info.name]
            self.other += int(info.allocated * (1 - self.returned))
            self.removed.append(info.name)
        self.other += self.writes
        self.shown += self.writes


def dry(disk: Disk, draining: bool = False, stay: dict[bytes, str] | None = None) -> Plan:
    return plan(rules, disk.usage(), list(disk.files.values()), NOW, draining=draining, stay=stay)


@dataclass
class Ended:
    verdict: Verdict | None
    last: Plan
    units: list[Unit]
    before_last: float
    stay: dict[bytes, str]
    settled: bool


def run(disk: Disk) -> Ended:
    """All of a backup: plans, removals in order with the brake between, plans again."""
    drain = Drain(rules.low)
    units: list[Unit] = []
    before = 1.0
    made = dry(disk)
    if made.status is Status.IDLE:
        return Ended(None, made, units, before, {}, False)
    settled = False
    for _ in range(MOST_PLANS):
        outcomes: list[Outcome] = []
        decision = drain(disk.usage(), 0)
        for step in made.steps:
            if decision is Decision.STOP:
                break
            if any(one.name in disk.busy for one in step.unit.files):
                outcomes += [Outcome(0, one.name, "open", "it is open") for one in step.unit.files]
                continue
            before = disk.usage().share
            disk.remove(step.unit)
            units.append(step.unit)
            outcomes += [Outcome(0, one.name, "removed", "") for one in step.unit.files]
            decision = drain(disk.usage(), step.unit.allocated)
            if decision is Decision.SETTLE:
                settled = True
                disk.settle()
                decision = drain(disk.usage(), 0)
        disk.settle()
        verdict = drain.after(made, outcomes, disk.usage())
        if verdict is not Verdict.REPLAN:
            return Ended(verdict, made, units, before, drain.stay, settled)
        made = dry(disk, draining=True, stay=drain.stay)
        if made.status is Status.IDLE:
            return Ended(Verdict.DONE, made, units, before, drain.stay, settled)
    raise AssertionError("it plans for ever")


# ---- disks -----------------------------------------------------------------------------------

sizes = st.one_of(st.integers(1, 10_000), st.integers(MIB, 60 * MIB))
ages = st.one_of(st.integers(-5, 700), st.integers(600, 100_000))
names = st.sampled_from(["a", "b", "g1/a", "g1/b", "g2/c", "sub/d", "e.db", "sub/f"])


@st.composite
def files(draw: st.DrawFn) -> dict[bytes, FileInfo]:
    found: dict[bytes, FileInfo] = {}
    for number in range(draw(st.integers(0, 25))):
        size = draw(sizes)
        info = file(f"{draw(names)}{number}", draw(ages), size, links=draw(links))
        found[info.name] = replace(info, allocated=-(-size // 4096) * 4096)
    return found


links = st.sampled_from([1, 1, 1, 1, 1, 2])


@st.composite
def disks(draw: st.DrawFn, well: bool = False) -> Disk:
    """Any disk; a well one does what it says."""
    found = draw(files())
    held = sum(one.allocated for one in found.values())
    other = draw(st.integers(0, max(held, MIB)))
    used = held + other
    capacity = max(int(used / draw(st.floats(0.20, 1.0))), used)
    if well:
        return Disk(found, other, capacity)
    return Disk(
        found,
        other,
        capacity,
        late=draw(st.booleans()),
        returned=draw(st.sampled_from([1.0, 1.0, 0.9, 0.5, 0.0])),
        writes=draw(st.sampled_from([0, 0, 4096, MIB])),
        busy=frozenset(draw(st.sets(st.sampled_from(sorted(found)), max_size=3)) if found else ()),
    )


many = settings(max_examples=150, deadline=None)


def check(disk: Disk, *laws: Callable[[Disk, dict[bytes, FileInfo], Ended], None]) -> None:
    before = dict(disk.files)
    ended = run(disk)
    for law in laws:
        law(disk, before, ended)


# ---- P1 to P8 --------------------------------------------------------------------------------


def just_enough(disk: Disk, before: dict[bytes, FileInfo], ended: Ended) -> None:
    """P1: without the last removal it would not be enough."""
    if ended.units:
        assert ended.before_last > rules.low


def nothing_older_stays_without_a_reason(
    disk: Disk, before: dict[bytes, FileInfo], ended: Ended
) -> None:
    """P2 and P4: what is older than something that moved has moved too, or is told of."""
    if not ended.units:
        return
    newest = max(unit.order for unit in ended.units)
    left = sort_out(rules, list(before.values()), NOW)
    told = {skip.name for skip in ended.last.skipped} | set(ended.stay)
    moved = {unit.name for unit in ended.units}
    for unit in left.units:
        if unit.order < newest and unit.name not in moved:
            assert unit.name in told or {one.name for one in unit.files} & told
    for skip in left.skipped:
        assert not any(name == skip.name for name in moved)


def enough_or_told_why(disk: Disk, before: dict[bytes, FileInfo], ended: Ended) -> None:
    """P3: it is enough, or what it says of the reason is true."""
    share = disk.usage().share
    if ended.verdict is Verdict.DONE:
        assert share <= rules.low
    elif ended.verdict is Verdict.EXHAUSTED:
        assert share > rules.low
        left = sort_out(rules, list(disk.files.values()), NOW, ended.stay)
        assert left.units == ()
        assert ended.last.lowest <= ended.last.usage.share
        assert {held.code for held in ended.last.held} >= {"outside"}
    else:
        assert ended.verdict in (None, Verdict.HELD)


def overshoots_by_less_than_one_unit(
    disk: Disk, before: dict[bytes, FileInfo], ended: Ended
) -> None:
    """P5."""
    if ended.units and ended.verdict is Verdict.DONE:
        overshoot = rules.low * disk.capacity - disk.usage().used
        assert overshoot < ended.units[-1].allocated or disk.writes or overshoot <= 0


def only_what_may_moves(disk: Disk, before: dict[bytes, FileInfo], ended: Ended) -> None:
    for unit in ended.units:
        for info in unit.files:
            assert info.links == 1
            assert info.mtime_ns <= (NOW - rules.min_age) * 1e9
            assert b".db" not in info.name
            assert info.name not in disk.busy
    order = [unit.order for unit in ended.units]
    if not disk.busy:
        assert order == sorted(order)


def groups_stay_whole(disk: Disk, before: dict[bytes, FileInfo], ended: Ended) -> None:
    moved = set(disk.removed)
    for name in before:
        folder, _, _ = name.partition(b"/")
        if folder.startswith(b"g") and folder != name:
            members = {one for one in before if one.startswith(folder + b"/")}
            assert members <= moved or not members & moved


@many
@given(disk=disks(well=True))
def test_on_a_disk_that_does_what_it_says(disk: Disk) -> None:
    check(
        disk,
        just_enough,
        nothing_older_stays_without_a_reason,
        enough_or_told_why,
        overshoots_by_less_than_one_unit,
        only_what_may_moves,
        groups_stay_whole,
    )


@many
@given(disk=disks())
def test_on_any_disk(disk: Disk) -> None:
    check(
        disk,
        nothing_older_stays_without_a_reason,
        enough_or_told_why,
        only_what_may_moves,
        groups_stay_whole,
    )


@many
@given(disk=disks(well=True))
def test_a_disk_that_frees_late_is_not_emptied_further(disk: Disk) -> None:
    """P1 and P5 hold there too: before one more goes, it is waited for."""
    late = replace(disk, files=dict(disk.files), removed=[], late=True)
    check(late, overshoots_by_less_than_one_unit)
    run(disk)
    assert late.removed == disk.removed


@many
@given(disk=disks(well=True))
def test_a_dry_run_lists_what_the_run_moves(disk: Disk) -> None:
    """P6."""
    listed = [step.unit for step in dry(disk).steps]
    assert run(disk).units == listed


@many
@given(disk=disks())
def test_run_again_at_once_it_moves_nothing(disk: Disk) -> None:
    """P7: but after the disk went on filling, or if nothing was gained, and that is known."""
    disk.writes = 0
    ended = run(disk)
    if ended.verdict is Verdict.HELD:
        return
    moved = list(disk.removed)
    again = run(disk)
    assert disk.removed == moved
    assert again.verdict in (None, Verdict.EXHAUSTED)


@many
@given(disk=disks(), share=st.floats(0.0, 0.7499999))
@example(disk=Disk({}, 7499, 10_000), share=0.7499)
def test_below_the_high_mark_nothing_moves(disk: Disk, share: float) -> None:
    """P8."""
    used = disk.used()
    disk.capacity = max(disk.capacity, int(used / max(share, 0.01)) + 1)
    disk.settle()
    if disk.usage().share < rules.high:
        assert run(disk).units == []
        assert dry(disk).status is Status.IDLE


@many
@given(disk=disks(well=True), room=st.integers(0, 100 * MIB), floor=st.integers(0, 50 * MIB))
def test_the_destination_s_floor_is_never_crossed(disk: Disk, room: int, floor: int) -> None:
    policy = replace(rules, floor_bytes=floor)
    there = Usage(0, room)
    made = plan(policy, disk.usage(), list(disk.files.values()), NOW, destination=there)
    taken = sum(-(-info.size // 4096) * 4096 for _, info in made.files)
    assert not made.steps or room - taken >= floor
    free = plan(policy, disk.usage(), list(disk.files.values()), NOW)
    assert made.steps == free.steps[: len(made.steps)]
    assert (made.status is Status.DEST_FULL) == (len(made.steps) < len(free.steps))


def test_a_skip_is_told_with_its_reason() -> None:
    disk = Disk({b"x.db": file("x.db"), b"a": file("a")}, 0, 2 * MIB)
    made = dry(disk)
    assert [(skip.name, skip.code) for skip in made.skipped] == [(b"x.db", "protected")]
    assert isinstance(made.skipped[0], Skip)
