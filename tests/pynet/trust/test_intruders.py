"""Pairing over real sockets with those who should not get in: in between, recorded, or nonsense."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable

import msgpack
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pynet import ConnectError, Gateway, PairingError, Trust
from pynet.stranger import PAIRING_WORD
from pynet.trust import WrongCode, pair
from pynet.trust.contexts import stranger_context
from pynet.trust.pairing import Asker
from pynet.trust.talk import MOST_BYTES, Talk
from pynet.trust.window import PairingWindow
from tests.pynet.trust.strangers import InBetween, admitted, other_than, soon, talk_to

pytestmark = pytest.mark.usefixtures("short_rest")

Until = Callable[..., None]
Machines = Callable[[str], Trust]


# ---- somebody in between -----------------------------------------------------------------


@pytest.mark.parametrize("forge", [False, True], ids=["passes on", "gives himself out"])
def test_a_man_in_the_middle_ends_in_a_wrong_code_and_nobody_is_known(
    rover: Gateway, window: PairingWindow, desk: Trust, trust: Machines, forge: bool
) -> None:
    with (
        contextlib.closing(InBetween(rover.port, trust("crook"), forge)) as crook,
        pytest.raises(WrongCode, match="somebody stands in between") as caught,
    ):
        pair("127.0.0.1", crook.port, window.code, trust=desk)
    assert caught.value.left == 2
    assert rover.trust is not None
    assert desk.peers.all() == rover.trust.peers.all() == []
    pair("127.0.0.1", rover.port, window.code, trust=desk, timeout=30)


def test_who_knows_the_right_id_notices_another_machine_before_anything_is_said(
    rover: Gateway, window: PairingWindow, desk: Trust, trust: Machines
) -> None:
    assert rover.trust is not None
    right = rover.trust.identity.id
    with (
        contextlib.closing(InBetween(rover.port, trust("crook"), False)) as crook,
        pytest.raises(PairingError, match="another machine answers there than should"),
    ):
        pair("127.0.0.1", crook.port, window.code, trust=desk, expect=right)
    assert window.strikes_left == 3
    pair("127.0.0.1", rover.port, window.code, trust=desk, expect=right, timeout=30)


def test_a_machine_that_does_not_know_the_code_cannot_pass_for_the_car(
    desk: Trust, trust: Machines
) -> None:
    with (
        Gateway(port=0, trust=trust("pretender")) as pretender,
        pretender.open_pairing() as window,
        pytest.raises(WrongCode),
    ):
        pair("127.0.0.1", pretender.port, other_than(window.code), trust=desk)
    assert desk.peers.all() == []


# ---- what was recorded ----------------------------------------------------------------------


class Recorder:
    """Passes bytes on, and keeps what the asker sent."""

    def __init__(self, port: int) -> None:
        self.recorded = b""
        self._far = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._thread = threading.Thread(target=self._run, name="recorder")
        self._thread.start()

    def _run(self) -> None:
        near, _ = self._listener.accept()
        with near, socket.create_connection(("127.0.0.1", self._far)) as far:
            back = threading.Thread(target=self._back, args=(far, near), name="recorder-back")
            back.start()
            while data := near.recv(4096):
                self.recorded += data
                far.sendall(data)
            with contextlib.suppress(OSError):
                far.shutdown(socket.SHUT_WR)
            back.join()

    @staticmethod
    def _back(far: socket.socket, near: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := far.recv(4096):
                near.sendall(data)

    def close(self) -> None:
        self._thread.join()
        self._listener.close()


def test_a_recorded_pairing_cannot_be_played_again(
    rover: Gateway, window: PairingWindow, desk: Trust, until: Until
) -> None:
    with contextlib.closing(Recorder(rover.port)) as recorder:
        pair("127.0.0.1", recorder.port, window.code, trust=desk)
    assert recorder.recorded.startswith(PAIRING_WORD)
    assert window.code.encode() not in recorder.recorded
    assert window.wait(10)
    assert rover.trust is not None
    rover.trust.peers.revoke(rover.trust.peers.of_id(desk.identity.id))  # type: ignore[arg-type]
    with rover.open_pairing() as second:
        second.code = window.code  # even so
        with contextlib.closing(admitted(rover.port)) as sock:
            sock.sendall(recorder.recorded[len(PAIRING_WORD) :])
            until(lambda: hung_up(sock), 20)
        assert second.strikes_left == 3
    assert rover.trust.peers.all() == []


def hung_up(sock: socket.socket) -> bool:
    try:
        return not sock.recv(4096)
    except OSError:
        return True


def test_messages_of_a_pairing_cannot_be_said_again(
    rover: Gateway, window: PairingWindow, desk: Trust, trust: Machines
) -> None:
    with talk_to(rover.port, desk) as talk:
        asker = Asker(desk.identity, "desk", window.code, talk.certificate)
        first = asker.begin()
        talk.send(first, soon())
        proof = asker.prove(talk.receive(soon()))
        talk.send(proof, soon())
        asker.finish(talk.receive(soon()))
    assert window.wait(10)
    with rover.open_pairing() as second:
        second.code = window.code
        with talk_to(rover.port, trust("crook")) as talk:
            talk.send(first, soon())
            talk.receive(soon())
            talk.send(proof, soon())
            assert msgpack.unpackb(talk.receive(soon()))["error"] == "WrongCode"
        assert second.strikes_left == 2


# ---- other programs ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "reply",
    [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"OPEN SESAME\n", b"", b"\x15\x03\x03\x00\x02\x02\x46"],
)
def test_another_program_is_no_pynet(desk: Trust, reply: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            sock, _ = server.accept()
            with sock:
                sock.recv(4096)
                sock.sendall(reply)

        thread = threading.Thread(target=answer, name="other")
        thread.start()
        with pytest.raises(PairingError, match="does not answer as a pynet"):
            pair("127.0.0.1", server.getsockname()[1], "12345678", trust=desk)
        thread.join()


def test_nobody_there(desk: Trust) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(ConnectError, match="nothing listens"):
        pair("127.0.0.1", port, "12345678", trust=desk)
    with pytest.raises(ConnectError, match="no machine is called"):
        pair("no such host.invalid", port, "12345678", trust=desk)


def test_an_old_tls_is_refused(rover: Gateway, window: PairingWindow) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with admitted(rover.port) as sock, pytest.raises(ssl.SSLError):
        context.wrap_socket(sock)
    assert window.strikes_left == 3


@pytest.mark.parametrize(
    "garbage",
    [
        b"\xff\xff",
        b"\x00\x00",
        (MOST_BYTES + 1).to_bytes(2, "big") + bytes(MOST_BYTES + 1),
        b"\x00\x05" + b"\x91" * 5,
        b"\x00\x01\xc1",
    ],
)
def test_nonsense_inside_tls_costs_no_try(
    rover: Gateway, window: PairingWindow, trust: Machines, garbage: bytes
) -> None:
    with talk_to(rover.port, trust("crook")) as talk:
        talk._write(talk._tls.seal([garbage]), soon())
        with contextlib.suppress(PairingError):
            assert msgpack.unpackb(talk.receive(soon()))["error"] == "PairingError"
    assert window.state == "open"
    assert window.strikes_left == 3


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.binary(max_size=600), sealed=st.booleans())
def test_any_bytes_end_a_talk_by_a_pairing_error(desk: Trust, data: bytes, sealed: bool) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        theirs = socket.create_connection(server.getsockname())
        ours, _ = server.accept()
    talk = Talk(ours, stranger_context(desk.identity, server=True), server=True)
    with contextlib.closing(talk), theirs:
        sender = threading.Thread(target=_say, args=(theirs, desk, data, sealed), name="stranger")
        sender.start()
        with pytest.raises(PairingError):
            listen(talk)
        ours.close()
        sender.join()


def listen(talk: Talk) -> None:
    talk.shake_hands(soon())
    while True:
        assert len(talk.receive(soon())) <= MOST_BYTES


def _say(sock: socket.socket, who: Trust, data: bytes, sealed: bool) -> None:
    with contextlib.suppress(PairingError, OSError):
        if sealed:
            talk = Talk(sock, stranger_context(who.identity, server=False), server=False)
            talk.shake_hands(soon())
            data = talk._tls.seal([data]) if data else b""
        sock.setblocking(True)
        sock.sendall(data)
        sock.shutdown(socket.SHUT_WR)
