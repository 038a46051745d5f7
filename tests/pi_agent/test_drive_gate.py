from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pi_agent.drive import CENTRE_AFTER, DriveGate, DriveRefused

TIMEOUT = 0.25


def command(seq: Any, steer: Any = 0.0, throttle: Any = 0.0) -> SimpleNamespace:
    return SimpleNamespace(seq=seq, steer=steer, throttle=throttle)


@pytest.fixture
def gate() -> DriveGate:
    return DriveGate(TIMEOUT)


def test_a_new_gate_is_idle_and_gives_no_power(gate: DriveGate) -> None:
    output = gate.output(0.0)
    assert (output.steer, output.throttle, output.live) == (0.0, 0.0, False)
    status = gate.status(0.0)
    assert (status.state, status.driver, status.last_seq) == ("idle", "", -1)
    assert status.neutral_at is None


def test_a_fresh_command_drives(gate: DriveGate) -> None:
    lease = gate.claim("laptop", 0.0)
    assert gate.offer(lease, command(1, 0.3, 0.5), 0.01) == ""
    output = gate.output(0.02)
    assert (output.steer, output.throttle, output.live) == (0.3, 0.5, True)
    status = gate.status(0.02)
    assert (status.state, status.driver, status.accepted, status.last_seq) == (
        "driving",
        "laptop",
        1,
        1,
    )


def test_values_are_clamped(gate: DriveGate) -> None:
    lease = gate.claim("laptop", 0.0)
    gate.offer(lease, command(1, -7, 12.5), 0.0)
    assert gate.output(0.0).steer == -1.0
    assert gate.output(0.0).throttle == 1.0


@pytest.mark.parametrize(
    "bad",
    [
        command(1, math.nan, 0.0),
        command(1, 0.0, math.inf),
        command(1, "left", 0.0),
        command(1, 0.0, None),
        command(1, True, 0.0),
        command(1.5, 0.0, 0.0),
        command(True, 0.0, 0.0),
        {"seq": 1, "steer": 0.0, "throttle": 0.0},
        None,
        10**400,
    ],
)
def test_what_is_no_command_is_refused(gate: DriveGate, bad: Any) -> None:
    lease = gate.claim("laptop", 0.0)
    assert gate.offer(lease, bad, 0.0)
    assert gate.status(0.0).refused == 1
    assert gate.output(0.0).live is False


def test_an_integer_too_large_for_a_float_is_refused(gate: DriveGate) -> None:
    lease = gate.claim("laptop", 0.0)
    assert gate.offer(lease, command(1, 10**400, 0.0), 0.0)


@pytest.mark.parametrize("seq", [5, 4, -1])
def test_an_old_or_equal_sequence_is_ignored(gate: DriveGate, seq: int) -> None:
    lease = gate.claim("laptop", 0.0)
    gate.offer(lease, command(5, 0.0, 0.5), 0.0)
    assert "not newer" in gate.offer(lease, command(seq, 0.0, 1.0), 0.01)
    assert gate.output(0.01).throttle == 0.5
    assert gate.status(0.01).last_seq == 5


def test_old_commands_do_not_keep_the_car_driving(gate: DriveGate) -> None:
    lease = gate.claim("laptop", 0.0)
    gate.offer(lease, command(5, 0.0, 0.5), 0.0)
    gate.offer(lease, command(5, 0.0, 0.5), 0.2)
    assert gate.output(TIMEOUT).throttle == 0.0


def test_silence_makes_the_throttle_neutral_and_centres_the_steering_later(
    gate: DriveGate,
) -> None:
    lease = gate.claim("laptop", 0.0)
    gate.offer(lease, command(1, 0.8, 0.5), 1.0)
    assert gate.output(1.0 + TIMEOUT - 0.001).throttle == 0.5
    at_limit = gate.output(1.0 + TIMEOUT)
    assert (at_limit.steer, at_limit.throttle, at_limit.live) == (0.8, 0.0, False)
    assert gate.output(1.0 + TIMEOUT + CENTRE_AFTER - 0.001).steer == 0.8
    assert gate.output(1.0 + TIMEOUT + CENTRE_AFTER).steer == 0.0
    status = gate.status(2.0)
    assert (status.state, status.failsafe_trips) == ("neutral", 1)
    assert status.neutral_at == 1.0 + TIMEOUT
    assert "0.25 s" in status.reason


