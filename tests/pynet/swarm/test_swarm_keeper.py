"""Who looks after a swarm's lanes: what is replaced, what is refused, and closing meanwhile."""

from __future__ import annotations

import itertools
import logging
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import pynet
from pynet import Controller, Gateway, Incoming, Limits, RemoteGateway
from pynet.policy import paced, reliable
from pynet.swarm import group
from pynet.swarm.client import SwarmClient
from pynet.swarm.feed import SwarmFeed
from pynet.swarm.keeper import MOST_DIALS
from tests.pynet.swarm.muffled import MuffledLink, keepers
from tests.pynet.swarm.test_swarm_client import free

linux = pytest.mark.skipif(sys.platform != "linux", reason="/proc/net/tcp tells of lost calls")

Swarm = SwarmClient | SwarmFeed


class Offer:
    """What the Gateways of these tests do.

    Attributes:
        runs: one entry for each time that a function was begun.
        commands: what the sink got.
    """

    def __init__(self) -> None:
        self.runs: list[str] = []
        self.commands: list[Any] = []

    def serve(self, port: int = 0, pool_size: int = 20) -> Gateway:
        gateway = Gateway(port=port, pool_size=pool_size)
        gateway.stream(self.count, policy="latest")
        gateway.sink(self.drive, policy="latest")
        return gateway.start()

    def count(self) -> Iterator[int]:
        self.runs.append("count")
        for number in itertools.count():
            yield number
            pynet.sleep(0.003)

    def drive(self, commands: Incoming) -> int:
        self.runs.append("drive")
        self.commands.extend(commands)
        return len(self.commands)


@pytest.fixture
def offer() -> Offer:
    return Offer()


@pytest.fixture
def served(offer: Offer) -> Iterator[Gateway]:
    with offer.serve() as gateway:
        yield gateway


@pytest.fixture
def link(served: Gateway) -> Iterator[MuffledLink]:
    link = MuffledLink(served.address)
    with link:
        yield link


@pytest.fixture
def desk() -> Iterator[Controller]:
    """With the usual heartbeats: a keeper is quicker than they are."""
    with Controller(name="desk") as desk:
        yield desk


@pytest.fixture
def far(link: MuffledLink, desk: Controller) -> RemoteGateway:
    """The Gateway beyond the link."""
    return desk.connect(link.address, timeout=10)


def numbers(swarm: Swarm) -> set[int]:
    return {joined.number for joined in swarm._keeper.lanes}


def opened(
    car: RemoteGateway, verb: str, callback: Callable[[int], Any] | None = None, **options: Any
) -> Swarm:
    """A stream or a feed over several lanes."""
    swarm: pynet.Client | pynet.Feed
    if verb == "stream":
        swarm = car.stream("count", callback, policy="latest", **options)
    else:
        swarm = car.feed("drive", policy="latest", **options)
    assert isinstance(swarm, Swarm)
    return swarm


# ---- lanes that are stuck ---------------------------------------------------------------


@pytest.mark.parametrize("verb", ["stream", "feed"])
def test_a_lane_that_alone_falls_silent_is_replaced(
    far: RemoteGateway, link: MuffledLink, offer: Offer, verb: str, until: Callable[..., None]
) -> None:
    got: list[int] = []
    states: list[str] = []
    with opened(far, verb, got.append, lanes=4, on_state=states.append) as swarm:
        until(lambda: swarm.lanes == 4)
        before = numbers(swarm)
        victim = swarm._keeper.lanes[-1]
        link.mute(victim.lane)
        until(lambda: victim.number not in numbers(swarm) and swarm.lanes == 4)
        assert victim.lane.error is not None
        assert len(before & numbers(swarm)) == 3, "the others stayed"
        until(lambda: {reading.number for reading in swarm.stats.lanes} == numbers(swarm))
        if isinstance(swarm, SwarmFeed):
            swarm.send("on")
            until(lambda: "on" in offer.commands)
        else:
            seen = len(got)
            until(lambda: len(got) > seen + 20)
        assert swarm.stats.reconnects == 0
    assert states == ["connecting", "live", "closed"]
    assert len(offer.runs) == 1


def test_a_lane_that_is_stuck_with_what_was_sent_is_replaced_and_nothing_is_lost(
    served: Gateway, far: RemoteGateway, link: MuffledLink, until: Callable[..., None]
) -> None:
    @served.sink(policy=reliable)
    def gather(items: Incoming) -> list[int]:
        return [number for number, _ in items]

    with far.feed("gather", lanes=4) as feed:
        assert isinstance(feed, SwarmFeed)
        until(lambda: feed.lanes == 4)
        victim = feed._keeper.lanes[-1]
        link.mute(victim.lane)
        count = itertools.count()

        def replaced() -> bool:
            feed.send([next(count), bytes(30_000)], timeout=10)
            return victim.number not in numbers(feed)

        until(replaced, 10)
        until(lambda: feed.lanes == 4)
        assert feed.result(10) == list(range(next(count)))


