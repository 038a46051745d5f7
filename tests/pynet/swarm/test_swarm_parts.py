"""Items cut into parts, and put together again whatever the order."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pynet.errors import RemoteProtocolError
from pynet.swarm.parts import MOST_PARTS, PART_SIZE, Assembly, cut


def as_array(part: memoryview | bytes) -> np.ndarray:
    return np.frombuffer(part, np.uint8)


@given(
    meta=st.binary(min_size=1, max_size=400),
    body=st.lists(st.binary(max_size=600), max_size=4),
    size=st.integers(16, 300),
    data=st.data(),
)
def test_any_order_with_duplicates(
    meta: bytes, body: list[bytes], size: int, data: st.DataObject
) -> None:
    parts = cut(meta, body, size)
    whole = b"".join((meta, *body))
    assert b"".join(parts) == whole
    assert len(parts) <= MOST_PARTS
    assert len({len(part) for part in parts[:-1]}) <= 1
    if len(parts) < 2:
        return
    assembly = Assembly(len(parts), len(meta), 7)
    order = data.draw(st.permutations(range(len(parts))))
    repeats = data.draw(st.lists(st.sampled_from(order[:-1]), max_size=20))
    for index in order[:-1]:
        assert not assembly.add(index, as_array(parts[index]))
    for index in repeats:
        assert not assembly.add(index, as_array(b"x" * 10))
    assert assembly.have == (1 << len(parts)) - 1 - (1 << order[-1])
    assert assembly.add(order[-1], as_array(parts[order[-1]]))
    assert assembly.size == len(whole)
    joined_meta, joined_body = assembly.join()
    assert joined_meta == meta
    assert (b"" if joined_body is None else joined_body.tobytes()) == b"".join(body)


@pytest.mark.parametrize("size", [1, PART_SIZE, PART_SIZE + 1, PART_SIZE * 64, 5_000_000])
def test_equal_parts_of_a_packet_each_or_64_larger_ones(size: int) -> None:
    parts = cut(b"m", [bytes(size - 1)])
    assert sum(map(len, parts)) == size
    assert len(parts) == min(MOST_PARTS, -(-size // PART_SIZE))


def test_what_is_cut_is_a_copy() -> None:
    body = bytearray(5000)
    parts = cut(b"m", [body])
    body[:] = b"x" * 5000
    assert b"x" not in b"".join(parts)


@pytest.mark.parametrize(("count", "meta_len"), [(0, 1), (1, 1), (65, 1), (-1, 1), (2, 0), (2, -5)])
def test_impossible_items_are_refused(count: int, meta_len: int) -> None:
    with pytest.raises(RemoteProtocolError):
        Assembly(count, meta_len, 0)


@pytest.mark.parametrize("index", [-1, 2, 1 << 40])
def test_impossible_parts_are_refused(index: int) -> None:
    with pytest.raises(RemoteProtocolError):
        Assembly(2, 1, 0).add(index, as_array(b"abc"))


def test_more_msgpack_announced_than_there_are_bytes() -> None:
    assembly = Assembly(2, 1 << 60, 0)
    assembly.add(0, as_array(b"ab"))
    assert assembly.add(1, as_array(b"c"))
    assert assembly.join() == (b"abc", None)
