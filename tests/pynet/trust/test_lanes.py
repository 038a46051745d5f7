"""Lanes between machines that know each other, and what becomes of all others."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import pynet
from pynet import Controller, Gateway, Role, Trust
from pynet.trust.peers import Peer, now


@pytest.fixture
def car_trust(tmp_path: Path) -> Trust:
    return Trust(tmp_path / "car", "rover")


@pytest.fixture
def desk_trust(tmp_path: Path) -> Trust:
    return Trust(tmp_path / "desk", "desk")


def acquaint(car: Trust, desk: Trust, role: Role) -> Peer:
    """As if they were paired. Returns the desk as the car knows it."""
    desk.peers.add(Peer("rover", Role.OWNER, car.identity.certificate, now()))
    peer = Peer("Anna's desk", role, desk.identity.certificate, now())
    car.peers.add(peer)
    return peer


@pytest.fixture
def rover(car_trust: Trust) -> Iterator[Gateway]:
    with Gateway(port=0, pool_size=4, name="rover", heartbeat=0.1, trust=car_trust) as gateway:
        gateway.batch(lambda: "1", name="look", role="viewer")
        gateway.batch(lambda: "2", name="steer", role="driver")
        gateway.batch(lambda: "3", name="undeclared")
        gateway.stream(_endless, name="endless", role="viewer")
        gateway.sink(list, name="collect", role="driver")
        yield gateway


def _endless() -> Iterator[int]:
    while True:
        yield 1
        pynet.sleep(0.01)


@pytest.mark.parametrize(
    ("role", "allowed"),
    [(Role.VIEWER, "1"), (Role.DRIVER, "12"), (Role.OWNER, "123")],
)
def test_roles(
    rover: Gateway, car_trust: Trust, desk_trust: Trust, role: Role, allowed: str
) -> None:
    acquaint(car_trust, desk_trust, role)
    with Controller(trust=desk_trust) as controller:
        car = controller.connect(rover.address)
        for number, name in (("1", "look"), ("2", "steer"), ("3", "undeclared")):
            if number in allowed:
                assert car.call(name) == number
            else:
                with pytest.raises(pynet.Forbidden, match=f"Anna's desk is {role.word}"):
                    car.call(name)
        if role < Role.DRIVER:
            with pytest.raises(pynet.Forbidden, match="collect is for the driver"):
                car.send("collect", 1)
        if role < Role.OWNER:
            with pytest.raises(pynet.Forbidden, match="only an owner"):
                car.stop_gateway()


def test_a_subroutine_knows_who_asks(rover: Gateway, car_trust: Trust, desk_trust: Trust) -> None:
    seen: list[pynet.Caller | None] = []
    rover.batch(lambda: seen.append(pynet.caller()), name="whoami", role="viewer")
    acquaint(car_trust, desk_trust, Role.VIEWER)
    with Controller(trust=desk_trust, name="Bert") as one, Controller(trust=desk_trust) as other:
        for controller in (one, other):
            controller.connect(rover.address).call("whoami")
    with Controller(trust=car_trust, name="on the car") as controller:
        controller.connect(rover.address).call("whoami")
    first, second, local = seen
    assert first is not None
    assert second is not None
    assert local is not None
    assert (first.name, first.role) == ("Anna's desk", Role.VIEWER)
    assert first.id == second.id == desk_trust.identity.id
    assert first.session != second.session
    assert (local.name, local.role) == ("on the car", Role.OWNER)
    assert pynet.caller() is None


def test_a_stranger_meets_a_closed_door(
    rover: Gateway, car_trust: Trust, desk_trust: Trust, until: Callable[..., None]
) -> None:
    with Controller(trust=desk_trust) as controller:
        with pytest.raises(pynet.AuthenticationError, match="it is not known here; pair the two"):
            controller.connect(rover.address)
        # Even who knows the car is unknown to it.
        desk_trust.peers.add(Peer("rover", Role.OWNER, car_trust.identity.certificate, now()))
        with pytest.raises(pynet.AuthenticationError, match="it does not know this machine"):
            controller.connect(rover.address)
    until(lambda: not rover._door.greeting)
    assert not rover._handlers


def test_only_the_peer_asked_for_may_answer(
    rover: Gateway, car_trust: Trust, desk_trust: Trust, tmp_path: Path
) -> None:
    acquaint(car_trust, desk_trust, Role.OWNER)
    other = Trust(tmp_path / "other")
    acquaint(other, desk_trust, Role.OWNER)
    expected = Peer("another", Role.OWNER, other.identity.certificate, now())
    with (
        Controller(trust=desk_trust) as controller,
        pytest.raises(pynet.AuthenticationError, match="it is not known here"),
    ):
        controller.connect(rover.address, peer=expected)


def test_who_is_revoked_is_thrown_out_at_once(
    rover: Gateway, car_trust: Trust, desk_trust: Trust, until: Callable[..., None]
) -> None:
    peer = acquaint(car_trust, desk_trust, Role.VIEWER)
    items: list[int] = []
    with Controller(trust=desk_trust) as controller:
        car = controller.connect(rover.address)
        stream = car.stream("endless", items.append, lanes=3)
        until(lambda: len(items) > 5)
        car_trust.peers.revoke(peer)
        until(lambda: not rover._handlers)
        with pytest.raises(pynet.AuthenticationError):
            controller.connect(rover.address)
        stream.close()
    assert not rover._managers


def test_another_program_s_changes_count_at_once(
    rover: Gateway, car_trust: Trust, desk_trust: Trust, until: Callable[..., None]
) -> None:
    peer = acquaint(car_trust, desk_trust, Role.OWNER)
    elsewhere = Trust(car_trust.folder)
    with Controller(trust=desk_trust) as controller:
        car = controller.connect(rover.address)
        assert car.call("undeclared") == "3"
        elsewhere.peers.add(replace(peer, role=Role.VIEWER))

        def demoted() -> bool:
            try:
                car.call("undeclared")
            except pynet.Forbidden:
                return True
            except pynet.ConnectionLost:
                pass
            return False

        until(demoted)
        assert car.call("look") == "1"
        elsewhere.peers.revoke(peer)
        until(lambda: not rover._handlers and not rover._managers)


@pytest.mark.parametrize("content", [b"", b"{", b'{"peers": [{"name": 1}]}', b"\xff" * 100])
def test_a_broken_list_of_peers_lets_nobody_new_in_and_stops_nothing(
    rover: Gateway,
    car_trust: Trust,
    desk_trust: Trust,
    content: bytes,
    until: Callable[..., None],
    caplog: pytest.LogCaptureFixture,
) -> None:
    acquaint(car_trust, desk_trust, Role.OWNER)
    with Controller(trust=desk_trust) as controller:
        car = controller.connect(rover.address)
        assert car.call("look") == "1"
        car_trust.peers.path.write_bytes(content)
        until(lambda: "list of peers" in caplog.text)
        assert car.call("look") == "1"
    assert caplog.text.count("list of peers") == 1


def test_plain_and_tls_do_not_mix(rover: Gateway) -> None:
    with (
        Controller(insecure=True) as controller,
        pytest.raises(pynet.PynetError, match="insecure"),
    ):
        controller.connect(rover.address)
    with (
        Gateway(port=0, insecure=True) as plain,
        Controller() as controller,
        pytest.raises(pynet.AuthenticationError, match="insecure=True"),
    ):
        controller.connect(plain.address)


def test_arrays_of_every_size_survive(gateway: Gateway, car: pynet.RemoteGateway) -> None:
    gateway.batch(lambda value: value, name="echo")
    for size in (0, 1, 1000, 16 * 1024, 16 * 1024 + 1, 128 * 1024, 300_000, 5_000_000):
        array = np.random.default_rng(size).integers(0, 255, size, np.uint8)
        assert np.array_equal(car.call("echo", array), array)


def test_nothing_that_is_sent_can_be_read_on_the_way(rover: Gateway, car_trust: Trust) -> None:
    """And what is changed on the way ends the lane."""
    secret = "the quick brown fox" * 50
    rover.batch(lambda value: value, name="echo")
    with (
        _Eavesdropper(rover.port) as spy,
        Controller(trust=car_trust) as controller,
    ):
        car = controller.connect(("127.0.0.1", spy.port))
        assert car.call("echo", secret) == secret
        assert len(spy.heard) > 2 * len(secret)
        for word in (b"quick", b"echo", b"rover", b"purpose"):
            assert word not in spy.heard
        spy.meddle = True
        with pytest.raises(pynet.PynetError):
            car.call("echo", secret, timeout=5)


class _Eavesdropper:
    """Stands in between and hears everything; may change a bit of what goes by."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = self._server.getsockname()[1]
        self.heard = bytearray()
        self.meddle = False
        self._sockets: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept, name="eavesdropper")]

    def __enter__(self) -> _Eavesdropper:
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown(socket.SHUT_RDWR)
        for sock in self._sockets:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        for sock in (*self._sockets, self._server):
            sock.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._server.accept()
            except OSError:
                return
            far = socket.create_connection(("127.0.0.1", self._target))
            self._sockets += [near, far]
            for ends in ((near, far), (far, near)):
                thread = threading.Thread(target=self._carry, args=ends, name="eavesdropper")
                self._threads.append(thread)
                thread.start()

    def _carry(self, source: socket.socket, target: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                self.heard += data
                if self.meddle:
                    data = data[:-1] + bytes([data[-1] ^ 1])
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass
