"""Streams: a generator over there, a callback or a loop over here."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import pynet
from pynet import Gateway, ItemInfo, RemoteGateway


@pytest.fixture
def closed() -> threading.Event:
    """Set when the generator of :func:`offer_endless` was closed, with its thread's name."""
    return threading.Event()


@pytest.fixture
def offer_endless(gateway: Gateway, closed: threading.Event) -> list[str]:
    threads: list[str] = []

    @gateway.stream
    def endless(hz: float = 1000) -> Iterator[int]:
        number = 0
        try:
            while True:
                yield number
                number += 1
                pynet.sleep(1 / hz)
        finally:
            threads.append(threading.current_thread().name)
            closed.set()

    return threads


def test_an_argument_in_the_callback_s_place(gateway: Gateway, car: RemoteGateway) -> None:
    gateway.stream(lambda n: iter(range(n)), name="count")
    with pytest.raises(pynet.ConfigurationError, match="None to iterate"):
        car.stream("count", 3)  # type: ignore[arg-type]


def test_items_in_order_to_a_callback(gateway: Gateway, car: RemoteGateway) -> None:
    gateway.stream(lambda n: iter(range(n)), name="count")
    got: list[int] = []
    ends: list[Any] = []
    client = car.stream("count", got.append, 20_000, on_end=ends.append)
    assert client.wait(20)
    assert got == list(range(20_000))
    assert ends == [None]
    assert client.stats.items == 20_000
    assert client.stats.dropped == 0
    assert client.state == "closed"


def test_iteration_and_info(gateway: Gateway, car: RemoteGateway) -> None:
    gateway.stream(lambda n: iter(range(n)), name="count")
    with car.stream("count", None, 300) as client:
        for number, item in enumerate(client):
            assert item == number
            assert client.info is not None
            assert client.info.id == number
            assert client.info.age >= 0
    with pytest.raises(pynet.Closed):
        iter(client)


def test_callback_with_info(gateway: Gateway, car: RemoteGateway) -> None:
    gateway.stream(lambda: iter("abc"), name="letters")
    seen: list[tuple[str, int, int]] = []

    def take(item: str, info: ItemInfo) -> None:
        seen.append((item, info.id, info.gap))

    car.stream("letters", take).wait(5)
    assert seen == [("a", 0, 0), ("b", 1, 0), ("c", 2, 0)]


def test_arguments(gateway: Gateway, car: RemoteGateway) -> None:
    @gateway.stream
    def tell(word: str, times: int = 1) -> Iterator[str]:
        yield from [word] * times

    assert list(car.stream("tell", None, "go", times=3)) == ["go"] * 3
    with pytest.raises(pynet.WrongArguments):
        car.stream("tell", None, 1, 2, 3)


@pytest.mark.usefixtures("offer_endless")
def test_callback_ends_it_by_false(
    car: RemoteGateway, closed: threading.Event, offer_endless: list[str]
) -> None:
    got: list[int] = []

    def take(item: int) -> bool | None:
        got.append(item)
        return False if item == 5 else None

    assert car.stream("endless", take).wait(5)
    assert got == list(range(6))
    assert closed.wait(5)
    assert offer_endless[0].startswith("pynet-handler")


@pytest.mark.usefixtures("offer_endless")
def test_cancel_from_outside_closes_the_generator_at_once(
    car: RemoteGateway, closed: threading.Event, until: Callable[..., None]
) -> None:
    got: list[int] = []
    client = car.stream("endless", got.append, hz=0.001)  # the generator sleeps for 1000 s
    until(lambda: got)
    client.close()
    assert closed.wait(5)
    until(lambda: not car.handlers())
    client.close()


@pytest.mark.usefixtures("offer_endless")
def test_leaving_a_loop_closes_the_generator(car: RemoteGateway, closed: threading.Event) -> None:
    with car.stream("endless") as client:
        for item in client:
            if item == 3:
                break
    assert closed.wait(5)


@pytest.mark.usefixtures("offer_endless")
def test_closing_the_controller_closes_everything(
    car: RemoteGateway, closed: threading.Event
) -> None:
    client = car.stream("endless", lambda _: None)
    car.close()
    assert client.state == "closed"
    assert closed.wait(5)
    with pytest.raises(pynet.Closed):
        car.call("anything")


