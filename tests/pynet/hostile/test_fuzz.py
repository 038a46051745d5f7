"""The corpus, and changed pieces of it, at everything that reads what others send."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.pynet.hostile.readers import READERS, corpus

LONGEST = 4096


@pytest.mark.parametrize("name", READERS)
def test_the_corpus(name: str) -> None:
    messages = corpus(name)
    assert messages, "each reader has one"
    for message in messages:
        assert len(message) <= LONGEST
        READERS[name](message)


@pytest.mark.parametrize("name", READERS)
def test_every_beginning_of_it(name: str) -> None:
    for message in corpus(name):
        step = 1 + len(message) // 100
        for size in range(0, len(message), step):
            READERS[name](message[:size])


@st.composite
def changed(draw: st.DrawFn, messages: list[bytes]) -> bytes:
    """A message with some of it changed, dropped, repeated, or replaced by a piece of another."""
    data = bytearray(draw(st.sampled_from(messages)))
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(data)))
        length = draw(st.integers(0, 12))
        how = draw(st.sampled_from(["flip", "put", "drop", "repeat", "splice", "number"]))
        if how == "flip" and at < len(data):
            data[at] ^= draw(st.integers(1, 255))
        elif how == "put":
            data[at:at] = draw(st.binary(max_size=12))
        elif how == "drop":
            del data[at : at + length]
        elif how == "repeat":
            data[at:at] = data[at : at + length] * draw(st.integers(1, 20))
        elif how == "splice":
            other = draw(st.sampled_from(messages))
            begin = draw(st.integers(0, len(other)))
            data[at : at + length] = other[begin : begin + length]
        else:
            # What numbers are written with that nobody expects.
            data[at : at + 4] = draw(st.sampled_from([b"\0" * 4, b"\xff" * 4, b"\x7f\xff\xff\xff"]))
    return bytes(data[:LONGEST])


@pytest.mark.parametrize("name", READERS)
def test_changed_messages(name: str) -> None:
    slow = name == "pairing"  # each makes a key of a code

    @settings(max_examples=60 if slow else 400, deadline=None, derandomize=True, database=None)
    @given(message=changed(corpus(name)) | st.binary(max_size=300))
    def check(message: bytes) -> None:
        READERS[name](message)

    check()
