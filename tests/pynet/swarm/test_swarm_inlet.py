"""A swarm's receiving end over real lanes: taking, reporting, and what must not come."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import pynet
from pynet.inlet import ItemInfo
from pynet.policy import Policy, keep_last, latest, paced, reliable
from pynet.stats import Tally
from pynet.swarm.inlet import LATER, SwarmInlet
from pynet.swarm.receiver import Arrived
from pynet.wire.frames import Frame, Kind
from pynet.wire.limits import Limits
from pynet.wire.values import Encoder
from tests.pynet.swarm.far_end import FarEnd, FarSide, part_note


@pytest.fixture
def side() -> Iterator[FarSide]:
    with FarSide() as side:
        yield side


class Desk:
    """An inlet with some lanes, and what it noted."""

    def __init__(self, side: FarSide, policy: Policy, lanes: int = 2, **options: Any) -> None:
        self.side = side
        self.tally = Tally()
        self.events: list[tuple[int, Frame]] = []
        self.inlet = SwarmInlet(
            policy,
            self.tally,
            side.reactor,
            Limits(),
            lambda number, frame: self.events.append((number, frame)),
            **options,
        )
        self.ends = [self.add() for _ in range(lanes)]

    def add(self, *, narrow: bool = False) -> FarEnd:
        end = self.side.open(Kind.OPEN_STREAM, narrow=narrow)
        self.inlet.add_lane(end.number, end.lane)
        return end

    def take(self) -> tuple[Any, ItemInfo, Arrived]:
        """The next item, which must come."""
        taken = self.inlet.take(5)
        assert taken is not None
        return taken

    def value(self) -> Any:
        return self.take()[0]


class Taker:
    """Waits for items on a thread of its own, as long as it takes."""

    def __init__(self, inlet: SwarmInlet) -> None:
        self.values: list[Any] = []
        self.error: pynet.PynetError | None = None
        self._inlet = inlet
        self._thread = threading.Thread(target=self._run, name="pynet-test-taker")
        self._thread.start()

    def _run(self) -> None:
        try:
            while (taken := self._inlet.take()) is not None:
                self.values.append(taken[0])
        except pynet.PynetError as error:
            self.error = error

    def ended(self) -> bool:
        """It got its last word, soon."""
        self._thread.join(5)
        return not self._thread.is_alive()


def test_taking_waits_no_longer_than_it_is_told(side: FarSide) -> None:
    desk = Desk(side, latest)
    for timeout in (0, 0.01):
        assert desk.inlet.take(timeout) is None
    assert not desk.inlet.over
    desk.ends[1].send_item(7, {"steer": 0.5})
    value, info, item = desk.take()
    assert value == {"steer": 0.5}
    assert (info.id, info.gap, item.id) == (7, 0, 7)
    assert 0 <= info.age < 60
    assert desk.inlet.take(0.01) is None
    assert desk.tally.items == 1


def test_whichever_lane_brings_it(side: FarSide) -> None:
    desk = Desk(side, reliable, lanes=3)
    meta, body = Encoder().encode(np.arange(3000, dtype=np.uint16))
    whole = meta + b"".join(body)
    pieces = [whole[start : start + 2000] for start in range(0, len(whole), 2000)]
    for index in (2, 0, 3, 1):
        note = part_note(index, len(pieces), len(meta))
        desk.ends[index % 3].send(Kind.PART, note, pieces[index], seq=0)
    assert (desk.value() == np.arange(3000)).all()
    for end in desk.ends:
        end.send_item(1, "once")
    assert desk.value() == "once"
    desk.ends[0].send_item(2, "then")
    assert desk.value() == "then"
    assert desk.inlet.take(0.01) is None


def test_copies_are_counted_as_such(side: FarSide, until: Callable[..., None]) -> None:
    desk = Desk(side, reliable)
    for end in desk.ends:
        end.send_item(0, "twice")
    assert desk.value() == "twice"
    until(lambda: desk.tally.duplicates == 1)


def test_a_taker_waits_for_a_hole_no_longer_than_it_is_worth(side: FarSide) -> None:
    desk = Desk(side, keep_last(50))
    desk.ends[0].send_item(0, "zero")
    desk.ends[0].send_item(2, "two")
    assert desk.value() == "zero"
    # Nothing else comes: a timer makes it go on.
    value, info, _ = desk.take()
    assert (value, info.gap) == ("two", 1)
    assert desk.tally.dropped == 1


# ---- what must not come -----------------------------------------------------------------

GARBAGE = [
    (b"", b"data"),
    (b"\xc1", b"data"),
    (part_note(0, 2, 1), b""),
    (part_note(9, 2, 1), b"data"),
    (part_note(0, 65, 1), b"data"),
    (part_note(0, 2, -1), b"data"),
    (part_note(0, 2, 1 << 40), b"data"),
]


@pytest.mark.parametrize(("meta", "body"), GARBAGE)
def test_garbage_costs_its_lane_and_no_other(
    side: FarSide, meta: bytes, body: bytes, until: Callable[..., None]
) -> None:
    desk = Desk(side, reliable)
    good, bad = desk.ends
    bad.send_item(0, "before")
    assert desk.value() == "before"
    bad.send(Kind.PART, meta, body, seq=1)
    until(lambda: bad.lane.error is not None)
    assert isinstance(bad.lane.error, pynet.RemoteProtocolError)
    assert b"RemoteProtocolError" in bad.wait_for(Kind.GOODBYE).meta or isinstance(
        bad.lane.error, pynet.LimitExceeded
    )
    desk.inlet.remove_lane(bad.number)
    good.send_item(1, "after")
    assert desk.value() == "after"
    assert good.lane.error is None
    until(lambda: good.reports() and good.reports()[-1].seen == {good.number: 1})


def test_a_batch_over_a_swarm_costs_its_lane(side: FarSide, until: Callable[..., None]) -> None:
    desk = Desk(side, reliable)
    desk.ends[0].send(Kind.ITEMS, b"\x90")
    until(lambda: isinstance(desk.ends[0].lane.error, pynet.RemoteProtocolError))
    desk.ends[1].send_item(0, "on")
    assert desk.value() == "on"


def test_what_came_before_garbage_still_counts(side: FarSide) -> None:
    desk = Desk(side, reliable)
    end = desk.ends[0]
    desk.ends[1].send_item(0, "zero")
    assert desk.value() == "zero"
    with side.at_once():
        end.send_item(1, "one")
        end.send(Kind.ERROR, b"\x80")
    assert desk.value() == "one"
    assert end.lane.error is None


@pytest.mark.parametrize("policy", [latest, keep_last(5), reliable, paced(3)], ids=str)
def test_an_item_that_cannot_be_read_is_followed_by_the_next(
    side: FarSide, policy: Policy, until: Callable[..., None]
) -> None:
    desk = Desk(side, policy)
    end = desk.ends[0]
    end.send(Kind.ITEM, b"\xc1", seq=0)
    with pytest.raises(pynet.DecodeError):
        desk.take()
    end.send_item(1, "fine")
    value, info, item = desk.take()
    assert (value, info.gap) == ("fine", 0)
    assert desk.tally.items == 1
    desk.inlet.taken(item, info)

    # The sender must not wait for either of them.
    def newest() -> list[int]:
        return [report.taken for end in desk.ends for report in end.reports()]

    until(lambda: newest() and max(newest()) == 1)
    assert end.lane.error is None


def test_last_words_are_passed_on(side: FarSide, until: Callable[..., None]) -> None:
    desk = Desk(side, latest)
    desk.ends[1].send(Kind.ERROR, b"\x80")
    until(lambda: desk.events)
    assert [(number, frame.kind) for number, frame in desk.events] == [(1, Kind.ERROR)]


# ---- ends -------------------------------------------------------------------------------


@pytest.mark.parametrize("error", [None, pynet.StreamLost("gone")])
def test_stopping_wakes_who_waits(side: FarSide, error: pynet.PynetError | None) -> None:
    desk = Desk(side, latest)
    taker = Taker(desk.inlet)
    desk.inlet.stop(error)
    assert taker.ended()
    assert taker.error is error
    assert desk.inlet.over is (error is None)
    if error is None:
        assert desk.inlet.take() is None
        assert desk.inlet.fetch(None) == []
    else:
        with pytest.raises(pynet.StreamLost, match="gone"):
            desk.inlet.take()
    desk.inlet.stop(pynet.Closed("too late"))  # the first word counts
    if error is not None:
        with pytest.raises(pynet.StreamLost, match="gone"):
            desk.inlet.take(0)


def test_a_lossless_flow_ends_after_its_last_item(
    side: FarSide, until: Callable[..., None]
) -> None:
    desk = Desk(side, paced(3), lanes=3)
    taker = Taker(desk.inlet)
    for end in desk.ends:
        end.send(Kind.END, seq=3)
    until(lambda: desk.inlet.ending)
    assert not desk.inlet.over
    # Each lane has ended, but one that took another's place brings what was lost.
    late = desk.add()
    for number in (2, 0, 1):
        late.send_item(number, number)
    assert taker.ended()
    assert taker.values == [0, 1, 2]
    assert taker.error is None
    assert desk.inlet.over


def test_a_live_flow_ends_with_what_is_there(side: FarSide) -> None:
    desk = Desk(side, latest)
    desk.ends[0].send_item(4, "newest")
    desk.ends[0].send(Kind.END, seq=9)
    assert desk.inlet.fetch(5) is not None
    assert desk.inlet.fetch(5) == []
    assert desk.inlet.over


# ---- reports ----------------------------------------------------------------------------


def occupy(end: FarEnd, until: Callable[..., None]) -> None:
    """Something of this side's is on its way over a lane, and does not arrive."""
    end.lane.send(Kind.CREDIT, meta=bytes(400_000))
    until(end.lane.unacked)


