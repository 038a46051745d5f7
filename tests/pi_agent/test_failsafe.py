"""The failsafe without I/O: its times, what it refuses, pilots, and what must never happen."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pi_agent.failsafe import rules
from pi_agent.failsafe.machine import Command, Failsafe
from tests.pi_agent.failsafe_stories import PERIOD, Story, in_stage


def test_it_starts_disarmed_without_power() -> None:
    failsafe = Failsafe()
    assert failsafe.stage == rules.DISARMED
    assert failsafe.output() == (0.0, 0.0, False)
    assert not failsafe.power(5.0)
    assert failsafe.arm(1, 5.0) == rules.NO_LEASE


@pytest.mark.parametrize(("asked", "got"), [(0.0, 0.15), (0.3, 0.3), (9.0, 0.5)])
def test_the_timeout_cannot_be_switched_off(asked: float, got: float) -> None:
    story = Story(asked).lease()
    story.arm()
    story.drive(0.1, 0.5)
    story.wait(got - 0.011)
    assert story.throttle == 0.5
    story.wait(0.012)
    assert story.throttle == 0.0


def test_the_first_command_of_all_must_find_the_throttle_at_neutral() -> None:
    story = Story()
    story.failsafe.set_epoch(8, story.now)
    story.epoch = 8
    assert set(story.drive(1.0, 0.7)) == {rules.NOT_ARMED}
    assert story.arm() == rules.THROTTLE
    story.drive(0.6, 0.7)
    assert story.throttle == 0.0


def test_the_timeline_of_a_cut() -> None:
    story = in_stage("ready")
    cut = story.failsafe.accepted_at
    seen: list[tuple[str, float]] = []
    while story.now < cut + 1.1:
        story.now += 0.001
        story.failsafe.tick(story.now)
        if not seen or seen[-1][0] != story.stage:
            seen.append((story.stage, story.now - cut))
        after = story.now - cut
        # Steering: held while it drives and 150 ms longer, then centred.
        if after < 0.395:
            assert story.steer == 0.5
        elif after > 0.405:
            assert story.steer == 0.0
    assert [stage for stage, _ in seen] == ["ready", "degraded", "neutral", "disarmed"]
    for (_, at), wanted in zip(seen[1:], (0.1, 0.25, 1.0), strict=True):
        assert wanted <= at + 1e-9
        assert at < wanted + 0.003
    assert story.failsafe.epoch == 0
    assert story.failsafe.lost_epoch == story.epoch
    assert story.failsafe.trips == 1


def test_a_degraded_car_gets_no_more_throttle_until_the_link_is_good() -> None:
    story = in_stage("degraded", throttle=0.4)
    assert story.send(1.0) == rules.ACCEPTED
    assert story.throttle == 0.4
    story.drive(0.04, 0.2)
    assert story.throttle == 0.2
    story.drive(0.02, 1.0)
    assert story.throttle == 0.2
    story.drive(0.02, -1.0)
    assert story.throttle == 0.0
    story.drive(0.1, 1.0)
    assert (story.stage, story.throttle) == ("ready", 1.0)


def test_an_enable_line_falls_a_second_after_stop_so_that_the_bridge_brakes() -> None:
    story = in_stage("stopped")
    assert story.failsafe.power(story.now + 0.9)
    assert not story.failsafe.power(story.now + 1.1)
    assert in_stage("neutral").failsafe.power(1e9)


@pytest.mark.parametrize("wait", [0.1, 0.3])
def test_an_arm_key_that_is_held_does_not_arm_again(wait: float) -> None:
    story = in_stage("ready")
    while story.stage == "ready":
        story.arm()
        story.failsafe.disarm(rules.DISARM, story.now)
    for _ in range(20):
        story.drive(wait)
        assert story.arm() & rules.KEY_HELD
    story.drive(0.52)
    assert story.arm() == 0


def test_stop_is_latched_and_only_the_driver_ends_it_at_neutral() -> None:
    story = in_stage("stopped")
    story.drive(2.0, 0.0)
    assert story.stage == "stopped"
    assert story.failsafe.arm(story.epoch + 1, story.now) == rules.NO_LEASE
    story.drive(1.0, 0.3)
    assert story.arm() == rules.THROTTLE
    story.drive(1.0, 0.0)
    assert story.arm() == 0
    assert story.stage == "ready"


def test_the_most_severe_of_several_causes_counts() -> None:
    story = in_stage("ready")
    story.failsafe.gone(story.epoch, story.now)
    story.wait(0.3)
    story.failsafe.disarm(rules.DISARM, story.now)
    story.failsafe.stop(story.now)
    assert story.stage == "stopped"
    told = rules.sentences_of(story.failsafe.causes)
    assert told[0] == "STOP was pressed."
    assert len(told) >= 4
    stages = [next(s for s, t in rules.CAUSES.values() if t == text) for text in told]
    assert stages == sorted(stages, reverse=True)


def test_motors_that_failed_can_be_armed_once_they_obey() -> None:
    story = in_stage("ready")
    story.failsafe.motors(False, story.now)
    story.drive(0.6)
    assert story.arm() == rules.BAD_MOTORS
    story.failsafe.motors(True, story.now)
    story.drive(0.6)
    assert story.arm() == 0


def test_the_black_box_keeps_causes_times_and_the_last_commands() -> None:
    story = in_stage("ready")
    story.failsafe.changes.clear()
    sent = story.seq
    story.wait(1.1)
    late, silent, lost = story.failsafe.changes
    assert [change.after for change in (late, silent, lost)] == [
        rules.DEGRADED,
        rules.NEUTRAL,
        rules.DISARMED,
    ]
    assert late.commands[-1][:3] == (sent, 0.5, 0.6)
    assert [command[0] for command in late.commands] == [sent - 3, sent - 2, sent - 1, sent]
    assert silent.silent == pytest.approx(0.25, abs=0.011)
    assert lost.epoch == story.epoch
    for _ in range(200):
        story.failsafe.stop(story.now)
        story.failsafe.causes = 0
    assert len(story.failsafe.changes) <= 64


# --- commands that must not count ---------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({"epoch": 1}, rules.WRONG_EPOCH),
        ({"epoch": 0}, rules.WRONG_EPOCH),
        ({"epoch": 99}, rules.WRONG_EPOCH),
        ({"age": 0.21}, rules.STALE),
        ({"age": -0.01}, rules.STALE),
        ({"age": math.nan}, rules.STALE),
        ({"heard": math.nan}, rules.STALE),
        ({"heard": 1e9}, rules.STALE),
        ({"heard": 1.0}, rules.STALE),
        ({"seq": 1}, rules.NOT_NEWER),
        ({"throttle": math.nan}, rules.NOT_FINITE),
        ({"steer": math.inf}, rules.NOT_FINITE),
        ({"throttle": -math.inf}, rules.NOT_FINITE),
    ],
)
def test_what_must_not_count_leaves_no_trace(changes: dict[str, float], verdict: int) -> None:
    story = in_stage("ready")
    story.now += PERIOD
    assert story.send(**({"throttle": 0.9} | changes)) == verdict
    assert story.throttle == 0.6
    # It keeps nothing alive either.
    for _ in range(20):
        story.now += PERIOD
        story.failsafe.tick(story.now)
        story.send(**({"throttle": 0.9} | changes))
    assert story.stage == "neutral"


def test_an_equal_or_older_sequence_is_refused() -> None:
    story = in_stage("ready")
    for seq in (story.seq, story.seq - 1, -5):
        assert story.send(0.9, seq=seq) == rules.NOT_NEWER


def test_a_command_that_was_heard_before_the_newest_one_is_refused() -> None:
    story = in_stage("ready")
    assert story.send(0.9, heard=story.now - 0.001) == rules.NOT_NEWER


def test_values_are_clamped() -> None:
    story = in_stage("ready")
    story.now += PERIOD
    story.send(12.5, -7.0)
    assert (story.steer, story.throttle) == (-1.0, 1.0)


def test_epochs_only_grow() -> None:
    story = in_stage("ready")
    assert not story.failsafe.set_epoch(story.epoch, story.now)
    assert not story.failsafe.set_epoch(story.epoch - 1, story.now)
    assert story.stage == "ready"


# --- pilots ---------------------------------------------------------------------------------


def piloted() -> Story:
    story = in_stage("ready", throttle=0.0)
    story.drive(0.2, 0.0)
    story.drive(0.2, 0.3, 0.2, pilot=1, frame_age=0.05)
    assert story.failsafe.pilot == 1
    assert story.throttle == 0.3
    return story


def test_a_pilot_drives_beside_a_person_who_holds_still() -> None:
    story = piloted()
    story.drive(0.1, 0.01)
    assert story.throttle == 0.3
    story.drive(0.1, 0.4, pilot=1, frame_age=0.05)
    assert story.throttle == 0.4


def test_a_touch_takes_over_at_once_and_for_good() -> None:
    story = piloted()
    story.drive(0.02, 0.0, 0.2)
    assert (story.failsafe.pilot, story.throttle, story.steer) == (0, 0.0, 0.2)
    assert set(story.drive(0.1, 0.4, pilot=1)) == {rules.TAKEN_OVER}
    story.drive(0.1, 0.0)
    assert set(story.drive(0.1, 0.4, pilot=1)) == {rules.TAKEN_OVER}
    assert set(story.drive(0.1, 0.4, pilot=2)) == {rules.ACCEPTED}


@pytest.mark.parametrize(
    "bad",
    [
        {"frame_age": 0.21},
        {"frame_age": math.nan},
        {"frame_age": -1.0},
        {"throttle": 1.01},
        {"steer": math.nan},
    ],
)
def test_a_pilot_that_fails_makes_the_car_neutral_at_once(bad: dict[str, float]) -> None:
    story = piloted()
    story.now += PERIOD
    assert story.send(**({"throttle": 0.3, "pilot": 1} | bad)) == rules.PILOT_FAULT
    assert (story.stage, story.throttle) == ("neutral", 0.0)
    assert story.failsafe.causes & rules.PILOT
    story.drive(0.5, 0.3, pilot=2)
    assert story.throttle == 0.0
    story.drive(0.5, 0.0)
    assert story.stage == "ready"


def test_a_pilot_that_falls_silent_makes_the_car_neutral_though_a_person_is_there() -> None:
    story = piloted()
    story.drive(0.3, 0.0)
    assert story.throttle == 0.0
    assert story.failsafe.trips == 1
    assert story.failsafe.changes[-1].after == rules.READY or story.stage == "neutral"


def test_a_pilot_needs_an_armed_car_and_never_ends_a_stage() -> None:
    story = in_stage("disarmed")
    assert set(story.drive(0.6, 0.0, pilot=1)) == {rules.NOT_ARMED}
    story = in_stage("neutral")
    story.drive(0.02)
    story.drive(1.0, 0.0, pilot=1)
    assert story.stage == "neutral"


# --- what must never happen -----------------------------------------------------------------

strange = st.one_of(
    st.floats(), st.sampled_from([0.0, 0.01, 0.19, 0.21, -1.0, 1.0, 1.1, math.nan, math.inf])
)
steps = st.one_of(
    st.tuples(st.just("good"), st.sampled_from([0.0, 0.03, 0.3, 1.0, -1.0])),
    st.tuples(st.just("good"), st.just(0.0)),
    st.tuples(st.just("steady"), st.sampled_from([0.0, 0.0, 0.5])),
    st.tuples(
        st.just("bad"), st.sampled_from(["epoch", "seq", "age", "heard", "throttle", "steer"])
    ),
    st.tuples(st.just("pilot"), strange),
    st.tuples(st.just("lease"), st.integers(-2, 2)),
    st.tuples(st.just("arm"), st.integers(-1, 0)),
    st.tuples(st.sampled_from(["stop", "disarm", "gone", "motors", "look"]), st.just(0)),
)
BAD: dict[str, list[Any]] = {
    "epoch": [0, -1, 1, 10**12],
    "seq": [0, -1],
    "age": [-0.1, 0.3, math.nan, math.inf],
    "heard": [0.0, 1e9, math.nan, -math.inf],
    "throttle": [math.nan, math.inf, -math.inf],
    "steer": [math.nan, math.inf],
}


SIMPLE: dict[str, Any] = {
    "good": lambda story, value: story.send(value),
    "steady": lambda story, value: story.drive(0.6, value),
    "stop": lambda story, _: story.failsafe.stop(story.now),
    "disarm": lambda story, _: story.failsafe.disarm(rules.DISARM, story.now),
    "gone": lambda story, _: story.failsafe.gone(story.epoch, story.now),
    "motors": lambda story, _: story.failsafe.motors(False, story.now),
    "look": lambda story, _: story.failsafe.motors(True, story.now),
}


def act(story: Story, what: str, value: Any, data: st.DataObject) -> None:
    failsafe = story.failsafe
    before, armed = failsafe.output(), failsafe.armed
    if what in SIMPLE:
        SIMPLE[what](story, value)
    elif what == "bad":
        wrong = {value: data.draw(st.sampled_from(BAD[value]))}
        assert story.send(**({"throttle": 0.77} | wrong)) != rules.ACCEPTED
        assert failsafe.output() == before
    elif what == "pilot":
        story.send(0.2, pilot=data.draw(st.integers(1, 3)), frame_age=value)
    elif what == "lease":
        story.epoch += value
        if failsafe.set_epoch(story.epoch, story.now):
            assert not failsafe.armed
    elif failsafe.arm(story.epoch + value, story.now) == 0 and not armed:
        assert failsafe.output() == (0.0, 0.0, True)


@settings(max_examples=400, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from([0.0, 0.02, 0.02, 0.09, 0.11, 0.26, 0.6, 1.1]), steps)),
    st.data(),
)
def test_whatever_happens_the_rules_hold(
    story_steps: list[tuple[float, tuple[str, Any]]], data: st.DataObject
) -> None:
    story = in_stage(data.draw(st.sampled_from(["ready", "disarmed", "neutral", "stopped"])))
    failsafe = story.failsafe
    for wait, (what, value) in story_steps:
        story.now += wait
        failsafe.tick(story.now)
        stopped = story.stage == "stopped"
        act(story, what, value, data)
        steer, throttle, live = failsafe.output()
        assert -1 <= steer <= 1
        assert -1 <= throttle <= 1
        assert live or throttle == 0.0
        assert live == (failsafe.stage <= rules.DEGRADED)
        assert not stopped or what == "arm" or story.stage == "stopped"
        # Only a fresh command moves the car, a pilot's or a person's.
        assert not throttle or story.now - failsafe.accepted_at < 0.25


@settings(max_examples=200, deadline=None)
@given(
    cut=st.floats(0.25, 5.0),
    held=st.floats(0.06, 1.0),
    seconds=st.floats(0.1, 4.0),
)
def test_nothing_moves_after_a_cut_while_the_stick_is_held(
    cut: float, held: float, seconds: float
) -> None:
    story = in_stage("ready")
    story.wait(cut)
    for _ in range(round(seconds / PERIOD)):
        story.drive(PERIOD, held)
        assert story.throttle == 0.0


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 40), st.floats(0, 0.3)), max_size=40))
def test_duplicates_and_reordering_show_the_motors_a_growing_sequence(
    arrivals: list[tuple[int, float]],
) -> None:
    story = in_stage("ready")
    base, newest = story.seq, story.seq
    for seq, age in arrivals:
        story.now += 0.005
        verdict = story.send(0.3, seq=base + seq, age=age)
        if verdict == rules.ACCEPTED:
            assert base + seq > newest
            assert age <= 0.2
            newest = base + seq
        assert story.failsafe.last_seq == newest


def test_a_command_counts_from_when_it_was_heard() -> None:
    story = in_stage("ready")
    heard = story.now + PERIOD
    story.now = heard + 0.05
    story.failsafe.command(Command(story.epoch, story.seq + 1, heard, 0.0, 0.0, 0.6), story.now)
    assert story.failsafe.deadline(story.now) == pytest.approx(heard + 0.1)
