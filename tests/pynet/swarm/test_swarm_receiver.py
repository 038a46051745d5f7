"""The receiving end alone: hostile senders, and what it keeps."""

from __future__ import annotations

from typing import Any

import msgpack
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pynet.errors import LimitExceeded, RemoteProtocolError
from pynet.policy import Policy, keep_last, latest, paced, reliable
from pynet.swarm.receiver import HOLE_PATIENCE, SwarmReceiver
from pynet.swarm.report import read_report
from pynet.wire.frames import Frame, Kind
from pynet.wire.limits import Limits

POLICIES = [latest, keep_last(3), reliable, paced(2)]


def whole(seq: int, meta: bytes = b"m", body: Any = None) -> Frame:
    return Frame(int(Kind.ITEM), 1, seq, 5, meta, body, 0)


def part(seq: int, meta: Any, body: bytes | None = b"data") -> Frame:
    raw = None if body is None else np.frombuffer(body, np.uint8)
    packed = meta if isinstance(meta, bytes) else msgpack.packb(meta)
    return Frame(int(Kind.PART), 1, seq, 5, packed, raw, 0)


def receiver(policy: Policy, **limits: Any) -> SwarmReceiver:
    made = SwarmReceiver(policy, Limits(**limits))
    made.add_lane(0)
    return made


def take_all(receiver: SwarmReceiver) -> list[int]:
    ids = []
    while receiver.ready:
        ids.append(receiver.take().id)
    return ids


@pytest.mark.parametrize(
    "meta",
    [
        b"",
        b"\xc1",
        b"\xdd\xff\xff\xff\xff",
        [],
        [1, 2],
        [0, 2, 1, 1],
        [0.0, 2, 1],
        [True, 2, 1],
        [0, "2", 1],
        [0, 2, None],
        [0, 2, 0],
        [0, 1, 1],
        [0, 65, 1],
        [0, -2, 1],
        [-1, 2, 1],
        [2, 2, 1],
        {"index": 0},
        7,
    ],
)
def test_torn_parts(meta: Any) -> None:
    with pytest.raises(RemoteProtocolError):
        receiver(latest).on_part(part(0, meta), 0, 0.0)


def test_a_part_of_nothing() -> None:
    with pytest.raises(RemoteProtocolError):
        receiver(latest).on_part(part(0, [0, 2, 1], None), 0, 0.0)


def test_a_part_that_contradicts_the_first() -> None:
    made = receiver(latest)
    made.on_part(part(0, [0, 2, 1]), 0, 0.0)
    with pytest.raises(RemoteProtocolError):
        made.on_part(part(0, [5, 9, 1]), 0, 0.0)


def test_parts_cannot_smuggle_in_what_is_too_large_in_one_piece() -> None:
    made = receiver(latest, meta=1000, body=5000)
    with pytest.raises(LimitExceeded):
        made.on_part(part(0, [0, 2, 1001]), 0, 0.0)
    made = receiver(latest, meta=1000, body=5000)
    for index in range(6):
        made.on_part(part(0, [index, 64, 1], bytes(1000)), 0, 0.0)
    with pytest.raises(LimitExceeded):
        made.on_part(part(0, [6, 64, 1], bytes(1000)), 0, 0.0)


frames = st.lists(
    st.one_of(
        st.builds(whole, st.integers(0, 40), st.binary(min_size=1, max_size=30)),
        st.builds(
            part,
            st.integers(0, 40),
            st.tuples(st.integers(-1, 5), st.integers(1, 5), st.integers(0, 9)),
            st.binary(min_size=1, max_size=30),
        ),
        st.builds(whole, st.integers(0, (1 << 64) - 1)),
    ),
    max_size=200,
)


