"""Frames survive any tearing of the byte stream."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pynet.errors import EncodeError, LocalProtocolError
from pynet.wire.connection import Connection
from pynet.wire.frames import HEADER, HEADER_SIZE, MAGIC, PREAMBLE, Frame, Kind
from pynet.wire.limits import Limits
from pynet.wire.states import Side, State

C, G = Side.CONTROLLER, Side.GATEWAY


def raw(
    kind: int, *, exchange: int = 0, meta: bytes = b"", body: bytes = b"", seq: int = 0
) -> bytes:
    return HEADER.pack(kind, 0, exchange, len(meta), len(body), seq, 7) + meta + body


def greeted_gateway() -> Connection:
    gateway = Connection(G, Limits(), 0.0)
    gateway.receive(PREAMBLE + raw(Kind.HELLO), 0.0)
    gateway.send(Kind.WELCOME, 0.0)
    return gateway


def conversation(contents: Iterable[tuple[bytes, bytes]]) -> bytes:
    """What a controller may send: a feed with so many items, and heartbeats between them."""
    stream = raw(Kind.OPEN_FEED, exchange=1, meta=b"\xc0")
    for seq, (meta, body) in enumerate(contents):
        stream += raw(Kind.ITEM, exchange=1, meta=meta, body=body, seq=seq)
        if seq % 3 == 2:
            stream += raw(Kind.PING)
    return stream + raw(Kind.END, exchange=1)


def comparable(frames: Iterable[Frame]) -> list[tuple[Any, ...]]:
    return [
        (f.kind, f.exchange, f.seq, f.time_us, bytes(f.meta), _bytes(f.body), f.size)
        for f in frames
    ]


def _bytes(body: Any) -> bytes:
    return b"" if body is None else body.tobytes()


def through_receive(end: Connection, chunk: bytes) -> list[Frame]:
    return end.receive(chunk, 1.0)


def in_place(end: Connection, chunk: bytes) -> list[Frame]:
    """As a lane does: into the frame's own memory where it wants that, else receive()."""
    frames: list[Frame] = []
    while chunk:
        place = end.wanted()
        if place is None:
            return frames + end.receive(chunk, 1.0)
        size = min(len(place), len(chunk))
        place[:size] = chunk[:size]
        frames += end.received_in_place(size, 1.0)
        chunk = chunk[size:]
    return frames


def torn(stream: bytes, cuts: Iterable[int]) -> list[bytes]:
    edges = sorted({0, len(stream), *(cut % (len(stream) + 1) for cut in cuts)})
    return [stream[a:b] for a, b in itertools.pairwise(edges)]


READERS = pytest.mark.parametrize("reader", [through_receive, in_place])
Reader = Callable[[Connection, bytes], list[Frame]]

STREAM = conversation([(b"", b""), (b"\xc0", b""), (b"", b"12345"), (b"abc", b"x" * 40)])
WHOLE = comparable(greeted_gateway().receive(STREAM, 1.0))


def test_the_frames_are_those_that_were_sent() -> None:
    assert [row[0] for row in WHOLE] == [Kind.OPEN_FEED, *[Kind.ITEM] * 4, Kind.END]
    assert WHOLE[4] == (Kind.ITEM, 1, 3, 7, b"abc", b"x" * 40, HEADER_SIZE + 43)


@READERS
def test_torn_in_two_at_every_byte(reader: Reader) -> None:
    for cut in range(1, len(STREAM)):
        gateway = greeted_gateway()
        frames = reader(gateway, STREAM[:cut]) + reader(gateway, STREAM[cut:])
        assert comparable(frames) == WHOLE, f"torn after {cut} bytes"
        assert gateway.wanted() is None


@READERS
@pytest.mark.parametrize("size", [1, 2, 3, HEADER_SIZE - 1, HEADER_SIZE, HEADER_SIZE + 1])
def test_in_equal_pieces(reader: Reader, size: int) -> None:
    gateway = greeted_gateway()
    frames: list[Frame] = []
    for start in range(0, len(STREAM), size):
        frames += reader(gateway, STREAM[start : start + size])
    assert comparable(frames) == WHOLE


def test_the_first_words_torn_in_two_at_every_byte() -> None:
    words = PREAMBLE + raw(Kind.HELLO)
    for cut in range(1, len(words)):
        gateway = Connection(G, Limits(), 0.0)
        assert gateway.receive(words[:cut], 0.0) == []
        assert gateway.state is State.NEW
        assert [f.kind for f in gateway.receive(words[cut:], 0.0)] == [Kind.HELLO]


