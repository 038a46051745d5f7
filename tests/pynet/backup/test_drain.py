"""Whether to go on, after each removal; what is kept over restarts; when a disk will be full."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pynet.backup.drain import Drain, Verdict
from pynet.backup.forecast import Forecast
from pynet.backup.plan import plan
from pynet.backup.policy import Policy
from pynet.backup.state import State
from pynet.files.info import Usage
from pynet.files.receipts import Outcome
from pynet.files.removal import Decision
from tests.pynet.backup.made import MIB, NOW, disk, file

GO_ON, SETTLE, STOP = Decision.GO_ON, Decision.SETTLE, Decision.STOP


def test_it_stops_at_the_low_mark_and_not_before() -> None:
    drain = Drain(0.25)
    assert drain(disk(0.80), 0) is GO_ON
    assert drain(disk(0.26), 54 * MIB) is GO_ON
    assert drain(disk(0.25), MIB) is STOP
    assert not drain.held


def test_if_it_should_be_enough_and_does_not_show_it_settles_first() -> None:
    drain = Drain(0.25)
    drain(disk(0.30), 0)
    assert drain(disk(0.30), 6 * MIB) is SETTLE
    assert drain(disk(0.24), 0) is STOP


def test_if_it_does_not_show_then_either_it_goes_on_from_there() -> None:
    drain = Drain(0.25)
    drain(disk(0.30), 0)
    assert drain(disk(0.30), 6 * MIB) is SETTLE
    assert drain(disk(0.29), 0) is GO_ON
    assert drain(disk(0.28), 1 * MIB) is GO_ON
    assert drain(disk(0.28), 4 * MIB) is SETTLE


def test_three_removals_without_effect_end_it() -> None:
    drain = Drain(0.25)
    drain(disk(0.80), 0)
    assert drain(disk(0.80), MIB) is GO_ON
    assert drain(disk(0.80), 0) is GO_ON  # a new batch begins
    assert drain(disk(0.80), MIB) is GO_ON
    assert drain(disk(0.798), MIB) is SETTLE
    assert drain(disk(0.798), 0) is STOP
    assert drain.held


def test_if_the_effect_shows_when_it_has_settled_it_goes_on() -> None:
    drain = Drain(0.25)
    drain(disk(0.80), 0)
    for _ in range(2):
        drain(disk(0.80), MIB)
    assert drain(disk(0.80), MIB) is SETTLE
    assert drain(disk(0.77), 0) is GO_ON
    assert drain(disk(0.77), MIB) is GO_ON


def test_small_files_beside_what_others_write_do_not_end_it() -> None:
    drain = Drain(0.25)
    drain(disk(0.80), 0)
    assert {drain(disk(0.801), 4096) for _ in range(100)} == {GO_ON}


def outcome(name: str, code: str) -> Outcome:
    return Outcome(0, name.encode(), code, f"{name} is {code}")


@pytest.mark.parametrize(
    ("share", "files", "outcomes", "verdict"),
    [
        (0.25, 60, [("f0", "removed")], Verdict.DONE),
        (0.40, 60, [("f0", "removed"), ("f1", "open")], Verdict.REPLAN),
        (0.80, 60, [("f0", "changed")], Verdict.REPLAN),
        (0.80, 0, [], Verdict.EXHAUSTED),
    ],
)
def test_what_comes_after_a_plan(
    share: float, files: int, outcomes: list[tuple[str, str]], verdict: Verdict
) -> None:
    drain = Drain(0.25)
    made = plan(Policy(), disk(0.80), [file(f"f{n}") for n in range(files)], NOW)
    assert drain.after(made, [outcome(*one) for one in outcomes], disk(share)) is verdict
    assert list(drain.stay.values()) == [
        f"{name} is {code}" for name, code in outcomes if code != "removed"
    ]


def test_a_full_destination_and_held_space_end_a_run() -> None:
    rules = Policy(floor_bytes=0)
    made = plan(rules, disk(0.80), [file("a"), file("b")], NOW, destination=Usage(0, 2 * MIB))
    drain = Drain(0.25)
    assert drain.after(made, [outcome("a", "removed")], disk(0.79)) is Verdict.DEST_FULL
    drain.held = True
    assert drain.after(made, [outcome("a", "removed")], disk(0.79)) is Verdict.HELD


# ---- what is kept over restarts --------------------------------------------------------------


def test_it_begins_at_the_high_mark_and_goes_on_to_the_low_one_over_restarts(
    tmp_path: Path,
) -> None:
    policy, path = Policy(), tmp_path / "state"
    state = State(path)
    assert not state.look(policy, disk(0.7499))
    assert not state.look(policy, disk(0.75))
    assert state.look(policy, disk(0.76))
    assert State(path).look(policy, disk(0.50))
    assert not State(path).look(policy, disk(0.25))
    assert not State(path).look(policy, disk(0.50))


def test_one_look_does_when_it_is_urgent_or_a_person_asks(tmp_path: Path) -> None:
    assert not State(tmp_path / "a").look(Policy(), disk(0.90))
    assert State(tmp_path / "a").look(Policy(), disk(0.91))
    assert State(tmp_path / "b").look(Policy(), disk(0.75), at_once=True)
    assert not State(tmp_path / "c").look(Policy(), disk(0.74), at_once=True)


def test_looks_have_to_be_in_a_row(tmp_path: Path) -> None:
    state = State(tmp_path / "state")
    for share in (0.76, 0.74, 0.76):
        assert not state.look(Policy(), disk(share))


def test_what_a_person_agreed_to_is_kept(tmp_path: Path) -> None:
    state = State(tmp_path / "deep" / "state")
    assert not state.previewed
    state.agree()
    assert State(tmp_path / "deep" / "state").previewed


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"draining": 1}', b"\xff"])
def test_a_file_that_makes_no_sense_is_no_state(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "state").write_bytes(content)
    assert not State(tmp_path / "state").draining


def test_a_state_that_cannot_be_written_holds_for_now(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    state = State(tmp_path / "file" / "state")
    assert state.look(Policy(), disk(0.95))
    assert state.draining
    assert os.listdir(tmp_path) == ["file"]


# ---- forecast --------------------------------------------------------------------------------


def looked(*used: int, step: float = 60.0) -> Forecast:
    forecast = Forecast()
    for number, one in enumerate(used):
        forecast.add(number * step, Usage(one * MIB, (1000 - one) * MIB))
    return forecast


def test_it_tells_when_the_mark_is_reached() -> None:
    forecast = looked(100, 110, 120, 130)
    assert forecast.rate == pytest.approx(10 * MIB / 60)
    assert forecast.seconds_until(0.75) == pytest.approx((750 - 130) / 10 * 60)
    assert forecast.seconds_until(0.13) == 0.0


def test_what_is_removed_meanwhile_does_not_count() -> None:
    assert looked(100, 110, 50, 60, 70).rate == pytest.approx(10 * MIB / 60)


def test_what_comes_and_goes_evens_out() -> None:
    assert looked(100, 103, 100, 103, 100).rate == 0.0
    assert looked(100, 103, 100, 103, 100).seconds_until(0.75) is None


def test_it_says_nothing_before_it_knows_anything() -> None:
    assert Forecast().seconds_until(0.75) is None
    assert looked(100).seconds_until(0.75) is None
    assert looked(100, 110, step=5.0).rate is None


def test_it_forgets_what_is_long_ago_and_a_clock_that_goes_back() -> None:
    forecast = Forecast(window=100)
    for now, used in [(0, 0), (1000, 100), (1060, 160), (1030, 999)]:
        forecast.add(now, Usage(used * MIB, 1000 * MIB))
    assert forecast.rate == pytest.approx(MIB)