# ---- lanes that are refused -------------------------------------------------------------


@pytest.mark.parametrize("verb", ["stream", "feed"])
@pytest.mark.parametrize("kind", ["UnknownSubroutine", "WrongKind"])
def test_a_gateway_that_comes_back_with_other_functions(
    offer: Offer, controller: Controller, verb: str, kind: str, until: Callable[..., None]
) -> None:
    first = offer.serve()
    ends: list[Any] = []
    swarm = opened(controller.connect(first.address), verb, lanes=3, on_end=ends.append)
    values = iter(swarm) if isinstance(swarm, SwarmClient) else None
    until(lambda: swarm.lanes == 3)
    first.close()
    with Gateway(port=first.port, pool_size=20) as second:
        if kind == "WrongKind":
            second.batch(lambda: 1, name="count")
            second.batch(lambda: 2, name="drive")
        expected = getattr(pynet, kind)
        if isinstance(swarm, SwarmFeed):
            until(lambda: ends)
            assert isinstance(ends[0], expected)
            with pytest.raises(expected):
                swarm.send("more")
        else:
            assert values is not None
            with pytest.raises(expected):
                list(values)
        until(lambda: swarm.state == "closed")
        assert isinstance(swarm.error, expected)
        until(lambda: swarm.lanes == 0)
        until(lambda: free(second))
    until(lambda: not keepers())


def test_what_this_side_does_not_take_ends_the_stream_with_the_reason(
    gateway: Gateway, until: Callable[..., None]
) -> None:
    @gateway.stream(policy="latest")
    def heavy() -> Iterator[bytes]:
        yield bytes(50_000)
        pynet.sleep(1000)

    with Controller(limits=Limits(body=10_000, meta=10_000)) as small:
        car = small.connect(gateway.address)

        def look() -> None:
            for _ in car.stream("heavy", lanes=3):
                raise AssertionError("nothing can come")

        with pytest.raises(pynet.LimitExceeded, match="takes 10000"):
            look()
        assert car.pairs == []
    until(lambda: free(gateway) and not keepers())


def test_what_the_other_side_does_not_take_ends_the_feed(
    controller: Controller, until: Callable[..., None]
) -> None:
    with Gateway(port=0, limits=Limits(body=10_000, meta=10_000)) as small:
        small.sink(lambda items: [*items], name="gather", policy="reliable")
        ends: list[Any] = []
        feed = controller.connect(small.address).feed("gather", lanes=3, on_end=ends.append)
        feed.send(bytes(50_000))
        until(lambda: ends)
        assert isinstance(ends[0], pynet.StreamLost)
        with pytest.raises(pynet.StreamLost):
            feed.send(1)
        until(lambda: free(small))


def test_a_stranger_at_the_address_is_waited_out(
    offer: Offer, controller: Controller, until: Callable[..., None]
) -> None:
    first = offer.serve()
    got: list[int] = []
    with controller.connect(first.address).stream("count", got.append, lanes=3) as client:
        until(lambda: got)
        first.close()
        until(lambda: client.state == "reconnecting")
        with socket.create_server(("127.0.0.1", first.port)) as stranger:
            for _ in range(3):
                caller, _ = stranger.accept()
                with caller:
                    caller.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")
            assert client.state == "reconnecting"
        seen = len(got)
        with offer.serve(first.port):
            until(lambda: client.state == "live" and len(got) > seen + 10)
            client.close()


# ---- how many there are -----------------------------------------------------------------


@pytest.mark.parametrize("verb", ["stream", "feed"])
def test_as_many_as_are_granted_and_no_more(
    offer: Offer, controller: Controller, verb: str, until: Callable[..., None]
) -> None:
    with offer.serve(pool_size=5) as small:
        car = controller.connect(small.address)
        with car.feed("drive", lanes=3) as other:
            until(lambda: other.lanes == 3)
            with opened(car, verb, lanes=8) as swarm:
                until(lambda: swarm.lanes == 2)
                assert swarm.granted == 2
                other.close()
                until(lambda: small._pool.taken == 2)
                # The slots that are free now stay so: a swarm does not grow by itself.
                until(lambda: not swarm._keeper._dials)
                assert (swarm.lanes, swarm.granted) == (2, 2)
                assert len(numbers(swarm)) == 2
        until(lambda: free(small))


