"""How many lanes: simulated links on which further lanes gain much, little or nothing."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest

from pynet.files.lanecount import LONG_WAY, LOOK_AGAIN, MOST, SHORT_JOB, LaneCount


def drive(count: LaneCount, rate_of: Callable[[int], float], seconds: float, begin: float = 0.0):
    """Bytes arrive at a rate that depends on the lanes; returns when there were how many."""
    now, arrived = begin, 0.0
    changes = [(now, count.lanes)]
    while now < begin + seconds:
        now += 0.05
        arrived += rate_of(count.lanes) * 0.05
        lanes = count.update(now, int(arrived))
        if lanes != changes[-1][1]:
            changes.append((now, lanes))
    return changes


def test_lanes_that_gain_in_proportion_are_all_used_within_a_few_epochs():
    count = LaneCount(0.0, 0.08)
    changes = drive(count, lambda lanes: 370_000.0 * lanes, 10)
    assert count.lanes == MOST
    assert changes[-1][0] < 3
    assert count.log[0] == "2 -> 4 lanes: +100 %"


def test_lanes_that_gain_nothing_are_given_up_again():
    count = LaneCount(0.0, 0.001)
    changes = drive(count, lambda _lanes: 1e9, 60)
    assert {lanes for _, lanes in changes} == {1, 2}
    assert set(count.log) == {"1 -> 2 lanes: +0 %"}
    # It is tried again less and less often.
    begun = [now for now, lanes in changes if lanes == 2]
    pauses = [later - sooner for sooner, later in pairwise(begun)]
    assert pauses == sorted(pauses)
    assert pauses[-1] > 2 * pauses[0]


def test_a_first_burst_does_not_hold_lanes_back_for_long():
    """Slow start brings much before the first loss, and then a lane brings little."""
    count, now = LaneCount(0.0, 0.08), 0.0

    def rate(lanes: int) -> float:
        nonlocal now
        now += 0.05
        return 4e6 if now < 1.2 else 370_000.0 * lanes

    changes = drive(count, rate, 12)
    assert count.lanes == MOST
    assert changes[-1][0] < 9


def test_slow_start_of_the_first_lanes_is_no_gain_of_the_next_ones():
    count, now = LaneCount(0.0, 0.08), 0.0

    def rate(_lanes: int) -> float:
        nonlocal now
        now += 0.05
        return min(18e6, 4e5 * 2 ** (now / 0.15))

    changes = drive(count, rate, 3)
    assert count.lanes == 2
    assert count.log == ["2 -> 4 lanes: +0 %"]
    assert changes[1][0] < 2


def test_what_grows_on_and_on_is_not_waited_for():
    count, now = LaneCount(0.0, 0.08), 0.0

    def rate(lanes: int) -> float:
        nonlocal now
        now += 0.05
        return lanes * 1e4 * 2**now

    changes = drive(count, rate, 5)
    assert changes[1][0] < 0.32 + 3.5 * 0.64
    assert count.lanes == MOST


def test_what_was_given_up_is_tried_again_after_a_while():
    count = LaneCount(0.0, 0.001)
    drive(count, lambda _lanes: 1e6, LOOK_AGAIN)
    assert count.lanes == 1
    drive(count, lambda lanes: 1e6 * lanes, LOOK_AGAIN, begin=LOOK_AGAIN)
    assert count.lanes == MOST


def test_a_gain_that_is_not_worth_the_lanes_is_refused():
    count = LaneCount(0.0, 0.08)
    changes = drive(count, lambda lanes: 1e7 * (1 + 0.02 * lanes), 20)
    assert {lanes for _, lanes in changes} == {2, 4}
    assert set(count.log) == {"2 -> 4 lanes: +4 %"}


@pytest.mark.parametrize(
    ("round_trip", "total", "lanes"),
    [
        (LONG_WAY, SHORT_JOB, MOST),
        (LONG_WAY, SHORT_JOB + 1, 2),
        (LONG_WAY / 2, 1000, 1),
        (LONG_WAY, None, 2),
    ],
)
def test_a_short_job_over_a_long_way_gets_all_lanes_at_once(round_trip, total, lanes):
    count = LaneCount(0.0, round_trip)
    count.expect(total)
    assert count.lanes == lanes


def test_nothing_arrives_at_all():
    count = LaneCount(0.0, 0.01)
    drive(count, lambda _lanes: 0.0, 40)
    assert 1 <= count.lanes <= MOST