@settings(deadline=None)
@given(frames=frames, policy=st.sampled_from(POLICIES), hungry=st.booleans())
@example([part(1, (0, 2, 1), b"\0"), part(1, (1, 2, 1), b"\0")], reliable, False)
@example([part(1, (0, 2, 1), b"\0"), part(1, (1, 2, 1), b"\0\0")], reliable, False)
def test_whatever_comes(frames: list[Frame], policy: Policy, hungry: bool) -> None:
    made = receiver(policy)
    taken: list[int] = []
    for number, frame in enumerate(frames):
        now = number * 0.01
        try:
            (made.on_item if frame.kind == Kind.ITEM else made.on_part)(frame, 0, now)
        except RemoteProtocolError:
            continue
        if hungry:
            taken += take_all(made)
        packed = made.report(now).pack()
        floor = min(made.report(now).floor, (1 << 64) - 1)
        read_report(Frame(int(Kind.REPORT), 1, floor, 0, packed, None, 0))
    taken += take_all(made)
    assert taken == sorted(set(taken))
    if policy.lossless:
        assert taken == list(range(len(taken)))
    held = sum(a.size for a in made._partial.values())
    for arrived in made._whole.values():
        held += 256 + len(arrived.meta) + (0 if arrived.body is None else len(arrived.body))
    assert made.bytes_waiting == held


@pytest.mark.parametrize("policy", POLICIES, ids=str)
@pytest.mark.parametrize("whole_items", [True, False])
@pytest.mark.parametrize("from_one", [True, False])
def test_a_flood_is_bounded(policy: Policy, whole_items: bool, from_one: bool) -> None:
    made = receiver(policy, inbox=100_000, body=100_000)
    count = 0
    for number in range(20_000):
        seq = number + from_one  # beginning with 1 leaves a hole
        try:
            if whole_items:
                made.on_item(whole(seq, b"m" * 100), 0, 0.0)
            else:
                made.on_part(part(seq, [0, 2, 1], bytes(100)), 0, 0.0)
        except RemoteProtocolError:
            break
        count += 1
        assert made.bytes_waiting <= 201_000
        assert len(made._whole) + len(made._partial) + len(made._ready) <= 4097
    if policy.lossless:
        assert count < 5000


def test_keep_last_waits_for_a_hole_but_not_for_ever() -> None:
    made = receiver(keep_last(10))
    made.on_item(whole(0), 0, 1.0)
    assert take_all(made) == [0]
    assert made.due is None
    made.on_item(whole(2), 0, 1.0)
    made.on_item(whole(3), 0, 1.1)
    assert take_all(made) == []
    assert made.due == 1.0 + HOLE_PATIENCE
    made.on_time(1.1)
    assert take_all(made) == []
    made.on_time(1.0 + HOLE_PATIENCE)
    assert made.take().gap == 1
    assert take_all(made) == [3]
    assert made.due is None
    made.on_item(whole(1), 0, 1.2)
    assert take_all(made) == []
    assert made.duplicates == 1


def test_the_end_gives_up_what_is_missing() -> None:
    made = receiver(keep_last(10))
    for seq in (0, 2, 4):
        made.on_item(whole(seq), 0, 1.0)
    made.on_end(6)
    assert made.ending
    assert not made.ended
    assert take_all(made) == [0, 2, 4]
    assert made.ended


def test_a_lossless_flow_ends_when_all_has_come() -> None:
    made = receiver(paced(2))
    made.on_end(2)
    made.on_item(whole(1), 0, 1.0)
    assert not made.ended
    made.on_item(whole(0), 0, 9.0)
    assert take_all(made) == [0, 1]
    assert made.ended


def test_what_a_lost_lane_left_behind_is_not_reported() -> None:
    made = receiver(latest)
    for number in range(1, 2000):
        made.add_lane(number)
        made.remove_lane(number)
        made.on_item(whole(number), number, 0.0)
    assert made.report(1.0).seen == {0: 0}


def test_with_latest_the_newest_waits_and_the_gap_is_true() -> None:
    made = receiver(latest)
    for seq in (3, 5, 4, 9, 9, 8):
        made.on_item(whole(seq), 0, 0.0)
    item = made.take()
    assert (item.id, item.gap) == (9, 6)
    assert made.dropped == 6
    assert made.duplicates == 3
    assert not made.ready


def test_the_largest_report_can_be_read() -> None:
    made = receiver(reliable)
    for lane in range(1, 80):
        made.add_lane(lane)
    for seq in range(1, 100):
        made.on_item(whole(seq), 0, 0.0)
        made.on_part(part(1000 + seq, [63, 64, 1]), 0, 0.0)
    report = made.report(1.0)
    packed = report.pack()
    assert read_report(Frame(int(Kind.REPORT), 1, report.floor, 0, packed, None, 0)) == report
