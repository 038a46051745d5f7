"""Streams over several lanes: items, ends, errors and closing."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import pynet
from pynet import Gateway, ItemInfo, RemoteGateway
from pynet.policy import Policy, keep_last, latest, paced

POLICIES = [latest, keep_last(50), paced(3)]


@pytest.fixture
def runs(gateway: Gateway) -> list[str]:
    """Notes of the generator ``count``, which is offered: begun and closed."""
    notes: list[str] = []

    @gateway.stream(policy="latest")
    def count(hz: float = 500, limit: int = 1 << 60) -> Iterator[int]:
        notes.append("begun")
        try:
            for number in range(limit):
                yield number
                pynet.sleep(1 / hz)
        finally:
            notes.append("closed")

    return notes


def free(gateway: Gateway) -> bool:
    """All slots are free again, and no group is left."""
    return not gateway._pool.taken and not gateway._groups._groups and not gateway._handlers


@pytest.mark.parametrize("policy", POLICIES, ids=str)
def test_items_of_all_sizes(gateway: Gateway, car: RemoteGateway, policy: Policy) -> None:
    shapes = [(), (3,), (40, 50), (600, 700), (1000, 5000)]

    @gateway.stream
    def arrays() -> Iterator[Any]:
        for number in range(10):
            shape = shapes[number % 5]
            yield {"number": number, "array": np.full(shape, number, np.uint8), "text": "é" * 900}
            pynet.sleep(0.01)

    got: list[tuple[Any, ItemInfo]] = []

    def take(item: Any, info: ItemInfo) -> None:
        got.append((item, info))

    client = car.stream("arrays", take, policy=policy, lanes=8, copies=2)
    assert client.wait(20)
    assert client.error is None
    numbers = [item["number"] for item, _ in got]
    assert numbers == sorted(set(numbers))
    assert numbers[-1] == 9  # the newest arrives in the end
    if policy.lossless:
        assert numbers == list(range(10))
    for item, info in got:
        number = item["number"]
        assert info.id == number
        assert item["array"].shape == shapes[number % 5]
        assert (item["array"] == number).all()
        assert item["text"] == "é" * 900
        assert 0 <= info.age < 20


@pytest.mark.parametrize("policy", [keep_last(5000), paced(20)], ids=str)
def test_many_tiny_items(gateway: Gateway, car: RemoteGateway, policy: Policy) -> None:
    gateway.stream(lambda: iter(range(2000)), name="numbers")
    got: list[int] = []
    client = car.stream("numbers", got.append, policy=policy, lanes=4)
    assert client.wait(30)
    assert got[-1] == 1999
    assert got == sorted(set(got))
    assert len(got) + client.stats.dropped >= 1999
    if policy.lossless:
        assert got == list(range(2000))


def test_all_lanes_join_and_the_function_runs_once(
    gateway: Gateway, car: RemoteGateway, runs: list[str], until: Callable[..., None]
) -> None:
    got: list[int] = []
    with car.stream("count", got.append, lanes=8) as client:
        until(lambda: client.lanes == 8)
        seen = len(got)
        until(lambda: len(got) > seen + 50)
        assert client.granted == 8
        assert runs == ["begun"]
        assert len(car.handlers()) == 8
        readings = client.stats.lanes
        assert len({reading.number for reading in readings}) == len(readings) == 8
        assert all(reading.live and reading.bytes_received for reading in readings)
        assert client.stats.items >= seen
        assert client.stats.rtt is not None
    assert runs == ["begun", "closed"] or until(lambda: runs == ["begun", "closed"]) is None
    assert got == sorted(set(got))
    until(lambda: free(gateway))


def test_what_the_generator_can_read_of_its_flow(gateway: Gateway, car: RemoteGateway) -> None:
    flows: list[Any] = []
    enough = threading.Event()

    @gateway.stream(policy=paced(3))
    def pictures() -> Iterator[bytes]:
        while not pynet.cancelled():
            flows.append(pynet.flow())
            yield bytes(20_000)
            if len(flows) > 30:
                enough.set()

    with car.stream("pictures", lambda _: None, lanes=4):
        assert enough.wait(10)
    first, last = flows[0], flows[-1]
    assert first.age is None
    assert first.in_flight == 0
    assert 0 <= last.age < 10
    assert 0 < last.smallest_round_trip <= last.round_trip < 10
    assert all(flow.in_flight <= flow.window <= 3 for flow in flows)
    assert last.parts >= 30
    assert 1 <= last.lanes <= 4
    assert pynet.flow() is None


def test_iteration_and_leaving_it(
    gateway: Gateway, car: RemoteGateway, runs: list[str], until: Callable[..., None]
) -> None:
    with car.stream("count", lanes=4) as client:
        for item in client:
            assert client.info is not None
            if item > 20:
                break
    until(lambda: runs == ["begun", "closed"])
    until(lambda: free(gateway))


def test_false_from_the_callback_ends_it(
    gateway: Gateway, car: RemoteGateway, runs: list[str], until: Callable[..., None]
) -> None:
    ends: list[Any] = []
    got: list[int] = []

    def take(item: int) -> bool:
        got.append(item)
        return len(got) < 5

    client = car.stream("count", take, lanes=4, on_end=ends.append)
    assert client.wait(5)
    until(lambda: runs == ["begun", "closed"])
    until(lambda: free(gateway))
    assert len(got) == 5
    assert ends == [None]


def test_closing_in_the_callback(
    gateway: Gateway, car: RemoteGateway, runs: list[str], until: Callable[..., None]
) -> None:
    opened = threading.Event()
    clients: list[Any] = []

    def take(_: int) -> None:
        assert opened.wait(5)
        clients[0].close()

    clients.append(car.stream("count", take, lanes=4))
    opened.set()
    assert clients[0].wait(5)
    assert clients[0].error is None
    until(lambda: free(gateway))


def test_a_callback_that_raises(
    gateway: Gateway, car: RemoteGateway, runs: list[str], until: Callable[..., None]
) -> None:
    ends: list[Any] = []
    client = car.stream("count", lambda item: 1 // 0, lanes=4, on_end=ends.append)
    assert client.wait(5)
    assert isinstance(ends[0], pynet.CallbackError)
    until(lambda: free(gateway))


def test_closing_from_another_thread_while_the_callback_runs(
    gateway: Gateway, car: RemoteGateway, runs: list[str], until: Callable[..., None]
) -> None:
    inside = threading.Event()
    calls: list[int] = []

    def take(item: int) -> None:
        calls.append(item)
        inside.set()

    client = car.stream("count", take, lanes=8)
    assert inside.wait(5)
    client.close()
    seen = len(calls)
    client.close()
    until(lambda: free(gateway))
    assert len(calls) == seen
    assert client.state == "closed"
    assert runs == ["begun", "closed"]


@pytest.mark.parametrize("policy", POLICIES, ids=str)
def test_a_generator_that_raises_says_so_after_its_items(
    gateway: Gateway, car: RemoteGateway, policy: Policy, until: Callable[..., None]
) -> None:
    begun = []

    @gateway.stream
    def frail() -> Iterator[bytes]:
        begun.append(1)
        for number in range(5):
            yield bytes([number]) * 4000
            pynet.sleep(0.01)
        raise KeyError("broken")

    got: list[int] = []
    ends: list[Any] = []
    client = car.stream(
        "frail", lambda item: got.append(item[0]), policy=policy, lanes=6, on_end=ends.append
    )
    assert client.wait(5)
    assert len(ends) == 1
    assert isinstance(ends[0], pynet.RemoteError)
    assert "broken" in str(ends[0])
    assert got[-1] == 4
    assert begun == [1]
    until(lambda: free(gateway))


def test_what_cannot_be_started(
    gateway: Gateway, car: RemoteGateway, runs: list[str], until: Callable[..., None]
) -> None:
    gateway.stream(lambda: 7, name="seven", policy="latest")
    gateway.batch(lambda: 7, name="eight")
    with pytest.raises(pynet.WrongArguments):
        car.stream("count", print, 1, 2, 3, lanes=4)
    with pytest.raises(pynet.UnknownSubroutine):
        car.stream("nothing", print, policy="latest", lanes=4)
    with pytest.raises(pynet.WrongKind):
        car.stream("seven", print, lanes=4)
    with pytest.raises(pynet.WrongKind):
        car.stream("eight", print, policy="latest", lanes=4)
    for wrong in ({"lanes": 0}, {"lanes": 65}, {"lanes": 4, "copies": 5}, {"strategy": "best"}):
        with pytest.raises(pynet.ConfigurationError):
            car.stream("count", print, **wrong)
    assert runs == []
    assert car.pairs == []
    until(lambda: free(gateway))


def test_an_item_too_large_to_travel(gateway: Gateway, car: RemoteGateway) -> None:
    @gateway.stream(policy="latest")
    def heavy() -> Iterator[list[int]]:
        yield list(range(1_000_000, 4_000_000))

    client = car.stream("heavy", lambda _: None, lanes=2)
    assert client.wait(10)
    assert isinstance(client.error, pynet.EncodeError)


@pytest.mark.parametrize("delay", [0, 1, 3, 6])
def test_a_generator_that_is_done_while_lanes_still_join(
    gateway: Gateway, car: RemoteGateway, delay: int, until: Callable[..., None]
) -> None:
    pause = threading.Event()
    begun: list[int] = []

    @gateway.stream
    def short() -> Iterator[int]:
        begun.append(1)
        yield 1
        pause.wait(delay / 1000)

    for number in range(15):
        ends: list[Any] = []
        got: list[int] = []
        client = car.stream("short", got.append, policy=paced(2), lanes=8, on_end=ends.append)
        assert client.wait(10)
        assert ends == [None]
        assert got == [1]
        assert len(begun) == number + 1
        until(lambda: free(gateway))


def test_failover_uses_one_lane(
    gateway: Gateway, car: RemoteGateway, runs: list[str], until: Callable[..., None]
) -> None:
    got: list[int] = []
    with car.stream("count", got.append, lanes=3, strategy="failover") as client:
        until(lambda: client.lanes == 3)

        def one_has_nearly_all() -> bool:
            received = sorted(reading.bytes_received for reading in client.stats.lanes)
            return received[-1] > 3 * received[-2]

        # A busy machine may make another lane the one, for a while.
        until(one_has_nearly_all)


def test_swarms_and_plain_pairs_side_by_side(
    gateway: Gateway, car: RemoteGateway, runs: list[str], until: Callable[..., None]
) -> None:
    gateway.batch(lambda a, b: a + b, name="add")
    one: list[int] = []
    two: list[int] = []
    three: list[int] = []
    with (
        car.stream("count", one.append, lanes=4),
        car.stream("count", two.append, lanes=4),
        car.stream("count", three.append),
    ):
        for number in range(50):
            assert car.call("add", number, 1) == number + 1
        until(lambda: all(len(got) > 100 for got in (one, two, three)))
        with pytest.raises(pynet.Busy):
            car.stream("count", print, lanes=4)
    assert runs.count("begun") == 3
    until(lambda: len(gateway._handlers) == 1)  # the kept pair of the calls


def test_a_shared_generator_over_swarms(
    gateway: Gateway, car: RemoteGateway, until: Callable[..., None]
) -> None:
    begun: list[int] = []

    @gateway.stream(shared=True, policy="latest")
    def scene() -> Iterator[bytes]:
        begun.append(1)
        for number in itertools.count():
            yield number.to_bytes(4, "big") * 3000
            pynet.sleep(0.005)

    one: list[bytes] = []
    two: list[bytes] = []
    with (
        car.stream("scene", one.append, lanes=4),
        car.stream("scene", two.append, lanes=4),
    ):
        until(lambda: len(one) > 20 and len(two) > 20)
    assert begun == [1]
    until(lambda: free(gateway))


def test_granted_fewer_and_told(controller: pynet.Controller, until: Callable[..., None]) -> None:
    with Gateway(port=0, pool_size=3, heartbeat=0.1) as small:
        car = controller.connect(small.address)

        @small.stream(policy="latest")
        def ticks() -> Iterator[int]:
            for number in itertools.count():
                yield number
                pynet.sleep(0.005)

        got: list[int] = []
        with car.stream("ticks", got.append, lanes=8) as client:
            until(lambda: client.lanes == 3)
            assert client.granted == 3
            with pytest.raises(pynet.Busy):
                car.stream("ticks", print, lanes=2)
            assert client.lanes == 3
        until(lambda: free(small))
        with car.stream("ticks", got.append, lanes=2) as client:
            assert client.granted == 2
