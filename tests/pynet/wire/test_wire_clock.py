"""The estimate of the other side's clock is as good as the round trip allows."""

from __future__ import annotations

import msgpack
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pynet.errors import RemoteProtocolError
from pynet.testing import MemoryLink
from pynet.wire.clock import ClockEstimate
from pynet.wire.frames import HEADER, Kind
from pynet.wire.states import Side

C, G = Side.CONTROLLER, Side.GATEWAY

RESOLUTION = 2e-6  # both times of a PONG are cut to whole microseconds

seconds = st.floats(0, 2.0)


@settings(max_examples=60, deadline=None)
@given(
    offset=st.floats(-900, 1e6),
    delays=st.lists(st.tuples(seconds, seconds), min_size=1, max_size=30),
    side=st.sampled_from(Side),
)
@example(offset=0.0, delays=[(0.0, 0.0)], side=C)
def test_the_error_is_at_most_half_the_round_trip(
    offset: float, delays: list[tuple[float, float]], side: Side
) -> None:
    link = MemoryLink(offset=offset)
    link.greet()
    clock = (link.controller if side is C else link.gateway).clock
    true = offset if side is C else -offset
    for there_and_back in delays:
        link.delay = there_and_back
        link.ping(side)
        link.settle()
        assert clock.rtt == pytest.approx(sum(there_and_back), abs=RESOLUTION)
    shortest = min(sum(pair) for pair in delays[-ClockEstimate.MEMORY :])
    assert clock.rtt_min == pytest.approx(shortest, abs=RESOLUTION)
    assert clock.offset is not None
    assert abs(clock.offset - true) <= shortest / 2 + RESOLUTION


def test_equal_delays_give_the_offset_itself() -> None:
    link = MemoryLink(offset=123.5, delay=0.040)
    link.greet()
    link.ping(C)
    link.ping(G)
    link.settle()
    assert link.controller.clock.offset == pytest.approx(123.5, abs=RESOLUTION)
    assert link.gateway.clock.offset == pytest.approx(-123.5, abs=RESOLUTION)
    assert link.controller.clock.rtt == pytest.approx(0.080, abs=RESOLUTION)


def test_one_quick_heartbeat_outweighs_slow_ones_until_it_is_forgotten() -> None:
    clock = ClockEstimate()
    clock.add(sent=0.0, received=10.001, replied=10.001, now=0.002)
    for _ in range(ClockEstimate.MEMORY - 1):
        clock.add(sent=1.0, received=11.9, replied=11.9, now=2.0)
    assert clock.offset == pytest.approx(10.0)
    assert clock.rtt_min == pytest.approx(0.002)
    assert clock.rtt == pytest.approx(1.0)
    clock.add(sent=1.0, received=11.9, replied=11.9, now=2.0)
    assert clock.rtt_min == pytest.approx(1.0)
    assert clock.offset == pytest.approx(10.4)


def test_nothing_is_known_before_the_first_heartbeat() -> None:
    clock = ClockEstimate()
    assert clock.rtt is clock.rtt_min is clock.offset is None


def test_an_answer_from_before_the_question_counts_as_no_time() -> None:
    clock = ClockEstimate()
    clock.add(sent=1.0, received=5.0, replied=7.0, now=1.5)
    assert clock.rtt == 0.0


@pytest.mark.parametrize("nonsense", [float("nan"), float("inf"), -float("inf")])
def test_times_that_are_none_are_refused(nonsense: float) -> None:
    clock = ClockEstimate()
    with pytest.raises(ValueError, match="finite"):
        clock.add(sent=1.0, received=nonsense, replied=2.0, now=3.0)
    assert clock.offset is None


HOSTILE_PONGS = [
    b"",
    b"\xc1",
    msgpack.packb(None),
    msgpack.packb([1]),
    msgpack.packb([1, 2, 3]),
    msgpack.packb(["a", "b"]),
    msgpack.packb({"a": 1, "b": 2}),
    msgpack.packb([float("nan"), 1]),
    msgpack.packb([1, float("inf")]),
    msgpack.packb([[1], [2]]),
    b"\x91" * 2000,
    b"\x92\x01",
    b"\xdd\xff\xff\xff\xff",
    b"\x81\x90\x01",
    b"\xd7\xff" + b"\xff" * 8,
]


@pytest.mark.parametrize("meta", HOSTILE_PONGS, ids=lambda meta: meta[:8].hex() or "empty")
def test_a_broken_pong_is_the_other_sides_fault(meta: bytes) -> None:
    link = MemoryLink()
    link.greet()
    with pytest.raises(RemoteProtocolError, match="PONG"):
        link.controller.receive(HEADER.pack(Kind.PONG, 0, 0, len(meta), 0, 0, 5) + meta, 1.0)
    assert link.controller.clock.offset is None


def test_an_estimate_is_doubtful_while_a_few_long_round_trips_are_all_there_is() -> None:
    clock = ClockEstimate()
    assert not clock.doubtful
    clock.add(0.0, 101.0, 101.0, 1.0)  # the other end slept for a second, then answered
    assert clock.doubtful
    clock.add(1.05, 101.051, 101.051, 1.052)
    assert not clock.doubtful
    assert clock.offset == pytest.approx(100.0)


def test_a_long_way_is_believed_in_the_end() -> None:
    clock = ClockEstimate()
    for sent in range(clock.FEW):
        assert clock.doubtful == (sent > 0)
        clock.add(sent, sent + 0.15, sent + 0.15, sent + 0.3)
    assert not clock.doubtful
