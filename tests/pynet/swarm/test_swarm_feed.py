"""Feeds over several lanes: what the function gets, and what comes back."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import pynet
from pynet import SILENCE, Controller, Gateway, Incoming, RemoteGateway
from pynet.policy import Policy, keep_last, latest, paced, reliable
from pynet.testing import CuttableLink
from tests.pynet.swarm.test_swarm_client import free

POLICIES = [latest, keep_last(500), paced(3), reliable]


@pytest.fixture
def offer_gather(gateway: Gateway) -> list[int]:
    """The sink ``gather`` returns what it got; the list grows with each of its runs."""
    runs: list[int] = []

    @gateway.sink
    def gather(items: Incoming) -> list[Any]:
        runs.append(1)
        return list(items)

    return runs


@pytest.mark.parametrize("policy", POLICIES, ids=str)
def test_the_last_item_arrives_before_the_end(
    gateway: Gateway,
    car: RemoteGateway,
    offer_gather: list[int],
    policy: Policy,
    until: Callable[..., None],
) -> None:
    for size in (1, 5000):
        for _ in range(3):
            with car.feed("gather", policy=policy, lanes=6) as feed:
                for number in range(20):
                    feed.send([number, bytes(size)])
                got = [item[0] for item in feed.result(10)]
            assert got == sorted(set(got))
            assert got[-1] == 19
            if policy.lossless:
                assert got == list(range(20))
    assert len(offer_gather) == 6
    until(lambda: free(gateway))


@pytest.mark.parametrize("policy", POLICIES, ids=str)
def test_arrays_arrive_intact(
    gateway: Gateway, car: RemoteGateway, offer_gather: list[int], policy: Policy
) -> None:
    sent = [np.arange(size, dtype=np.float32).reshape(-1, 5) for size in (5, 5000, 1_250_000)]
    with car.feed("gather", policy=policy, lanes=6) as feed:
        for array in sent:
            feed.send({"a": array, "b": [array[:1], b"x" * 5000]})
        got = feed.result(10)
    assert len(got) == 3 or not policy.lossless
    for item in got:
        wanted = next(array for array in sent if array.shape == item["a"].shape)
        assert item["a"].dtype == np.float32
        assert (item["a"] == wanted).all()
        assert (item["b"][0] == wanted[:1]).all()
        assert item["b"][1] == b"x" * 5000


def test_all_lanes_serve_one_run(
    gateway: Gateway, car: RemoteGateway, offer_gather: list[int], until: Callable[..., None]
) -> None:
    with car.feed("gather", policy="latest", lanes=8, copies=2) as feed:
        until(lambda: feed.lanes == 8)
        assert feed.granted == 8
        pause = threading.Event()
        for number in range(60):
            feed.send(number)
            pause.wait(0.002)
        until(lambda: len({r.number for r in feed.stats.lanes if r.bytes_sent}) == 8)
        assert feed.stats.items == 60
        assert all(reading.options is not None for reading in feed.stats.lanes)
        got = feed.result(5)
    assert got == sorted(set(got))
    assert got[-1] == 59
    assert offer_gather == [1]


def test_result_of_a_function_that_returns_early(
    gateway: Gateway, car: RemoteGateway, until: Callable[..., None]
) -> None:
    runs: list[int] = []

    @gateway.sink
    def first(items: Incoming) -> Any:
        runs.append(1)
        return next(items)

    for number in range(20):
        ends: list[Any] = []
        feed = car.feed("first", policy=reliable, lanes=8, on_end=ends.append)
        feed.send(number)
        until(lambda: ends)  # noqa: B023
        assert feed.result(5) == number
        with pytest.raises(pynet.Closed):
            feed.send(2)
        assert ends == [None]
        assert len(runs) == number + 1
        until(lambda: free(gateway))


@pytest.mark.parametrize("delay", [0, 1, 2, 3, 5])
def test_a_function_that_returns_while_lanes_join(
    gateway: Gateway, car: RemoteGateway, delay: int, until: Callable[..., None]
) -> None:
    pause = threading.Event()
    runs: list[int] = []

    @gateway.sink
    def instant(items: Incoming) -> str:
        runs.append(1)
        pause.wait(delay / 1000)
        return "done"

    for number in range(15):
        with car.feed("instant", lanes=8, policy="latest") as feed:
            assert feed.result(5) == "done"
        assert len(runs) == number + 1
        until(lambda: free(gateway))


def test_a_function_that_raises(
    gateway: Gateway, car: RemoteGateway, until: Callable[..., None]
) -> None:
    runs: list[int] = []

    @gateway.sink(policy="latest")
    def frail(items: Incoming) -> None:
        runs.append(1)
        for item in items:
            raise KeyError(item)

    ends: list[Any] = []
    feed = car.feed("frail", lanes=8, on_end=ends.append)
    feed.send("oops")
    until(lambda: ends)
    assert isinstance(ends[0], pynet.RemoteError)
    with pytest.raises(pynet.RemoteError, match="oops"):
        feed.send(2)
    with pytest.raises(pynet.RemoteError):
        feed.result(1)
    assert runs == [1]
    assert len(ends) == 1
    until(lambda: free(gateway))


def test_what_cannot_be_started(
    gateway: Gateway, car: RemoteGateway, offer_gather: list[int], until: Callable[..., None]
) -> None:
    with pytest.raises(pynet.UnknownSubroutine):
        car.feed("nothing", lanes=4)
    gateway.batch(lambda: 1, name="one")
    with pytest.raises(pynet.WrongKind):
        car.feed("one", lanes=4)
    ends: list[Any] = []
    feed = car.feed("gather", 1, 2, 3, lanes=4, on_end=ends.append)
    until(lambda: ends)
    assert isinstance(ends[0], pynet.WrongArguments)
    feed.close()
    assert offer_gather == []
    assert car.pairs == []
    until(lambda: free(gateway))


def test_values_that_cannot_travel(
    gateway: Gateway, car: RemoteGateway, offer_gather: list[int]
) -> None:
    with car.feed("gather", policy=reliable, lanes=3) as feed:
        feed.send(1)
        with pytest.raises(pynet.EncodeError):
            feed.send(object())
        with pytest.raises(pynet.EncodeError):
            feed.send(list(range(1_000_000, 4_000_000)))
        feed.send(2)
        assert feed.result(5) == [1, 2]


def test_a_slow_function_holds_a_lossless_feed_up(gateway: Gateway, car: RemoteGateway) -> None:
    go = threading.Event()

    @gateway.sink(policy=paced(2))
    def slow(items: Incoming) -> int:
        go.wait(10)
        return len(list(items))

    with car.feed("slow", lanes=4) as feed:
        feed.send(1)
        feed.send(2)
        with pytest.raises(pynet.DeadlineExceeded):
            feed.send("too many", timeout=0.1)
        go.set()
        feed.send("last", timeout=5)
        assert feed.result(5) == 3


def test_closing_while_another_thread_waits_to_send(
    gateway: Gateway, car: RemoteGateway, until: Callable[..., None]
) -> None:
    @gateway.sink(policy=paced(1))
    def stuck(items: Incoming) -> None:
        pynet.sleep(1000)

    feed = car.feed("stuck", lanes=3)
    errors: list[Exception] = []
    waits = threading.Event()

    def send() -> None:
        try:
            while True:
                feed.send(bytes(3000))
                waits.set()
        except pynet.PynetError as error:
            errors.append(error)

    sender = threading.Thread(target=send)
    sender.start()
    assert waits.wait(5)
    feed.close()
    sender.join(5)
    assert isinstance(errors[0], pynet.Closed)
    until(lambda: free(gateway))


def test_silence_and_old_items(gateway: Gateway, controller: Controller) -> None:
    silences = threading.Semaphore(0)
    got: list[Any] = []
    old: list[Any] = []

    @gateway.sink(silence=0.05, policy="latest")
    def watch(items: Incoming) -> None:
        for item in items:
            if item is SILENCE:
                silences.release()
            else:
                got.append(item)

    @gateway.sink(max_age=0.02, policy="latest")
    def fresh(items: Incoming) -> None:
        old.extend(items)

    with CuttableLink(gateway.address, delay=0.05) as link:
        car = controller.connect(link.address)
        with car.feed("watch", lanes=4) as feed:
            feed.send(1)
            for _ in range(5):
                assert silences.acquire(timeout=5)
            assert got == [1]
        with car.feed("fresh", lanes=4) as feed:
            for number in range(20):
                feed.send(number)
            feed.result(5)
    assert old == []


def test_what_the_function_knows(gateway: Gateway, car: RemoteGateway) -> None:
    known: list[Any] = []

    @gateway.sink(policy=reliable)
    def ask(items: Incoming) -> None:
        for _ in items:
            info = items.info
            known.append((items.peer, items.address, info, pynet.flow(), pynet.cancelled()))
        known.append(items.ended)

    with car.feed("ask", lanes=3) as feed:
        feed.send(1)
        feed.result(5)
    peer, address, info, flow, cancelled = known[0]
    assert peer == "desk"
    assert address.startswith("127.0.0.1:")
    assert (info.id, info.gap) == (0, 0)
    assert 0 <= info.age < 5
    assert flow is None
    assert not cancelled
    assert known[1] is True


def test_failover(gateway: Gateway, car: RemoteGateway, offer_gather: list[int]) -> None:
    with car.feed("gather", policy=reliable, lanes=3, strategy="failover") as feed:
        for number in range(300):
            feed.send(number)
        assert feed.result(10) == list(range(300))
