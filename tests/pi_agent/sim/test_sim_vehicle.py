from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pi_agent.sim.vehicle import (
    GRIP,
    REVERSE_SPEED,
    STEERING_LIMIT,
    TOP_SPEED,
    WHEELBASE,
    next_speed,
    next_steering,
    turn_rate,
)

DT = 1 / 200


def driven(throttle: float, seconds: float, speed: float = 0.0, off_road: bool = False) -> float:
    for _ in range(round(seconds / DT)):
        speed = next_speed(speed, throttle, off_road, DT)
    return speed


def test_full_throttle_reaches_the_top_speed() -> None:
    assert driven(1.0, 8.0) == pytest.approx(TOP_SPEED, rel=0.02)
    assert driven(-1.0, 8.0) == pytest.approx(-REVERSE_SPEED, rel=0.02)


def test_half_throttle_is_about_half_the_speed() -> None:
    assert driven(0.5, 8.0) == pytest.approx(TOP_SPEED / 2, rel=0.1)


def test_a_coasting_car_comes_to_rest() -> None:
    assert driven(0.0, 8.0, speed=2.5) == 0.0
    assert driven(0.0, 8.0, speed=-1.0) == 0.0


def test_the_brake_is_stronger_than_coasting_and_ends_in_reverse() -> None:
    assert driven(-1.0, 0.3, speed=2.0) < driven(0.0, 0.3, speed=2.0)
    assert driven(-1.0, 3.0, speed=2.0) < 0


def test_grass_is_slower() -> None:
    on_grass = driven(1.0, 8.0, off_road=True)
    assert 0.2 < on_grass < 0.6 * TOP_SPEED


def test_the_servo_needs_time() -> None:
    angle = next_steering(0.0, 1.0, DT)
    assert 0 < angle < STEERING_LIMIT
    for _ in range(100):
        angle = next_steering(angle, 1.0, DT)
    assert angle == STEERING_LIMIT


def test_steering_to_the_right_turns_clockwise_with_the_radius_of_a_bicycle() -> None:
    angle = math.radians(10)
    rate = turn_rate(1.0, angle)
    assert rate < 0
    assert 1.0 / abs(rate) == pytest.approx(WHEELBASE / math.tan(angle), rel=0.02)
    assert turn_rate(1.0, -angle) == -rate
    assert turn_rate(-1.0, angle) == -rate
    assert turn_rate(0.0, angle) == 0.0


@given(st.floats(-3, 3), st.floats(-STEERING_LIMIT, STEERING_LIMIT))
def test_tyres_hold_no_more_than_their_grip(speed: float, angle: float) -> None:
    assert abs(turn_rate(speed, angle) * speed) <= GRIP * 1.001


@given(st.floats(-3, 3), st.floats(-1, 1), st.booleans())
def test_speed_never_jumps(speed: float, throttle: float, off_road: bool) -> None:
    assert abs(next_speed(speed, throttle, off_road, DT) - speed) < 0.1
