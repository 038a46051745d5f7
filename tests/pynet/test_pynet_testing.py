"""pynet.testing does what it promises to other people's tests."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import pytest

import pynet
from pynet.errors import Closed, ConfigurationError, EncodeError, LocalProtocolError
from pynet.testing import CuttableLink, MemoryLink, MockClock, travelled
from pynet.wire.frames import HEADER_SIZE, PREAMBLE, Kind
from pynet.wire.states import Side, State

C, G = Side.CONTROLLER, Side.GATEWAY
PATIENCE = 10.0


class TestMockClock:
    def test_stands_still_until_advanced(self) -> None:
        clock = MockClock(5.0)
        assert clock() == clock() == 5.0
        assert clock.advance(0.25) == clock() == 5.25

    def test_goes_to_a_time_but_never_back(self) -> None:
        clock = MockClock(5.0)
        assert clock.advance_to(7.0) == 7.0
        assert clock.advance_to(6.0) == 7.0

    @pytest.mark.parametrize("seconds", [-0.1, float("nan")])
    def test_refuses_what_no_monotonic_clock_does(self, seconds: float) -> None:
        with pytest.raises(ConfigurationError, match="monotonic"):
            MockClock().advance(seconds)


class TestTravelled:
    def test_returns_what_would_arrive(self) -> None:
        assert travelled({"a": (1, 2)}) == {"a": [1, 2]}

    def test_shows_what_cannot_travel(self) -> None:
        with pytest.raises(EncodeError, match="Echo cannot travel"):
            travelled([object.__new__(Echo)])


class TestMemoryLink:
    def test_greets(self) -> None:
        link = MemoryLink()
        arrived = link.greet()
        assert [frame.kind for frame in arrived.gateway] == [Kind.HELLO]
        assert [frame.kind for frame in arrived.controller] == [Kind.WELCOME]
        assert link.controller.state is link.gateway.state is State.READY

    def test_delivers_when_it_is_due_and_not_before(self) -> None:
        link = MemoryLink(delay=(0.25, 0.5))
        link.greet()
        start = link.clock()
        link.send(C, Kind.CALL, "question")
        assert link.advance(0.125) == ([], [])
        (call,) = link.advance(0.125).gateway
        assert link.value(call) == "question"
        assert link.gateway.last_received == start + 0.25
        link.send(G, Kind.RESULT, "answer")
        assert not link.advance(0.375).controller
        assert [link.value(f) for f in link.advance(10.0).controller] == ["answer"]
        assert link.controller.last_received == start + 0.75
        assert link.clock() == start + 10.625

    def test_whole_calls(self) -> None:
        link = MemoryLink(split=3, delay=0.010)
        link.greet()
        assert link.call(["add", [1, 2]], 3) == (["add", [1, 2]], 3)
        assert link.call("again", None) == ("again", None)

    def test_the_clocks_of_the_ends_differ(self) -> None:
        link = MemoryLink(offset=500.0)
        link.greet()
        link.send(C, Kind.CALL)
        (call,) = link.settle().gateway
        assert call.time_us == int(link.clock() * 1e6)
        assert link.gateway.last_received == link.clock() + 500.0

    def test_heartbeats_are_answered_under_way(self) -> None:
        link = MemoryLink(delay=0.5, offset=-3.0)
        link.greet()
        link.ping(C)
        assert link.advance(1.0) == ([], [])
        assert link.controller.clock.rtt == pytest.approx(1.0, abs=1e-5)
        assert link.controller.clock.offset == pytest.approx(-3.0, abs=1e-5)

    @pytest.mark.parametrize("split", [None, 1, 7, [1, 100, 3]])
    @pytest.mark.parametrize("in_place", [True, False])
    def test_splits_without_harm(self, split: int | list[int] | None, in_place: bool) -> None:
        link = MemoryLink(split=split, in_place=in_place)
        link.greet()
        assert link.call(b"x" * 5000, b"y" * 5001) == (b"x" * 5000, b"y" * 5001)

    def test_keeps_the_order_whatever_the_jitter(self) -> None:
        link = MemoryLink(delay=0.01, jitter=1.0, seed=3)
        link.greet()
        link.send(C, Kind.OPEN_FEED)
        for number in range(50):
            link.send(C, Kind.ITEM, number, seq=number)
            link.advance(0.01)
        first, *rest = link.settle().gateway
        assert rest
        assert [f.seq for f in rest] == list(range(50 - len(rest), 50))
        assert first.kind in (Kind.OPEN_FEED, Kind.ITEM)

    def test_runs_alike_with_the_same_seed(self) -> None:
        def run(seed: int) -> list[float]:
            link = MemoryLink(jitter=1.0, seed=seed)
            link.greet()
            times = []
            for _ in range(5):
                link.call(None, None)
                times.append(link.clock())
            return times

        assert run(1) == run(1) != run(2)

    def test_a_cut_loses_what_is_on_the_way_and_all_that_follows(self) -> None:
        link = MemoryLink(delay=0.1)
        link.greet()
        link.send(C, Kind.OPEN_FEED)
        link.cut()
        link.send(C, Kind.ITEM, 1)
        assert link.is_cut
        assert link.advance(10.0) == ([], [])
        assert link.gateway.state is State.READY

    def test_a_cut_can_tear_a_frame(self) -> None:
        link = MemoryLink()
        link.send(C, Kind.HELLO)
        link.cut(after=len(PREAMBLE) + HEADER_SIZE - 1)
        assert link.advance(1.0) == ([], [])
        assert link.gateway.state is State.NEW

    def test_says_what_is_not_allowed(self) -> None:
        link = MemoryLink()
        with pytest.raises(LocalProtocolError, match="cannot send CALL while new"):
            link.send(C, Kind.CALL)

    @pytest.mark.parametrize("split", [0, -1, [], [5, 0]])
    def test_refuses_pieces_that_are_none(self, split: int | list[int]) -> None:
        with pytest.raises(ConfigurationError, match="pieces"):
            MemoryLink(split=split)


class Echo:
    """A server that sends back what comes, for one connection after the other."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.served: list[socket.socket] = []
        self.changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="pynet-test-echo")
        self._thread.start()

    def _run(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            with sock:
                while self._echo(sock):
                    pass
            with self.changed:
                self.served.append(sock)
                self.changed.notify_all()

    def _echo(self, sock: socket.socket) -> bool:
        try:
            data = sock.recv(65536)
            sock.sendall(data)
        except OSError:
            return False
        return bool(data)

    def wait_served(self, count: int) -> bool:
        with self.changed:
            return self.changed.wait_for(lambda: len(self.served) >= count, PATIENCE)

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()


@pytest.fixture
def echo() -> Iterator[Echo]:
    server = Echo()
    yield server
    server.close()


@pytest.fixture
def link(echo: Echo) -> Iterator[CuttableLink]:
    with CuttableLink(echo.port) as made:
        yield made


def dial(link: CuttableLink) -> socket.socket:
    return socket.create_connection(("127.0.0.1", link.port), timeout=PATIENCE)


def hear(link: CuttableLink) -> bytes:
    with dial(link) as sock:
        return sock.recv(1)


def read(sock: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size and (more := sock.recv(size - len(data))):
        data += more
    return data


class TestCuttableLink:
    def test_passes_bytes_on_both_ways(self, link: CuttableLink) -> None:
        with dial(link) as sock:
            sock.sendall(b"hello")
            assert read(sock, 5) == b"hello"
            assert link.connections == 1
        assert link.forwarded == 10

    def test_passes_on_the_end_of_one_way_only(self, link: CuttableLink, echo: Echo) -> None:
        with dial(link) as sock:
            sock.sendall(b"last words")
            sock.shutdown(socket.SHUT_WR)
            assert read(sock, 100) == b"last words"
        assert echo.wait_served(1)

    def test_much_data_goes_through_torn(self, link: CuttableLink) -> None:
        link.split = 1000
        data = bytes(range(256)) * 1000
        with dial(link) as sock:
            sender = threading.Thread(target=sock.sendall, args=(data,), name="pynet-test-sender")
            sender.start()
            assert read(sock, len(data)) == data
            sender.join()

    def test_cut_resets_and_new_connections_work(self, link: CuttableLink, echo: Echo) -> None:
        with dial(link) as sock:
            sock.sendall(b"hello")
            assert read(sock, 5) == b"hello"
            link.cut()
            with pytest.raises(ConnectionResetError):
                sock.recv(1)
            assert link.connections == 0
        assert echo.wait_served(1)
        with dial(link) as sock:
            sock.sendall(b"again")
            assert read(sock, 5) == b"again"

    def test_frozen_it_holds_everything_back(self, link: CuttableLink) -> None:
        with dial(link) as sock:
            sock.sendall(b"before")
            assert read(sock, 6) == b"before"
            link.freeze()
            sock.sendall(b"during")
            sock.settimeout(0.05)
            with pytest.raises(TimeoutError):
                sock.recv(1)
            assert link.forwarded == 12
            link.thaw()
            sock.settimeout(PATIENCE)
            assert read(sock, 6) == b"during"

    def test_a_frozen_link_can_be_cut(self, link: CuttableLink) -> None:
        with dial(link) as sock:
            sock.sendall(b"hello")
            assert read(sock, 5) == b"hello"
            link.freeze()
            link.cut()
            with pytest.raises(ConnectionResetError):
                sock.recv(1)

    def test_delays_each_way(self, link: CuttableLink) -> None:
        link.delay = 0.05
        with dial(link) as sock:
            start = time.monotonic()
            sock.sendall(b"x")
            assert read(sock, 1) == b"x"
            # Bytes cannot be early, whatever the machine does meanwhile.
            assert time.monotonic() - start >= 0.1

    def test_holds_a_bounded_amount(self, echo: Echo, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("pynet.testing.link.MOST_WAITING", 100_000)
        with CuttableLink(echo.port, delay=3600.0) as slow, dial(slow) as sock:
            sock.settimeout(0.2)
            with pytest.raises(TimeoutError):
                sock.sendall(bytes(64 * 1024 * 1024))
            (held,) = {end.size for end in slow._ends if end.size}
            assert 100_000 <= held < 200_000

    def test_nobody_behind_it_looks_like_a_reset(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
        with CuttableLink(port) as link, pytest.raises(ConnectionResetError):
            hear(link)

    def test_close_ends_everything_and_may_be_repeated(self, echo: Echo) -> None:
        link = CuttableLink(("127.0.0.1", echo.port))
        with dial(link) as sock:
            sock.sendall(b"hello")
            assert read(sock, 5) == b"hello"
            link.close()
            link.close()
            with pytest.raises(ConnectionResetError):
                sock.recv(1)
        with pytest.raises(Closed):
            link.cut()
        with pytest.raises(ConnectionRefusedError):
            dial(link)
        assert "closed" in repr(link)

    @pytest.mark.parametrize("target", ["", "nowhere", ":80", "host:port"])
    def test_refuses_what_is_no_address(self, target: str) -> None:
        with pytest.raises(ConfigurationError, match="no address"):
            CuttableLink(target)

    def test_refuses_senseless_options(self) -> None:
        with pytest.raises(ConfigurationError, match="split=0"):
            CuttableLink("127.0.0.1:1", split=0)
        with pytest.raises(ConfigurationError, match="delay=-1"):
            CuttableLink("127.0.0.1:1", delay=-1)


def test_a_gateway_and_a_controller_talk_through_a_torn_and_slow_link() -> None:
    with pynet.Gateway(port=0) as gateway, CuttableLink(gateway.port, split=5) as link:
        link.delay = 0.002
        gateway.batch(lambda a, b: a + b, name="add")
        gateway.batch(lambda: link.cut(), name="cut")  # noqa: PLW0108
        with pynet.Controller() as controller:
            car = controller.connect(link.address)
            assert car.call("add", 2, 3) == 5
            with pytest.raises(pynet.ConnectionLost):
                car.call("cut")
            assert car.call("add", 3, 4) == 7
