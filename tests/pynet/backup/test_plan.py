"""Every rule of the planner, by figures."""

from __future__ import annotations

import random
from typing import Any

import pytest

from pynet.backup.plan import Plan, Status, need, percent, plan, without
from pynet.backup.policy import Policy
from pynet.backup.units import Skip, Unit
from pynet.files.info import FileInfo, Problem, Usage
from tests.pynet.backup.made import MIB, NOW, disk, file, folder

ROOM = Usage(0, 10**12)


def planned(found: list[FileInfo | Problem], share: float = 0.80, **options: Any) -> Plan:
    rules = {"min_age": 600.0, **options.pop("rules", {})}
    return plan(Policy(**rules), disk(share), found, NOW, **options)


def names(made: Plan) -> list[bytes]:
    return [step.unit.name for step in made.steps]


def reasons(made: Plan) -> dict[bytes, str]:
    return {skip.name: skip.code for skip in made.skipped}


def old(count: int) -> list[FileInfo | Problem]:
    """The first is the oldest."""
    return [file(f"f{number:02}", age=10_000 - number) for number in range(count)]


# ---- when, and how much ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("share", "draining", "status"),
    [
        (0.7499999, False, Status.IDLE),
        (0.75, False, Status.READY),
        (0.7499999, True, Status.READY),
        (0.2500001, True, Status.READY),
        (0.25, True, Status.IDLE),
        (0.10, True, Status.IDLE),
        (1.0, False, Status.READY),
    ],
)
def test_when_it_begins_and_when_it_ends(share: float, draining: bool, status: Status) -> None:
    usage = disk(share, 10_000_000)
    found: list[FileInfo | Problem] = [
        file(f"f{number}", age=9000 + number, size=100_000) for number in range(100)
    ]
    made = plan(Policy(), usage, found, NOW, draining=draining)
    assert made.status is status
    assert bool(made.steps) == (status is Status.READY)


def test_the_oldest_move_and_just_enough_of_them() -> None:
    found = old(80)
    random.Random(1).shuffle(found)
    made = planned(found)
    assert names(made) == [f"f{number:02}".encode() for number in range(55)]
    assert made.need == 55 * MIB
    assert made.after.share == 0.25
    assert made.steps[-2].after.share > 0.25
    assert made.size == 55 * MIB
    assert [number for number, _ in made.files] == list(range(55))


def test_of_the_same_age_the_bytes_of_the_names_decide() -> None:
    found = [file(name, age=5000, size=30 * MIB) for name in ("b", "a", "\u00e4", "B", "a/b")]
    assert names(planned(found)) == [b"B", b"a"]


def test_what_files_hold_counts_and_not_how_long_they_are() -> None:
    """A sparse file frees its blocks only."""
    found = [file("sparse", 9000, 50 * MIB, allocated=0), file("b", 8000, 60 * MIB)]
    made = planned(found)
    assert names(made) == [b"sparse", b"b"]
    assert made.steps[0].after == made.usage


@pytest.mark.parametrize("used", [0, 1, 3, 10, 999, 10**15 + 1])
def test_need_is_the_fewest_bytes_that_do(used: int) -> None:
    usage = Usage(used, used // 3)
    wanted = need(usage, 0.25)
    assert without(usage, wanted).share <= 0.25 or usage.capacity == 0
    if wanted:
        assert without(usage, wanted - 1).share > 0.25


def test_percent_is_rounded_up_as_df_does() -> None:
    assert percent(Usage(1, 999)) == 1
    assert percent(Usage(750, 250)) == 75
    assert percent(Usage(0, 0)) == 100


# ---- what stays ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("thing", "code"),
    [
        (Problem(b"x", "link", "a link"), "link"),
        (Problem(b"x", "special", "a pipe"), "special"),
        (Problem(b"x", "denied", "no"), "denied"),
        (file("x", links=2), "linked"),
        (file("x", age=599), "young"),
        (file("x", age=-1), "future"),
        (file("x", size=0), "empty"),
        (file("x.db-wal"), "protected"),
        (file("deep/.git/config"), "protected"),
        (file("x.part"), "protected"),
        (FileInfo(b"x", "other"), "special"),
    ],
)
def test_what_stays_and_why(thing: FileInfo | Problem, code: str) -> None:
    made = planned([thing, *old(3)])
    assert reasons(made) == {thing.name: code}
    assert names(made) == [b"f00", b"f01", b"f02"]
    assert made.skipped[0].text


