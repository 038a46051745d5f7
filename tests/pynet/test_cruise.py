"""Bulk beside a driver: what a simulated link's queue does to the driver, and what bulk gets."""

from __future__ import annotations

import random
from collections import deque

import numpy as np
import pytest

from pynet.bulk.cruise import AT_ONCE, CALM, FEELS, SHARE, WORSE, Cruise
from pynet.bulk.delays import LiveDelays, Reading
from pynet.bulk.rate import FLOOR, UNLIMITED

STEP = 0.002
MB = 1_000_000.0


class Link:
    """A queue before a link of some capacity; a live flow at 100 Hz; bulk at the rate it may have.

    Args:
        capacity: bytes/s.
        way: seconds of the shortest round trip.
        jitter: seconds; delays vary by so much at most.
        stumble: seconds; what a radio adds to all items of a tenth of a second, at most.
    """

    def __init__(
        self, capacity: float, way: float = 0.004, jitter: float = 0.002, stumble: float = 0.0
    ) -> None:
        self.capacity = capacity
        self.now = 100.0
        self.cruise = Cruise()
        self.delays = LiveDelays()
        self.queue = 0.0
        self.sent = 0.0
        self.added: list[float] = []
        self._way, self._jitter, self._stumble = way, jitter, stumble
        self._stumbles, self._next_stumble = 0.0, 0.0
        self._luck = random.Random(3)
        self._reports: deque[tuple[float, float]] = deque()
        self._rates: deque[tuple[float, float]] = deque([(0.0, UNLIMITED)])
        self._next_live = self._next_look = 0.0
        self._recent: deque[tuple[float, float]] = deque([(100.0, 0.0)])

    def run(self, seconds: float, *, live: bool = True) -> None:
        """Let time pass."""
        self.added, self.sent = [], 0.0
        end = self.now + seconds
        while self.now < end:
            self.now += STEP
            while len(self._rates) > 1 and self._rates[1][0] <= self.now:
                self._rates.popleft()
            # Without a limit TCP keeps a queue of 15 ms, as one bbr lane does.
            rate = self._rates[0][1]
            room = self.capacity * (STEP + 0.015) - self.queue
            bulk = room if rate == UNLIMITED else min(rate * STEP, room + self.capacity * 0.05)
            bulk = max(0.0, bulk)
            self.sent += bulk
            self.queue = max(0.0, self.queue + bulk - self.capacity * STEP)
            self._recent.append((self.now, bulk))
            while self._recent[0][0] < self.now - 2.0:
                self._recent.popleft()
            if live and self.now >= self._next_live:
                self._next_live = self.now + 0.01
                waits = self.queue / self.capacity
                self.added.append(waits)
                if self.now >= self._next_stumble:
                    self._next_stumble = self.now + 0.1
                    self._stumbles = self._stumble * self._luck.random()
                delay = self._way + waits + self._stumbles + self._jitter * self._luck.random()
                self._reports.append((self.now + delay, delay))
            while self._reports and self._reports[0][0] <= self.now:
                at, delay = self._reports.popleft()
                self.delays.report("drive", delay, at)
            if self.now >= self._next_look:
                self._next_look = self.now + 0.02
                goes = sum(size for _, size in self._recent) / 2.0
                rate = self.cruise.update(self.delays.reading(self.now), goes, self.now)
                self._rates.append((self.now + 0.04, rate))

    def worst(self, share: float = 99.0) -> float:
        """Seconds that the queue added, as a percentile."""
        return float(np.percentile(self.added, share))


@pytest.mark.parametrize("capacity", [1.4 * MB, 7 * MB, 60 * MB])
@pytest.mark.parametrize("jitter", [0.001, 0.004])
def test_a_driver_who_begins_while_files_travel_feels_next_to_nothing(capacity, jitter):
    link = Link(capacity, jitter=jitter)
    link.run(6, live=False)
    assert link.sent / 6 > 0.95 * capacity
    link.run(1.5)  # the queue of before drains
    link.run(20)
    assert link.worst() < 0.001
    assert link.sent / 20 >= 0.7 * capacity


@pytest.mark.parametrize("capacity", [1.4 * MB, 7 * MB])
def test_files_that_begin_beside_a_driver_find_what_there_is(capacity):
    link = Link(capacity)
    link.cruise.update(Reading(0.0, 0.004), 0.0, link.now)
    link.run(12)
    assert link.worst(95) < 0.005
    link.run(20)
    assert link.worst() < 0.001
    assert link.sent / 20 >= 0.6 * capacity