def test_error_in_the_generator(gateway: Gateway, car: RemoteGateway) -> None:
    @gateway.stream
    def breaks() -> Iterator[int]:
        yield 1
        raise OSError("lens cap")

    ends: list[Any] = []
    got: list[int] = []
    car.stream("breaks", got.append, on_end=ends.append).wait(5)
    assert got == [1]
    assert isinstance(ends[0], pynet.RemoteError)
    assert ends[0].type == "OSError"
    with pytest.raises(pynet.RemoteError, match="lens cap"):
        list(car.stream("breaks"))


def test_an_item_that_cannot_travel_ends_the_stream_with_the_reason(
    gateway: Gateway, car: RemoteGateway
) -> None:
    gateway.stream(lambda: iter([1, object()]), name="odd")
    with pytest.raises(pynet.EncodeError, match="register"):
        list(car.stream("odd"))


def test_something_else_than_a_generator(gateway: Gateway, car: RemoteGateway) -> None:
    gateway.stream(lambda: [1, 2], name="listing")
    with pytest.raises(pynet.WrongKind, match="yield"):
        car.stream("listing")


def test_none_is_an_item_like_any_other(gateway: Gateway, car: RemoteGateway) -> None:
    gateway.stream(lambda: iter([None, 0, None]), name="nothing")
    assert list(car.stream("nothing")) == [None, 0, None]


