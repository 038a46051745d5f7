"""Fan-out: one generator for all viewers, a mailbox for each."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import pynet
from pynet import Controller, Gateway, ItemInfo, Policy, RemoteGateway
from pynet.context import flow


class Radio:
    """A generator function that tells about its runs, and yields when told to.

    Attributes:
        threads: name of each run's thread.
        arguments: of each run.
        closed: how many runs were closed.
    """

    def __init__(self) -> None:
        self.threads: list[str] = []
        self.arguments: list[str] = []
        self.closed = 0
        self.running = 0
        self.at_once = 0
        self._go = threading.Semaphore(0)

    def play(self, station: str = "news", volume: int = 1) -> Iterator[int]:
        """Yield numbers."""
        self.threads.append(threading.current_thread().name)
        self.arguments.append(f"{station} {volume}")
        self.running += 1
        self.at_once = max(self.at_once, self.running)
        try:
            for number in itertools.count():
                while not self._go.acquire(timeout=0.01):
                    pynet.sleep(0)
                yield number
        finally:
            self.running -= 1
            self.closed += 1

    def let(self, count: int = 1) -> None:
        """Let it yield so many more."""
        self._go.release(count)


@pytest.fixture
def radio(gateway: Gateway) -> Radio:
    radio = Radio()
    gateway.stream(radio.play, name="radio", policy="latest", shared=True)
    return radio


def alive() -> list[str]:
    return [t.name for t in threading.enumerate() if t.name.startswith("pynet-fanout")]


def test_one_run_for_all_viewers(
    radio: Radio, car: RemoteGateway, until: Callable[..., None]
) -> None:
    got: list[list[int]] = [[], [], []]
    keep = pynet.keep_last(50)
    clients = [car.stream("radio", seen.append, policy=keep) for seen in got]
    assert alive() == ["pynet-fanout-radio"]
    for count in range(1, 6):
        radio.let()
        until(lambda: all(len(seen) == count for seen in got))  # noqa: B023
    assert got == [[0, 1, 2, 3, 4]] * 3
    assert radio.threads == ["pynet-fanout-radio"]
    clients[0].close()
    clients[1].close()
    radio.let()
    until(lambda: got[2][-1] == 5)
    assert radio.closed == 0
    clients[2].close()
    until(lambda: radio.closed == 1 and not alive())
    until(lambda: not car.handlers())


def test_it_begins_anew_after_the_last_viewer(
    radio: Radio, car: RemoteGateway, until: Callable[..., None]
) -> None:
    for run in range(1, 4):
        radio.let()
        with car.stream("radio") as client:
            assert next(iter(client)) == 0
        until(lambda: radio.closed == run)  # noqa: B023
    assert len(radio.threads) == 3


def test_runs_of_the_same_never_overlap(
    radio: Radio, gateway: Gateway, until: Callable[..., None]
) -> None:
    """A camera can be opened by one run only."""
    rounds = 10

    def come_and_go() -> None:
        with Controller(name="guest", heartbeat=0.1) as controller:
            car = controller.connect(gateway.address)
            for _ in range(rounds):
                car.stream("radio", lambda item: None).close()

    guests = [threading.Thread(target=come_and_go) for _ in range(4)]
    for guest in guests:
        guest.start()
    for guest in guests:
        guest.join()
    until(lambda: radio.running == 0 and not alive())
    assert radio.at_once == 1


def test_other_arguments_are_another_run(
    radio: Radio, car: RemoteGateway, until: Callable[..., None]
) -> None:
    clients = [
        car.stream("radio", lambda item: None),
        car.stream("radio", lambda item: None, "jazz"),
        car.stream("radio", lambda item: None, volume=1, station="jazz"),
        car.stream("radio", lambda item: None, "news", 1),
        car.stream("radio", lambda item: None, volume=5),
    ]
    until(lambda: len(radio.arguments) == 3)
    assert sorted(radio.arguments) == ["jazz 1", "news 1", "news 5"]
    for client in clients:
        client.close()
    until(lambda: radio.closed == 3)


def test_who_comes_late_gets_the_newest_at_once(
    radio: Radio, car: RemoteGateway, until: Callable[..., None]
) -> None:
    first: list[int] = []
    with car.stream("radio", first.append, policy=pynet.keep_last(9)):
        radio.let(3)
        until(lambda: first == [0, 1, 2])
        for policy in (pynet.latest, pynet.keep_last(3), pynet.reliable):
            late: list[tuple[int, int]] = []

            def take(item: int, info: ItemInfo, late: list[Any] = late) -> None:
                late.append((item, info.id))

            with car.stream("radio", take, policy=policy):
                until(lambda: late)  # noqa: B023
                assert late == [(2, 0)]


@pytest.mark.parametrize("policy", [pynet.latest, pynet.keep_last(2)])
def test_a_slow_viewer_slows_nobody(
    gateway: Gateway, car: RemoteGateway, until: Callable[..., None], policy: Policy
) -> None:
    @gateway.stream(shared=True)
    def numbers() -> Iterator[int]:
        for number in range(3000):
            # Who may lose nothing is dropped when it falls too far behind, as on a busy machine.
            while fast and number - fast[-1] > 100:
                pynet.sleep(0.001)
            yield number
            pynet.sleep(0)

    slow: list[tuple[int, int]] = []
    fast: list[int] = []
    go_on = threading.Event()

    def dawdle(item: int, info: ItemInfo) -> None:
        slow.append((item, info.gap))
        if len(slow) == 1:
            go_on.wait(20)

    client = car.stream("numbers", dawdle, policy=policy)
    until(lambda: slow)
    quick = car.stream("numbers", fast.append, policy=pynet.reliable)
    assert quick.wait(20)
    assert fast == list(range(fast[0], 3000))
    go_on.set()
    assert client.wait(20)
    assert len(slow) < 1000
    gaps = sum(gap for _, gap in slow)
    assert gaps + len(slow) == slow[-1][0] - slow[0][0] + 1
    assert client.stats.dropped == gaps


def test_one_reliable_viewer_loses_nothing(gateway: Gateway, car: RemoteGateway) -> None:
    gateway.stream(lambda n: iter(range(n)), name="count", shared=True)
    assert list(car.stream("count", None, 20_000)) == list(range(20_000))


def test_a_viewer_that_may_lose_nothing_and_is_too_slow(
    gateway: Gateway, car: RemoteGateway, until: Callable[..., None]
) -> None:
    @gateway.stream(shared=True)
    def pictures() -> Iterator[Any]:
        for number in range(1000):
            yield np.full(20_000, number % 256, np.uint8)

    go_on = threading.Event()
    slow: list[int] = []
    fast: list[int] = []
    ends: list[BaseException | None] = []

    def dawdle(item: Any) -> None:
        slow.append(item[0])
        go_on.wait(20)

    # The windows on the way take 200 pictures, then the mailbox.
    client = car.stream("pictures", dawdle, on_end=ends.append)
    until(lambda: slow)
    assert car.stream("pictures", lambda item: fast.append(item[0])).wait(30)
    assert len(fast) > 500
    go_on.set()
    assert client.wait(20)
    assert isinstance(ends[0], pynet.HandlerStopped)
    assert "latest or keep_last" in str(ends[0])
    assert 200 < len(slow) < 700


@pytest.mark.parametrize("policy", [pynet.latest, pynet.reliable])
def test_a_single_viewer_paces_it(
    gateway: Gateway, car: RemoteGateway, until: Callable[..., None], policy: Policy
) -> None:
    made = itertools.count()

    @gateway.stream(shared=True)
    def pictures() -> Iterator[Any]:
        while True:
            yield np.full(500_000, next(made) % 256, np.uint8)

    go_on = threading.Event()
    client = car.stream("pictures", lambda item: go_on.wait(20), policy=policy)
    before = -1

    def rests() -> bool:
        nonlocal before
        same, before = before == made.__reduce__()[1][0], made.__reduce__()[1][0]
        return same

    until(rests)
    assert before < 150
    go_on.set()
    client.close()


def test_its_exception_reaches_all_viewers(
    gateway: Gateway, car: RemoteGateway, until: Callable[..., None]
) -> None:
    go_on = threading.Event()

    @gateway.stream(shared=True)
    def fragile() -> Iterator[int]:
        yield 1
        go_on.wait(20)
        raise ZeroDivisionError("all is lost")

    ends: list[Any] = []
    got: list[int] = []
    clients = [car.stream("fragile", got.append, on_end=ends.append) for _ in range(3)]
    until(lambda: got == [1, 1, 1])
    go_on.set()
    assert all(client.wait(10) for client in clients)
    assert [(end.type, end.message) for end in ends] == [("ZeroDivisionError", "all is lost")] * 3
    until(lambda: not alive())


def test_its_end_reaches_all_viewers_and_the_next_one_begins_anew(
    gateway: Gateway, car: RemoteGateway
) -> None:
    gateway.stream(lambda: iter("abc"), name="letters", shared=True)
    for _ in range(3):
        assert list(car.stream("letters")) == ["a", "b", "c"]


def test_what_cannot_begin_is_told_before_it_opens(gateway: Gateway, car: RemoteGateway) -> None:
    gateway.stream(lambda: 5, name="five", shared=True)
    gateway.stream(lambda a: iter(range(1 // a)), name="broken", shared=True)
    with pytest.raises(pynet.WrongKind, match="shared"):
        car.stream("five", print)
    with pytest.raises(pynet.WrongArguments):
        car.stream("broken", print)
    for _ in range(2):
        with pytest.raises(pynet.RemoteError, match="ZeroDivisionError"):
            car.stream("broken", print, 0)
    assert list(car.stream("broken", None, 1)) == [0]


def test_a_cancelled_viewer_leaves_at_once_while_others_wait(
    radio: Radio, car: RemoteGateway, until: Callable[..., None]
) -> None:
    first = car.stream("radio", lambda item: None)
    second = car.stream("radio", lambda item: None)
    until(lambda: len(car.handlers()) == 2)
    first.close()
    until(lambda: len(car.handlers()) == 1)
    assert radio.closed == 0
    second.close()
    until(lambda: radio.closed == 1)


def test_a_lost_viewer_leaves_and_comes_back(
    radio: Radio, car: RemoteGateway, until: Callable[..., None]
) -> None:
    states: list[str] = []
    got: list[int] = []
    keeper = car.stream("radio", lambda item: None)
    client = car.stream("radio", got.append, on_state=states.append)
    radio.let()
    until(lambda: got == [0])
    assert client._lane is not None
    client._lane._sock.shutdown(2)
    until(lambda: states[-2:] == ["reconnecting", "live"])
    until(lambda: got == [0, 0])  # the newest, at once
    radio.let()
    until(lambda: got[-1] == 1)
    client.close()
    keeper.close()
    until(lambda: radio.closed == 1)
    assert len(radio.threads) == 1


def test_the_gateway_closes_it(
    gateway: Gateway, radio: Radio, car: RemoteGateway, until: Callable[..., None]
) -> None:
    ends: list[Any] = []
    clients = [car.stream("radio", print, on_end=ends.append, reconnect=False) for _ in range(2)]
    gateway.close()
    assert radio.closed == 1
    assert alive() == []
    assert all(client.wait(5) for client in clients)
    assert [type(end) for end in ends] == [pynet.StreamLost] * 2


def test_several_lanes_for_one_viewer(gateway: Gateway, car: RemoteGateway) -> None:
    gateway.stream(lambda n: iter(range(n)), name="count", shared=True)
    with car.stream("count", None, 500, lanes=3) as client:
        assert client.lanes == 3
        assert list(client) == list(range(500))


def test_nobody_s_flow_is_that_of_all(
    gateway: Gateway, car: RemoteGateway, until: Callable[..., None]
) -> None:
    @gateway.stream(shared=True)
    def tell() -> Iterator[bool]:
        yield flow() is None

    assert list(car.stream("tell")) == [True]


def test_it_is_listed(radio: Radio, car: RemoteGateway) -> None:
    (row,) = car.subroutines()
    assert row["shared"] is True