def test_a_report_goes_over_a_lane_where_nothing_stands_before_it(
    side: FarSide, until: Callable[..., None]
) -> None:
    desk = Desk(side, reliable, lanes=0, takes_at_once=True)
    busy, idle = desk.add(narrow=True), desk.add()
    until(lambda: idle.reports() and busy.reports())
    occupy(busy, until)
    for number in range(3):
        until(lambda: idle.lane.unacked() == 0)
        busy.send_item(number, number)
        assert desk.value() == number
        until(lambda: idle.reports() and idle.reports()[-1].floor == number + 1)  # noqa: B023
    assert idle.reports()[-1].seen == {busy.number: 3, idle.number: 0}
    assert busy.lane.unacked(), "it was occupied all the time"


def test_a_report_takes_the_acknowledgement_of_its_lane_along(
    side: FarSide, until: Callable[..., None]
) -> None:
    desk = Desk(side, reliable, lanes=3, takes_at_once=True)
    for number, end in enumerate(desk.ends):
        before = [len(other.reports()) for other in desk.ends]
        until(lambda: all(not end.lane.unacked() for end in desk.ends))
        end.send_item(number, "x")
        until(lambda: end.reports() and end.reports()[-1].floor == number + 1)  # noqa: B023
        after = [len(other.reports()) for other in desk.ends]
        grown = [index for index in range(3) if after[index] > before[index]]
        assert end.number in grown