def test_a_failing_callback_ends_its_stream_only(
    gateway: Gateway,
    car: RemoteGateway,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    gateway.stream(lambda: iter(range(10)), name="count")

    def fail(item: int) -> None:
        raise RuntimeError("in the callback")

    ends: list[Any] = []
    client = car.stream("count", fail, on_end=ends.append)
    assert client.wait(5)
    assert isinstance(ends[0], pynet.CallbackError)
    assert isinstance(client.error, pynet.CallbackError)
    assert isinstance(client.error.__cause__, RuntimeError)
    assert "in the callback" in caplog.text
    seen: list[threading.ExceptHookArgs] = []
    monkeypatch.setattr(threading, "excepthook", seen.append)
    assert car.stream("count", fail).wait(5)
    assert isinstance(seen[0].exc_value, RuntimeError)
    assert list(car.stream("count")) == list(range(10))


def test_the_last_items_of_a_burst_are_not_held_back(gateway: Gateway, car: RemoteGateway) -> None:
    """Small items are gathered; nothing may wait for a next item that does not come."""
    release = threading.Event()

    @gateway.stream
    def burst() -> Iterator[int]:
        yield from range(1000)
        release.wait(10)

    arrived = threading.Event()

    def take(item: int) -> None:
        if item == 999:
            arrived.set()

    client = car.stream("burst", take)
    assert arrived.wait(5)
    release.set()
    client.wait(5)


def test_reliable_waits_for_a_slow_receiver(
    gateway: Gateway, car: RemoteGateway, until: Callable[..., None]
) -> None:
    made = 0
    gate = threading.Event()

    @gateway.stream
    def frames() -> Iterator[np.ndarray[Any, Any]]:
        nonlocal made
        for number in range(60):
            made += 1
            yield np.full(1_000_000, number % 256, np.uint8)

    seen: list[int] = []

    def take(frame: np.ndarray[Any, Any]) -> None:
        gate.wait(10)
        seen.append(int(frame[0]))

    client = car.stream("frames", take)
    until(lambda: made >= 4)
    assert made < 20  # the window is 4 MiB, the kernel may hold some more
    gate.set()
    assert client.wait(20)
    assert seen == list(range(60))


def test_latest_skips_what_the_receiver_missed(gateway: Gateway, car: RemoteGateway) -> None:
    made = 0

    @gateway.stream(policy="latest")
    def ticks() -> Iterator[int]:
        nonlocal made
        while made < 100_000:
            made += 1
            yield made
            pynet.sleep(0.0005)

    gate = threading.Event()
    got: list[int] = []

    def take(item: int) -> bool | None:
        got.append(item)
        if len(got) == 2:
            gate.wait(10)
        return False if len(got) == 6 else None

    threading.Timer(0.2, gate.set).start()
    assert car.stream("ticks", take).wait(10)
    # At most the window of two was on the way while the callback stood still.
    assert got == sorted(got)
    assert made <= got[-1] + 4


def test_keep_last_drops_the_oldest_and_counts_the_gap(
    gateway: Gateway, car: RemoteGateway, until: Callable[..., None]
) -> None:
    made = threading.Event()

    @gateway.stream(policy=pynet.keep_last(4))
    def readings() -> Iterator[int]:
        yield from range(1000)
        made.set()
        pynet.sleep(60)

    got: list[tuple[int, int]] = []
    gate = threading.Event()

    def take(item: int, info: ItemInfo) -> bool | None:
        gate.wait(10)
        got.append((item, info.gap))
        return False if item == 999 else None

    client = car.stream("readings", take)
    assert made.wait(10)
    gate.set()
    assert client.wait(10)
    assert got[-1][0] == 999
    assert len(got) <= 8 + 1
    assert sum(gap for _, gap in got) + len(got) == 1000
    assert client.stats.dropped == 1000 - len(got)


def test_several_pairs_share_one_generator(gateway: Gateway, car: RemoteGateway) -> None:
    runs = 0
    ended: list[str] = []

    @gateway.stream
    def shared(n: int) -> Iterator[int]:
        nonlocal runs
        runs += 1
        try:
            yield from range(n)
        finally:
            ended.append("once")

    client = car.stream("shared", None, 2000, lanes=4)
    assert client.lanes == 4
    assert list(client) == list(range(2000))
    assert runs == 1
    assert ended == ["once"]


def test_a_busy_gateway_grants_fewer_lanes(controller: pynet.Controller) -> None:
    with Gateway(port=0, pool_size=2) as gateway:
        gateway.stream(lambda: iter(range(50)), name="count")
        client = controller.connect(gateway.address).stream("count", lanes=5)
        assert client.lanes == 2
        assert list(client) == list(range(50))


@pytest.mark.parametrize("started", [False, True])
def test_closing_a_wide_stream_frees_all_its_handlers(
    gateway: Gateway, car: RemoteGateway, until: Callable[..., None], started: bool
) -> None:
    gateway.stream(lambda: iter(int, 1), name="zeros")
    with car.stream("zeros", lanes=3) as client:
        loop = iter(client)
        if started:
            assert next(loop) == 0
        assert len(car.handlers()) == 3
    until(lambda: not car.handlers())


def test_error_in_a_shared_generator(gateway: Gateway, car: RemoteGateway) -> None:
    @gateway.stream
    def breaks() -> Iterator[int]:
        yield from range(10)
        raise ValueError("dry")

    with pytest.raises(pynet.RemoteError, match="dry"):
        list(car.stream("breaks", lanes=3))


def test_batches(gateway: Gateway, car: RemoteGateway, until: Callable[..., None]) -> None:
    made = 0

    @gateway.batch
    def samples(size: int) -> Iterator[dict[str, Any]]:
        nonlocal made
        for number in range(20):
            made += 1
            yield {"x": np.full((size, 3), number, "f4"), "y": [number] * size}

    with car.batches("samples", size=8, prefetch=3) as batches:
        loop = iter(batches)
        first = next(loop)
        assert first["x"].shape == (8, 3)
        until(lambda: made >= 4)
        assert made <= 5  # the one we hold, three ahead, and one at the border
        rest = list(loop)
    assert [b["y"][0] for b in rest] == list(range(1, 20))


@pytest.mark.parametrize("ordered", [True, False])
def test_batches_over_several_pairs(gateway: Gateway, car: RemoteGateway, ordered: bool) -> None:
    @gateway.batch
    def samples(size: int) -> Iterator[list[int]]:
        for number in range(40):
            yield [number] * size

    got = [b[0] for b in car.batches("samples", size=2, lanes=3, ordered=ordered)]
    assert sorted(got) == list(range(40))
    if ordered:
        assert got == list(range(40))


def test_ages_and_round_trips_are_measured(gateway: Gateway, car: RemoteGateway) -> None:
    gateway.stream(lambda: iter(range(500)), name="count")
    client = car.stream("count", lambda _: None)
    client.wait(5)
    stats = client.stats
    assert stats.age_p50 is not None
    assert stats.age_p99 is not None
    assert 0 <= stats.age_p50 <= stats.age_p99 < 5
    assert stats.clock_offset is not None
    assert abs(stats.clock_offset) < 1  # both ends share one clock here
    assert stats.bytes_received > 500
