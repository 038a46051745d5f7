"""Whatever bytes come, a lane answers with an error of pynet's, and without spending memory."""

from __future__ import annotations

import itertools
import random
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import msgpack
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pynet.errors import LimitExceeded, RemoteProtocolError, VersionMismatch
from pynet.testing import MemoryLink
from pynet.wire.connection import Connection, greeting, read_greeting
from pynet.wire.frames import HEADER, HEADER_SIZE, MAGIC, PREAMBLE, Frame, Kind
from pynet.wire.limits import KIB, MIB, Limits
from pynet.wire.states import Side

C, G = Side.CONTROLLER, Side.GATEWAY


def header(kind: int, meta: int = 0, body: int = 0, exchange: int = 0) -> bytes:
    return HEADER.pack(kind, 0, exchange, meta, body, 0, 0)


def stranger(side: Side = G, limits: Limits | None = None) -> Connection:
    return Connection(side, limits or Limits(), 0.0)


@contextmanager
def little_memory(limit: int = MIB) -> Iterator[None]:
    """Fail when more than ``limit`` bytes are allocated at one time."""
    tracemalloc.start()
    try:
        yield
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < limit


class TestTheFirstBytes:
    @pytest.mark.parametrize(
        "data",
        [
            b"GET / HTTP/1.1\r\nHost: car\r\n\r\n",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
            b"SSH-2.0-OpenSSH_9.2p1\r\n",
            b"\0" * 100,
            b"PYNET",
            b"PYNEX\0\x01\0",
        ],
    )
    def test_another_protocol_is_noticed_as_soon_as_it_differs(self, data: bytes) -> None:
        whole = stranger()
        if MAGIC.startswith(data):
            assert whole.receive(data, 0.0) == []  # it may become pynet yet
            return
        with pytest.raises(VersionMismatch, match="does not speak pynet"):
            whole.receive(data, 0.0)
        wrong = next(i for i in range(len(MAGIC)) if data[i] != MAGIC[i])
        torn = stranger()
        for index in range(wrong):
            assert torn.receive(data[index : index + 1], 0.0) == []
        with pytest.raises(VersionMismatch):
            torn.receive(data[wrong : wrong + 1], 0.0)

    @pytest.mark.parametrize("side", Side)
    def test_another_major_version_is_named(self, side: Side) -> None:
        with pytest.raises(VersionMismatch, match=r"protocol 2\.7, this side 1\.x"):
            stranger(side).receive(MAGIC + b"\x02\x07", 0.0)

    def test_another_minor_version_is_welcome(self) -> None:
        frames = stranger().receive(MAGIC + b"\x01\xff" + header(Kind.HELLO), 0.0)
        assert [f.kind for f in frames] == [Kind.HELLO]

    @settings(max_examples=200, deadline=None)
    @given(data=st.binary(min_size=1, max_size=200), side=st.sampled_from(Side))
    def test_random_bytes(self, data: bytes, side: Side) -> None:
        end = stranger(side)
        if MAGIC.startswith(data[: len(MAGIC)]):
            return
        with pytest.raises(VersionMismatch):
            end.receive(data, 0.0)