@pytest.mark.parametrize(("before", "after"), [(2, 6), (6, 2)])
def test_another_gateway_grants_another_number(
    offer: Offer, controller: Controller, before: int, after: int, until: Callable[..., None]
) -> None:
    first = offer.serve(pool_size=before)
    states: list[str] = []
    car = controller.connect(first.address)
    with opened(car, "feed", lanes=8, on_state=states.append) as feed:
        assert isinstance(feed, SwarmFeed)
        until(lambda: feed.lanes == before)
        assert feed.granted == before
        first.close()
        until(lambda: feed.state == "reconnecting")
        with offer.serve(first.port, pool_size=after) as second:
            until(lambda: feed.lanes == len(feed.stats.lanes) == after)
            assert feed.granted == after
            feed.send("after")
            until(lambda: "after" in offer.commands)
            assert states == ["connecting", "live", "reconnecting", "live"]
            feed.close()
            until(lambda: free(second))


# ---- calls that are lost ----------------------------------------------------------------


@linux
@pytest.mark.parametrize("verb", ["stream", "feed"])
def test_calls_that_are_lost_are_made_again_before_tcp_would(
    far: RemoteGateway, link: MuffledLink, offer: Offer, verb: str, until: Callable[..., None]
) -> None:
    states: list[str] = []
    with opened(far, verb, lanes=3, on_state=states.append) as swarm:
        until(lambda: swarm.lanes == 3)
        link.lose_calls()
        waiting = link.lost_calls()
        link.cut()
        until(lambda: swarm.state == "reconnecting")
        # A first call, and others beside it.
        until(lambda: link.lost_calls() >= waiting + 3)
        assert 1 <= len(swarm._keeper._dials) <= MOST_DIALS
        link.thaw()
        until(lambda: swarm.lanes == 3)
        assert states == ["connecting", "live", "reconnecting", "live"]
        # The calls beside those that were answered first are not left open.
        until(lambda: not swarm._keeper._dials)
        assert link.lost_calls() == 0


@linux
@pytest.mark.parametrize("verb", ["stream", "feed"])
@pytest.mark.parametrize("answered", [False, True])
def test_closing_while_lanes_are_dialled(
    served: Gateway,
    far: RemoteGateway,
    link: MuffledLink,
    verb: str,
    answered: bool,
    until: Callable[..., None],
) -> None:
    swarm = opened(far, verb, lanes=4)
    until(lambda: swarm.lanes == 4)
    if answered:  # but not greeted
        link.freeze()
    else:
        link.lose_calls()
    link.cut()
    until(lambda: swarm.state == "reconnecting" and len(swarm._keeper._dials) > 1)
    swarm.close()
    assert swarm.state == "closed"
    assert far.pairs == []
    assert keepers() == []
    link.thaw()
    until(lambda: free(served))


def test_a_gateway_that_is_gone_before_the_first_lane(
    served: Gateway, far: RemoteGateway, link: MuffledLink
) -> None:
    link.close()
    for verb in ("stream", "feed"):
        with pytest.raises(pynet.ConnectError, match="nothing listens"):
            opened(far, verb, lanes=4)
    assert far.pairs == []
    assert keepers() == []
    assert free(served)


# ---- what users are told, and what they do then -----------------------------------------


@pytest.mark.parametrize("what", ["car", "controller"])
@pytest.mark.parametrize("when", ["reconnecting", "live"])
@pytest.mark.parametrize("verb", ["stream", "feed"])
def test_on_state_may_close_everything(
    offer: Offer, verb: str, when: str, what: str, until: Callable[..., None]
) -> None:
    with offer.serve() as gateway, MuffledLink(gateway.address) as link:
        controller = Controller(name="desk")
        car = controller.connect(link.address)
        armed, closed = threading.Event(), threading.Event()

        def tell(state: str) -> None:
            if armed.is_set() and state == when:
                (car if what == "car" else controller).close()
                closed.set()

        swarm = opened(car, verb, lanes=4, on_state=tell)
        beside = car.feed("drive", lanes=2)
        until(lambda: swarm.lanes == 4 and beside.lanes == 2)
        armed.set()
        link.freeze()  # else a lane may be back before the last is missed
        link.cut()
        if when == "live":
            until(lambda: swarm.state == "reconnecting")
            link.thaw()
        assert closed.wait(10)
        until(lambda: swarm.state == beside.state == "closed")
        link.thaw()
        assert car.pairs == []
        controller.close()
        until(lambda: free(gateway) and not keepers())


@pytest.mark.parametrize("verb", ["stream", "feed"])
def test_on_state_that_raises_harms_nobody(
    far: RemoteGateway,
    link: MuffledLink,
    verb: str,
    caplog: pytest.LogCaptureFixture,
    until: Callable[..., None],
) -> None:
    states: list[str] = []

    def tell(state: str) -> None:
        states.append(state)
        raise RuntimeError(f"no wish to hear of {state}")

    with (
        caplog.at_level(logging.ERROR, "pynet.client"),
        opened(far, verb, lanes=4, on_state=tell) as swarm,
    ):
        until(lambda: swarm.lanes == 4)
        link.cut()
        until(lambda: states[-1] == "live" and len(states) == 4 and swarm.lanes == 4)
    assert states == ["connecting", "live", "reconnecting", "live", "closed"]
    assert len(caplog.records) == len(states)