def test_reports_about_commands_are_few(side: FarSide, until: Callable[..., None]) -> None:
    desk = Desk(side, latest, takes_at_once=True, sparing=True)
    begun = time.monotonic()
    for number in range(60):
        desk.ends[number % 2].send_item(number, number)
        _, info, item = desk.take()
        desk.inlet.taken(item, info)

    def reports() -> list[Any]:
        return [report for end in desk.ends for report in end.reports()]

    until(lambda: reports() and max(report.taken for report in reports()) == 59)
    # One when a lane is added, then at most one in so many seconds: they are late, never early.
    most = 2 + (time.monotonic() - begun) / LATER
    assert len(reports()) <= most
    assert len(reports()) < 60


def test_parts_are_reported_at_once_by_the_sparing_too(
    side: FarSide, until: Callable[..., None]
) -> None:
    desk = Desk(side, latest, takes_at_once=True, sparing=True)
    end = desk.ends[0]
    end.send(Kind.PART, part_note(2, 5, 3), b"data", seq=0)
    until(lambda: any(report.have == {0: 4} for end in desk.ends for report in end.reports()))


def test_nothing_is_reported_of_a_lane_that_is_gone(
    side: FarSide, until: Callable[..., None]
) -> None:
    desk = Desk(side, reliable)
    first, second = desk.ends
    first.send_item(0, 0)
    assert desk.value() == 0
    first.cut()
    until(lambda: first.lane.error is not None)
    desk.inlet.remove_lane(first.number)
    assert [reading.number for reading in desk.inlet.lane_stats()] == [second.number]
    second.send_item(1, 1)
    until(lambda: second.reports() and second.reports()[-1].seen == {second.number: 1})


def test_all_lanes_keep_one_clock(side: FarSide, until: Callable[..., None]) -> None:
    desk = Desk(side, latest)
    late = desk.add()
    for end in (*desk.ends, late):
        assert end.lane.connection.clock is desk.inlet.clock
    assert desk.inlet.clock.rtt is None
    late.lane.ping(time.monotonic())
    # Reading answers it.
    until(lambda: late.read() is not None and desk.inlet.clock.rtt is not None)
    assert desk.inlet.clock is desk.ends[0].lane.connection.clock


def test_what_came_before_garbage_is_not_forgotten(side: FarSide) -> None:
    desk = Desk(side, reliable)
    with side.at_once():
        taker = threading.Thread(target=desk.value, name="pynet-test-taker")
        taker.start()
        desk.ends[0].send_item(0, "good")
        desk.ends[0].send(Kind.PART, b"\xc1", b"data", seq=1)
    taker.join(2)
    woken = not taker.is_alive()
    desk.inlet.stop(None)
    taker.join(5)
    assert woken, "nothing else comes, so nobody else would wake it"


def test_when_no_lane_is_idle_a_report_goes_where_least_stands_before_it(
    side: FarSide, until: Callable[..., None]
) -> None:
    desk = Desk(side, reliable, lanes=0, takes_at_once=True)
    stuck, busy = desk.add(narrow=True), desk.add(narrow=True)
    until(lambda: stuck.reports() or busy.reports())
    occupy(stuck, until)
    busy.lane.send(Kind.CREDIT, meta=bytes(40_000))
    until(busy.lane.unacked)
    stuck.send_item(0, "zero")
    assert desk.value() == "zero"
    # The lane with little on its way is read at last, the other one is not.
    until(lambda: busy.reports() and busy.reports()[-1].floor == 1)
