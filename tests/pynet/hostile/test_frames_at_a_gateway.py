"""A known machine that sends whatever frames it likes: nothing breaks, everything is given back."""

from __future__ import annotations

import contextlib
import logging
import socket
import threading
from collections.abc import Callable, Iterator

import msgpack
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pynet import Controller, Gateway, Incoming, RemoteGateway
from pynet.talk import Talk
from pynet.wire.frames import HEADER, PREAMBLE, Kind


class Faults(logging.Handler):
    """What was logged as an error: exceptions that nobody expected."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@pytest.fixture
def faults() -> Iterator[Faults]:
    faults = Faults()
    logging.getLogger("pynet").addHandler(faults)
    yield faults
    logging.getLogger("pynet").removeHandler(faults)


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    with Gateway(port=0, pool_size=12, heartbeat=0.2, insecure=True) as gateway:

        @gateway.stream(policy="latest")
        def count(until: int = 3) -> Iterator[int]:
            yield from range(until)

        @gateway.sink
        def drive(commands: Incoming) -> int:
            return sum(1 for _ in commands)

        @gateway.talk
        def repeat(talk: Talk) -> None:
            while (said := talk.hear()) is not None:
                talk.say(said.value, said.body or b"")

        gateway.batch(lambda *values, **named: None, name="echo")
        gateway.stream(count, name="shared", shared=True)
        yield gateway


@pytest.fixture
def car(gateway: Gateway) -> Iterator[RemoteGateway]:
    with Controller(heartbeat=0.2, insecure=True) as controller:
        yield controller.connect(gateway.address, timeout=10)


odd = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats()
    | st.text(max_size=8)
    | st.binary(max_size=8)
    | st.sampled_from(["latest", "reliable", "paced", "items", "bytes", "swarm", 0, 1, 2, 8]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=8) | st.integers(0, 9), inner, max_size=4)
    ),
    max_leaves=6,
)
"""A value that might stand where another one is expected."""

names = st.sampled_from(["count", "drive", "echo", "shared", "repeat", "nothing", "", 7, None])
policies = st.sampled_from([["latest", 1, 2, "items"], ["paced", 1, 2, "items"]]) | odd
swarms = st.tuples(st.sampled_from([0, 1, 2]), st.just(1), st.booleans(), st.booleans()) | odd
requests = st.tuples(
    names,
    st.lists(odd, max_size=2) | odd,
    st.dictionaries(st.text(max_size=4), odd, max_size=2) | odd,
    st.fixed_dictionaries({}, optional={"policy": policies, "swarm": swarms}) | odd,
).map(list)
numbers = st.sampled_from([0, 1, 2, 3, 1 << 16, (1 << 32) - 1])
hellos = st.fixed_dictionaries(
    {"purpose": st.sampled_from(["pair", "manage"]) | odd},
    optional={
        "controller": st.just("c") | odd,
        "name": st.just("n") | odd,
        "session": st.just("s") | odd,
        "group": st.sampled_from(["g", "h"]) | odd,
        "lanes": st.sampled_from([1, 2]) | odd,
        "replaces": odd,
    },
)
# What the protocol allows at first, and then: anything else is noticed before it is read.
OPENERS = [Kind.OPEN_STREAM, Kind.OPEN_FEED, Kind.OPEN_TALK, Kind.CALL, Kind.ASK]
FOLLOWERS = [
    *(Kind.ITEM, Kind.ITEMS, Kind.PART, Kind.CREDIT, Kind.REPORT, Kind.END, Kind.CANCEL),
    *(Kind.SAY, Kind.PING, Kind.PONG, Kind.GOODBYE),
]
BETWEEN = (Kind.PING, Kind.PONG, Kind.GOODBYE)
reports = st.tuples(*[st.integers(-1, 9)] * 3, *[st.lists(st.integers(0, 9), max_size=4)] * 2)
parts = st.tuples(st.integers(0, 4), st.integers(0, 4), st.integers(0, 40))
packed = (odd | reports | parts).map(msgpack.packb) | st.binary(max_size=12)


def frame(draw: st.DrawFn, kind: Kind, meta: bytes) -> bytes:
    body = draw(st.sampled_from([b"", bytes(16), bytes(40)]))
    seq, time_us = draw(numbers), draw(st.sampled_from([0, 1, (1 << 64) - 1]))
    exchange = 0 if kind in BETWEEN else 1
    return HEADER.pack(kind, 0, exchange, len(meta), len(body), seq, time_us) + meta + body


@st.composite
def conversations(draw: st.DrawFn) -> bytes:
    opener = draw(st.sampled_from(OPENERS))
    meta = draw(requests.map(msgpack.packb) | packed)
    kinds = draw(st.lists(st.sampled_from(FOLLOWERS), max_size=6))
    said = [frame(draw, kind, draw(packed)) for kind in kinds]
    return frame(draw, opener, meta) + b"".join(said)


def wait(condition: Callable[[], object], limit: float = 20.0) -> bool:
    pause = threading.Event()
    for _ in range(int(limit / 0.005)):
        if condition():
            return True
        pause.wait(0.005)
    return False


def test_whatever_frames_come(gateway: Gateway, car: RemoteGateway, faults: Faults) -> None:
    @settings(
        max_examples=150,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
    @given(hello=hellos, stream=conversations())
    def check(hello: dict[str, object], stream: bytes) -> None:
        meta = msgpack.packb(hello)
        first = PREAMBLE + HEADER.pack(Kind.HELLO, 0, 0, len(meta), 0, 0, 0) + meta
        with (
            socket.create_connection((gateway.host, gateway.port), timeout=5) as stranger,
            contextlib.suppress(ConnectionError, TimeoutError),
        ):
            stranger.sendall(first)
            stranger.recv(4096)
            stranger.sendall(stream)
            stranger.settimeout(0.02)
            while stranger.recv(4096):
                continue
        assert car.call("echo", 1, timeout=5) is None
        assert wait(lambda: len(gateway._handlers) == 1), "a Handler was not given back"
        assert wait(lambda: not gateway._door.greeting)
        assert not faults.lines, faults.lines

    check()
