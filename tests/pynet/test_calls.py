"""Batch subroutines: one call, one result."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import pynet
from pynet import Controller, Gateway, RemoteGateway


def test_result_of_any_value(gateway: Gateway, car: RemoteGateway) -> None:
    gateway.batch(lambda value: value, name="echo")
    for value in (None, 0, "text", b"bytes", [1, {"a": 2.5}], b"x" * 100_000):
        assert car.call("echo", value) == value
    array = np.arange(1_000_000).reshape(1000, 1000)
    assert np.array_equal(car.call("echo", array), array)


def test_arguments_by_position_and_name(gateway: Gateway, car: RemoteGateway) -> None:
    @gateway.batch
    def scale(value: float, factor: float = 2) -> float:
        return value * factor

    assert car.call("scale", 3) == 6
    assert car.call("scale", 3, factor=5) == 15


def test_an_argument_called_like_an_option(gateway: Gateway, car: RemoteGateway) -> None:
    @gateway.batch
    def brew(timeout: int) -> int:
        return timeout

    assert car.call("brew", arguments={"timeout": 7}) == 7


def test_remote_errors_are_typed(gateway: Gateway, car: RemoteGateway) -> None:
    @gateway.batch
    def fail() -> None:
        raise KeyError("brake")

    with pytest.raises(pynet.RemoteError) as caught:
        car.call("fail")
    assert (caught.value.type, caught.value.message) == ("KeyError", "'brake'")
    assert caught.value.traceback is None


def test_tracebacks_only_when_allowed(controller: Controller) -> None:
    def fail() -> None:
        raise ValueError("no")

    with Gateway(port=0, tracebacks=True) as gateway:
        gateway.batch(fail)
        with pytest.raises(pynet.RemoteError) as caught:
            controller.connect(gateway.address).call("fail")
    assert "in fail" in (caught.value.traceback or "")


def test_wrong_requests_each_have_their_error(gateway: Gateway, car: RemoteGateway) -> None:
    @gateway.batch
    def add(a: int, b: int) -> int:
        return a + b

    @gateway.batch
    def numbers() -> Any:
        yield 1

    @gateway.batch
    def inner() -> None:
        add(1)  # type: ignore[call-arg]

    with pytest.raises(pynet.UnknownSubroutine, match="did you mean 'add'"):
        car.call("ad")
    with pytest.raises(pynet.WrongArguments, match=r"add\(a: .*missing"):
        car.call("add", 1)
    with pytest.raises(pynet.WrongKind, match=r"batches\('numbers'"):
        car.call("numbers")
    with pytest.raises(pynet.WrongKind, match="is a batch"):
        car.stream("add")
    with pytest.raises(pynet.RemoteError, match="TypeError"):
        car.call("inner")
    assert car.call("add", 1, 2) == 3


def test_values_that_cannot_travel(gateway: Gateway, car: RemoteGateway) -> None:
    gateway.batch(object, name="strange")
    gateway.batch(lambda value: value, name="echo")
    with pytest.raises(pynet.EncodeError, match="register"):
        car.call("echo", object())
    with pytest.raises(pynet.EncodeError, match="register"):
        car.call("strange")
    assert car.call("echo", 1) == 1


def test_deadline(gateway: Gateway, car: RemoteGateway, until: Callable[..., None]) -> None:
    cancelled = threading.Event()

    @gateway.batch
    def hang() -> None:
        try:
            pynet.sleep(60)
        finally:
            cancelled.set()

    gateway.batch(lambda: 1, name="one")
    with pytest.raises(pynet.DeadlineExceeded):
        car.call("hang", timeout=0.05)
    assert cancelled.wait(5)
    assert car.call("one") == 1


def test_calls_from_many_threads_share_one_pair(gateway: Gateway, car: RemoteGateway) -> None:
    gateway.batch(lambda value: value, name="echo")
    wrong: list[int] = []

    def work(base: int) -> None:
        wrong.extend(n for n in range(base, base + 50) if car.call("echo", n) != n)

    threads = [threading.Thread(target=work, args=(1000 * i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert len(car.handlers()) == 1


def test_a_call_over_a_pair_of_its_own_waits_for_no_other(
    gateway: Gateway, car: RemoteGateway
) -> None:
    asked, answer = threading.Event(), threading.Event()

    @gateway.batch
    def hang() -> str:
        asked.set()
        assert answer.wait(20)
        return "late"

    @gateway.batch
    def stop() -> str:
        return "stopped"

    late: list[str] = []
    waiting = threading.Thread(target=lambda: late.append(car.call("hang")))
    with car.call_pair() as urgent:
        urgent.open()
        assert len(car.handlers()) == 1, "it is there before it is needed"
        waiting.start()
        assert asked.wait(20)
        with pytest.raises(pynet.DeadlineExceeded, match="busy with another call"):
            car.call("stop", timeout=0.01)
        assert urgent.call("stop", timeout=20) == "stopped"
        answer.set()
        waiting.join()
        assert late == ["late"]


def test_a_pair_for_calls_that_was_closed(
    gateway: Gateway, car: RemoteGateway, until: Callable[..., None]
) -> None:
    @gateway.batch
    def double(n: int) -> int:
        return 2 * n

    own = car.call_pair()
    assert own.call("double", 2) == 4
    own.close()
    own.close()
    until(lambda: not car.handlers())
    with pytest.raises(pynet.Closed, match="ask for another"):
        own.call("double", 2)
    assert car.call("double", 2) == 4
    last = car.call_pair()
    car.close()
    with pytest.raises(pynet.Closed, match="was closed by this side"):
        last.open()
    with pytest.raises(pynet.Closed):
        car.call_pair()


def test_the_kept_pair_is_made_anew_after_its_handler_was_stopped(
    gateway: Gateway, car: RemoteGateway, until: Callable[..., None]
) -> None:
    gateway.batch(lambda: 1, name="one")
    assert car.call("one") == 1
    car.stop_handler(car.handlers()[0]["id"])
    until(lambda: not car.handlers())
    assert car.call("one") == 1


def test_a_registered_class_travels_and_an_unknown_one_says_so(
    gateway: Gateway, car: RemoteGateway
) -> None:
    class Angle:
        def __init__(self, degrees: float) -> None:
            self.degrees = degrees

    pynet.register(Angle, lambda a: a.degrees, Angle)
    gateway.batch(lambda angle: Angle(angle.degrees * 2), name="double")
    assert car.call("double", Angle(45)).degrees == 90


def test_silent_long_calls_keep_the_connection(gateway: Gateway, car: RemoteGateway) -> None:
    """Heartbeats are answered while both sides are busy, or the peer would be declared dead."""
    release = threading.Event()

    @gateway.batch
    def hold() -> str:
        release.wait(10)
        return "held"

    timer = threading.Timer(1.0, release.set)  # far more than four heartbeats of 0.1 s
    timer.start()
    assert car.call("hold") == "held"
    timer.join()


def test_an_error_that_cannot_even_be_printed(gateway: Gateway, car: RemoteGateway) -> None:
    class BadError(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    @gateway.batch
    def bad() -> None:
        raise BadError

    @gateway.batch
    def long() -> None:
        raise ValueError("x" * 10_000_000)

    with pytest.raises(pynet.RemoteError) as caught:
        car.call("bad")
    assert caught.value.type == "BadError"
    with pytest.raises(pynet.RemoteError) as caught:
        car.call("long")
    assert len(caught.value.message) < 100_000


def test_a_value_beyond_the_limits_is_refused_where_it_is_made(
    gateway: Gateway, car: RemoteGateway
) -> None:
    gateway.batch(lambda: ["x" * 10_000_000], name="large")
    gateway.batch(len, name="size")
    with pytest.raises(pynet.EncodeError, match="Limits"):
        car.call("size", "x" * 10_000_000)
    with pytest.raises(pynet.EncodeError, match="Limits"):
        car.call("large")
    assert car.call("size", b"x" * 10_000_000) == 10_000_000
    assert car.call("size", {"a": b"x" * 10_000_000}) == 1
    assert len(car.handlers()) == 1


def test_a_cancelled_call_is_no_fault_of_the_device(
    gateway: Gateway, car: RemoteGateway, caplog: pytest.LogCaptureFixture, until: Any
) -> None:
    ended = threading.Event()

    @gateway.batch
    def think() -> None:
        try:
            pynet.sleep(60)
        finally:
            ended.set()

    with pytest.raises(pynet.DeadlineExceeded):
        car.call("think", timeout=0.05)
    assert ended.wait(5)
    until(lambda: not car.handlers())
    assert "raised" not in caplog.text


@pytest.mark.parametrize("error", [pynet.ConnectionLost, pynet.LocalProtocolError, SystemExit])
def test_a_subroutine_that_uses_pynet_itself_reports_its_own_losses(
    gateway: Gateway, car: RemoteGateway, error: type[BaseException]
) -> None:
    @gateway.batch
    def relay() -> None:
        raise error("the next device is gone")

    gateway.batch(lambda: 1, name="one")
    with pytest.raises(pynet.RemoteError, match="next device") as caught:
        car.call("relay", timeout=5)
    assert caught.value.type == error.__name__
    assert car.call("one") == 1
    assert len(car.handlers()) == 1
