"""Percentiles of ages are right within their promised error."""

from __future__ import annotations

import math
import threading

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pynet.stats import AgeHistogram, FlowStats, Tally

ERROR = 1 / 16
MICROSECOND = 1e-6


def true_percentile(ages: list[float], share: float) -> float:
    """The least age that so large a share of them does not exceed."""
    return sorted(ages)[max(0, math.ceil(share * len(ages)) - 1)]


def filled(ages: list[float]) -> AgeHistogram:
    histogram = AgeHistogram()
    for age in ages:
        histogram.add(age)
    return histogram


@settings(max_examples=200, deadline=None)
@given(
    ages=st.lists(st.floats(0, 1e5) | st.floats(0, 0.1), min_size=1, max_size=60),
    share=st.sampled_from([0.01, 0.25, 0.5, 0.75, 0.95, 0.99, 1.0]),
)
@example(ages=[0.0], share=0.5)
@example(ages=[15e-6, 16e-6, 17e-6, 31e-6, 32e-6, 33e-6], share=0.5)
def test_percentiles(ages: list[float], share: float) -> None:
    answer = filled(ages).percentile(share)
    true = true_percentile(ages, share)
    assert answer is not None
    assert true - MICROSECOND <= answer <= true * (1 + ERROR) + 2 * MICROSECOND
    assert answer <= max(*ages, MICROSECOND)


@given(power=st.integers(0, 40), step=st.integers(-1, 1))
def test_each_power_of_two_and_its_neighbours(power: int, step: int) -> None:
    age = ((1 << power) + step) / 1e6
    answer = filled([age, 1e9]).percentile(0.5)
    assert answer == pytest.approx(age, rel=1.01 * ERROR, abs=2 * MICROSECOND)


def test_nothing_is_known_of_nothing() -> None:
    histogram = AgeHistogram()
    assert histogram.percentile(0.5) is None
    histogram.add(1.0, 0)  # a batch without items
    assert histogram.percentile(0.5) is None


def test_a_weight_counts_as_so_many_items() -> None:
    histogram = AgeHistogram()
    histogram.add(0.001, 94)
    histogram.add(1.0, 6)
    assert histogram.count == 100
    assert histogram.percentile(0.94) == pytest.approx(0.001, rel=ERROR)
    assert histogram.percentile(0.95) == 1.0
    assert (histogram.newest, histogram.highest) == (1.0, 1.0)
    histogram.add(0.5)
    assert (histogram.newest, histogram.highest) == (0.5, 1.0)


def test_an_age_below_zero_counts_as_none() -> None:
    """A clock estimate may be wrong by half a round trip."""
    assert filled([-0.5, -1e-9]).percentile(1.0) == MICROSECOND


def test_memory_does_not_grow_with_the_number_of_ages() -> None:
    histogram = AgeHistogram()
    for number in range(20_000):
        histogram.add(number * 1e-5)
    assert histogram.count == 20_000
    assert len(histogram._counts) < 16 * 20


def test_it_can_be_read_while_it_is_written() -> None:
    histogram = AgeHistogram()
    stop = threading.Event()

    def write() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            histogram.add(number % 5000 * 1e-4)

    writer = threading.Thread(target=write, name="pynet-test-writer")
    writer.start()
    try:
        for _ in range(300):
            answer = histogram.percentile(0.5)
            assert answer is None or 0 <= answer <= 1
    finally:
        stop.set()
        writer.join()


def test_new_figures_know_nothing() -> None:
    assert FlowStats() == FlowStats(items=0, dropped=0, age_p50=None, round_trip=None)
    tally = Tally()
    assert (tally.items, tally.dropped, tally.round_trip, tally.ages.count) == (0, 0, None, 0)
