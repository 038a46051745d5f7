"""Talks between a real Gateway and a real Controller, encrypted and plain."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import msgpack
import numpy as np
import pytest

from pynet import Controller, Gateway, Limits, RemoteGateway
from pynet.errors import (
    ConnectionLost,
    DeadlineExceeded,
    DecodeError,
    EncodeError,
    Forbidden,
    HandlerStopped,
    RemoteError,
    TalkEnded,
    UnknownSubroutine,
    WrongKind,
)
from pynet.io.lane import Lane
from pynet.talk import Talk, open_talk
from pynet.trust.peers import Peer, Role
from pynet.wire.frames import Kind

MIB = 1024 * 1024


@pytest.fixture(params=["tls", "plain"])
def gateway(request: pytest.FixtureRequest) -> Iterator[Gateway]:
    limits = Limits(inbox=8 * MIB)
    plain = request.param == "plain"
    with Gateway(port=0, heartbeat=0.1, name="bench", insecure=plain, limits=limits) as gateway:
        yield gateway


@pytest.fixture
def controller(gateway: Gateway) -> Iterator[Controller]:
    with Controller(name="desk", heartbeat=0.1, insecure=gateway.insecure) as controller:
        yield controller


@pytest.fixture
def car(gateway: Gateway, controller: Controller) -> RemoteGateway:
    return controller.connect(gateway.address, timeout=3)


@pytest.fixture
def lane(car: RemoteGateway) -> Iterator[Lane]:
    lane = car._dialler.open("pair")
    yield lane
    lane.close()


def echo(talk: Talk, *, greeting: Any = None) -> int:
    """Say everything again; return how much that was."""
    size = 0
    if greeting is not None:
        talk.say(greeting)
    while (said := talk.hear()) is not None:
        size += said.size
        talk.say(said.value, said.body or b"")
        if said.value == "enough":
            break
    return size


def hear(talk: Talk) -> tuple[Any, bytes]:
    said = talk.hear(5)
    assert said is not None
    return said.value, bytes(said.body or b"")


def test_values_and_bodies_go_both_ways(gateway: Gateway, lane: Lane) -> None:
    gateway.talk(echo)
    with open_talk(lane, "echo", greeting=["hello", b"\xff"]) as talk:
        assert hear(talk) == (["hello", b"\xff"], b"")
        for value in (None, 1, -1.5, "text", b"bytes", [1, [2]], {"a": {1: b"\0"}}):
            talk.say(value)
            assert hear(talk) == (value, b"")
        bodies: list[Any] = [
            b"bytes",
            bytearray(b"array"),
            memoryview(b"a view"[2:]),
            memoryview(np.arange(9, dtype="<u4")),
            [b"two ", memoryview(b"pieces")],
            [b"many"] * 40,
            [],
            bytes(3 * MIB),
        ]
        for body in bodies:
            talk.say("x", body)
            pieces = body if isinstance(body, list) else [body]
            assert hear(talk) == ("x", b"".join(bytes(piece) for piece in pieces))
        talk.say("enough", b"12")
        assert hear(talk) == ("enough", b"12")
        with pytest.raises(TalkEnded):
            talk.hear()
        assert talk.ended
        assert talk.result == 2 + 5 + 5 + 4 + 36 + 10 + 160 + 3 * MIB


def test_memory_that_was_said_may_be_used_again(gateway: Gateway, lane: Lane) -> None:
    @gateway.talk
    def count(talk: Talk) -> list[int]:
        seen = []
        while True:
            try:
                said = talk.hear()
            except TalkEnded:
                return seen
            assert said is not None
            assert said.body is not None
            seen += sorted(set(bytes(said.body)))

    talk = open_talk(lane, "count")
    memory = bytearray(MIB)
    for number in range(30):
        memory[:] = bytes([number]) * MIB
        talk.say(None, memory)
    assert talk.finish(10) == list(range(30))


def test_a_hundred_talks_go_over_one_lane(gateway: Gateway, lane: Lane) -> None:
    gateway.talk(echo)
    for number in range(100):
        talk = open_talk(lane, "echo")
        talk.say(number, b"x" * number)
        if number % 3:  # else what it says is not heard
            assert hear(talk) == (number, b"x" * number)
        if number % 2:
            assert talk.finish(5) is None
        talk.close()
    assert lane.error is None
    assert [row["calls"] for row in gateway.handlers()][-1:] == [0]
    assert lane.connection.exchange == 100


def test_both_ends_say_a_lot_at_the_same_time(gateway: Gateway, lane: Lane) -> None:
    @gateway.talk
    def pour(talk: Talk, count: int) -> int:
        thread = threading.Thread(target=say_all, args=(talk, count), name="pynet-pour")
        thread.start()
        heard = hear_all(talk)
        thread.join()
        return heard

    def say_all(talk: Talk, count: int) -> None:
        memory = bytearray(MIB)
        for number in range(count):
            talk.say(number, memory)
        talk.say("end")

    def hear_all(talk: Talk) -> int:
        count = 0
        while (said := talk.hear()) is not None and said.value != "end":
            assert said.value == count
            assert said.size == MIB
            count += 1
        return count

    talk = open_talk(lane, "pour", 60)
    thread = threading.Thread(target=say_all, args=(talk, 60), name="pynet-say")
    thread.start()
    assert hear_all(talk) == 60
    thread.join()
    assert talk.finish(5) == 60


def test_what_nobody_hears_is_bounded_and_costs_no_lane(
    gateway: Gateway, lane: Lane, until: Callable[..., None]
) -> None:
    go_on = threading.Event()
    lanes: list[Lane] = []

    @gateway.talk
    def slow(talk: Talk) -> int:
        lanes.append(talk.lane)
        go_on.wait()
        return hear_to_the_end(talk)

    talk = open_talk(lane, "slow")
    said: list[int] = []

    def say_all() -> None:
        memory = bytearray(MIB)
        for number in range(64):
            talk.say(number, memory)
            said.append(number)

    thread = threading.Thread(target=say_all, name="pynet-say")
    thread.start()
    until(lambda: lanes and lanes[0]._inbox_bytes > 8 * MIB)
    # Ten heartbeats; after four of silence a lane is lost that is read.
    quiet = threading.Event()
    assert not quiet.wait(1.0)
    assert lanes[0]._inbox_bytes < 12 * MIB
    assert len(said) < 64
    go_on.set()
    thread.join()
    assert talk.finish(10) == 64


def hear_to_the_end(talk: Talk) -> int:
    count = 0
    try:
        while talk.hear() is not None:
            count += 1
    except TalkEnded:
        return count
    raise AssertionError


def test_who_has_nothing_more_to_say_still_hears(gateway: Gateway, lane: Lane) -> None:
    @gateway.talk
    def answer(talk: Talk) -> str:
        assert hear_to_the_end(talk) == 2
        with pytest.raises(TalkEnded):
            talk.hear()
        for number in range(3):
            talk.say(number)
        return "bye"

    talk = open_talk(lane, "answer")
    talk.say(1)
    talk.say(2)
    talk.end()
    talk.end()
    with pytest.raises(TalkEnded):
        talk.say(3)
    assert [hear(talk)[0] for _ in range(3)] == [0, 1, 2]
    with pytest.raises(TalkEnded):
        talk.hear()
    assert talk.result == "bye"
    assert talk.finish() == "bye"
    with pytest.raises(TalkEnded):
        talk.say(4)
    talk.close()
    assert lane.error is None


def test_hearing_takes_no_longer_than_one_wants(gateway: Gateway, lane: Lane) -> None:
    gateway.talk(echo)
    with open_talk(lane, "echo") as talk:
        assert talk.hear(0) is None
        assert talk.hear(0.01) is None
        talk.say(1)
        assert hear(talk) == (1, b"")

    @gateway.talk
    def never(talk: Talk) -> None:
        hear_to_the_end(talk)
        talk._cancelled.wait()

    talk = open_talk(lane, "never")
    with pytest.raises(DeadlineExceeded, match="never"):
        talk.finish(0.01)
    talk.close()
    assert lane.error is None


def test_cancelling_ends_the_function_over_there(gateway: Gateway, lane: Lane) -> None:
    how: list[BaseException] = []

    @gateway.talk
    def pour(talk: Talk) -> None:
        try:
            while True:
                talk.say("more", bytes(64 * 1024))
        except BaseException as error:
            how.append(error)
            raise

    @gateway.talk
    def listen(talk: Talk) -> None:
        try:
            talk.hear()
        except BaseException as error:
            how.append(error)
            raise

    for name in ("pour", "listen", "pour", "listen"):
        talk = open_talk(lane, name)
        talk.close()
        talk.close()
        assert talk.ended
        assert lane.error is None
    assert [type(error) for error in how] == [TalkEnded] * 4


def test_a_function_that_does_not_care_costs_the_lane(
    gateway: Gateway, lane: Lane, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pynet.talk.CLOSE_GRACE", 0.05)
    go_on = threading.Event()

    @gateway.talk
    def deaf(talk: Talk) -> None:
        go_on.wait()

    open_talk(lane, "deaf").close()
    assert lane.error is not None
    go_on.set()


def test_errors_of_the_function_arrive(gateway: Gateway, lane: Lane) -> None:
    @gateway.talk
    def fail(talk: Talk) -> None:
        said = talk.hear()
        raise KeyError(said and said.value)

    talk = open_talk(lane, "fail")
    talk.say("why")
    for _ in range(2):
        with pytest.raises(RemoteError, match="why") as caught:
            talk.hear()
        assert caught.value.type == "KeyError"
    with pytest.raises(RemoteError):
        talk.say(1)
    talk.close()
    with open_talk(lane, "fail") as talk:
        talk.say("why")
        with pytest.raises(RemoteError):
            talk.finish()
    assert lane.error is None


def test_what_cannot_be_begun_leaves_the_lane_ready(gateway: Gateway, lane: Lane) -> None:
    gateway.talk(echo)
    gateway.batch(len, name="length")
    with pytest.raises(UnknownSubroutine):
        open_talk(lane, "ecko")
    with pytest.raises(WrongKind, match="batch"):
        open_talk(lane, "length")
    with pytest.raises(EncodeError):
        open_talk(lane, "echo", object())
    lane.send(Kind.CALL, meta=msgpack.packb(["echo", [], {}]))
    frame = lane.next_frame(5)
    assert frame is not None
    assert frame.kind == Kind.ERROR
    with open_talk(lane, "echo") as talk:
        talk.say(1)
        assert hear(talk) == (1, b"")


def test_a_role_is_needed(gateway: Gateway, lane: Lane, monkeypatch: pytest.MonkeyPatch) -> None:
    gateway.talk(echo, role="owner")
    (handler,) = gateway._handlers.values()
    monkeypatch.setattr(handler, "peer", Peer("guest", Role.DRIVER, b""))
    with pytest.raises(Forbidden):
        open_talk(lane, "echo")


def test_a_dialled_lane_ends_with_its_talk(gateway: Gateway, car: RemoteGateway) -> None:
    gateway.talk(echo)
    with open_talk(car._dialler, "echo") as talk:
        talk.say(1)
        assert hear(talk) == (1, b"")
    assert talk.lane.error is not None
    with pytest.raises(ConnectionLost):
        talk.say(2)
    with pytest.raises(UnknownSubroutine):
        open_talk(car._dialler, "nothing")


def test_a_lost_lane_is_told_to_both_ends(
    gateway: Gateway, lane: Lane, until: Callable[..., None]
) -> None:
    heard: list[Any] = []

    @gateway.talk
    def listen(talk: Talk) -> None:
        try:
            while (said := talk.hear()) is not None:
                heard.append(said.value)
        except BaseException as error:
            heard.append(type(error))
            raise

    talk = open_talk(lane, "listen")
    talk.say(1)
    until(lambda: heard)
    lane._sock.shutdown(2)
    with pytest.raises(ConnectionLost):
        talk.hear()
    with pytest.raises(ConnectionLost):
        talk.say(2)
    with pytest.raises(ConnectionLost):
        talk.end()
    talk.close()
    until(lambda: heard == [1, ConnectionLost])


def test_a_stopped_handler_says_so(
    gateway: Gateway, car: RemoteGateway, lane: Lane, until: Callable[..., None]
) -> None:
    gateway.talk(echo)
    talk = open_talk(lane, "echo")
    until(lambda: car.handlers() and car.handlers()[0]["kind"] == "talk")
    car.stop_handler(car.handlers()[0]["id"])
    with pytest.raises(HandlerStopped):
        talk.hear()
    with pytest.raises(HandlerStopped):
        talk.say(1)
    talk.close()


def test_a_stopped_gateway_is_a_loss(gateway: Gateway, lane: Lane) -> None:
    gateway.talk(echo)
    talk = open_talk(lane, "echo")
    gateway.close()
    with pytest.raises(ConnectionLost):
        talk.hear()
    talk.close()


def test_only_what_msgpack_carries_can_be_said(gateway: Gateway, lane: Lane) -> None:
    gateway.talk(echo)
    with open_talk(lane, "echo") as talk:
        for value in ({1, 2}, object(), np.arange(3), 1 << 70):
            with pytest.raises(EncodeError):
                talk.say(value)
        with pytest.raises(EncodeError, match="Limits"):
            talk.say(bytes(9 * MIB))
        talk.say(1)
        assert hear(talk) == (1, b"")


@pytest.mark.parametrize("meta", [b"", b"\xc1", b"\xd4\x01\x00", b"\x91", b"\x01\x01"])
def test_what_cannot_be_read_is_an_error_of_the_talk(
    gateway: Gateway, lane: Lane, meta: bytes
) -> None:
    @gateway.talk
    def listen(talk: Talk) -> None:
        talk.hear()

    talk = open_talk(lane, "listen")
    lane.send(Kind.SAY, meta=meta)
    with pytest.raises(DecodeError):
        talk.hear()
    assert lane.error is None


def test_subroutines_of_this_kind_are_listed(gateway: Gateway, car: RemoteGateway) -> None:
    gateway.talk(echo)
    (row,) = car.subroutines()
    assert (row["name"], row["kind"], row["signature"]) == (
        "echo",
        "talk",
        "(*, greeting: Any = None)",
    )
    with pytest.raises(WrongKind, match="talk"):
        car.call("echo")
