"""Reports travel as they are; torn ones are the other side's fault."""

from __future__ import annotations

from typing import Any

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pynet.errors import RemoteProtocolError
from pynet.policy import keep_last, latest
from pynet.swarm.report import Report, read_report
from pynet.swarm.sender import SwarmSender
from pynet.wire.frames import Frame, Kind

numbers = st.integers(0, (1 << 64) - 1)


def as_frame(meta: bytes, floor: int = 0, time_us: int = 0) -> Frame:
    return Frame(int(Kind.REPORT), 1, floor, time_us, meta, None, 28 + len(meta))


@given(
    floor=numbers,
    taken=st.integers(-1, 1 << 60),
    time_us=numbers,
    age_us=numbers,
    since_us=numbers,
    seen=st.dictionaries(st.integers(0, 1 << 32), numbers, max_size=80),
    have=st.dictionaries(numbers, numbers, max_size=64),
)
def test_round_trip(
    floor: int,
    taken: int,
    time_us: int,
    age_us: int,
    since_us: int,
    seen: dict[int, int],
    have: dict[int, int],
) -> None:
    report = Report(floor, taken, time_us, age_us, since_us, seen, have)
    assert read_report(as_frame(report.pack(), floor, time_us)) == report


@given(st.binary(max_size=60))
def test_noise(meta: bytes) -> None:
    try:
        read_report(as_frame(meta))
    except RemoteProtocolError:
        return


@pytest.mark.parametrize(
    "content",
    [
        [],
        [1, 2, 3],
        [1, 2, 3, [1], []],
        [1, 2, 3, [], [1, 2, 3]],
        [1.5, 2, 3, [], []],
        [True, 2, 3, [], []],
        ["1", 2, 3, [], []],
        [1, 2, 3, {"a": 1}, []],
        [1, 2, 3, [[1], [2]], []],
        [1, 2, 3, None, []],
        [1, 2, 3, [0] * 5000, []],
        {"taken": 1},
        "text",
        None,
    ],
)
def test_torn_reports(content: Any) -> None:
    with pytest.raises(RemoteProtocolError):
        read_report(as_frame(msgpack.packb(content)))


hostile_numbers = st.integers(-(1 << 63), (1 << 64) - 1)


@given(
    floor=numbers,
    taken=hostile_numbers,
    age_us=hostile_numbers,
    time_us=numbers,
    seen=st.dictionaries(hostile_numbers, hostile_numbers, max_size=8),
    have=st.dictionaries(st.integers(0, 12), hostile_numbers, max_size=8),
    policy=st.sampled_from([latest, keep_last(3)]),
)
def test_lies_do_a_sender_no_harm(
    floor: int,
    taken: int,
    age_us: int,
    time_us: int,
    seen: dict[int, int],
    have: dict[int, int],
    policy: Any,
) -> None:
    sender = SwarmSender(policy)
    for number in range(10):
        sender.put(number, bytes(2000 * (number % 3) + 1), ())
    before = sender.next_id
    report = Report(floor, taken, time_us, age_us, age_us, seen, have)
    frame = as_frame(report.pack(), floor, time_us)
    sender.on_report(read_report(frame), 1.0)
    sender.run(1.0)
    assert sender.next_id == before
    assert 0 <= sender.floor <= before
    assert sender.put(11, b"x", ()) == before
