"""Bulk that yields: the rate follows the delay of live flows, over a simulated bottleneck."""

from __future__ import annotations

import math
import random
import socket
import sys
import threading
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pynet import Gateway, RemoteGateway
from pynet.bulk import Bulk, DelayYield, LiveDelays, Pacer, Reading, limit_socket, paced_bulk
from pynet.bulk.delays import RecentMinimum
from pynet.bulk.rate import AIM, FLOOR, LEAN, PAUSE, TARGET, UNLIMITED
from pynet.testing import MockClock

STEP = 0.002
ITEM = 8 * 1024


class Bottleneck:
    """One queue before one slow link, a live flow of 100 bytes, and a greedy bulk sender.

    The bulk goes through the kernel's buffer of its connection first, as it would through TCP.
    """

    def __init__(
        self,
        capacity: float,
        *,
        way: float = 0.01,
        hz: float = 100.0,
        jitter: float = 0.0,
        loss: float = 0.0,
        room: float = 0.3,
    ) -> None:
        self.capacity = capacity
        self.clock = MockClock()
        self.delays = LiveDelays()
        self.bulk = Bulk(self.delays, clock=self.clock)
        self.queued = 0.0
        self.delivered = 0.0
        self.added: list[float] = []
        self._way, self._hz, self._jitter, self._loss, self._room = way, hz, jitter, loss, room
        self._luck = random.Random(7)
        self._buffered = 0.0
        self._reports: list[tuple[float, float]] = []
        self._next_live = self._next_bulk = 0.0

    def run(self, seconds: float, *, live: bool = True) -> list[float]:
        """Let time pass; return the queue's delay at each live item, seconds."""
        self.added = []
        end = self.clock() + seconds
        while self.clock() < end:
            now = self.clock.advance(STEP)
            done = min(self.queued, self.capacity * STEP)
            self.queued -= done
            self.delivered += done
            room = self._room * self.capacity - self.queued
            moved = max(0.0, min(self._buffered, room, 2 * self.capacity * STEP + 1500))
            self.queued += moved
            self._buffered -= moved
            if live and now >= self._next_live:
                self._send_live(now)
            self._report(now)
            while now >= self._next_bulk and self._buffered < 128 * 1024:
                wait = self.bulk.allow(ITEM)
                if wait:
                    self._next_bulk = now + wait
                else:
                    self._buffered += ITEM
        return self.added

    def _send_live(self, now: float) -> None:
        self._next_live = now + 1 / self._hz
        self.queued += 100
        added = self.queued / self.capacity
        self.added.append(added)
        delay = self._way + added + self._luck.uniform(0, self._jitter)
        if self._luck.random() < self._loss:
            delay += 0.05
        self._reports.append((now + delay, delay))

    def _report(self, now: float) -> None:
        for report in [report for report in self._reports if report[0] <= now]:
            self._reports.remove(report)
            self.delays.report("drive", report[1], now)


def share(values: list[float], part: float) -> float:
    return sorted(values)[int(part * (len(values) - 1))]


# ---- the whole, over a bottleneck ---------------------------------------------------------


@settings(max_examples=30, deadline=None)
@given(
    capacity=st.sampled_from([0.5e6, 1.5e6, 7.5e6, 12.5e6]),
    way=st.floats(0.001, 0.05),
    hz=st.sampled_from([30.0, 100.0]),
    jitter=st.floats(0.0, 0.015),
    loss=st.sampled_from([0.0, 0.03]),
    late=st.booleans(),
)
def test_the_delay_stays_near_the_target_and_most_of_the_link_is_used(
    capacity: float, way: float, hz: float, jitter: float, loss: float, late: bool
) -> None:
    link = Bottleneck(capacity, way=way, hz=hz, jitter=jitter, loss=loss)
    if late:  # the live flow meets a queue that is full already
        link.run(3, live=False)
    link.run(6)
    link.delivered = 0.0
    added = link.run(16)
    assert share(added, 0.5) <= TARGET
    assert share(added, 0.95) <= 2.5 * TARGET
    assert link.delivered >= 0.45 * 16 * capacity


def test_alone_it_uses_all_there_is() -> None:
    link = Bottleneck(1.5e6)
    link.run(5, live=False)
    assert link.delivered >= 0.98 * 5 * link.capacity
    assert link.bulk.rate == UNLIMITED


def test_it_gives_way_as_soon_as_a_live_flow_comes() -> None:
    link = Bottleneck(1.5e6)
    link.run(5, live=False)
    assert min(link.run(1.0)[-20:]) < 0.6 * max(link.added)
    link.run(1.0)
    assert share(link.added[-50:], 0.5) <= TARGET


@pytest.mark.parametrize("hz", [30.0, 100.0])
def test_it_backs_off_within_a_second_when_the_link_gets_worse(hz: float) -> None:
    link = Bottleneck(6e6, hz=hz)
    link.run(15)
    before = link.bulk.rate
    assert before > 1e6
    link.capacity = 0.6e6
    link.run(1.0)
    assert link.bulk.rate <= before / 4