def test_a_link_that_becomes_slower_is_noticed():
    link = Link(7 * MB)
    link.run(5, live=False)
    link.run(5)
    link.capacity = 2 * MB
    link.run(8)
    link.run(10)
    assert link.worst(90) < 0.006
    assert link.sent / 10 > 0.4 * link.capacity


@pytest.mark.parametrize("stumble", [0.004, 0.008, 0.012])
def test_a_radio_that_stumbles_does_not_take_the_rate_away(stumble):
    link = Link(1.4 * MB, jitter=0.004, stumble=stumble)
    link.run(6, live=False)
    link.run(1.5)
    link.run(60)
    assert link.worst() < 0.004
    assert link.sent / 60 >= 0.55 * link.capacity


def test_a_link_that_is_soon_as_quick_as_before_is_soon_used_again():
    link = Link(7 * MB)
    link.run(5, live=False)
    link.run(3)
    link.capacity = 3 * MB
    link.run(3)
    link.capacity = 7 * MB
    link.run(14)
    link.run(10)
    assert link.sent / 10 > 0.65 * link.capacity


def felt(cruise: Cruise, now: float) -> float:
    """Live flows feel it for a moment, and no longer once it stands back; the time after that."""
    for added in [0.03] * 3 + [0.0] * 17:
        cruise.update(Reading(added, 0.01), 0.0, now)
        now += 0.02
    return now


def cruising(now: float) -> Cruise:
    """One that drove for a while beside bulk that had filled the link with 1 MB/s."""
    cruise = Cruise()
    for look in range(300):
        at_first = look % 3 * 0.2 * MB  # what is counted in a moment is more or less
        cruise.update(None, 0.8 * MB + at_first, now - 9 + look * 0.02)
    for look in range(150):
        cruise.update(Reading(0.0, 0.01), 0.0, now - 3 + look * 0.02)
    return cruise


def test_what_went_before_is_taken_for_what_fills_the_link_whatever_came_last():
    assert cruising(100.0).rate == pytest.approx(SHARE * MB)


def test_what_went_long_ago_says_nothing():
    cruise = Cruise()
    cruise.update(None, 7 * MB, 100.0)
    assert cruise.update(Reading(0.0, 0.01), 0.0, 200.0) < MB
    assert cruise.full == 0.0


def test_one_late_moment_takes_nothing_away_a_second_one_does():
    cruise = cruising(100.0)
    now = felt(cruise, 100.0)
    assert cruise.rate == pytest.approx(SHARE * MB)
    now = felt(cruise, now)
    assert cruise.rate == pytest.approx(SHARE * WORSE * MB)
    felt(cruise, now + AT_ONCE + 1)
    assert cruise.rate == pytest.approx(SHARE * WORSE * MB)


def test_what_was_taken_away_comes_back_without_filling_the_link_again():
    cruise = cruising(100.0)
    now = felt(cruise, felt(cruise, 100.0))
    calm = Reading(0.0, 0.01)
    rates = [cruise.update(calm, cruise.rate, now + look * 0.02) for look in range(1000)]
    assert max(rates) < SHARE * MB * 1.01
    assert rates[-1] == pytest.approx(SHARE * MB)


def test_there_is_room_before_the_first_item_of_a_new_flow():
    delays, cruise = LiveDelays(), Cruise()
    assert cruise.update(delays.reading(100.0), 7 * MB, 100.0) == UNLIMITED
    delays.expect("drive", 100.0)
    assert cruise.update(delays.reading(100.02), 7 * MB, 100.02) == FLOOR
    # A flow that is opened and not used is none.
    assert cruise.update(delays.reading(103.0), 0.0, 103.0) == UNLIMITED


def test_a_link_that_becomes_quicker_is_found_after_a_while():
    link = Link(2 * MB)
    link.run(5, live=False)
    link.run(5)
    link.capacity = 4 * MB
    link.run(80)
    link.run(10)
    assert link.sent / 10 > 0.55 * link.capacity


def test_without_live_flows_there_is_no_limit_and_so_again_when_they_end():
    link = Link(7 * MB)
    link.run(3, live=False)
    assert link.cruise.rate == UNLIMITED
    link.run(5)
    assert link.cruise.rate < 7 * MB
    link.run(3, live=False)
    assert link.cruise.rate == UNLIMITED


def test_it_never_stands_still():
    cruise = Cruise()
    for step in range(500):
        rate = cruise.update(Reading(0.5, 0.5), 0.0, step * 0.02)
        assert rate >= FLOOR


def test_the_constants_fit_each_other():
    assert CALM < FEELS
    assert 0.7 < SHARE < 0.9
