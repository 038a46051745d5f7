"""A swarm at the Gateway: who may join, and what impossible lanes do."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterator
from typing import Any

import msgpack
import pytest

import pynet
from pynet import Controller, Gateway, Incoming, RemoteGateway
from pynet.io.lane import Lane
from pynet.swarm.group import MOST_LANES, SPARE
from pynet.wire.connection import read_greeting
from pynet.wire.frames import Frame, Kind
from pynet.wire.values import Encoder
from tests.pynet.swarm.test_swarm_client import free


class Hand:
    """Opens lanes of swarms by hand, frame by frame."""

    def __init__(self, car: RemoteGateway, until: Callable[..., None]) -> None:
        self.until = until
        self._dialler = car._dialler
        self.lanes: list[Lane] = []

    def greet(self, **wishes: Any) -> dict[str, Any]:
        lane, welcome = self._dialler.greet("pair", None, **wishes)
        self.lanes.append(lane)
        return welcome

    def join(self, name: str, note: Any, verb: Kind = Kind.OPEN_STREAM, **wishes: Any) -> Frame:
        """Open one more lane; returns the answer to its request."""
        self.greet(**{"group": "g", "lanes": 4} | wishes)
        meta, _ = Encoder().encode([name, [], {}, {"swarm": note}])
        self.lanes[-1].send(verb, meta=meta)
        return self.next()

    def next(self) -> Frame:
        """What comes next over the newest lane, but for items."""
        while True:
            frame = self.lanes[-1].next_frame(5)
            assert frame is not None
            if frame.kind not in (Kind.ITEM, Kind.PART):
                return frame


@pytest.fixture
def runs(gateway: Gateway) -> list[str]:
    begun: list[str] = []

    @gateway.stream(policy="latest")
    def count() -> Iterator[int]:
        begun.append("count")
        for number in itertools.count():
            yield number
            pynet.sleep(0.005)

    @gateway.sink(policy="reliable")
    def gather(items: Incoming) -> list[Any]:
        begun.append("gather")
        return list(items)

    return begun


@pytest.fixture
def hand(car: RemoteGateway, gateway: Gateway, until: Callable[..., None]) -> Iterator[Hand]:
    """Afterwards nothing of it may be left."""
    hand = Hand(car, until)
    yield hand
    for lane in hand.lanes:
        lane.close()
    until(lambda: free(gateway))


def kind_of_error(frame: Frame) -> str:
    assert frame.kind == Kind.ERROR
    return str(read_greeting(frame)["type"])


def test_the_slots_are_taken_at_once_and_told(
    gateway: Gateway, hand: Hand, runs: list[str], until: Callable[..., None]
) -> None:
    assert hand.greet(group="a", lanes=7)["lanes"] == 7
    assert gateway._pool.taken == 7
    assert hand.greet(group="b", lanes=64)["lanes"] == 3
    with pytest.raises(pynet.Busy):
        hand.greet(group="c", lanes=1)
    with pytest.raises(pynet.Busy):
        hand.greet()
    assert hand.greet(group="a", lanes=7)["lanes"] == 7
    hand.lanes[1].close()
    until(lambda: gateway._pool.taken == 7)
    assert hand.greet()["lanes"] == 1


@pytest.mark.parametrize("lanes", [0, -1, MOST_LANES + 1, "4", None, 2.0, True, [4]])
def test_impossible_numbers_of_lanes(gateway: Gateway, hand: Hand, lanes: Any) -> None:
    with pytest.raises(pynet.ConnectError):
        hand.greet(group="g", lanes=lanes)
    assert not gateway._pool.taken


def test_a_name_without_end(gateway: Gateway, hand: Hand) -> None:
    with pytest.raises(pynet.ConnectError):
        hand.greet(group="g" * 65, lanes=2)


def test_nobody_else_may_join(gateway: Gateway, hand: Hand, runs: list[str]) -> None:
    assert hand.join("count", [0, 1, False, True]).kind == Kind.OPENED
    with Controller(name="stranger") as stranger:
        other = Hand(stranger.connect(gateway.address), hand.until)
        with pytest.raises(pynet.ConnectError):
            other.join("count", [1, 1, False, True])
    assert hand.join("count", [1, 1, False, True]).kind == Kind.OPENED
    hand.until(lambda: runs == ["count"])


def test_all_lanes_are_told_the_same_epoch(gateway: Gateway, hand: Hand, runs: list[str]) -> None:
    epochs = {
        read_greeting(hand.join("count", [number, 1, False, True]))["epoch"] for number in range(4)
    }
    assert len(epochs) == 1
    hand.until(lambda: runs == ["count"])


def test_two_lanes_of_one_number(gateway: Gateway, hand: Hand, runs: list[str]) -> None:
    assert hand.join("count", [0, 1, False, True]).kind == Kind.OPENED
    assert kind_of_error(hand.join("count", [0, 1, False, True])) == "RemoteProtocolError"
    assert hand.join("count", [1, 1, False, True]).kind == Kind.OPENED


@pytest.mark.parametrize("note", [None, [], [0], [0, 9, False, True], [-1, 1, False, True], "ab"])
def test_impossible_swarms(gateway: Gateway, hand: Hand, runs: list[str], note: Any) -> None:
    assert kind_of_error(hand.join("count", note)) == "ConfigurationError"
    assert hand.join("count", [0, 1, False, True]).kind == Kind.OPENED
    hand.until(lambda: runs == ["count"])


def test_too_many_lanes_make_way(
    gateway: Gateway, hand: Hand, runs: list[str], until: Callable[..., None]
) -> None:
    for number in range(30):
        assert hand.join("count", [number, 1, False, True]).kind == Kind.OPENED
        assert len(gateway._handlers) <= 4 + SPARE
    until(lambda: len(gateway._handlers) == 5)  # one of them has no lane, but runs the function
    hand.until(lambda: runs == ["count"])


def test_a_lane_is_replaced_by_name(
    gateway: Gateway, hand: Hand, runs: list[str], until: Callable[..., None]
) -> None:
    for number in range(4):
        hand.join("count", [number, 1, False, True])
    named = sorted(gateway._handlers)[2]
    hand.join("count", [4, 1, False, True], replaces=named)
    until(lambda: named not in gateway._handlers and len(gateway._handlers) == 4)
    hand.until(lambda: runs == ["count"])
    for number in range(5, 9):
        assert hand.join("count", [number, 1, False, True], replaces="no").kind == Kind.OPENED
    until(lambda: len(gateway._handlers) == 5)  # one of them has no lane, but runs the function


@pytest.mark.parametrize(
    ("kind", "meta"),
    [
        (Kind.REPORT, b""),
        (Kind.REPORT, msgpack.packb([1, 2, 3])),
        (Kind.REPORT, msgpack.packb([1, 2, 3, [1], []])),
        (Kind.ITEM, b"\x01"),
    ],
)
def test_nonsense_costs_the_lane_but_not_the_swarm(
    gateway: Gateway,
    hand: Hand,
    runs: list[str],
    kind: Kind,
    meta: bytes,
    until: Callable[..., None],
) -> None:
    for number in range(2):
        assert hand.join("count", [number, 1, False, True]).kind == Kind.OPENED
    bad = hand.lanes[-1]
    if kind == Kind.ITEM:  # a Controller that is wrong about what it has opened
        bad._sock.send(bytes([8, 0, 0, 1]) + bytes(24))
    else:
        bad.send(kind, meta=meta)
    until(lambda: len(gateway._handlers) == 1)
    assert hand.join("count", [2, 1, False, True]).kind == Kind.OPENED
    hand.until(lambda: runs == ["count"])


@pytest.mark.parametrize(
    "meta", [b"", b"\xc1", msgpack.packb([9, 2, 1]), msgpack.packb([0, 99, 1])]
)
def test_torn_parts_cost_the_lane(
    gateway: Gateway, hand: Hand, runs: list[str], meta: bytes, until: Callable[..., None]
) -> None:
    for number in range(2):
        hand.join("gather", [number, 1, False, True], Kind.OPEN_FEED)
    hand.lanes[-1].send(Kind.PART, meta=meta, body=(b"data",))
    until(lambda: len(gateway._handlers) == 1)
    hand.until(lambda: runs == ["gather"])


def test_a_flood_is_refused(
    gateway: Gateway, hand: Hand, runs: list[str], until: Callable[..., None]
) -> None:
    for number in range(2):
        hand.join("gather", [number, 1, False, True], Kind.OPEN_FEED)
    with contextlib.suppress(pynet.PynetError):
        for number in range(20_000):  # item 0 never comes
            hand.lanes[-1].send(Kind.ITEM, meta=b"\x01", seq=number + 1, patient=True)
    until(lambda: len(gateway._handlers) == 1)


def test_a_lane_of_another_kind_in_a_swarm(gateway: Gateway, hand: Hand, runs: list[str]) -> None:
    gateway.batch(lambda: 7, name="seven")
    assert hand.join("count", [0, 1, False, True]).kind == Kind.OPENED
    hand.join("gather", [1, 1, False, True], Kind.OPEN_FEED)
    hand.lanes[-1].close()
    hand.greet(group="g", lanes=4)
    hand.lanes[-1].send(Kind.CALL, meta=msgpack.packb(["seven", [], {}]))
    assert hand.next().kind == Kind.RESULT
    assert hand.join("count", [3, 1, False, True]).kind == Kind.OPENED
    hand.until(lambda: runs == ["count"])


def test_a_lane_that_asks_for_nothing(gateway: Gateway, hand: Hand, runs: list[str]) -> None:
    hand.greet(group="g", lanes=4)
    assert hand.join("count", [1, 1, False, True]).kind == Kind.OPENED
    hand.until(lambda: runs == ["count"])