def test_as_old_as_the_least_age_is_old_enough() -> None:
    assert names(planned([file("x", age=600)])) == [b"x"]


def test_files_are_kept_by_a_marker_in_a_folder_above() -> None:
    made = planned([file("a/.pynet-keep", size=0), file("a/x"), file("a/b/y"), file("ab/z")])
    assert names(made) == [b"ab/z"]
    assert reasons(made) == {b"a/.pynet-keep": "kept", b"a/x": "kept", b"a/b/y": "kept"}


def test_a_marker_in_the_root_keeps_all() -> None:
    assert names(planned([file(".pynet-keep", size=0), file("a/x"), file("y")])) == []


def test_a_lock_keeps_what_lies_beside_it() -> None:
    made = planned([file("a/rlog.lock"), file("a/x"), file("a/b/y"), file("z")])
    assert names(made) == [b"a/b/y", b"z"]
    assert reasons(made) == {b"a/rlog.lock": "locked", b"a/x": "locked"}


def test_the_newest_stay_and_those_too_young_are_among_them() -> None:
    made = planned([*old(5), file("young", age=1)], rules={"keep_newest": 3})
    assert names(made) == [b"f00", b"f01", b"f02"]
    assert reasons(made) == {b"f03": "newest", b"f04": "newest", b"young": "young"}


def test_the_last_days_stay() -> None:
    made = planned([file("a", age=86400 * 2), file("b", age=86399 * 2)], rules={"keep_days": 2})
    assert names(made) == [b"a"]
    assert reasons(made) == {b"b": "recent"}


def test_a_probe_is_asked_only_about_what_is_needed_and_in_order() -> None:
    asked: list[bytes] = []

    def probe(unit: Unit) -> Skip | None:
        asked.append(unit.name)
        return Skip(unit.name, "open", "open") if unit.name == b"f01" else None

    made = planned(old(80), probe=probe)
    assert asked == [f"f{number:02}".encode() for number in range(56)]
    assert reasons(made) == {b"f01": "open"}
    assert names(made) == [name for name in asked if name != b"f01"]


def test_what_stayed_in_this_run_is_not_planned_again() -> None:
    made = planned(old(3), stay={b"f01": "it was changed"})
    assert names(made) == [b"f00", b"f02"]
    assert made.skipped[0].text == "it was changed"


def test_what_is_skipped_is_told_oldest_first() -> None:
    made = planned([file("a.db", age=9000), file("b.db", age=9500), file("c", age=9200)])
    assert [skip.name for skip in made.skipped] == [b"b.db", b"a.db"]


# ---- groups ----------------------------------------------------------------------------------

TUB: list[FileInfo | Problem] = [
    folder("tub"),
    file("tub/a", age=9000),
    file("tub/empty", age=9000, size=0),
    file("tub/images/b", age=7000),
]


@pytest.mark.parametrize(
    "options", [{"rules": {"groups": ("tub*",)}}, {}], ids=["by pattern", "by marker"]
)
def test_a_group_moves_as_a_whole_and_is_as_old_as_its_newest(options: dict[str, Any]) -> None:
    found = [*TUB, file("older", age=8000)]
    if not options:
        found.append(file("tub/.pynet-group", age=9000, size=0))
    made = planned(found, **options)
    assert names(made) == [b"older", b"tub"]
    unit = made.steps[1].unit
    assert unit.group
    assert unit.allocated == 2 * MIB
    assert {b"tub/a", b"tub/empty", b"tub/images/b"} <= {one.name for one in unit.files}
    assert made.steps[1].first == 1


