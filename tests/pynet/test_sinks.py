"""Sinks: data sent into a function."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import pynet
from pynet import SILENCE, Gateway, Incoming, RemoteGateway
from pynet.testing import CuttableLink


def test_one_value_and_its_result(gateway: Gateway, car: RemoteGateway) -> None:
    @gateway.sink
    def total(items: Incoming, start: int = 0) -> int:
        return start + sum(items)

    assert car.send("total", 5) == 5
    assert car.send("total", 5, start=10) == 15
    assert car.send("total", 6) == 6
    assert len(car.handlers()) == 1


def test_feed_and_result(gateway: Gateway, car: RemoteGateway) -> None:
    @gateway.sink
    def total(items: Incoming) -> float:
        return float(sum(float(np.sum(item)) for item in items))

    with car.feed("total") as feed:
        for _ in range(200):
            feed.send(np.ones(1000))
        feed.send(1)
        assert feed.result(10) == 200_001
        with pytest.raises(pynet.Closed):
            feed.send(1)


def test_arrays_may_be_reused_after_send(gateway: Gateway, car: RemoteGateway) -> None:
    @gateway.sink
    def firsts(items: Incoming) -> list[int]:
        return [int(item[0]) for item in items]

    frame = np.zeros(2_000_000, np.uint8)
    with car.feed("firsts") as feed:
        for number in range(20):
            frame[:] = number
            feed.send(frame)
        assert feed.result(20) == list(range(20))


def test_error_in_the_function(
    gateway: Gateway, car: RemoteGateway, until: Callable[..., None]
) -> None:
    @gateway.sink
    def fussy(items: Incoming) -> None:
        for item in items:
            raise ValueError(f"not {item}")

    ends: list[Any] = []
    feed = car.feed("fussy", on_end=ends.append)
    feed.send("this")
    until(lambda: ends)
    assert isinstance(ends[0], pynet.RemoteError)
    with pytest.raises(pynet.RemoteError, match="not this"):
        feed.send("that")
    with pytest.raises(pynet.RemoteError, match="not this"):
        feed.result(1)
    with pytest.raises(pynet.RemoteError, match="not that"):
        car.send("fussy", "that")


def test_function_that_returns_early(
    gateway: Gateway, car: RemoteGateway, until: Callable[..., None]
) -> None:
    @gateway.sink
    def first(items: Incoming) -> Any:
        return next(items)

    feed = car.feed("first")
    feed.send("one")
    until(lambda: feed.state == "closed")
    assert feed.result(1) == "one"
    with pytest.raises(pynet.Closed):
        feed.send("two")


def test_silence_is_told_again_and_again(gateway: Gateway, car: RemoteGateway) -> None:
    silences = threading.Semaphore(0)

    @gateway.sink(silence=0.03)
    def watch(items: Incoming) -> list[Any]:
        seen = []
        for item in items:
            if item is SILENCE:
                silences.release()
            else:
                seen.append(item)
        return seen

    with car.feed("watch") as feed:
        for _ in range(3):
            assert silences.acquire(timeout=5)
        feed.send(1)
        feed.send(2)
        assert silences.acquire(timeout=5)
        assert feed.result(5) == [1, 2]
    assert not SILENCE


def test_old_items_are_dropped(gateway: Gateway, car: RemoteGateway) -> None:
    hold = threading.Event()
    started = threading.Event()

    @gateway.sink(max_age=0.1)
    def fresh(items: Incoming) -> list[int]:
        started.set()
        hold.wait(10)
        return list(items)

    with car.feed("fresh") as feed:
        assert started.wait(5)
        feed.send(1)
        timer = threading.Timer(0.3, hold.set)
        timer.start()
        timer.join()
        feed.send(2)
        assert feed.result(5) == [2]


def test_a_flood_of_old_items_is_silence(gateway: Gateway, car: RemoteGateway) -> None:
    silences = threading.Semaphore(0)

    @gateway.sink(max_age=0.01, silence=0.05)
    def watch(items: Incoming) -> None:
        for item in items:
            if item is SILENCE:
                silences.release()

    with CuttableLink(gateway.address, delay=0.1) as link, pynet.Controller() as controller:
        feed = controller.connect(link.address).feed("watch")
        stop = threading.Event()

        def flood() -> None:
            while not stop.wait(0.0005):
                feed.send(1)

        flooding = threading.Thread(target=flood)
        flooding.start()
        for _ in range(4):
            assert silences.acquire(timeout=5)
        stop.set()
        flooding.join()


def test_latest_takes_the_newest_only(gateway: Gateway, car: RemoteGateway) -> None:
    hold = threading.Event()
    taken = threading.Event()

    @gateway.sink(policy="latest")
    def steer(items: Incoming) -> list[int]:
        seen = []
        for item in items:
            seen.append(item)
            taken.set()
            hold.wait(10)
        return seen

    with car.feed("steer") as feed:
        assert feed.policy.kind == "latest"
        feed.send(0)
        assert taken.wait(5)
        for number in range(1, 1000):
            feed.send(number)  # never blocks
        hold.set()
        seen = feed.result(5)
    assert seen[0] == 0
    assert len(seen) <= 4
    assert feed.stats.dropped >= 980  # all but the newest and those that were on the way


def test_the_newest_item_is_not_lost_to_the_end_behind_it(
    gateway: Gateway, car: RemoteGateway
) -> None:
    opened = threading.Event()

    @gateway.sink(policy="latest")
    def last(items: Incoming) -> list[Any]:
        opened.wait(10)
        return list(items)

    feed = car.feed("last")
    feed.send(1)
    feed.send(2)
    timer = threading.Timer(0.1, opened.set)
    timer.start()
    assert feed.result(5) == [2]
    timer.join()
    feed.close()
    opened.clear()
    timer = threading.Timer(0.1, opened.set)
    timer.start()
    assert car.send("last", 3) == [3]
    timer.join()


def test_round_trip_of_commands_is_measured(
    gateway: Gateway, car: RemoteGateway, until: Callable[..., None]
) -> None:
    gateway.sink(lambda items: sum(1 for _ in items), name="count", policy="latest")
    with car.feed("count") as feed:
        feed.send(1)
        until(lambda: feed.stats.round_trip is not None)
        assert 0 < (feed.stats.round_trip or 0) < 5


def test_reliable_feed_waits_and_times_out(gateway: Gateway, car: RemoteGateway) -> None:
    hold = threading.Event()

    @gateway.sink
    def slow(items: Incoming) -> int:
        hold.wait(10)
        return sum(1 for _ in items)

    block = np.zeros(1_000_000, np.uint8)
    with car.feed("slow") as feed:
        sent = 0

        def fill() -> None:
            nonlocal sent
            for _ in range(50):
                feed.send(block, timeout=0.05)
                sent += 1

        with pytest.raises(pynet.DeadlineExceeded):
            fill()
        assert 4 <= sent < 20
        hold.set()
        assert feed.result(10) == sent


def test_closing_a_feed_frees_a_send_that_waits(
    gateway: Gateway, car: RemoteGateway, until: Callable[..., None]
) -> None:
    hold = threading.Event()

    @gateway.sink
    def slow(items: Incoming) -> None:
        hold.wait(20)

    feed = car.feed("slow")
    block = np.zeros(1_000_000, np.uint8)
    failures: list[Exception] = []
    sent = 0

    def produce() -> None:
        nonlocal sent
        try:
            while True:
                feed.send(block)
                sent += 1
        except pynet.PynetError as error:
            failures.append(error)

    producer = threading.Thread(target=produce)
    producer.start()
    until(lambda: sent >= 4)
    feed.close()
    producer.join(10)
    assert not producer.is_alive()
    assert failures
    hold.set()


def test_incoming_tells_who_sends(gateway: Gateway, car: RemoteGateway) -> None:
    @gateway.sink
    def who(items: Incoming) -> list[Any]:
        list(items)
        return [items.peer, items.info is not None and items.info.id, items.error is None]

    assert car.send("who", 1) == ["desk", 0, True]


def test_a_lost_sender_ends_the_iteration_with_the_reason(gateway: Gateway) -> None:
    reason: list[Any] = []
    ended = threading.Event()

    @gateway.sink
    def listen(items: Incoming) -> None:
        for _ in items:
            continue
        reason.append(items.error)
        ended.set()

    with pynet.Controller() as controller:
        feed = controller.connect(gateway.address).feed("listen")
        feed.send(1)
        # The end of a process: the socket goes away without a word.
        assert feed._lane is not None
        feed._lane._sock.shutdown(2)
        assert ended.wait(5)
    assert isinstance(reason[0], pynet.ConnectionLost)
