"""Opening and closing swarms from anywhere, and what is left afterwards."""

from __future__ import annotations

import gc
import itertools
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import pynet
from pynet import Controller, Gateway, Incoming, RemoteGateway
from pynet.bulk import live_delays
from pynet.io.reactor import Reactor
from pynet.swarm.group import Group
from pynet.testing import CuttableLink
from tests.pynet.swarm.test_swarm_client import free


@pytest.fixture
def offer(gateway: Gateway) -> None:
    """The stream ``count`` and the sink ``drive``."""

    @gateway.stream(policy="latest")
    def count() -> Iterator[int]:
        for number in itertools.count():
            yield number
            pynet.sleep(0.002)

    @gateway.sink(policy="latest")
    def drive(commands: Incoming) -> int:
        return sum(1 for _ in commands)


def threads() -> list[str]:
    return sorted(thread.name for thread in threading.enumerate())


@pytest.mark.usefixtures("offer")
@pytest.mark.parametrize("wait", [True, False])
def test_a_hundred_swarms_leave_nothing(
    gateway: Gateway, car: RemoteGateway, wait: bool, until: Callable[..., None]
) -> None:
    before = set(live_delays._flows)

    def once(number: int) -> None:
        got = threading.Event()
        with (
            car.stream("count", lambda _: got.set(), lanes=4) as client,
            car.feed("drive", lanes=4, copies=2) as feed,
        ):
            feed.send(number)
            if wait:
                assert got.wait(5)
                until(lambda: feed.lanes == client.lanes == 4)

    for number in range(40):
        once(number)
        if wait:  # else the next one may be granted fewer lanes
            until(lambda: free(gateway))
    until(lambda: free(gateway))
    assert car.pairs == []
    until(lambda: not [name for name in threads() if "swarm" in name or "client" in name])
    assert sum("handler" in name for name in threads()) <= 10 + 8
    reactor = Reactor._shared
    assert reactor is not None
    until(lambda: len(reactor._watched) <= 4)
    until(lambda: len(reactor._timers) <= 4)
    assert set(live_delays._flows) <= before

    def groups() -> list[Group]:
        gc.collect()
        return [thing for thing in gc.get_objects() if type(thing) is Group]

    until(lambda: len(groups()) <= 10)  # idle threads of the pool may remember their last


@pytest.mark.usefixtures("offer")
def test_timers_do_not_grow_in_number(car: RemoteGateway, until: Callable[..., None]) -> None:
    reactor = Reactor._shared
    assert reactor is not None
    got: list[int] = []
    pause = threading.Event()
    with (
        car.stream("count", got.append, policy=pynet.paced(3), lanes=4),
        car.feed("drive", lanes=4, copies=3) as feed,
    ):
        for number in range(700):
            feed.send(number)
            pause.wait(0.001)
        assert len(reactor._timers) < 100


def lose(link: CuttableLink, pair: pynet.Pair, until: Callable[..., None]) -> None:
    """Cut until it is closed: a lane that has just joined may hide the loss of all others."""
    until(lambda: pair.lanes == 4)
    link.cut()
    cut = time.monotonic()

    def closed() -> bool:
        nonlocal cut
        if pair.state == "live" and time.monotonic() - cut > 0.5:
            link.cut()
            cut = time.monotonic()
        return pair.state == "closed"

    until(closed)


@pytest.mark.usefixtures("offer")
@pytest.mark.parametrize("callback", [print, None])
def test_on_state_may_close_a_stream(
    gateway: Gateway,
    controller: Controller,
    callback: Any,
    capsys: pytest.CaptureFixture[str],
    until: Callable[..., None],
) -> None:
    for when in ("reconnecting", "live"):
        clients: list[Any] = []
        seen: list[str] = []

        def tell(state: str) -> None:
            seen.append(state)  # noqa: B023
            if clients and state == when:  # noqa: B023
                clients[0].close()  # noqa: B023

        with CuttableLink(gateway.address) as link:
            car = controller.connect(link.address)
            client = car.stream("count", callback, lanes=4, on_state=tell)
            clients.append(client)
            lose(link, client, until)
            assert car.pairs == []
            car.close()
        until(lambda: free(gateway))


@pytest.mark.usefixtures("offer")
def test_on_state_may_close_a_feed(
    gateway: Gateway, controller: Controller, until: Callable[..., None]
) -> None:
    for when in ("reconnecting", "live"):
        feeds: list[Any] = []

        def tell(state: str) -> None:
            if feeds and state == when:  # noqa: B023
                feeds[0].close()  # noqa: B023

        with CuttableLink(gateway.address) as link:
            car = controller.connect(link.address)
            feed = car.feed("drive", lanes=4, on_state=tell)
            feeds.append(feed)
            lose(link, feed, until)
            with pytest.raises(pynet.Closed):
                feed.send(1)
            car.close()
        until(lambda: free(gateway))


@pytest.mark.usefixtures("offer")
def test_closing_the_controller_with_open_swarms(
    gateway: Gateway, until: Callable[..., None]
) -> None:
    with Controller(heartbeat=0.1) as controller:
        car = controller.connect(gateway.address)
        client = car.stream("count", lambda _: None, lanes=4)
        feed = car.feed("drive", lanes=4)
    assert client.state == feed.state == "closed"
    until(lambda: free(gateway))
    with pytest.raises(pynet.Closed):
        feed.send(1)


@pytest.mark.parametrize("closer", ["controller", "gateway"])
@pytest.mark.parametrize("verb", ["stream", "feed"])
def test_closing_while_a_swarm_is_being_opened(
    gateway: Gateway, closer: str, verb: str, until: Callable[..., None]
) -> None:
    asked, release = threading.Event(), threading.Event()

    @gateway.stream(policy="latest")
    def slow() -> Any:
        asked.set()
        release.wait(10)
        return iter(())

    gateway.sink(lambda items: None, name="sink", policy="latest")
    errors: list[Exception] = []
    with (
        CuttableLink(gateway.address) as link,
        Controller(heartbeat=0.1) as controller,
    ):
        car = controller.connect(link.address, timeout=20)

        def opening() -> None:
            try:
                if verb == "stream":
                    car.stream("slow", lambda _: None, policy="latest", lanes=4)
                else:
                    link.freeze()
                    asked.set()
                    car.feed("sink", lanes=4)
            except pynet.PynetError as error:
                errors.append(error)

        opener = threading.Thread(target=opening)
        opener.start()
        assert asked.wait(5)
        if closer == "controller":
            controller.close()
            opener.join(5)
            assert not opener.is_alive()
        else:
            car.close()
        release.set()
        link.thaw()
        opener.join(5)
        assert not opener.is_alive()
        assert len(errors) == 1 or verb == "stream"
        assert car.pairs == []
        until(lambda: free(gateway))


@pytest.mark.usefixtures("offer")
def test_an_iteration_is_closed_by_another_thread(
    gateway: Gateway, car: RemoteGateway, until: Callable[..., None]
) -> None:
    gateway.stream(lambda: iter(threading.Event().wait, True), name="silent", policy="latest")

    @gateway.stream(policy="latest")
    def one() -> Iterator[int]:
        yield 1
        pynet.sleep(1000)

    client = car.stream("one", lanes=3)
    got: list[int] = []
    begun = threading.Event()

    def iterate() -> None:
        for item in client:
            got.append(item)
            begun.set()

    reader = threading.Thread(target=iterate)
    reader.start()
    assert begun.wait(5)
    client.close()
    reader.join(5)
    assert not reader.is_alive()
    assert got == [1]
    until(lambda: free(gateway))
