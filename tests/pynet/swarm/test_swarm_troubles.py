"""Swarms whose lanes, peers and links are lost."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import pynet
from pynet import Controller, Gateway, Incoming, RemoteGateway
from pynet.policy import Policy, keep_last, latest, paced, reliable
from pynet.testing import CuttableLink
from tests.pynet.swarm.test_swarm_client import free


class Offer:
    """What the Gateways of these tests do, and what is noted of it."""

    def __init__(self) -> None:
        self.begun = 0
        self.ended = 0
        self.commands: list[Any] = []
        self.errors: list[Any] = []

    def serve(self, port: int = 0) -> Gateway:
        gateway = Gateway(port=port, pool_size=20, heartbeat=0.1)
        gateway.stream(self.count, policy="latest")
        gateway.sink(self.drive, policy="latest")
        return gateway.start()

    def count(self) -> Iterator[int]:
        self.begun += 1
        try:
            for number in itertools.count():
                yield number
                pynet.sleep(0.003)
        finally:
            self.ended += 1

    def drive(self, commands: Incoming) -> str:
        self.begun += 1
        self.commands.extend(commands)
        self.ended += 1
        self.errors.append(commands.error)
        return "parked"


@pytest.fixture
def offer() -> Offer:
    return Offer()


@pytest.fixture
def served(offer: Offer) -> Iterator[Gateway]:
    with offer.serve() as gateway:
        yield gateway


@pytest.fixture
def link(served: Gateway) -> Iterator[CuttableLink]:
    with CuttableLink(served.address) as link:
        yield link


@pytest.fixture
def far(link: CuttableLink, controller: Controller) -> RemoteGateway:
    """The Gateway beyond the link."""
    return controller.connect(link.address, timeout=3)


@pytest.mark.parametrize("policy", [latest, keep_last(500), paced(4)], ids=str)
def test_single_lanes_are_lost_and_nobody_notices(
    far: RemoteGateway,
    link: CuttableLink,
    offer: Offer,
    policy: Policy,
    until: Callable[..., None],
) -> None:
    got: list[int] = []
    states: list[str] = []
    with far.stream("count", got.append, policy=policy, lanes=6, on_state=states.append) as client:
        for _ in range(5):
            until(lambda: client.lanes == 6)
            seen = len(got)
            link.cut(2)
            until(lambda: len(got) > seen + 20)  # noqa: B023
        until(lambda: client.lanes == 6)
        assert client.state == "live"
        assert client.stats.reconnects == 0
    assert states == ["connecting", "live", "closed"]
    assert offer.begun == 1
    assert got == sorted(set(got))
    if policy.lossless:
        assert got == list(range(len(got)))


def test_lanes_of_a_feed_are_lost_and_nothing_is(
    served: Gateway, link: CuttableLink, far: RemoteGateway, until: Callable[..., None]
) -> None:
    runs: list[int] = []

    @served.sink(policy=reliable)
    def gather(items: Incoming) -> list[int]:
        runs.append(1)
        return [item[0] for item in items]

    with far.feed("gather", lanes=5) as feed:
        number = itertools.count()
        until(lambda: feed.lanes == 5)
        for _ in range(4):
            for _ in range(100):
                feed.send([next(number), bytes(3000)], timeout=5)
            before = {reading.number for reading in feed.stats.lanes}
            link.cut(3)
            until(lambda: len({r.number for r in feed.stats.lanes} - before) == 3)  # noqa: B023
        got = feed.result(10)
    assert got == list(range(400))
    assert runs == [1]
    until(lambda: free(served))


@pytest.mark.parametrize("policy", [latest, keep_last(500), paced(4)], ids=str)
def test_all_lanes_are_cut_and_the_stream_goes_on(
    served: Gateway,
    far: RemoteGateway,
    link: CuttableLink,
    offer: Offer,
    policy: Policy,
    until: Callable[..., None],
) -> None:
    got: list[int] = []
    ends: list[Any] = []
    states: list[str] = []
    client = far.stream(
        "count", got.append, policy=policy, lanes=4, on_end=ends.append, on_state=states.append
    )
    for _ in range(4):
        until(lambda: client.lanes == 4)
        link.cut()
        until(lambda: client.lanes < 4)
        seen = len(got)
        until(lambda: len(got) > seen + 20)  # noqa: B023
    assert ends == []
    assert client.state == "live"
    client.close()
    assert ends == [None]
    assert states[:3] == ["connecting", "live", "reconnecting"]
    until(lambda: free(served))
    assert offer.ended == offer.begun


def test_all_lanes_are_cut_and_commands_go_on(
    served: Gateway,
    far: RemoteGateway,
    link: CuttableLink,
    offer: Offer,
    until: Callable[..., None],
) -> None:
    feed = far.feed("drive", lanes=4)
    numbers = itertools.count()
    stop = threading.Event()

    def steer() -> None:
        while not stop.wait(0.003):
            feed.send(next(numbers))

    driver = threading.Thread(target=steer)
    driver.start()
    for _ in range(4):
        until(lambda: feed.lanes == 4)
        link.cut()
        until(lambda: feed.lanes < 4)
        seen = len(offer.commands)
        until(lambda: len(offer.commands) > seen + 20)  # noqa: B023
    stop.set()
    driver.join()
    assert feed.result(5) == "parked"
    assert offer.commands == sorted(set(offer.commands))
    assert offer.commands[-1] == next(numbers) - 1
    until(lambda: free(served))


def test_a_reliable_feed_says_that_it_is_lost(
    served: Gateway, far: RemoteGateway, link: CuttableLink, until: Callable[..., None]
) -> None:
    served.sink(lambda items: [*items], name="gather", policy="reliable")
    ends: list[Any] = []
    feed = far.feed("gather", lanes=4, on_end=ends.append)
    feed.send(1)
    until(lambda: feed.lanes == 4)
    link.cut()
    until(lambda: ends)
    assert isinstance(ends[0], pynet.StreamLost)
    with pytest.raises(pynet.StreamLost):
        feed.send(2)
    until(lambda: free(served))


def test_a_stream_that_shall_not_reconnect(
    served: Gateway, far: RemoteGateway, link: CuttableLink, until: Callable[..., None]
) -> None:
    ends: list[Any] = []
    client = far.stream("count", lambda _: None, lanes=4, reconnect=False, on_end=ends.append)
    until(lambda: client.lanes == 4)
    link.cut()
    until(lambda: ends)
    assert isinstance(ends[0], pynet.StreamLost)
    until(lambda: free(served))


def test_an_outage_is_told_and_over_soon(
    far: RemoteGateway, link: CuttableLink, until: Callable[..., None]
) -> None:
    got: list[int] = []
    states: list[str] = []
    with far.stream("count", got.append, lanes=8, on_state=states.append) as client:
        until(lambda: client.lanes == 8 and got)
        link.freeze()
        until(lambda: client.state == "reconnecting")
        assert client.lanes == 0
        assert client.error is not None
        seen = len(got)
        threading.Event().wait(1.5)  # the outage lasts: dials are made, and wait
        assert len(got) == seen
        link.thaw()
        until(lambda: len(got) > seen, 2)
        until(lambda: client.state == "live" and client.lanes == 8)
        assert client.error is None
        assert client.stats.reconnects == 1
    assert states == ["connecting", "live", "reconnecting", "live", "closed"]


def test_closing_during_an_outage(
    far: RemoteGateway, served: Gateway, link: CuttableLink, until: Callable[..., None]
) -> None:
    client = far.stream("count", lambda _: None, lanes=4)
    feed = far.feed("drive", lanes=4)
    link.freeze()
    until(lambda: client.state == feed.state == "reconnecting")
    feed.send("while nobody hears it")
    client.close()
    feed.close()
    assert client.state == feed.state == "closed"
    link.close()
    until(lambda: free(served), 10)


def test_a_silent_controller_is_given_up_after_a_while(
    served: Gateway,
    far: RemoteGateway,
    link: CuttableLink,
    offer: Offer,
    until: Callable[..., None],
) -> None:
    feed = far.feed("drive", lanes=4)
    feed.send(1)
    until(lambda: offer.commands == [1])
    link.freeze()
    until(lambda: offer.ended == 1, 10)
    assert isinstance(offer.errors[0], pynet.ConnectionLost)
    until(lambda: free(served))
    feed.close()


def test_the_gateway_comes_back(
    offer: Offer, controller: Controller, until: Callable[..., None]
) -> None:
    gateway = offer.serve()
    car = controller.connect(gateway.address)
    got: list[int] = []
    with car.stream("count", got.append, lanes=4) as client, car.feed("drive", lanes=4) as feed:
        until(lambda: len(got) > 10)
        feed.send("before")
        until(lambda: offer.commands == ["before"])
        gateway.close(grace=2)
        until(lambda: client.state == feed.state == "reconnecting")
        assert offer.ended == 2
        seen = len(got)
        with offer.serve(gateway.port):
            until(lambda: len(got) > seen + 10)
            feed.send("after")
            until(lambda: "after" in offer.commands)
            assert client.state == feed.state == "live"
            assert offer.begun == 4
            client.close()
            feed.close()


def test_the_gateway_comes_back_without_the_function(
    offer: Offer, controller: Controller, until: Callable[..., None]
) -> None:
    gateway = offer.serve()
    ends: list[Any] = []
    controller.connect(gateway.address).stream("count", print, lanes=3, on_end=ends.append)
    gateway.close()
    with Gateway(port=gateway.port, heartbeat=0.1):
        until(lambda: ends)
    assert isinstance(ends[0], pynet.UnknownSubroutine)


@pytest.mark.parametrize("leader", [True, False])
def test_stopping_any_handler_stops_the_swarm(
    served: Gateway,
    controller: Controller,
    offer: Offer,
    leader: bool,
    until: Callable[..., None],
) -> None:
    car = controller.connect(served.address)
    ends: list[Any] = []
    client = car.stream("count", lambda _: None, lanes=4, on_end=ends.append)
    until(lambda: client.lanes == 4)
    numbers = sorted(row["id"] for row in car.handlers())
    car.stop_handler(numbers[0 if leader else -1])
    assert client.wait(5)
    assert isinstance(ends[0], pynet.HandlerStopped)
    feed = car.feed("drive", lanes=4, on_end=ends.append)
    until(lambda: feed.lanes == 4 and len(car.handlers()) == 4)
    numbers = sorted(row["id"] for row in car.handlers())
    car.stop_handler(numbers[0 if leader else -1])
    until(lambda: len(ends) == 2)
    assert isinstance(ends[1], pynet.HandlerStopped)
    assert offer.begun == offer.ended == 2
    until(lambda: free(served))


def test_a_stopped_function_that_does_not_end(
    served: Gateway, controller: Controller, until: Callable[..., None]
) -> None:
    release = threading.Event()
    served.sink(lambda items: release.wait(10), name="stubborn", policy="latest")
    car = controller.connect(served.address)
    ends: list[Any] = []
    feed = car.feed("stubborn", lanes=3, on_end=ends.append)
    until(lambda: feed.lanes == 3)
    car.stop_handler(car.handlers()[0]["id"])
    until(lambda: ends)
    assert isinstance(ends[0], pynet.HandlerStopped)
    release.set()
    until(lambda: free(served))


def test_closing_the_gateway_ends_a_waiting_sink_at_once(
    offer: Offer, controller: Controller, until: Callable[..., None]
) -> None:
    gateway = offer.serve()
    car = controller.connect(gateway.address)
    feed = car.feed("drive", lanes=4)
    until(lambda: feed.lanes == 4)
    gateway.close(grace=1.5)  # less than a swarm may be silent
    assert offer.ended == 1
    assert isinstance(offer.errors[0], pynet.GatewayStopped) or offer.errors[0] is None
    feed.close()


DRIVER = """
import itertools, sys, time, pynet
controller = pynet.Controller(heartbeat=0.1)
car = controller.connect(sys.argv[1])
feed = car.feed("drive", lanes=6)
stream = car.stream("count", lambda _: None, lanes=6)
while feed.lanes < 6 or stream.lanes < 6:
    time.sleep(0.01)
