"""Which lane takes the next frame."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from pynet.swarm.lanes import (
    SPARE_SHARE,
    SendLane,
    idle_lane,
    least_bad_lane,
    settled_lane,
    spare_lane,
    trusted_lane,
)
from pynet.wire.frames import Kind
from pynet.wire.values import Buffer

NOW = 10.0


@dataclass
class KnownPort:
    """A lane of which all is known."""

    number: int
    open: bool = True
    bytes_out: int | None = 0

    def ready(self) -> bool:
        return self.open

    def unacked(self) -> int | None:
        return self.bytes_out

    def send(
        self,
        kind: Kind,
        meta: bytes,
        body: Buffer | None,
        seq: int,
        time_us: int,
        *,
        hold: bool = False,
    ) -> bool:
        return self.open


states = st.tuples(
    st.booleans(), st.sampled_from([None, 0, 100]), st.lists(st.floats(0, 1), max_size=4)
)


def lanes_of(notes: list[tuple[bool, int | None, list[float]]]) -> list[SendLane]:
    lanes = []
    for number, (is_open, unacked, flights) in enumerate(notes):
        lane = SendLane(KnownPort(number, is_open, unacked))
        for age in sorted(flights, reverse=True):
            lane.on_sent(NOW - age, idle=False)
        lanes.append(lane)
    return lanes


@given(st.lists(states, max_size=9), st.sets(st.integers(0, 8)))
def test_the_choice(notes: list[tuple[bool, int | None, list[float]]], tried: set[int]) -> None:
    lanes = lanes_of(notes)
    idle = [lane for lane in lanes if lane.port.ready() and lane.idle()]
    fresh = [lane for lane in idle if lane.number not in tried]
    assert idle_lane(lanes, tried) is (fresh or idle or [None])[0]
    spare = spare_lane(lanes, tried)
    enough = len(idle) >= SPARE_SHARE * len(lanes)
    assert spare is ((fresh or [None])[0] if enough else None)
    trusted = trusted_lane(lanes, NOW, most=3, patience=0.1, tried=tried)
    if trusted is not None:
        assert trusted.port.ready()
        assert trusted.waiting_for(NOW) <= 0.1
    bad = least_bad_lane(lanes, NOW)
    assert (bad is None) == (not any(lane.port.ready() for lane in lanes))
    settled = settled_lane(lanes, NOW, patience=0.1)
    if settled is not None:
        before = lanes[: lanes.index(settled)]
        assert all(not lane.port.ready() or lane.waiting_for(NOW) > 0.1 for lane in before)


def test_reports_clear_what_is_in_flight() -> None:
    lane = SendLane(KnownPort(0, bytes_out=None))
    assert lane.idle()
    lane.on_sent(1.0, idle=True)
    lane.on_sent(1.5, idle=False)
    assert not lane.idle()
    assert lane.waiting_for(2.0) == 1.0
    assert lane.on_seen(1, 3.0) == [2.0]
    assert lane.on_seen(1, 4.0) == []
    assert lane.on_seen(1 << 60, 4.0) == [2.5]
    assert lane.seen == 2
    assert lane.idle()


def test_an_acknowledged_lane_has_nothing_in_flight_though_the_report_is_late() -> None:
    lane = SendLane(KnownPort(0, bytes_out=0))
    for _ in range(1000):
        lane.on_sent(1.0, idle=True)
    assert len(lane.flights) == 1