class TestHeaders:
    @pytest.mark.parametrize(("meta", "body"), [(0xFFFFFFFF, 0), (0, 0xFFFFFFFF), (8 * MIB + 1, 0)])
    def test_a_giant_is_refused_before_anything_is_allocated(self, meta: int, body: int) -> None:
        link = MemoryLink()
        link.greet()
        data = header(Kind.CALL, meta, body, exchange=1)
        with (
            little_memory(64 * KIB),
            pytest.raises(LimitExceeded, match=f"a CALL of {meta} [+] {body} bytes"),
        ):
            link.gateway.receive(data, 1.0)

    @pytest.mark.parametrize(("meta", "body"), [(4 * KIB + 1, 0), (0, 1), (0xFFFFFFFF, 0xFFFFFFFF)])
    @pytest.mark.parametrize("side", Side)
    def test_a_stranger_may_send_little(self, side: Side, meta: int, body: int) -> None:
        end = stranger(side)
        if side is C:
            end.send(Kind.HELLO, 0.0)
        first = Kind.HELLO if side is G else Kind.WELCOME
        with little_memory(64 * KIB), pytest.raises(LimitExceeded, match=first.name):
            end.receive(PREAMBLE + header(first, meta, body), 0.0)

    def test_the_limits_themselves_are_allowed(self) -> None:
        limits = Limits(greeting=10, meta=20, body=30)
        gateway = stranger(limits=limits)
        assert gateway.receive(PREAMBLE + header(Kind.HELLO, 10) + b"x" * 10, 0.0)
        gateway.send(Kind.WELCOME, 0.0)
        gateway.receive(header(Kind.CALL, 20, 30, exchange=1), 0.0)
        assert gateway.receive(b"x" * 50, 0.0)

    def test_an_announced_body_costs_nothing_until_it_comes(self) -> None:
        """Pages of memory nobody wrote to are not used, so a dozen liars cannot hurt."""
        link = MemoryLink()
        link.greet()
        link.gateway.receive(header(Kind.CALL, 0, 256 * MIB, exchange=1), 0.0)
        place = link.gateway.wanted()
        assert place is not None
        assert len(place) == 256 * MIB

    @pytest.mark.parametrize("kind", [0, max(Kind) + 1, 77, 255])
    def test_unknown_kinds(self, kind: int) -> None:
        link = MemoryLink()
        link.greet()
        with pytest.raises(RemoteProtocolError, match=f"unknown kind {kind}"):
            link.gateway.receive(header(kind), 0.0)

    def test_a_greeting_of_the_wrong_kind_is_refused_by_its_limit_and_state(self) -> None:
        with pytest.raises(RemoteProtocolError, match="CALL"):
            stranger().receive(PREAMBLE + header(Kind.CALL, exchange=1), 0.0)


class TestSlowness:
    def test_who_does_not_greet_is_overdue(self) -> None:
        gateway = Connection(G, Limits(greeting_time=3.0), 100.0)
        gateway.receive(PREAMBLE, 102.0)
        assert gateway.overdue(103.0) == ""
        assert "did not greet within 3 s" in gateway.overdue(103.1)

    def test_who_greeted_is_not(self) -> None:
        link = MemoryLink()
        link.greet()
        assert link.gateway.overdue(1e9) == link.controller.overdue(1e9) == ""

    def test_a_frame_that_never_ends_is_overdue(self) -> None:
        link = MemoryLink(limits=Limits(frame_time=10.0, frame_rate=1000))
        link.greet()
        link.gateway.receive(header(Kind.CALL, 50_000, exchange=1), 0.0)
        assert link.gateway.overdue(10.0) == ""
        assert "0 bytes of a frame in 11 s" in link.gateway.overdue(11.0)
        for second in range(20):  # 1 byte a second does not help
            link.gateway.receive(b"x", float(second))
        assert "20 bytes" in link.gateway.overdue(20.0)

    def test_a_slow_but_steady_frame_is_not(self) -> None:
        link = MemoryLink(limits=Limits(frame_time=10.0, frame_rate=1000))
        link.greet()
        link.gateway.receive(header(Kind.CALL, 50_000, exchange=1), 0.0)
        for second in range(1, 50):
            link.gateway.receive(b"x" * 1000, float(second))
            assert link.gateway.overdue(float(second)) == ""
        (frame,) = link.gateway.receive(b"x" * 1000, 50.0)
        assert len(frame.meta) == 50_000
        assert link.gateway.overdue(1e9) == ""


BAD_GREETINGS: dict[str, bytes] = {
    "no map": msgpack.packb([1, 2]),
    "torn": msgpack.packb({"purpose": "pair"})[:-1],
    "too much": msgpack.packb({}) + b"\0",
    "bad UTF-8": b"\x81\xa1\xff\x01",
    "a list for a key": b"\x81\x90\x01",
    "a number for a key": b"\x81\x01\x01",
    "never used byte": b"\xc1",
    "deep": b"\x91" * 4000,
    "very deep": b"\x91" * 100_000 + b"\xc0",
    "announces much": b"\xdd\xff\xff\xff\xff",
    "announces much, deeply": b"\xdd\x00\x03\x00\x00" * 1000 + b"\xc0" * 200_000,
    "bad time": b"\xd7\xff" + b"\xff" * 8,
}


@pytest.mark.parametrize("name", BAD_GREETINGS)
def test_a_broken_greeting_is_the_other_sides_fault(name: str) -> None:
    meta = BAD_GREETINGS[name]
    frame = Frame(Kind.HELLO, 0, 0, 0, meta, None, HEADER_SIZE + len(meta))
    with little_memory(8 * MIB), pytest.raises(RemoteProtocolError, match="greeting"):
        read_greeting(frame)


