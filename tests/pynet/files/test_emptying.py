"""A real disk is emptied: planned, removed in order, measured after each, over restarts."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import pytest

from pynet.backup.drain import Drain, Verdict
from pynet.backup.plan import Plan, Status, plan
from pynet.backup.policy import Policy
from pynet.backup.probe import Probe
from pynet.files.info import FileInfo
from pynet.files.journal import Journal
from pynet.files.receipts import Outcome
from pynet.files.removal import Removal
from pynet.files.selection import Selection
from pynet.files.tree import Tree
from tests.pynet.files.moves import HEADER, digest, forked, promised

NOW = 2e9
POLICY = Policy(groups=("tub",))


def filled(disk: Path) -> None:
    """Up to 80 %: a group that is older than all files but ten, and files one after the other."""
    root = disk / "root"
    (root / "tub/images").mkdir(parents=True)
    for number in range(4):
        write(root / f"tub/images/{number}", 1010 + number)
    number = 0
    with Tree(root) as tree:
        while tree.usage().share < 0.80:
            write(root / f"f{number:03}", 1000 + number + 20 * (number >= 10))
            number += 1


def write(path: Path, mtime: int) -> None:
    path.write_bytes(bytes(8192))
    os.utime(path, (mtime, mtime))


def planned(tree: Tree, drain: Drain | None = None) -> Plan:
    found: Iterable[FileInfo] = tree.scan(Selection.parse(""))  # type: ignore[assignment]
    stay = drain.stay if drain is not None else {}
    probe = Probe(tree, POLICY)
    return plan(POLICY, tree.usage(), found, NOW, probe=probe.unit, draining=True, stay=stay)


def received(tree: Tree, work: Removal, made: Plan) -> list[Outcome]:
    """All files are sent, and their receipts come in a few at a time."""
    for step in made.steps:
        if step.unit.group:
            work.unit(step.first, len(step.unit.files), step.unit.name)
    outcomes: list[Outcome] = []
    files = list(made.files)
    for at in range(0, len(files), 7):
        for number, info in files[at : at + 7]:
            work.expect(number, info, digest(number), "xxh3")
        outcomes += work.receive([promised(*one) for one in files[at : at + 7]])
    return outcomes


def opened(disk: Path, tree: Tree, drain: Drain) -> Removal:
    journal = Journal(disk / "journal", HEADER, preallocate=32768)
    return Removal(tree, journal, protect=Probe(tree, POLICY).protect, brake=drain)


def test_the_oldest_go_until_it_is_enough_and_not_one_more(small_disk: Path) -> None:
    filled(small_disk)
    with Tree(small_disk / "root") as tree:
        drain = Drain(POLICY.low)
        with opened(small_disk, tree, drain) as work:
            made = planned(tree)
            assert made.status is Status.READY
            outcomes = received(tree, work, made)
            usage = tree.usage()
            work.finish()
        assert drain.after(made, outcomes, usage) is Verdict.DONE
        removed = [outcome.name for outcome in outcomes if outcome.removed]
        assert removed[:10] == [b"f%03d" % number for number in range(10)]
        assert removed[10:14] == [b"tub/images/%d" % number for number in range(4)]
        assert not (small_disk / "root/tub").exists()
        last = made.steps[-1].unit.allocated
        assert usage.share <= 0.25 < (usage.used + last) / usage.capacity
        assert planned(tree).status is Status.IDLE


def test_what_is_open_is_left_out_and_the_next_plan_goes_further(small_disk: Path) -> None:
    filled(small_disk)
    with Tree(small_disk / "root") as tree:
        drain = Drain(POLICY.low)
        with opened(small_disk, tree, drain) as work:
            made = planned(tree)
            with (small_disk / "root/f003").open("rb"):
                outcomes = received(tree, work, made)
            assert drain.after(made, outcomes, tree.usage()) is Verdict.REPLAN
            work.finish()
        assert "open" in drain.stay[b"f003"]
        with opened(small_disk, tree, drain) as work:
            again = planned(tree, drain)
            outcomes = received(tree, work, again)
        assert drain.after(again, outcomes, tree.usage()) is Verdict.DONE
        assert (small_disk / "root/f003").exists()
        assert len(again.steps) == 1


@pytest.mark.parametrize("place", ["UNLINKED:9", "RECEIPT:2", "DELETED:2", "UNLINKED:13"])
def test_killed_in_the_middle_it_ends_at_the_same_file(
    small_disk: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    filled(small_disk)
    with Tree(small_disk / "root") as tree, opened(small_disk, tree, Drain(POLICY.low)):
        whole = [info.name for _, info in planned(tree).files]
        everything = {info.name for info in tree.scan(Selection.parse("")) if is_file(info)}

    def work() -> None:
        with Tree(small_disk / "root") as tree:
            received(tree, opened(small_disk, tree, Drain(POLICY.low)), planned(tree))

    with monkeypatch.context() as patch:
        patch.setenv("PYNET_CRASH_AT", place)
        assert forked(work) < 0
    with Tree(small_disk / "root") as tree:
        drain = Drain(POLICY.low)
        with opened(small_disk, tree, drain) as again:
            again.resume()
            again.finish()
        with opened(small_disk, tree, drain) as rest:
            received(tree, rest, planned(tree))
            rest.finish()
        left = {info.name for info in tree.scan(Selection.parse("")) if is_file(info)}
    assert everything - left == set(whole)


def is_file(thing: object) -> bool:
    return isinstance(thing, FileInfo) and thing.kind == "file"
