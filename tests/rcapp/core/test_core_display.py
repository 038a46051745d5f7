"""The age of what is on display, at every moment."""

from __future__ import annotations

import numpy as np
import pytest

from rcapp.core.display import KEPT, DisplayLog


def test_a_picture_grows_older_until_the_next_one_comes() -> None:
    log = DisplayLog()
    log.painted(10.00, captured=9.98)
    log.painted(10.05, captured=10.02)
    ages = log.ages(10.0, 10.1)
    assert len(ages) == 100
    assert ages[0] == pytest.approx(0.02)
    assert ages[49] == pytest.approx(0.069)
    assert ages[51] == pytest.approx(0.031)
    assert ages[99] == pytest.approx(0.079)


def test_moments_before_the_first_picture_are_left_out() -> None:
    log = DisplayLog()
    assert not len(log.ages(0.0, 5.0))
    log.painted(1.0, captured=0.9)
    assert len(log.ages(0.0, 1.01)) == 10
    assert not len(log.ages(0.0, 0.5))
    log.clear()
    assert not len(log.ages(0.0, 5.0))


def test_the_log_forgets_what_is_long_ago() -> None:
    log = DisplayLog()
    for number in range(KEPT + 100):
        log.painted(float(number), captured=number - 0.5)
    ages = log.ages(0.0, KEPT + 100.0)
    assert len(ages) == pytest.approx(KEPT / 0.001, rel=0.001)
    assert float(np.max(ages)) < 1.5