def test_nothing_is_no_harm() -> None:
    gateway = Connection(G, Limits(), 0.0)
    assert gateway.receive(b"", 0.0) == []
    assert gateway.receive(MAGIC, 0.0) == []
    assert gateway.receive(b"", 0.0) == []
    assert gateway.state is State.NEW


contents = st.lists(
    st.tuples(
        st.binary(max_size=60), st.integers(0, 200).map(lambda n: bytes(i % 256 for i in range(n)))
    ),
    max_size=8,
)


@settings(max_examples=100, deadline=None)
@given(contents=contents, cuts=st.lists(st.integers(0, 4000), max_size=40), data=st.data())
def test_any_frames_in_any_pieces(
    contents: list[tuple[bytes, bytes]], cuts: list[int], data: st.DataObject
) -> None:
    stream = conversation(contents)
    expected = greeted_gateway()
    whole = comparable(expected.receive(stream, 1.0))
    gateway = greeted_gateway()
    frames: list[Frame] = []
    for chunk in torn(stream, cuts):
        reader = data.draw(st.sampled_from([through_receive, in_place]))
        frames += reader(gateway, chunk)
    assert comparable(frames) == whole
    assert [(f.meta, _bytes(f.body)) for f in frames[1:-1]] == contents
    assert gateway.state is expected.state is State.FINISHING
    assert len(gateway.take_replies()) == (len(contents) >= 3)


def test_a_large_body_is_read_into_the_memory_the_frame_then_has() -> None:
    gateway = greeted_gateway()
    gateway.receive(raw(Kind.OPEN_FEED, exchange=1), 0.0)
    body = bytes(range(256)) * 400
    stream = raw(Kind.ITEM, exchange=1, meta=b"\xc0", body=body)
    gateway.receive(stream[: HEADER_SIZE + 1], 0.0)
    place = gateway.wanted()
    assert place is not None
    assert len(place) == len(body)
    address = np.frombuffer(place, np.uint8).__array_interface__["data"][0]
    place[:] = body
    (frame,) = gateway.received_in_place(len(body), 0.0)
    assert frame.body is not None
    assert frame.body.__array_interface__["data"][0] == address
    assert frame.body.tobytes() == body


def test_what_is_sent_is_not_copied() -> None:
    controller = Connection(C, Limits(), 0.0)
    gateway = greeted_gateway()
    controller.send(Kind.HELLO, 0.0)
    controller.receive(PREAMBLE + raw(Kind.WELCOME), 0.0)
    controller.send(Kind.OPEN_FEED, 0.0)
    memory = memoryview(bytearray(5000))
    head, body = controller.send(Kind.ITEM, 0.0, meta=b"\xc0", body=[memory], seq=3, time_us=9)
    assert body is memory
    gateway.receive(raw(Kind.OPEN_FEED, exchange=1), 0.0)
    (frame,) = gateway.receive(bytes(head) + bytes(body), 0.0)
    assert (frame.seq, frame.time_us, frame.meta, frame.size) == (3, 9, b"\xc0", 5001 + HEADER_SIZE)


def test_the_preamble_goes_before_the_first_frame_only() -> None:
    controller = Connection(C, Limits(), 0.0)
    (first,) = controller.send(Kind.HELLO, 1.5, meta=b"\x80")
    assert bytes(first) == PREAMBLE + HEADER.pack(Kind.HELLO, 0, 0, 1, 0, 0, 1_500_000) + b"\x80"
    controller.receive(PREAMBLE + raw(Kind.WELCOME), 0.0)
    (second,) = controller.send(Kind.CALL, 2.0)
    assert bytes(second) == HEADER.pack(Kind.CALL, 0, 1, 0, 0, 0, 2_000_000)


class _Long(bytes):
    """Says it is longer than a frame can tell."""

    def __len__(self) -> int:
        return 1 << 32


def test_more_than_a_header_can_tell_is_refused_before_anything_changes() -> None:
    controller = Connection(C, Limits(), 0.0)
    controller.send(Kind.HELLO, 0.0)
    controller.receive(PREAMBLE + raw(Kind.WELCOME), 0.0)
    with pytest.raises(EncodeError, match="4294967296 of arrays"):
        controller.send(Kind.CALL, 0.0, body=[_Long()])
    with pytest.raises(LocalProtocolError):
        controller.send(Kind.CALL, 0.0, seq=-1)
    assert (controller.state, controller.exchange) == (State.READY, 0)
    assert controller.send(Kind.CALL, 0.0)
    assert controller.exchange == 1