@pytest.mark.parametrize(
    ("member", "code"),
    [
        (file("tub/new", age=1), "young"),
        (file("tub/x.lock"), "locked"),
        (file("tub/images/x.db"), "protected"),
        (file("tub/images/.pynet-keep", size=0), "kept"),
        (file("tub/x", links=2), "linked"),
        (Problem(b"tub/link", "link", "a link"), "link"),
    ],
)
def test_a_group_stays_if_one_of_it_has_to(member: FileInfo | Problem, code: str) -> None:
    made = planned([*TUB, member], rules={"groups": ("tub",)})
    assert made.steps == ()
    assert reasons(made) == {b"tub": code}
    assert "as a whole" in made.skipped[0].text
    assert made.skipped[0].allocated >= 2 * MIB


def test_a_group_in_a_group_is_part_of_it() -> None:
    made = planned(
        [folder("a"), folder("a/b"), file("a/b/x"), file("a/y")], rules={"groups": ("*",)}
    )
    assert names(made) == [b"a"]


def test_a_group_need_not_have_files_right_in_it() -> None:
    made = planned([file("a/b/x"), file("a/c/y")], rules={"groups": ("a",)})
    assert names(made) == [b"a"]
    assert made.steps[0].unit.group


def test_a_group_of_nothing_but_empty_files_stays() -> None:
    made = planned([folder("a"), file("a/x", size=0)], rules={"groups": ("a",)})
    assert reasons(made) == {b"a": "empty"}


# ---- when it cannot be reached ---------------------------------------------------------------


def test_if_all_is_not_enough_it_says_what_holds_the_rest() -> None:
    made = planned([*old(10), file("x.db", size=20 * MIB), file("young", age=5, size=5 * MIB)])
    assert made.status is Status.EXHAUSTED
    assert len(made.steps) == 10
    assert made.lowest == pytest.approx(0.70)
    assert [(held.code, held.size // MIB) for held in made.held] == [
        ("outside", 45),
        ("protected", 20),
        ("young", 5),
    ]


def test_the_lowest_share_counts_also_what_need_not_move() -> None:
    made = planned(old(70))
    assert made.status is Status.READY
    assert made.lowest == pytest.approx(0.10)


# ---- the destination -------------------------------------------------------------------------


def test_the_destination_keeps_its_floor_free_and_takes_the_oldest() -> None:
    rules = {"floor_bytes": 10 * MIB, "floor_share": 0.0}
    made = planned(old(80), destination=Usage(0, 30 * MIB), rules=rules)
    assert made.status is Status.DEST_FULL
    assert len(made.steps) == 20
    share = planned(old(80), destination=Usage(70 * MIB, 30 * MIB), rules={"floor_bytes": 0})
    assert len(share.steps) == 20


def test_small_files_take_a_block_each_there() -> None:
    found: list[FileInfo | Problem] = [file(f"f{n}", size=1, allocated=MIB) for n in range(20)]
    made = planned(
        found, destination=Usage(0, 10 * 4096), rules={"floor_bytes": 0, "floor_share": 0.0}
    )
    assert len(made.steps) == 10


def test_the_destination_s_number_of_files_counts() -> None:
    made = planned(old(80), destination=Usage(0, 10**12, 1010))
    assert made.status is Status.DEST_FULL
    assert len(made.steps) == 10


def test_a_file_too_large_for_the_destination_s_disk_stays_and_the_next_moves() -> None:
    made = planned([file("big", 9000, 5 * MIB), *old(3)], largest=4 * MIB, destination=ROOM)
    assert reasons(made) == {b"big": "large"}
    assert len(made.steps) == 3


# ---- warnings --------------------------------------------------------------------------------


def test_a_clock_that_is_wrong_is_told_of() -> None:
    made = planned([file("a", age=-1e9), file("b", age=-1e9)])
    assert made.steps == ()
    assert "2 files have dates in the future" in made.warnings[0]


def test_a_disk_full_into_the_reserve_is_told_of() -> None:
    made = plan(Policy(), Usage(100 * MIB, 0), old(80), NOW)
    assert "reserved" in made.warnings[0]