def test_silence_at_rest_is_no_trip(gate: DriveGate) -> None:
    lease = gate.claim("laptop", 0.0)
    gate.offer(lease, command(1, 0.4, 0.0), 0.0)
    assert gate.status(1.0).state == "neutral"
    assert gate.status(1.0).failsafe_trips == 0


def test_after_silence_the_throttle_must_be_let_go_first(gate: DriveGate) -> None:
    lease = gate.claim("laptop", 0.0)
    gate.offer(lease, command(1, 0.0, 0.5), 0.0)
    gate.output(1.0)
    assert "Let go" in gate.offer(lease, command(2, 0.0, 0.5), 1.0)
    assert gate.output(1.0).throttle == 0.0
    assert gate.offer(lease, command(3, 0.0, 0.04), 1.02) == ""
    assert gate.offer(lease, command(4, 0.0, 0.5), 1.04) == ""
    assert gate.output(1.04).throttle == 0.5


def test_a_second_driver_is_refused_while_the_first_is_fresh(gate: DriveGate) -> None:
    first = gate.claim("Ann", 0.0)
    gate.offer(first, command(1), 0.1)
    with pytest.raises(DriveRefused, match="Ann drives this car now"):
        gate.claim("Ben", 0.3)
    second = gate.claim("Ben", 0.36)
    assert gate.offer(second, command(1, 0.0, 0.0), 0.4) == ""
    assert gate.status(0.4).driver == "Ben"
    with pytest.raises(DriveRefused, match="Ben drives this car now"):
        gate.offer(first, command(2, 0.0, 1.0), 0.41)
    assert gate.output(0.41).throttle == 0.0


def test_release_at_rest_leaves_the_car_idle(gate: DriveGate) -> None:
    lease = gate.claim("Ann", 0.0)
    gate.offer(lease, command(1, 0.0, 0.5), 0.0)
    gate.offer(lease, command(2, 0.0, 0.0), 0.1)
    gate.release(lease, 0.15)
    status = gate.status(0.15)
    assert (status.state, status.driver, status.failsafe_trips) == ("idle", "", 0)
    assert status.neutral_at == 0.1
    assert gate.claim("Ben", 0.16)


def test_release_while_moving_is_neutral_at_once_and_a_trip(gate: DriveGate) -> None:
    lease = gate.claim("Ann", 0.0)
    gate.offer(lease, command(1, 0.0, 0.5), 0.0)
    gate.release(lease, 0.1)
    assert gate.output(0.1).throttle == 0.0
    status = gate.status(0.1)
    assert (status.state, status.failsafe_trips, status.neutral_at) == ("neutral", 1, 0.1)
    assert "Ann is gone" in status.reason
    second = gate.claim("Ben", 0.2)
    assert "Let go" in gate.offer(second, command(1, 0.0, 1.0), 0.2)


def test_release_of_an_old_lease_changes_nothing(gate: DriveGate) -> None:
    first = gate.claim("Ann", 0.0)
    second = gate.claim("Ben", 1.0)
    gate.offer(second, command(1, 0.0, 0.5), 1.0)
    gate.release(first, 1.1)
    assert gate.output(1.1).throttle == 0.5


