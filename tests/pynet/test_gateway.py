"""The Gateway as a manager: who gets in, how many, and who is stopped."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator

import pytest

import pynet
from pynet import Controller, Gateway, RemoteGateway


def test_plain_tcp_only_on_loopback_without_flags() -> None:
    with pytest.raises(pynet.ConfigurationError, match="anybody on the network"):
        Gateway("0.0.0.0", 0, insecure=True)
    with Gateway("0.0.0.0", 0) as gateway:
        assert gateway.trust is not None
    with Gateway("0.0.0.0", 0, insecure=True, allow_network=True) as gateway:
        assert gateway.port


def test_ipv6_loopback(controller: Controller) -> None:
    with Gateway("::1", 0) as gateway:
        gateway.batch(lambda: 6, name="six")
        assert controller.connect(gateway.address).call("six") == 6


@pytest.mark.parametrize("bad", [{"port": 70000}, {"pool_size": 0}])
def test_impossible_arguments(bad: dict[str, int]) -> None:
    with pytest.raises(pynet.ConfigurationError):
        Gateway(**bad)  # type: ignore[arg-type]


def test_a_port_belongs_to_one(gateway: Gateway) -> None:
    with pytest.raises(pynet.ConfigurationError, match="another Gateway"):
        Gateway(port=gateway.port).start()


def test_names_are_taken_once(gateway: Gateway) -> None:
    gateway.batch(len)
    with pytest.raises(pynet.ConfigurationError, match="already"):
        gateway.stream(iter, name="len")
    gateway.remove("len")
    gateway.batch(len)
    with pytest.raises(pynet.UnknownSubroutine):
        gateway.remove("nothing")
    with pytest.raises(pynet.ConfigurationError, match="name="):
        gateway.batch(lambda: 1)


def test_decorators_give_the_function_back(gateway: Gateway) -> None:
    @gateway.batch
    def plain() -> int:
        return 1

    @gateway.stream(name="other", policy=pynet.latest)
    def streamed() -> Iterator[int]:
        yield 2

    assert plain() == 1
    assert list(streamed()) == [2]


def test_listing(gateway: Gateway, car: RemoteGateway) -> None:
    @gateway.stream(policy="latest")
    def camera(fps: int = 30) -> Iterator[bytes]:
        """Pictures, newest first.

        More about it.
        """
        yield b""

    gateway.sink(lambda items, gain=1.0: None, name="drive")
    rows = {row["name"]: row for row in car.subroutines()}
    assert rows["camera"]["doc"] == "Pictures, newest first."
    assert rows["camera"]["signature"] == "(fps: int = 30)"
    assert rows["camera"]["policy"] == "latest"
    assert rows["drive"]["signature"] == "(gain=1.0)"
    assert car.ping() < 5
    assert car.stats()["pool_size"] == 10
    assert car.name == "bench"


def test_busy_when_the_pool_is_full_and_free_again_at_once(controller: Controller) -> None:
    with Gateway(port=0, pool_size=2) as gateway:
        gateway.stream(lambda: iter(int, 1), name="zeros")
        gateway.batch(lambda: 1, name="one")
        car = controller.connect(gateway.address)
        streams = [car.stream("zeros", lambda _: pynet.sleep(0.01)) for _ in range(2)]
        with pytest.raises(pynet.Busy, match="all 2 Handlers") as caught:
            car.call("one")
        assert caught.value.retry_after > 0
        assert len(car.handlers()) == 2  # managers take no Handler
        streams[0].close()
        assert car.call("one") == 1
        for stream in streams:
            stream.close()


def test_handlers_of_all_controllers(gateway: Gateway, car: RemoteGateway) -> None:
    gateway.batch(lambda: 1, name="one")
    car.call("one")
    with Controller(name="other") as other:
        remote = other.connect(gateway.address)
        remote.call("one")
        assert [row["name"] for row in remote.handlers()] == ["other"]
        assert {row["name"] for row in remote.handlers(everyone=True)} == {"other", "desk"}
        assert other.handlers()[0]["gateway"] == gateway.address


def test_stopping_a_handler_tells_its_client(gateway: Gateway, car: RemoteGateway) -> None:
    closed = threading.Event()

    @gateway.stream(policy="latest")
    def endless() -> Iterator[int]:
        try:
            while True:
                yield 1
                pynet.sleep(0.01)
        finally:
            closed.set()

    ends: list[pynet.PynetError | None] = []
    running = threading.Event()
    client = car.stream("endless", lambda _: running.set(), on_end=ends.append)
    assert running.wait(5)
    car.stop_handler(car.handlers()[0]["id"])
    assert client.wait(5)
    assert isinstance(ends[0], pynet.HandlerStopped)
    assert "desk" in str(ends[0])
    assert closed.wait(5)
    with pytest.raises(pynet.PynetError, match="no Handler"):
        car.stop_handler(12345)


def test_stopping_a_handler_whose_function_hangs(
    gateway: Gateway, car: RemoteGateway, until: Callable[..., None]
) -> None:
    release = threading.Event()
    running = threading.Event()

    @gateway.batch
    def hang() -> None:
        running.set()
        release.wait(20)

    gateway.batch(lambda: 1, name="one")
    failures: list[Exception] = []

    def call() -> None:
        try:
            car.call("hang")
        except pynet.PynetError as error:
            failures.append(error)

    caller = threading.Thread(target=call)
    caller.start()
    assert running.wait(5)
    car.stop_handler(car.handlers()[0]["id"])
    caller.join(5)
    assert isinstance(failures[0], pynet.HandlerStopped)
    assert car.call("one") == 1  # others are not disturbed
    assert next(row["state"] for row in car.handlers()) == "stopping"
    release.set()
    until(lambda: len(car.handlers()) == 1)


def test_stopping_the_gateway_from_the_other_side(controller: Controller) -> None:
    gateway = Gateway(port=0)
    gateway.stream(lambda: iter(int, 1), name="zeros", policy="reliable")
    served = threading.Thread(target=gateway.serve, name="serve")
    gateway.start()
    served.start()
    car = controller.connect(gateway.address)
    ends: list[pynet.PynetError | None] = []
    client = car.stream("zeros", lambda _: None, on_end=ends.append)
    car.stop_gateway()
    served.join(10)
    assert not served.is_alive()
    assert client.wait(5)
    assert isinstance(ends[0], pynet.ConnectionLost)
    with pytest.raises(pynet.ConnectError, match="nothing listens"):
        controller.connect(gateway.address)


def test_close_is_idempotent_and_final() -> None:
    gateway = Gateway(port=0)
    gateway.close()
    gateway.close()
    with pytest.raises(pynet.Closed):
        gateway.start()


def test_closing_waits_for_subroutines_and_says_goodbye(controller: Controller) -> None:
    running, finished = threading.Event(), threading.Event()
    gateway = Gateway(port=0).start()

    @gateway.batch
    def slow() -> None:
        running.set()
        try:
            pynet.sleep(60)
        finally:
            finished.set()

    failures: list[Exception] = []
    car = controller.connect(gateway.address)

    def call() -> None:
        try:
            car.call("slow")
        except pynet.PynetError as error:
            failures.append(error)

    caller = threading.Thread(target=call)
    caller.start()
    assert running.wait(5)
    gateway.close()
    caller.join(5)
    assert finished.is_set()
    assert isinstance(failures[0], pynet.ConnectionLost)


@pytest.mark.parametrize(
    ("address", "problem"),
    [("127.0.0.1:1", "nothing listens"), ("no.such.host.invalid:1857", "no machine is called")],
)
def test_unreachable(controller: Controller, address: str, problem: str) -> None:
    with pytest.raises(pynet.ConnectError, match=problem):
        controller.connect(address, timeout=2)


@pytest.mark.parametrize("address", ["", "host:", "host:port", ":1857", "a:99999"])
def test_addresses_that_are_none(controller: Controller, address: str) -> None:
    with pytest.raises(pynet.ConfigurationError, match="host:port"):
        controller.connect(address)


def test_closing_the_controller_ends_a_vain_dial() -> None:
    """A full backlog swallows further connections without a word, as a switched-off car does."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as server:
        fillers = []
        for _ in range(4):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(server.getsockname())
            fillers.append(filler)
        controller = Controller()
        failures: list[Exception] = []

        def dial() -> None:
            try:
                controller.connect(server.getsockname(), timeout=60)
            except pynet.PynetError as error:
                failures.append(error)

        dialling = threading.Thread(target=dial)
        dialling.start()
        controller.close()
        dialling.join(10)
        assert not dialling.is_alive()
        assert isinstance(failures[0], pynet.Closed)
        for filler in fillers:
            filler.close()
