"""A swarm's sending end over real lanes: waiting for room, timers, and lanes that are stuck."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import msgpack
import numpy as np
import pytest

import pynet
from pynet.policy import Policy, keep_last, latest, paced, reliable
from pynet.stats import Tally
from pynet.swarm.outlet import SwarmOutlet
from pynet.swarm.report import Report
from pynet.wire.frames import Frame, Kind
from pynet.wire.limits import Limits
from pynet.wire.values import Decoder
from tests.pynet.swarm.far_end import FarEnd, FarSide

LARGE = 60_000
MORE_THAN_A_KERNEL_TAKES = 16_000_000
POLICIES = [latest, keep_last(5), reliable, paced(3)]


@pytest.fixture
def side() -> Iterator[FarSide]:
    with FarSide() as side:
        yield side


class Desk:
    """An outlet with some lanes."""

    def __init__(
        self,
        side: FarSide,
        policy: Policy,
        lanes: int = 2,
        limits: Limits | None = None,
        **options: Any,
    ) -> None:
        self.side = side
        self.tally = Tally()
        self.outlet = SwarmOutlet(policy, self.tally, side.reactor, limits or Limits(), **options)
        self.ends = [self.add() for _ in range(lanes)]

    def add(self, *, narrow: bool = False) -> FarEnd:
        end = self.side.open(Kind.OPEN_FEED, narrow=narrow)
        end.lane.on_control = self.outlet.on_report
        end.lane.hand_over()
        self.outlet.add_lane(end.number, end.lane)
        return end

    def numbers(self) -> list[int]:
        """Of the items of which something has come over any lane."""
        return [number for end in self.ends for number in end.numbers()]

    def report(self, taken: int, over: int = 0) -> None:
        """The receiver has all items up to this one."""
        seen = {end.number: len(end.numbers()) for end in self.ends}
        report = Report(floor=taken + 1, taken=taken, time_us=1, seen=seen)
        self.ends[over].report(report)


def send_by_itself(end: FarEnd, size: int) -> None:
    """Something is on its way over a narrow lane, of which the outlet does not know."""
    end.lane.send(Kind.ITEM, meta=b"\x01", body=(bytes(size),), seq=1 << 40)
    assert end.lane.unacked()


class Waiter:
    """Waits on a thread of its own, as long as it takes."""

    def __init__(self, wait: Callable[[], bool]) -> None:
        self.answer: bool | None = None
        self.error: pynet.PynetError | None = None
        self._wait = wait
        self._thread = threading.Thread(target=self._run, name="pynet-test-waiter")
        self._thread.start()

    def _run(self) -> None:
        try:
            self.answer = self._wait()
        except pynet.PynetError as error:
            self.error = error

    def ended(self) -> bool:
        """It got its answer, soon."""
        self._thread.join(5)
        return not self._thread.is_alive()


def never() -> bool:
    return False


# ---- waiting ----------------------------------------------------------------------------


def test_waiting_for_room_no_longer_than_it_is_told(side: FarSide) -> None:
    desk = Desk(side, paced(1), lanes=0)
    assert desk.outlet.credit == 0
    for timeout in (0, 0.01):
        assert not desk.outlet.wait_ready(never, timeout)
    desk.ends.append(desk.add())
    assert desk.outlet.credit > 0
    assert desk.outlet.wait_ready(never)
    desk.outlet.put("one")
    assert desk.outlet.credit == 0
    assert not desk.outlet.wait_ready(never, 0.01)
    assert not desk.outlet.wait_done(never, 0.01)


@pytest.mark.parametrize("policy", [reliable, paced(1)], ids=str)
def test_a_report_is_what_is_waited_for(
    side: FarSide, policy: Policy, until: Callable[..., None]
) -> None:
    desk = Desk(side, policy)
    desk.outlet.put("one")
    waiter = Waiter(lambda: desk.outlet.wait_done(never))
    until(lambda: desk.numbers() == [0])
    desk.report(taken=0, over=1)
    assert waiter.ended()
    assert waiter.answer is True
    assert desk.outlet.wait_ready(never, 0)
    assert desk.outlet.flow().in_flight == 0
    assert desk.tally.round_trip is not None


def test_a_live_flow_is_done_when_the_newest_is_there(
    side: FarSide, until: Callable[..., None]
) -> None:
    desk = Desk(side, latest)
    assert desk.outlet.wait_done(never, 0)
    for number in range(3):
        desk.outlet.put(number)
    waiter = Waiter(lambda: desk.outlet.wait_done(never))
    until(lambda: 2 in desk.numbers())
    desk.ends[0].report(Report(floor=3))  # here, though not taken
    assert waiter.ended()
    assert waiter.answer is True


def test_the_waiting_are_asked_again_when_woken(side: FarSide) -> None:
    desk = Desk(side, paced(1))
    desk.outlet.put("one")
    stop = threading.Event()
    assert not desk.outlet.wait_ready(lambda: True)
    waiters = [
        Waiter(lambda: desk.outlet.wait_ready(stop.is_set)),
        Waiter(lambda: desk.outlet.wait_done(stop.is_set)),
    ]
    stop.set()
    desk.outlet.wake()
    for waiter in waiters:
        assert waiter.ended()
        assert waiter.answer is False


@pytest.mark.parametrize("policy", POLICIES, ids=str)
def test_nothing_goes_out_after_the_end(side: FarSide, policy: Policy) -> None:
    desk = Desk(side, policy)
    desk.outlet.put(bytes(LARGE))
    waiter = Waiter(lambda: desk.outlet.wait_done(never))
    desk.outlet.finish(pynet.StreamLost("gone"))
    assert waiter.ended()
    assert isinstance(waiter.error, pynet.StreamLost)
    for refused in (
        lambda: desk.outlet.put("more"),
        lambda: desk.outlet.wait_ready(never),
        lambda: desk.outlet.wait_done(never),
    ):
        with pytest.raises(pynet.StreamLost, match="gone"):
            refused()
    assert not desk.outlet.wait_done(lambda: True), "who does not wait is not told"
    assert desk.outlet.count == 1
    assert desk.tally.items == 1


def test_every_lane_is_told_how_many_there_were(side: FarSide) -> None:
    desk = Desk(side, reliable, lanes=3)
    for number in range(7):
        desk.outlet.put(number)
    desk.outlet.end()
    assert [end.wait_for(Kind.END).seq for end in desk.ends] == [7, 7, 7]


# ---- values -----------------------------------------------------------------------------


@pytest.mark.parametrize("policy", POLICIES, ids=str)
def test_what_cannot_travel_is_refused_and_the_flow_goes_on(
    side: FarSide, policy: Policy, until: Callable[..., None]
) -> None:
    desk = Desk(side, policy, limits=Limits(meta=1000, body=5000))
    unfit = [object(), 1 << 70, ["a"] * 1001, bytes(5001), np.zeros(1300, np.float32)]
    for number, value in enumerate(unfit):
        with pytest.raises(pynet.EncodeError):
            desk.outlet.put(value)
        assert desk.outlet.wait_ready(never, 5)
        desk.outlet.put(number)
        until(lambda: number in desk.numbers())  # noqa: B023
        desk.report(taken=number)
        assert desk.outlet.wait_done(never, 5)
    # What was refused took no number, so that nobody waits for it.
    assert desk.outlet.count == desk.tally.items == len(unfit)
    assert desk.tally.dropped == 0
    desk.outlet.put(bytes(4900))
    until(lambda: len(unfit) in desk.numbers())


def test_a_large_item_arrives_whole_over_all_lanes(
    side: FarSide, until: Callable[..., None]
) -> None:
    desk = Desk(side, reliable, lanes=3)
    sent = np.arange(LARGE, dtype=np.uint16)
    desk.outlet.put(sent)

    def parts() -> dict[int, bytes]:
        found = {}
        for end in desk.ends:
            for frame in end.of(Kind.PART):
                assert frame.body is not None
                found[msgpack.unpackb(frame.meta)[0]] = frame.body.tobytes()
        return found

    _, count, meta_len = msgpack.unpackb(desk.ends[0].wait_for(Kind.PART).meta)
    until(lambda: len(parts()) == count)
    whole = b"".join(piece for _, piece in sorted(parts().items()))
    body = np.frombuffer(whole[meta_len:], np.uint8)
    assert (Decoder().decode(whole[:meta_len], body) == sent).all()
    assert all(end.of(Kind.PART) for end in desk.ends)


# ---- timers -----------------------------------------------------------------------------


def test_an_earlier_timer_takes_the_place_of_a_later_one(side: FarSide) -> None:
    desk = Desk(side, reliable)
    outlet = desk.outlet
    with side.at_once():  # no timer runs meanwhile
        outlet.put("one")  # of whose rescue nothing is known yet
        later = outlet._timer_at
        assert later is not None
        outlet.on_report(Frame(int(Kind.REPORT), 1, 0, 0, Report(seen={0: 1}).pack(), None, 0))
        outlet.put("two")  # whose rescue comes sooner, since reports are quick
        earlier = outlet._timer_at
        assert earlier is not None
        assert earlier < later
        outlet._on_timer(later)  # it comes all the same, and is none of anybody's business
        assert outlet._timer_at == earlier


def test_copies_go_by_themselves(side: FarSide, until: Callable[..., None]) -> None:
    desk = Desk(side, latest, lanes=0, copies=3)
    desk.ends = [desk.add(narrow=True) for _ in range(4)]
    for end in desk.ends:  # else a kernel might tell that it is there, before a copy goes
        send_by_itself(end, 60_000)
        assert end.lane.drained
    desk.outlet.put("stop")
    until(lambda: desk.outlet.flow().parts >= 3)
    # Each over another lane.
    until(lambda: sum(0 in end.numbers() for end in desk.ends) >= 3)


# ---- lanes ------------------------------------------------------------------------------


def test_a_lane_that_drained_goes_on_by_itself(side: FarSide, until: Callable[..., None]) -> None:
    desk = Desk(side, reliable, lanes=0)
    end = desk.add(narrow=True)
    send_by_itself(end, MORE_THAN_A_KERNEL_TAKES)
    assert not end.lane.drained
    with side.at_once():
        desk.outlet.put("waits")
        desk.outlet._timer_at = 0.0  # as if a timer were near: none is set beside it
    until(lambda: 0 in end.numbers(), 10)


def test_what_waits_for_room_goes_out_over_a_lane_that_joins(
    side: FarSide, until: Callable[..., None]
) -> None:
    desk = Desk(side, reliable, lanes=0)
    desk.outlet.put("nowhere to go")
    full = desk.add(narrow=True)
    desk.ends = [full]
    until(lambda: desk.numbers() == [0])
    send_by_itself(full, MORE_THAN_A_KERNEL_TAKES)
    desk.outlet.put("no way")
    fresh = desk.add()
    until(lambda: 1 in fresh.numbers())


@pytest.mark.parametrize("policy", POLICIES, ids=str)
def test_a_lane_that_owes_a_report_and_an_acknowledgement_is_stuck(
    side: FarSide, policy: Policy, until: Callable[..., None]
) -> None:
    desk = Desk(side, policy, lanes=0)
    slow, quick = desk.add(narrow=True), desk.add()
    desk.ends = [quick]
    assert desk.outlet.stuck(0.0) == []
    for _ in range(4):  # each lane gets some
        desk.outlet.put(bytes(LARGE))
    until(lambda: desk.outlet.stuck(0.05) == [slow.number])
    # The other one brought all of it over, as its kernel tells; its receiver is only silent.
    assert quick.numbers()
    assert desk.outlet.stuck(60.0) == []
    until(lambda: slow.read() is not None and desk.outlet.stuck(0.05) == [])


@pytest.mark.parametrize("policy", POLICIES, ids=str)
def test_what_a_lost_lane_did_not_bring_goes_over_another(
    side: FarSide, policy: Policy, until: Callable[..., None]
) -> None:
    desk = Desk(side, policy, lanes=0)
    lost = desk.add(narrow=True)
    desk.outlet.put(bytes(LARGE))
    desk.outlet.put("small")
    other = desk.add()
    lost.cut()
    until(lambda: lost.lane.error is not None)
    desk.outlet.remove_lane(lost.number)
    desk.outlet.remove_lane(lost.number)
    assert [reading.number for reading in desk.outlet.lane_stats()] == [other.number]
    until(lambda: 1 in other.numbers())
    if policy.lossless:
        until(lambda: 0 in other.numbers())


def test_a_torn_report_costs_its_lane_and_no_other(
    side: FarSide, until: Callable[..., None]
) -> None:
    desk = Desk(side, reliable)
    bad, good = desk.ends
    bad.send(Kind.REPORT, b"\xc1")
    until(lambda: isinstance(bad.lane.error, pynet.RemoteProtocolError))
    desk.outlet.put("goes on")
    until(lambda: good.numbers() == [0])
    desk.report(taken=0, over=1)
    assert desk.outlet.wait_done(never, 5)


def test_what_is_told_of_the_flow(side: FarSide, until: Callable[..., None]) -> None:
    desk = Desk(side, paced(3))
    flow = desk.outlet.flow()
    assert (flow.age, flow.round_trip, flow.smallest_round_trip) == (None, None, None)
    assert (flow.in_flight, flow.parts, flow.lanes) == (0, 0, 2)
    desk.outlet.put("one")
    until(lambda: desk.numbers() == [0])
    made = desk.ends[0].read()[-1] if desk.ends[0].numbers() else desk.ends[1].read()[-1]
    age_us, since_us = 30_000, 0
    now_us = int(time.monotonic() * 1e6)
    assert made.time_us <= now_us
    desk.ends[0].report(Report(1, 0, made.time_us, age_us, since_us, {0: 1, 1: 0}))
    assert desk.outlet.wait_done(never, 5)
    flow = desk.outlet.flow()
    assert flow.age == pytest.approx(0.03)
    assert flow.round_trip is not None
    assert flow.round_trip >= (now_us - made.time_us) / 1e6
    assert flow.smallest_round_trip == flow.round_trip == desk.tally.round_trip
    assert (flow.in_flight, flow.parts, flow.dropped) == (0, 1, 0)


def test_who_waits_for_room_is_woken_by_the_first_lane(side: FarSide) -> None:
    desk = Desk(side, paced(1), lanes=0)
    waiter = Waiter(lambda: desk.outlet.wait_ready(never))
    desk.add()  # whose receiver says nothing
    woken = waiter.ended()
    desk.outlet.finish(pynet.Closed("over"))
    assert waiter.ended()
    assert woken
    assert waiter.answer is True


def test_a_timer_that_matters_does_not_wait_for_one_that_does_not(
    side: FarSide, until: Callable[..., None]
) -> None:
    desk = Desk(side, latest, lanes=4, copies=2)
    outlet = desk.outlet

    def timer() -> float:
        when = outlet._timer_at
        assert when is not None
        return when

    def near() -> float:
        until(lambda: time.monotonic() > timer() - 0.003)
        return timer()

    with side.at_once():
        outlet.put("old")
        outlet._on_timer(near())
        outlet._timer_at = None
        outlet._run()
        # The rescue of what will have been replaced by then: the reactor is not woken for it.
        relaxed = near()
        outlet.put("new")  # its copy is due after that, and must not be late
        assert timer() > relaxed