def test_stop_wins_over_everything_until_it_is_cleared(gate: DriveGate) -> None:
    lease = gate.claim("Ann", 0.0)
    gate.offer(lease, command(1, 0.2, 0.9), 0.0)
    gate.stop("Ben pressed Esc", 0.1)
    assert gate.output(0.1).throttle == 0.0
    assert gate.output(0.1).live is False
    assert "Ben pressed Esc" in gate.offer(lease, command(2, 0.0, 0.9), 0.11)
    status = gate.status(0.12)
    assert (status.state, status.reason, status.neutral_at) == ("stopped", "Ben pressed Esc", 0.1)
    assert status.failsafe_trips == 0
    with pytest.raises(DriveRefused, match=r"Ann holds the throttle at \+0.90"):
        gate.clear_stop(0.12)
    gate.offer(lease, command(3, 0.0, 0.0), 0.13)
    gate.clear_stop(0.14)
    assert gate.status(0.14).state == "neutral"
    assert "Let go" in gate.offer(lease, command(4, 0.0, 0.9), 0.15)
    assert gate.offer(lease, command(5, 0.0, 0.0), 0.16) == ""
    assert gate.offer(lease, command(6, 0.0, 0.9), 0.17) == ""
    assert gate.output(0.17).throttle == 0.9


def test_stop_without_a_driver_can_be_cleared(gate: DriveGate) -> None:
    gate.stop("", 0.0)
    assert gate.status(0.0).reason == "STOP was pressed."
    gate.clear_stop(0.1)
    assert gate.status(0.1).state == "idle"
    gate.clear_stop(0.2)


def test_a_driver_who_fell_silent_does_not_keep_stop_latched(gate: DriveGate) -> None:
    lease = gate.claim("Ann", 0.0)
    gate.offer(lease, command(1, 0.0, 0.9), 0.0)
    gate.stop("", 0.1)
    gate.clear_stop(1.0)
    assert gate.status(1.0).state == "idle"
    assert gate.output(1.0).throttle == 0.0


numbers = st.one_of(
    st.floats(), st.integers(-3, 3), st.sampled_from([None, "x", True, 10**400, [], b""])
)
actions = st.one_of(
    st.tuples(st.just("offer"), st.integers(-2, 30), numbers, numbers),
    st.tuples(st.just("claim"), st.sampled_from(["Ann", "Ben"])),
    st.tuples(st.just("release")),
    st.tuples(st.just("stop")),
    st.tuples(st.just("clear")),
    st.tuples(st.just("look")),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.floats(0.0, 0.4), actions), max_size=60))
def test_whatever_happens_the_rules_hold(story: list[tuple[float, tuple[Any, ...]]]) -> None:
    gate, now, lease = DriveGate(TIMEOUT), 0.0, 0
    stopped, newest_seq, accepted_at = False, -math.inf, -math.inf
    for wait, (what, *rest) in story:
        now += wait
        try:
            if what == "offer":
                refusal = gate.offer(lease, command(*rest), now)
                if not refusal:
                    assert not stopped
                    assert rest[0] > newest_seq
                    newest_seq, accepted_at = rest[0], now
            elif what == "claim":
                lease = gate.claim(rest[0], now)
                newest_seq = -math.inf
            elif what == "release":
                gate.release(lease, now)
            elif what == "stop":
                gate.stop("test", now)
                stopped = True
            elif what == "clear":
                gate.clear_stop(now)
                stopped = False
        except DriveRefused:
            refused = what
        else:
            refused = None
        assert refused in (None, "offer", "claim", "clear")
        output, status = gate.output(now), gate.status(now)
        assert -1.0 <= output.steer <= 1.0
        assert -1.0 <= output.throttle <= 1.0
        assert output.live or output.throttle == 0.0
        if stopped:
            assert (output.throttle, status.state) == (0.0, "stopped")
        if now - accepted_at >= TIMEOUT:
            assert output.throttle == 0.0
            assert not output.live


@settings(max_examples=200, deadline=None)
@given(
    throttle=st.floats(0.06, 1.0),
    silence=st.floats(TIMEOUT, 5.0),
    later=st.lists(st.floats(0.06, 1.0), max_size=8),
)
def test_no_jump_after_silence(throttle: float, silence: float, later: list[float]) -> None:
    gate = DriveGate(TIMEOUT)
    lease = gate.claim("Ann", 0.0)
    gate.offer(lease, command(0, 0.0, throttle), 0.0)
    now = silence
    for seq, held in enumerate(later, start=1):
        gate.offer(lease, command(seq, 0.0, held), now)
        assert gate.output(now).throttle == 0.0
        now += 0.02
    assert gate.status(now).failsafe_trips == 1