# ---- what is lossless -------------------------------------------------------------------


def test_a_paced_feed_goes_on_after_a_silence_and_loses_nothing(
    served: Gateway,
    far: RemoteGateway,
    link: MuffledLink,
    until: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(group, "LINGER", 60.0)
    taken: list[int] = []

    @served.sink(policy=paced(4))
    def gather(items: Incoming) -> list[int]:
        for number, _ in items:
            taken.append(number)
        return taken

    states: list[str] = []
    feed = far.feed("gather", lanes=3, on_state=states.append)
    for number in range(20):
        feed.send([number, bytes(5000)], timeout=10)
    link.freeze()
    until(lambda: feed.state == "reconnecting")

    def full() -> bool:
        try:
            feed.send([number + 1, bytes(5000)], timeout=0.01)
        except pynet.DeadlineExceeded:
            return True
        return False

    while not full():
        number += 1
    link.thaw()
    feed.send([number + 1, bytes(5000)], timeout=10)
    assert feed.result(10) == list(range(number + 2))
    assert states[:4] == ["connecting", "live", "reconnecting", "live"]
    assert states[-1] == "closed"


def test_a_paced_feed_whose_function_began_anew_says_that_it_is_lost(
    offer: Offer, controller: Controller, until: Callable[..., None]
) -> None:
    def serve(port: int = 0) -> Gateway:
        gateway = Gateway(port=port)
        gateway.sink(lambda items: [*items], name="gather", policy=paced(4))
        return gateway.start()

    first = serve()
    ends: list[Any] = []
    feed = controller.connect(first.address).feed("gather", lanes=3, on_end=ends.append)
    feed.send(1)
    first.close()
    with serve(first.port) as second:
        until(lambda: ends)
        assert isinstance(ends[0], pynet.StreamLost)
        assert "anew" in str(ends[0])
        until(lambda: free(second))


def test_a_feed_that_shall_not_reconnect(
    served: Gateway, far: RemoteGateway, link: MuffledLink, until: Callable[..., None]
) -> None:
    ends: list[Any] = []
    feed = opened(far, "feed", lanes=4, reconnect=False, on_end=ends.append)
    until(lambda: feed.lanes == 4)
    before = numbers(feed)
    link.cut(3)
    until(lambda: len(numbers(feed) - before) == 3 and feed.lanes == 4)
    assert ends == []  # single lanes are none of the user's business
    link.cut()
    until(lambda: ends)
    assert isinstance(ends[0], pynet.StreamLost)
    until(lambda: free(served))


def test_a_silence_that_is_over_is_told_once(
    far: RemoteGateway, link: MuffledLink, until: Callable[..., None]
) -> None:
    states: list[str] = []
    with opened(far, "feed", lanes=3, on_state=states.append) as feed:
        for number in range(1, 4):
            until(lambda: feed.lanes == 3)
            link.freeze()
            # Several calls wait to be answered, and all of them are at the same time.
            until(lambda: feed.state == "reconnecting" and len(feed._keeper._dials) >= 3)
            link.thaw()
            until(lambda: feed.lanes == 3 and not feed._keeper._dials)
            assert states == ["connecting", "live"] + ["reconnecting", "live"] * number
            assert feed.stats.reconnects == number


@pytest.mark.parametrize("verb", ["stream", "feed"])
def test_arguments_that_cannot_travel(
    served: Gateway, far: RemoteGateway, verb: str, until: Callable[..., None]
) -> None:
    with pytest.raises(pynet.EncodeError):
        opened(far, verb, lanes=4, arguments={"hz": object()})
    assert far.pairs == []
    assert keepers() == []
    until(lambda: free(served))


@pytest.mark.parametrize("verb", ["stream", "feed"])
def test_while_it_is_dialled_the_newest_reason_is_told(
    offer: Offer, controller: Controller, verb: str, until: Callable[..., None]
) -> None:
    first = offer.serve()
    with opened(controller.connect(first.address), verb, lanes=3) as swarm:
        until(lambda: swarm.lanes == 3)
        first.close()
        until(lambda: swarm.state == "reconnecting")
        until(lambda: "nothing listens" in str(swarm.error))
        full = Gateway(port=first.port, pool_size=3)
        full.stream(offer.count, policy="latest")
        full.sink(offer.drive, policy="latest")
        full._pool.hold(3)  # others were quicker
        with full:
            until(lambda: isinstance(swarm.error, pynet.Busy))
            assert "pool_size" in str(swarm.error)
            assert swarm.state == "reconnecting"
            full._pool.release(3)
            until(lambda: swarm.error is None and swarm.state == "live" and swarm.lanes == 3)
            swarm.close()