def test_a_text_that_is_no_unicode_still_tells_what_it_can() -> None:
    """Such as the message of an exception that names a file with a strange name."""
    meta = greeting({"message": "no file \udcff\N{SNOWMAN}"})
    frame = Frame(Kind.ERROR, 0, 0, 0, meta, None, HEADER_SIZE + len(meta))
    assert read_greeting(frame) == {"message": "no file \\udcff\N{SNOWMAN}"}


def test_a_greeting_may_be_empty() -> None:
    assert read_greeting(Frame(Kind.GOODBYE, 0, 0, 0, b"", None, HEADER_SIZE)) == {}


@settings(max_examples=150, deadline=None)
@given(meta=st.binary(max_size=60))
def test_random_greetings(meta: bytes) -> None:
    try:
        assert isinstance(read_greeting(Frame(Kind.HELLO, 0, 0, 0, meta, None, 0)), dict)
    except RemoteProtocolError:
        return


frames = st.builds(
    lambda kind, flags, exchange, meta, body: (
        HEADER.pack(kind, flags, exchange, len(meta), len(body), 0, 0) + meta + body
    ),
    st.one_of(st.sampled_from(Kind).map(int), st.integers(0, 255)),
    st.integers(0, 255),
    st.integers(0, 3),
    st.binary(max_size=20),
    st.binary(max_size=20),
)


def feed(end: Connection, stream: bytes, sizes: Iterator[int]) -> None:
    start = 0
    while start < len(stream):
        size = next(sizes)
        end.receive(stream[start : start + size], 1.0)
        end.take_replies()
        start += size


@settings(max_examples=100, deadline=None)
@given(
    stream=st.lists(frames, max_size=12).map(b"".join),
    side=st.sampled_from(Side),
    greet=st.booleans(),
    sizes=st.lists(st.integers(1, 50), min_size=1, max_size=5),
)
def test_random_frames(stream: bytes, side: Side, greet: bool, sizes: list[int]) -> None:
    link = MemoryLink()
    if greet:
        link.greet()
    else:
        stream = PREAMBLE + stream
    end = link.controller if side is C else link.gateway
    with suppress(RemoteProtocolError, VersionMismatch):
        feed(end, stream, itertools.cycle(sizes))


def _flip(stream: bytearray, chance: random.Random) -> None:
    stream[chance.randrange(len(stream))] ^= 1 << chance.randrange(8)


def _drop(stream: bytearray, chance: random.Random) -> None:
    del stream[chance.randrange(len(stream))]


def _repeat(stream: bytearray, chance: random.Random) -> None:
    at = chance.randrange(len(stream))
    stream[at:at] = stream[at : at + chance.randrange(40)]


@pytest.mark.parametrize("damage", [_flip, _drop, _repeat])
def test_damaged_conversations(damage: Callable[[bytearray, random.Random], None]) -> None:
    good = PREAMBLE + header(Kind.HELLO, 1) + b"\x80"
    good += header(Kind.OPEN_FEED, 1, exchange=1) + b"\xc0"
    for _ in range(4):
        good += header(Kind.ITEM, 5, 32, exchange=1) + bytes(37)
    good += header(Kind.END, exchange=1)
    chance = random.Random(1)
    for _ in range(300):
        stream = bytearray(good)
        damage(stream, chance)
        gateway = stranger()
        with suppress(RemoteProtocolError, VersionMismatch):
            for start in range(0, len(stream), 37):
                for frame in gateway.receive(bytes(stream[start : start + 37]), 0.0):
                    if frame.kind == Kind.HELLO:
                        gateway.send(Kind.WELCOME, 0.0)


def test_of_a_flood_of_heartbeats_the_newest_is_answered() -> None:
    """A peer that asks and never reads must not fill this side's memory with answers."""
    link = MemoryLink()
    link.greet()
    for time_us in range(2000):
        link.gateway.receive(HEADER.pack(Kind.PING, 0, 0, 0, 0, 0, time_us), 1.0)
    (pong,) = link.gateway.take_replies()
    assert msgpack.unpackb(bytes(pong)[HEADER_SIZE:]) == [1999, 1_000_000]
    assert link.gateway.take_replies() == []