@pytest.mark.parametrize("forgotten", [True, False])
def test_after_the_drive_it_goes_at_full_rate_again(forgotten: bool) -> None:
    link = Bottleneck(1.5e6)
    link.run(5)
    assert link.bulk.rate < UNLIMITED
    if forgotten:
        link.delays.forget("drive")
        link._reports.clear()
    link.run(0.3 if forgotten else 2.5, live=False)
    assert link.bulk.rate == UNLIMITED


def test_a_standing_queue_is_never_taken_for_the_way() -> None:
    link = Bottleneck(7.5e6, way=0.004)
    link.run(100)
    assert share(link.run(30), 0.95) <= 2 * TARGET


# ---- the controller -----------------------------------------------------------------------

readings = st.one_of(
    st.none(),
    st.builds(Reading, st.floats(0, 5, allow_subnormal=False), st.floats(0.001, 5), st.booleans()),
)


@given(st.lists(st.tuples(readings, st.floats(0, 1e9), st.floats(0, 2)), max_size=60))
def test_never_below_the_floor_and_no_limit_only_when_alone(
    steps: list[tuple[Reading | None, float, float]],
) -> None:
    control, clock = DelayYield(), MockClock()
    for reading, sent, passed in steps:
        rate = control.update(reading, sent, clock.advance(passed))
        assert rate == control.rate
        assert rate >= FLOOR
        assert math.isinf(rate) == (reading is None)


def test_it_is_halved_once_per_round_trip() -> None:
    control, clock = DelayYield(floor=1.0), MockClock()
    calm, late = Reading(0.0, 0.05), Reading(0.2, 0.2)
    control.update(calm, 1e7, clock.advance(1))
    before = control.update(Reading(AIM * TARGET, 0.05), 1e7, clock.advance(1))
    rates = [control.update(late, 1e7, clock.advance(0.01)) for _ in range(100)]
    halvings = math.log2(before * (1 - LEAN) / rates[-1])
    assert 3 <= halvings <= 1.0 / 0.3 + 1
    assert rates == sorted(rates, reverse=True)


def test_it_pauses_to_let_the_shortest_delay_show() -> None:
    control, clock = DelayYield(), MockClock()
    rest = Reading(AIM * TARGET, 0.03)
    rates = [control.update(rest, 1e7, clock.advance(0.1)) for _ in range(600)]
    paused = rates.count(FLOOR)
    assert 3 * PAUSE / 0.1 <= paused <= 3 * (PAUSE / 0.1 + 2)


# ---- live delays --------------------------------------------------------------------------


@given(
    st.lists(st.tuples(st.floats(0, 30), st.floats(0, 1)), min_size=1, max_size=80),
    st.floats(0, 100),
)
def test_the_recent_minimum(steps: list[tuple[float, float]], later: float) -> None:
    minimum, now = RecentMinimum(60.0), 1000.0
    taken: list[tuple[float, float]] = []
    for passed, value in steps:
        now += passed
        minimum.add(value, now)
        taken.append((now, value))
    now += later
    got = minimum.read(now)
    assert got in {value for _, value in taken}
    within = [value for when, value in taken if when > now - 60.0]
    around = [value for when, value in taken if when > now - 71.0]
    if within:
        assert min(around) <= got <= min(within)


def test_a_flow_that_falls_silent_counts_no_more() -> None:
    delays = LiveDelays(silent=2.0)
    assert delays.reading(5.0) is None
    delays.report("camera", 0.05, 10.0)
    delays.report("camera", 0.09, 10.6)
    reading = delays.reading(11.0)
    assert reading is not None
    assert reading.added == pytest.approx(0.04)
    assert delays.reading(12.7) is None
    delays.report("camera", 0.08, 13.0)  # and is known when it comes back
    reading = delays.reading(13.0)
    assert reading is not None
    assert reading.added == pytest.approx(0.03)


def test_the_worst_flow_counts_and_one_late_item_does_not() -> None:
    delays = LiveDelays()
    for number in range(20):
        now = 10 + number / 100
        delays.report("drive", 0.010 if number != 15 else 0.250, now)
        delays.report("camera", 0.030 if number < 5 else 0.050, now)
    reading = delays.reading(10.2)
    assert reading is not None
    assert reading.added == pytest.approx(0.02)
    assert reading.round_trip == pytest.approx(0.05)


def test_jitter_is_told_and_a_queue_is_none() -> None:
    delays = LiveDelays()
    for number in range(400):
        now = 10 + number / 100
        delays.report("radio", 0.010 + 0.004 * (number % 2), now)
        delays.report("queue", 0.010 + 0.0001 * number, now)
    reading = delays.reading(now)
    assert reading is not None
    assert reading.jitter == pytest.approx(0.004, rel=0.05)
    assert reading.added == pytest.approx(0.039, abs=0.001)
    delays.forget("radio")
    reading = delays.reading(now)
    assert reading is not None
    assert reading.jitter == pytest.approx(0.0001, rel=0.05)


