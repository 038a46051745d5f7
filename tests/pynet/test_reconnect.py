"""Losses: what comes back by itself, and what says that it cannot."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import pynet
from pynet import Controller, Gateway, Incoming


def ticking(port: int = 0) -> Gateway:
    gateway = Gateway(port=port, heartbeat=0.1)

    def ticks() -> Iterator[int]:
        for number in itertools.count():
            yield number
            pynet.sleep(0.005)

    gateway.stream(ticks, name="live", policy="latest")
    gateway.stream(ticks, name="complete", policy="reliable")
    gateway.batch(lambda: 1, name="one")
    return gateway.start()


def test_a_live_stream_comes_back_with_the_gateway(
    controller: Controller, until: Callable[..., None]
) -> None:
    gateway = ticking()
    port = gateway.port
    car = controller.connect(gateway.address)
    states: list[str] = []
    count = itertools.count()
    newest = 0

    def take(item: int) -> None:
        nonlocal newest
        newest = next(count)

    with car.stream("live", take, on_state=states.append) as client:
        until(lambda: newest > 3)
        gateway.close()
        until(lambda: client.state == "reconnecting")
        seen = newest
        with ticking(port):
            until(lambda: newest > seen + 3)
            assert client.state == "live"
            assert client.stats.reconnects == 1
            assert car.call("one") == 1
            assert car.ping() > 0
            client.close()
    assert states == ["connecting", "live", "reconnecting", "live", "closed"]


def test_a_live_stream_closes_while_it_waits_for_the_next_try(
    controller: Controller, until: Callable[..., None]
) -> None:
    gateway = ticking()
    client = controller.connect(gateway.address).stream("live", lambda _: None)
    gateway.close()
    until(lambda: client.state == "reconnecting")
    until(lambda: client.error is not None)
    client.close()
    assert client.state == "closed"


def test_a_reliable_stream_says_that_it_is_lost(controller: Controller) -> None:
    gateway = ticking()
    ends: list[Any] = []
    client = controller.connect(gateway.address).stream(
        "complete", lambda _: None, on_end=ends.append
    )
    gateway.close()
    assert client.wait(5)
    assert isinstance(ends[0], pynet.StreamLost)
    assert isinstance(client.error, pynet.StreamLost)


def test_an_error_of_the_subroutine_is_not_retried(controller: Controller) -> None:
    with Gateway(port=0) as gateway:
        runs = 0

        @gateway.stream(policy="latest")
        def breaks() -> Iterator[int]:
            nonlocal runs
            runs += 1
            yield 1
            raise ValueError("for good")

        client = controller.connect(gateway.address).stream("breaks", lambda _: None)
        assert client.wait(5)
        assert isinstance(client.error, pynet.RemoteError)
        assert runs == 1


def test_a_live_feed_goes_on_with_the_newest_value(
    controller: Controller, until: Callable[..., None]
) -> None:
    taken: list[int] = []

    def offer(port: int = 0) -> Gateway:
        gateway = Gateway(port=port, heartbeat=0.1)

        @gateway.sink(policy="latest")
        def drive(commands: Incoming) -> None:
            taken.extend(commands)

        return gateway.start()

    gateway = offer()
    port = gateway.port
    feed = controller.connect(gateway.address).feed("drive")
    feed.send(1)
    gateway.close()
    until(lambda: feed.state == "reconnecting")
    for number in range(2, 50):
        feed.send(number)  # never blocks, never raises
    with offer(port):
        until(lambda: feed.state == "live")
        feed.send(50)
        feed.close()
    assert taken[-1] in (49, 50)
    assert len(taken) <= 4


def test_a_reliable_feed_says_that_it_is_lost(
    controller: Controller, until: Callable[..., None]
) -> None:
    gateway = Gateway(port=0)
    gateway.sink(sum, name="total")
    gateway.start()
    feed = controller.connect(gateway.address).feed("total")
    feed.send(1)
    gateway.close()
    until(lambda: feed.state == "closed")
    with pytest.raises(pynet.StreamLost):
        feed.send(2)
    with pytest.raises(pynet.StreamLost):
        feed.result(1)


def test_a_hundred_losses_leave_nothing_behind(
    controller: Controller, until: Callable[..., None]
) -> None:
    with ticking() as gateway:
        car = controller.connect(gateway.address)
        with car.stream("live", lambda _: None) as client:
            until(lambda: client.state == "live")
            threads = threading.active_count()
            for loss in range(1, 101):
                lane = client._lane
                assert lane is not None
                lane._sock.shutdown(2)
                until(lambda loss=loss: client.stats.reconnects == loss)
                until(lambda: client.state == "live" and client._lane is not None)
            until(lambda: len(car.handlers()) == 1)
            assert threading.active_count() <= threads + 2
            assert len(gateway._managers) == 1
            assert not gateway._door.greeting


@pytest.mark.parametrize("lanes", [1, 4])
def test_a_program_that_keeps_the_interpreter_for_long_loses_nobody(
    controller: Controller, until: Callable[..., None], lanes: int
) -> None:
    got: list[int] = []
    states: list[str] = []
    with ticking() as gateway:
        car = controller.connect(gateway.address)
        with car.stream("live", got.append, on_state=states.append, lanes=lanes):
            for _ in range(3):
                seen = len(got)
                until(lambda: len(got) > seen + 3)  # noqa: B023
                before = time.monotonic()
                sum(range(20_000_000))  # in C, and without letting go of the interpreter's lock
                assert time.monotonic() - before > 0.1
            seen = len(got)
            until(lambda: len(got) > seen + 3)
    assert states == ["connecting", "live", "closed"]
