"""Strangers on the port, over plain TCP: each is sent away, and nobody else notices.

What they try where TLS is asked for is in the tests of trust.
"""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Iterator

import msgpack
import pytest

import pynet
from pynet import Controller, Gateway, Limits, RemoteGateway
from pynet.wire.frames import HEADER, PREAMBLE, Kind


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    with Gateway(port=0, pool_size=10, name="bench", heartbeat=0.1, insecure=True) as gateway:
        yield gateway


@pytest.fixture
def controller() -> Iterator[Controller]:
    with Controller(name="desk", heartbeat=0.1, insecure=True) as controller:
        yield controller


HELLO = msgpack.packb({"purpose": "pair", "controller": "x", "name": "stranger"})


def frame(kind: int, meta: bytes = b"", body: int = 0, exchange: int = 0) -> bytes:
    return HEADER.pack(kind, 0, exchange, len(meta), body, 0, 0) + meta


def read_to_end(sock: socket.socket) -> bytes:
    """All that comes until the other side closes."""
    sock.settimeout(10)
    data = b""
    while True:
        try:
            part = sock.recv(65536)
        except ConnectionResetError:
            return data
        if not part:
            return data
        data += part


ATTACKS = {
    "http": b"GET / HTTP/1.1\r\nHost: car\r\n\r\n",
    "random": bytes(range(255, 0, -1)) * 20,
    "other version": PREAMBLE[:-2] + b"\x09\x00" + frame(Kind.HELLO, HELLO),
    "giant greeting": PREAMBLE + HEADER.pack(Kind.HELLO, 0, 0, 1 << 31, 1 << 31, 0, 0),
    "unknown kind": PREAMBLE + frame(200, HELLO),
    "no map": PREAMBLE + frame(Kind.HELLO, msgpack.packb([1, 2])),
    "torn map": PREAMBLE + frame(Kind.HELLO, b"\xdf\xff\xff\xff\xff"),
    "call before hello": PREAMBLE + frame(Kind.CALL, b"\x90", exchange=1),
    "ping before hello": PREAMBLE + frame(Kind.PING),
    "item after hello": PREAMBLE + frame(Kind.HELLO, HELLO) + frame(Kind.ITEM, b"\xc0"),
    "giant call": PREAMBLE
    + frame(Kind.HELLO, HELLO)
    + HEADER.pack(Kind.CALL, 0, 1, 1 << 30, 0, 0, 0),
    "broken pong": PREAMBLE + frame(Kind.HELLO, HELLO) + frame(Kind.PONG, b"\xc1"),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_sent_away(
    gateway: Gateway, car: RemoteGateway, attack: str, until: Callable[..., None]
) -> None:
    gateway.batch(lambda: 1, name="one")
    with socket.create_connection((gateway.host, gateway.port)) as stranger:
        stranger.sendall(ATTACKS[attack])
        read_to_end(stranger)
    assert car.call("one") == 1
    until(lambda: len(car.handlers(everyone=True)) == 1)
    until(lambda: not gateway._door.greeting)


@pytest.mark.parametrize("request_meta", [b"\xc1", b"\x90", b"\x93\x01\x02\x03", b"\x01"])
def test_torn_requests_get_an_error(
    gateway: Gateway, car: RemoteGateway, request_meta: bytes
) -> None:
    gateway.batch(lambda: 1, name="one")
    with socket.create_connection((gateway.host, gateway.port)) as stranger:
        stranger.sendall(PREAMBLE + frame(Kind.HELLO, HELLO))
        stranger.settimeout(5)
        data = stranger.recv(len(PREAMBLE))  # the welcome
        stranger.sendall(frame(Kind.CALL, request_meta, exchange=1))
        while b"type" not in data:
            part = stranger.recv(4096)
            assert part, "the lane was closed without an answer"
            data += part
    assert car.call("one") == 1


def test_who_does_not_greet_is_sent_away() -> None:
    with Gateway(port=0, limits=Limits(greeting_time=0.2), insecure=True) as gateway:
        with socket.create_connection((gateway.host, gateway.port)) as silent:
            silent.sendall(PREAMBLE[:3])
            assert read_to_end(silent) == b""
        assert not gateway._handlers


def test_who_sends_a_frame_too_slowly_is_sent_away() -> None:
    with (
        Gateway(port=0, limits=Limits(frame_time=0.2), heartbeat=5, insecure=True) as gateway,
        socket.create_connection((gateway.host, gateway.port)) as slow,
    ):
        slow.sendall(PREAMBLE + frame(Kind.HELLO, HELLO))
        slow.sendall(HEADER.pack(Kind.CALL, 0, 1, 1000, 0, 0, 0) + b"part")
        read_to_end(slow)


def test_a_silent_peer_frees_its_handler(until: Callable[..., None]) -> None:
    with (
        Gateway(port=0, heartbeat=0.05, insecure=True) as gateway,
        socket.create_connection((gateway.host, gateway.port)) as dead,
    ):
        dead.sendall(PREAMBLE + frame(Kind.HELLO, HELLO))
        until(lambda: gateway._handlers)
        until(lambda: not gateway._handlers)


@pytest.mark.parametrize(
    ("insecure", "kind", "sentence"),
    [
        (True, pynet.VersionMismatch, "does not speak pynet"),
        (False, pynet.AuthenticationError, "is it no pynet"),
    ],
)
def test_a_controller_meets_something_else(
    insecure: bool, kind: type[Exception], sentence: str
) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        Controller(insecure=insecure) as controller,
    ):

        def answer() -> None:
            sock, _ = server.accept()
            with sock:
                sock.recv(100)
                sock.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises(kind, match=sentence):
            controller.connect(server.getsockname())
        thread.join()


@pytest.mark.parametrize("insecure", [True, False])
def test_a_controller_meets_silence(insecure: bool) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        Controller(insecure=insecure) as controller,
        pytest.raises(pynet.ConnectError, match="did not greet in time"),
    ):
        controller.connect(server.getsockname(), timeout=0.2)


def test_a_hundred_connections_at_once(gateway: Gateway, controller: Controller) -> None:
    """The original refused or reset most of sixty."""
    gateway.batch(lambda value: value, name="echo")
    strangers = [socket.create_connection((gateway.host, gateway.port)) for _ in range(100)]
    try:
        assert controller.connect(gateway.address).call("echo", 5) == 5
        for sock in strangers:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    finally:
        for sock in strangers:
            sock.close()
