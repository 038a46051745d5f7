"""Connections for files are served by a real process of their own."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pynet import Controller, Gateway, Limits, RemoteGateway
from pynet.errors import (
    AuthenticationError,
    Busy,
    ConfigurationError,
    ConnectError,
    ConnectionLost,
    NotShared,
    PynetError,
)
from pynet.files import child, launcher
from pynet.files.connection import files_dialler, files_gateway
from pynet.stranger import FILES, FILES_BUSY, FILES_OPEN, FILES_WORD, understood
from pynet.talk import Talk, open_talk
from pynet.trust.peers import Peer, Role
from pynet.trust.store import Trust

ROOT = Path(__file__).resolve().parents[4]
MIB = 1024 * 1024
HERE = "tests.pynet.files.processes"

pytestmark = pytest.mark.skipif(
    not launcher.PASSES_SOCKETS, reason="this system cannot hand over sockets"
)

Until = Callable[..., None]


def names_of(files):
    return [row["name"] for row in files.call("files.roots")]


@pytest.fixture(params=["tls", "plain"])
def gateway(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Gateway]:
    with Gateway(port=0, name="bench", heartbeat=0.1, insecure=request.param == "plain") as gateway:
        gateway.share("here", tmp_path)
        gateway.batch(lambda: "live", name="live")
        yield gateway


@pytest.fixture
def controller(gateway: Gateway) -> Iterator[Controller]:
    with Controller(name="desk", heartbeat=0.1, insecure=gateway.insecure) as controller:
        yield controller


@pytest.fixture
def car(gateway: Gateway, controller: Controller) -> RemoteGateway:
    return controller.connect(gateway.address, timeout=10)


@pytest.fixture
def files(car: RemoteGateway) -> Iterator[RemoteGateway]:
    with files_gateway(car.dialler) as files:
        yield files


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the file process offer a few things more."""
    start_instead(monkeypatch, f"{HERE}.device")


def start_instead(monkeypatch: pytest.MonkeyPatch, module: str) -> None:
    start = child.start
    monkeypatch.setattr(child, "start", lambda _, sock: start(module, sock))


def pid_of(gateway: Gateway) -> int:
    assert gateway._files is not None
    pid = gateway._files.pid
    assert pid is not None
    return pid


def gone(pid: int) -> bool:
    """Ended, whether or not somebody has waited for it."""
    with contextlib.suppress(OSError):
        return "\nState:\tZ" in Path(f"/proc/{pid}/status").read_text()
    return True


def caller(gateway: Gateway) -> socket.socket:
    return socket.create_connection((gateway.host, gateway.port), timeout=10)


def test_the_process_starts_with_the_first_connection(
    device: None, gateway: Gateway, car: RemoteGateway, tmp_path: Path
) -> None:
    assert gateway._files is not None
    assert gateway._files.pid is None
    with files_gateway(car.dialler) as files:
        assert (files.name, files.role) == ("bench", "owner")
        about = files.call("about")
        assert about["pid"] == pid_of(gateway) != os.getpid()
        assert about["inbox"] == 2 * MIB
        assert about["pool"] == 64
        assert about["nice"] >= min(19, os.getpriority(os.PRIO_PROCESS, 0) + child.NICENESS)
        assert names_of(files) == ["here"]
        gateway.share("there", tmp_path, write=True)
        with files_gateway(car.dialler) as more:
            assert more.call("about") == about
            assert names_of(more) == ["here", "there"]
    pid = pid_of(gateway)
    os.kill(pid, signal.SIGINT)  # Ctrl-C goes to all processes of a terminal
    assert files_are_served(car)
    gateway.close()
    assert gone(pid)


def files_are_served(car: RemoteGateway) -> bool:
    with files_gateway(car.dialler) as files:
        return bool(files.call("files.roots"))


def test_a_gateway_without_shares_says_so(tmp_path: Path) -> None:
    with (
        Gateway(port=0, insecure=True) as gateway,
        Controller(insecure=True) as controller,
    ):
        car = controller.connect(gateway.address)
        with pytest.raises(NotShared, match="shares no files"):
            files_gateway(car.dialler)
        gateway.share("here", tmp_path)
        assert files_are_served(car)


def test_what_is_shared_before_the_start(tmp_path: Path) -> None:
    gateway = Gateway(port=0, insecure=True)
    gateway.share("here", tmp_path)
    with gateway, Controller(insecure=True) as controller:
        assert files_are_served(controller.connect(gateway.address))