print("driving", flush=True)
for number in itertools.count():
    feed.send(number)
    time.sleep(0.005)
"""


def test_a_controller_that_is_killed(
    served: Gateway, offer: Offer, until: Callable[..., None]
) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", DRIVER, served.address], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "driving\n"
        until(lambda: len(offer.commands) > 20)
        os.kill(process.pid, signal.SIGKILL)
    until(lambda: offer.ended == 2)
    until(lambda: free(served))


def test_a_slow_way_is_no_reason_to_replace_lanes(offer: Offer, until: Callable[..., None]) -> None:
    with (
        Gateway(port=0) as gateway,
        CuttableLink(gateway.address, delay=0.2) as link,
        Controller() as controller,
    ):
        gateway.sink(offer.drive, policy="latest")
        with controller.connect(link.address).feed("drive", lanes=3) as feed:
            until(lambda: feed.lanes == 3)
            for number in range(150):
                feed.send(number)
                threading.Event().wait(0.01)
            until(lambda: offer.commands and offer.commands[-1] == 149)
            assert sorted(reading.number for reading in feed.stats.lanes) == [0, 1, 2]


def test_rare_heartbeats_are_no_reason_to_replace_lanes(
    offer: Offer, until: Callable[..., None]
) -> None:
    with Controller(heartbeat=5) as controller, Gateway(port=0, heartbeat=5) as calm:
        calm.stream(offer.count, policy="latest")
        with controller.connect(calm.address).stream(
            "count", lambda _: None, lanes=3, strategy="failover"
        ) as client:
            until(lambda: client.lanes == 3)
            threading.Event().wait(2.5)
            assert sorted(reading.number for reading in client.stats.lanes) == [0, 1, 2]
