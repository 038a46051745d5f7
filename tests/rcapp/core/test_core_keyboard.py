"""Keys that feel like a stick."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rcapp.core.keyboard import KEYS, STEER_FEEL, KeyboardDriver, move


def drive(keyboard: KeyboardDriver, seconds: float, start: float = 0.0) -> tuple[float, float]:
    """Sample at 50 Hz for ``seconds``."""
    sample = (0.0, 0.0)
    for step in range(round(seconds * 50) + 1):
        sample = keyboard.sample(start + step * 0.02)
    return sample


def test_nothing_held_is_neutral() -> None:
    assert drive(KeyboardDriver(), 1.0) == (0.0, 0.0)


def test_held_key_ramps_to_full() -> None:
    keyboard = KeyboardDriver()
    keyboard.press("right")
    keyboard.press("up")
    steer, throttle = drive(keyboard, 0.1)
    assert 0.2 < steer < 0.5
    assert 0.1 < throttle < 0.3
    assert drive(keyboard, 1.0, 0.12) == (1.0, 1.0)


def test_release_centres_without_overshoot() -> None:
    keyboard = KeyboardDriver()
    keyboard.press("left")
    assert drive(keyboard, 1.0)[0] == -1.0
    keyboard.release("left")
    steers = [keyboard.sample(1.0 + step * 0.02)[0] for step in range(1, 15)]
    assert steers == sorted(steers)
    assert steers[-1] == 0.0


def test_reversing_is_faster_than_letting_go() -> None:
    through_zero, let_go = KeyboardDriver(), KeyboardDriver()
    for keyboard in (through_zero, let_go):
        keyboard.press("right")
        drive(keyboard, 1.0)
        keyboard.release("right")
    through_zero.press("left")
    assert drive(through_zero, 0.14, 1.0)[0] < 0 < drive(let_go, 0.14, 1.0)[0]


def test_opposite_keys_cancel() -> None:
    keyboard = KeyboardDriver()
    for key in KEYS:
        keyboard.press(key)
    assert drive(keyboard, 1.0) == (0.0, 0.0)
    keyboard.release("left")
    assert drive(keyboard, 0.5, 1.0)[0] == 1.0


def test_a_tap_between_two_samples_counts_once() -> None:
    keyboard = KeyboardDriver()
    keyboard.sample(0.0)
    keyboard.press("right")
    keyboard.release("right")
    assert keyboard.sample(0.02)[0] == pytest.approx(STEER_FEEL.out * 0.02)
    assert keyboard.sample(0.04)[0] == 0.0


def test_auto_repeat_is_no_second_press() -> None:
    keyboard = KeyboardDriver()
    keyboard.press("up")
    keyboard.press("up")
    assert keyboard.presses == 1
    keyboard.release("up")
    keyboard.release("up")
    assert keyboard.held == frozenset()


def test_release_all_centres_at_once() -> None:
    keyboard = KeyboardDriver()
    keyboard.press("up")
    drive(keyboard, 1.0)
    keyboard.release_all()
    assert keyboard.sample(1.1) == (0.0, 0.0)


def test_a_stalled_gui_does_not_make_the_stick_jump() -> None:
    keyboard = KeyboardDriver()
    keyboard.sample(0.0)
    keyboard.press("right")
    assert keyboard.sample(60.0)[0] == pytest.approx(0.3)
    assert keyboard.sample(30.0)[0] == pytest.approx(0.3)  # a clock that went back


def test_unknown_key_is_refused() -> None:
    with pytest.raises(ValueError, match="no such driving key"):
        KeyboardDriver().press("space")


@given(
    value=st.floats(-1, 1),
    direction=st.sampled_from([-1, 0, 1]),
    dt=st.floats(0, 0.1),
)
def test_an_axis_stays_in_range_and_moves_the_right_way(
    value: float, direction: int, dt: float
) -> None:
    moved = move(value, direction, dt, STEER_FEEL)
    assert -1.0 <= moved <= 1.0
    if direction:
        assert moved * direction >= value * direction
    else:
        assert abs(moved) <= abs(value)
        assert moved * value >= 0


@given(dt=st.floats(0.001, 0.1), value=st.floats(-1, 1))
def test_two_short_steps_are_one_long_step(dt: float, value: float) -> None:
    once = move(value, 1, dt, STEER_FEEL)
    twice = move(move(value, 1, dt / 2, STEER_FEEL), 1, dt / 2, STEER_FEEL)
    assert once == pytest.approx(twice, abs=1e-9)