@pytest.mark.parametrize("name", ["echo", "pour"])
def test_a_process_that_is_killed_is_a_loss_and_another_starts(
    device: None,
    gateway: Gateway,
    car: RemoteGateway,
    files: RemoteGateway,
    until: Until,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
) -> None:
    monkeypatch.setattr(launcher, "SOON", 0.0)
    pid = pid_of(gateway)
    talk = open_talk(files.dialler, name)
    talk.say(1, bytes(MIB))
    assert talk.hear(5) is not None
    os.kill(pid, signal.SIGKILL)
    with pytest.raises(ConnectionLost):
        hear_all(talk)
    with pytest.raises(ConnectionLost):
        talk.say(2)
    talk.close()
    assert car.call("live") == "live"
    until(lambda: gateway._files is not None and gateway._files.pid is None)
    assert names_of(files) == ["here"]
    assert pid_of(gateway) != pid


def hear_all(talk: Talk) -> None:
    while talk.hear() is not None:
        pass


def test_many_connections_at_once(
    device: None, gateway: Gateway, car: RemoteGateway, until: Until
) -> None:
    dialler = files_dialler(car.dialler)
    done: list[int] = []
    all_open = threading.Barrier(50)

    def work(number: int) -> None:
        with open_talk(dialler, "echo") as talk:
            all_open.wait(30)
            talk.say(number, bytes([number]) * 100_000)
            said = talk.hear(30)
            assert said is not None
            assert said.value == number
            assert bytes(said.body or b"") == bytes([number]) * 100_000
            done.append(number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(done) == list(range(50))
    assert not gateway.handlers()


@pytest.mark.parametrize("garbage", [b"", b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\xff\xff"])
def test_garbage_after_the_word(
    gateway: Gateway, car: RemoteGateway, garbage: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    with caller(gateway) as stranger:
        stranger.sendall(FILES_WORD)
        assert stranger.recv(5) == FILES_OPEN
        stranger.sendall(garbage)
        stranger.shutdown(socket.SHUT_WR)
        with contextlib.suppress(ConnectionResetError):
            while stranger.recv(1000):
                pass
    assert files_are_served(car)
    assert car.call("live") == "live"


def test_what_the_process_logs_is_logged_here(
    gateway: Gateway, caplog: pytest.LogCaptureFixture, until: Until
) -> None:
    with caller(gateway) as stranger:
        stranger.sendall(FILES_WORD + b"GET / HTTP/1.1\r\n\r\n")
        until(lambda: "it speaks no pynet" in caplog.text)
    (record,) = [record for record in caplog.records if "no pynet" in record.message]
    assert (record.name, record.levelno) == ("pynet.gateway", logging.WARNING)
    assert "127.0.0.1" in record.message


def test_a_word_that_comes_in_pieces(gateway: Gateway) -> None:
    assert understood(FILES_WORD) == FILES
    assert understood(FILES_WORD + b"\x16\x03") == FILES
    assert {understood(FILES_WORD[:size]) for size in range(1, len(FILES_WORD))} == {""}
    with caller(gateway) as stranger:
        for size in range(len(FILES_WORD)):
            stranger.send(FILES_WORD[size : size + 1])
        assert stranger.recv(5) == FILES_OPEN


def test_a_process_that_does_not_read_holds_up_nobody(
    gateway: Gateway,
    car: RemoteGateway,
    files: RemoteGateway,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(launcher, "GRACE", 0.05)
    monkeypatch.setattr(launcher, "PATIENCE", 0.05)
    assert gateway._files is not None
    assert gateway._files._child is not None
    sock = gateway._files._child.channel._sock
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    pid = pid_of(gateway)
    os.kill(pid, signal.SIGSTOP)
    with contextlib.ExitStack() as strangers:
        answer = FILES_OPEN
        count = 0
        while answer == FILES_OPEN and count < 100:
            stranger = strangers.enter_context(caller(gateway))
            stranger.sendall(FILES_WORD)
            answer = stranger.recv(5)
            count += 1
        assert answer == FILES_BUSY
        assert "the process for files is busy" in caplog.text
        with pytest.raises(Busy):
            files_gateway(car.dialler)
        assert car.call("live") == "live"
    gateway.close()
    assert gone(pid)
    assert "is killed" in caplog.text


def test_a_process_that_does_not_start_is_not_tried_at_once(
    gateway: Gateway, car: RemoteGateway, until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert gateway._files is not None
    service = gateway._files
    with monkeypatch.context() as patch:
        start_instead(patch, f"{HERE}.broken")
        with pytest.raises(ConnectError):
            files_gateway(car.dialler)
        until(lambda: service._child is None)
    with pytest.raises(Busy):
        files_gateway(car.dialler)
    service._rest_until = 0.0
    assert files_are_served(car)


def test_no_process_at_all(
    gateway: Gateway,
    car: RemoteGateway,
    until: Until,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def refuse(module: str, sock: socket.socket) -> None:
        raise BlockingIOError("no more processes")

    with monkeypatch.context() as patch:
        patch.setattr(child, "start", refuse)
        with pytest.raises((ConnectError, Busy)):
            files_gateway(car.dialler)
    until(lambda: "no more processes" in caplog.text)
    assert car.call("live") == "live"


@pytest.mark.parametrize("lacking", ["sockets", "interpreter"])
def test_where_there_can_be_no_such_process_it_is_this_one(
    gateway: Gateway,
    car: RemoteGateway,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    lacking: str,
) -> None:
    if lacking == "sockets":
        monkeypatch.setattr(launcher, "PASSES_SOCKETS", False)
    else:
        monkeypatch.setattr(sys, "frozen", True, raising=False)
    with files_gateway(car.dialler) as files:
        assert names_of(files) == ["here"]
        gateway.share("there", tmp_path)
        assert len(files.call("files.roots")) == 2
        assert gateway._files is not None
        assert gateway._files.pid is None
        gateway.close()
        with pytest.raises(PynetError):
            files.call("files.roots")


def test_it_ends_with_its_gateway_and_not_before(gateway: Gateway, files: RemoteGateway) -> None:
    with pytest.raises(ConfigurationError, match="until the Gateway"):
        files.stop_gateway()
    assert files.call("files.roots")
    pid = pid_of(gateway)
    gateway.close()
    with pytest.raises(PynetError):
        files.call("files.roots")
    assert gone(pid)
    with pytest.raises(OSError, match="refused"):
        caller(gateway)


def test_closing_while_it_starts(gateway: Gateway) -> None:
    with caller(gateway) as stranger:
        stranger.sendall(FILES_WORD)
        assert stranger.recv(5) == FILES_OPEN
        gateway.close()
        with contextlib.suppress(ConnectionResetError):
            assert stranger.recv(5) == b""


PARENT = """
import sys, pynet
from pynet.files.connection import files_gateway
gateway = pynet.Gateway(port=0, insecure=True)
gateway.share("here", ".")
with gateway, pynet.Controller(insecure=True) as controller:
    files = files_gateway(controller.connect(gateway.address).dialler)
    files.call("files.roots")
    print(gateway._files.pid, flush=True)
    sys.stdin.read()
"""


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_it_does_not_outlive_its_parent(tmp_path: Path, until: Until, how: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert not gone(pid)
        parent.send_signal(how)
        parent.wait(20)
        until(lambda: gone(pid))


# ---- who may come in ---------------------------------------------------------------------


def test_roles_count_there_as_here(tmp_path: Path, until: Until) -> None:
    house, guest = Trust(tmp_path / "house", "house"), Trust(tmp_path / "guest", "guest")
    known = Peer("guest", Role.VIEWER, guest.identity.certificate, since=1.0)
    house.peers.add(known)
    guest.peers.add(Peer("house", Role.NONE, house.identity.certificate, since=1.0))
    with Gateway(port=0, trust=house, heartbeat=0.1) as gateway:
        gateway.share("all", tmp_path, role="viewer")
        gateway.share("mine", tmp_path)
        with Controller(trust=guest, heartbeat=0.1) as controller:
            car = controller.connect(gateway.address, timeout=10)
            with files_gateway(car.dialler) as files:
                assert files.role == "viewer"
                assert names_of(files) == ["all"]
                lane = files.dialler.open("pair")
                house.peers.set_role(known, Role.OWNER)
                until(lambda: not lane.check())
                lane.close()
                assert len(files.call("files.roots")) == 2
                lane = files.dialler.open("pair")
                house.peers.revoke(known)
                until(lambda: not lane.check())
                lane.close()
                with pytest.raises(AuthenticationError):
                    files.dialler.open("pair")


# ---- gateways that know nothing of files -------------------------------------------------


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x15\x03\x03"])
def test_another_program_at_the_port(controller: Controller, answer: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            sock, _ = server.accept()
            with sock:
                sock.recv(100)
                sock.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        dialler = files_dialler(controller.dialler(server.getsockname()))
        with pytest.raises(ConnectError, match=r"knows nothing of files|ended"):
            dialler.open("pair")
        thread.join()


def test_a_silent_program_at_the_port(controller: Controller) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        dialler = files_dialler(controller.dialler(server.getsockname(), timeout=0.1))
        with pytest.raises(ConnectError, match="did not greet in time"):
            dialler.open("pair")


def test_limits_that_are_lower_stay(tmp_path: Path) -> None:
    low = Limits(inbox=1000, body=2000)
    with Controller(insecure=True, limits=low) as controller:
        dialler = files_dialler(controller.dialler("127.0.0.1"))
        assert (dialler.limits.inbox, dialler.limits.body) == (1000, 2000)
    with Controller(insecure=True) as controller:
        dialler = files_dialler(controller.dialler("127.0.0.1"))
        assert (dialler.limits.inbox, dialler.limits.body) == (2 * MIB, 32 * MIB)