def test_flows_of_long_ago_take_no_memory() -> None:
    delays = LiveDelays()
    for number in range(100):
        delays.report(number, 0.01, 10.0)
    delays.report("new", 0.01, 200.0)
    assert len(delays._flows) == 1


def test_reports_from_many_threads() -> None:
    delays = LiveDelays()

    def report(name: int) -> None:
        for number in range(2000):
            delays.report((name, number % 7), 0.01, 10 + number / 1000)
            delays.reading(10 + number / 1000)

    threads = [threading.Thread(target=report, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    reading = delays.reading(12.0)
    assert reading is not None
    assert reading.added == 0


# ---- pacing -------------------------------------------------------------------------------


@given(
    rate=st.floats(1e3, 1e9),
    asks=st.lists(st.tuples(st.floats(0, 0.5), st.integers(1, 1 << 20)), max_size=60),
    whole=st.booleans(),
)
def test_never_faster_than_its_rate(
    rate: float, asks: list[tuple[float, int]], whole: bool
) -> None:
    pacer, now, sent, newest = Pacer(rate, 0.0), 0.0, 0, 0
    for passed, wanted in asks:
        now += passed
        if whole:
            wait, size = pacer.allow(wanted, now), wanted
        else:
            size, wait = pacer.ask(wanted, now)
            assert 0 <= size <= wanted
            assert (size == 0) == (wait > 0)
        if wait:
            now += wait * 1.000001 + 1e-9
            if whole:
                assert pacer.allow(wanted, now) == 0.0
            else:
                size, wait = pacer.ask(wanted, now)
                assert size > 0
        sent, newest = sent + size, size
        # What cannot be divided goes out whole and is paid for afterwards.
        assert sent <= rate * now * 1.0001 + pacer.burst + (newest if whole else 0) + 1


def test_without_a_limit_it_never_waits_and_owes_nothing() -> None:
    pacer = Pacer(UNLIMITED, 0.0)
    assert pacer.allow(1 << 40, 0.0) == 0.0
    assert pacer.ask(1 << 40, 0.0) == (1 << 40, 0.0)
    pacer.set_rate(FLOOR, 0.0)
    assert pacer.allow(1000, 0.0) == 0.0


def test_a_debt_of_fast_times_is_forgiven() -> None:
    pacer = Pacer(1e8, 0.0)
    pacer.allow(1 << 20, 0.0)
    pacer.set_rate(FLOOR, 0.0)
    assert pacer.allow(100, 0.0) < 0.2


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="an option of Linux")
def test_the_kernel_paces_too() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as sock:
        assert limit_socket(sock, 125_000.0)
        assert sock.getsockopt(socket.SOL_SOCKET, 47) == 125_000
        assert limit_socket(sock, UNLIMITED)
    assert not limit_socket(sock, 1e6)


# ---- a stream that yields -----------------------------------------------------------------


def congested() -> LiveDelays:
    """Live flows that are late, far into the future."""
    delays = LiveDelays(silent=math.inf)
    delays.report("drive", 0.01, 0.0)
    for number in range(4):
        delays.report("drive", 0.5, 1.0 + number / 100)
    return delays


def test_items_come_at_the_rate_that_is_left() -> None:
    clock = MockClock()
    bulk = Bulk(congested(), floor=1e6, clock=lambda: clock.advance(0.001))
    start, taken = clock(), 0
    for item in paced_bulk((np.zeros(1000) for _ in range(100)), bulk):
        taken += item.nbytes
    assert bulk.rate == 1e6
    assert taken == 800_000
    assert (clock() - start) * 1e6 + 3 * 10_000 >= taken


def test_a_generator_that_waits_ends_when_it_is_cancelled(
    gateway: Gateway, car: RemoteGateway, until: Callable[..., None]
) -> None:
    ended = threading.Event()

    @gateway.stream
    def copy() -> Iterator[bytes]:
        blocks = (bytes(1 << 20) for _ in range(1000))
        try:
            yield from paced_bulk(blocks, Bulk(congested(), floor=1.0))
        finally:
            ended.set()

    got: list[int] = []
    client = car.stream("copy", lambda block: got.append(len(block)))
    until(lambda: got)
    client.close()
    assert ended.wait(5)
    until(lambda: not car.handlers())


def test_half_an_item() -> None:
    clock = MockClock()
    bulk = Bulk(congested(), floor=64_000.0, clock=clock)
    sent = 0
    while clock() < 1010.0:
        size, wait = bulk.ask(1 << 20)
        sent += size
        clock.advance(wait)
    assert sent == pytest.approx(640_000, rel=0.05)


def test_sizes_of_ones_own() -> None:
    assert list(paced_bulk([{"a": 1}], size=lambda item: 40)) == [{"a": 1}]
    with pytest.raises(TypeError):
        list(paced_bulk([5]))  # type: ignore[list-item]
