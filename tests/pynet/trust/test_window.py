"""Pairing over real sockets: who gets in, who does not, and what each of them is told."""

from __future__ import annotations

import contextlib
import logging
import queue
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import msgpack
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pynet import (
    AuthenticationError,
    ConfigurationError,
    ConnectError,
    Controller,
    Gateway,
    PairingError,
    Role,
    Trust,
)
from pynet.stranger import PAIRING_WORD
from pynet.trust import WrongCode, pair, reception
from pynet.trust.contexts import stranger_context
from pynet.trust.pairing import Asker
from pynet.trust.store import Placed
from pynet.trust.talk import BUSY, CLOSED, MOST_BYTES, OPEN, Talk
from pynet.trust.window import PairingWindow

Until = Callable[..., None]
Machines = Callable[[str], Trust]


@pytest.fixture(autouse=True)
def short_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reception, "REST", 0.05)


@pytest.fixture
def window(car: Gateway) -> Iterator[PairingWindow]:
    with car.open_pairing(Role.DRIVER) as window:
        yield window


def other_than(code: str) -> str:
    return f"{(int(code) + 1) % 10**8:08d}"


def knock(port: int) -> tuple[socket.socket, bytes]:
    """Ask to pair; the connection and what was answered."""
    sock = socket.create_connection(("127.0.0.1", port), 10)
    sock.sendall(PAIRING_WORD)
    answer = b""
    while not answer.endswith(b"\n"):
        letter = sock.recv(1)
        if not letter:
            break
        answer += letter
    return sock, answer


def admitted(port: int) -> socket.socket:
    """Knock until there is time for us."""
    while True:
        sock, answer = knock(port)
        if answer == OPEN:
            return sock
        sock.close()
        assert answer == BUSY
        threading.Event().wait(0.02)


@contextlib.contextmanager
def talk_to(port: int, who: Trust) -> Iterator[Talk]:
    """TLS with whoever listens there, before the first message."""
    context = stranger_context(who.identity, server=False)
    talk = Talk(admitted(port), context, server=False)
    try:
        talk.shake_hands(soon())
        yield talk
    finally:
        talk.close()


def soon() -> float:
    return time.monotonic() + 10


# ---- how it should go --------------------------------------------------------------------


def test_who_knows_the_code_gets_in_at_once_and_may_do_what_was_chosen(
    car: Gateway, window: PairingWindow, desk: Trust
) -> None:
    peer = pair("127.0.0.1", car.port, window.code, trust=desk, name="Anna's desk")
    assert (peer.name, peer.role, peer.granted) == ("rover", Role.NONE, Role.DRIVER)
    assert peer.address == f"127.0.0.1:{car.port}"
    assert car.trust is not None
    assert peer.id == car.trust.identity.id
    assert window.wait(10)
    assert window.state == "paired"
    assert window.peer is not None
    assert (window.peer.name, window.peer.role) == ("Anna's desk", Role.DRIVER)
    assert window.peer.id == desk.identity.id
    with Controller(trust=desk) as controller:
        found = controller.connect(car.address)
        assert found.call("horn") == "toot"
        assert found.peer is not None
        assert found.peer.name == "rover"


def test_a_code_is_good_once(
    car: Gateway, window: PairingWindow, desk: Trust, trust: Machines
) -> None:
    pair("127.0.0.1", car.port, window.code, trust=desk)
    assert window.wait(10)
    with pytest.raises(PairingError, match="no pairing window is open"):
        pair("127.0.0.1", car.port, window.code, trust=trust("another desk"))


def test_whom_one_calls_may_not_call_back(car: Gateway, window: PairingWindow, desk: Trust) -> None:
    pair("127.0.0.1", car.port, window.code, trust=desk)
    with (
        Gateway(port=0, trust=desk) as on_the_desk,
        Controller(trust=car.trust) as controller,
        pytest.raises(AuthenticationError, match="does not know this machine"),
    ):
        controller.connect(on_the_desk.address)


def test_pairing_both_ways_keeps_what_was_granted_before(
    car: Gateway, window: PairingWindow, desk: Trust
) -> None:
    pair("127.0.0.1", car.port, window.code, trust=desk)
    assert car.trust is not None
    with Gateway(port=0, trust=desk, name="desk") as on_the_desk:
        with on_the_desk.open_pairing(Role.VIEWER) as other:
            pair("127.0.0.1", on_the_desk.port, other.code, trust=car.trust)
        (rover,) = desk.peers.all()
        assert (rover.role, rover.granted, rover.name) == (Role.VIEWER, Role.DRIVER, "rover")
        (known,) = car.trust.peers.all()
        assert (known.role, known.granted) == (Role.DRIVER, Role.VIEWER)


def test_two_machines_of_one_name_can_be_told_apart(car: Gateway, trust: Machines) -> None:
    for folder in ("one", "two", "three"):
        with car.open_pairing() as window:
            pair("127.0.0.1", car.port, window.code, trust=trust(folder), name="desk")
    assert car.trust is not None
    assert [peer.name for peer in car.trust.peers.all()] == ["desk", "desk 2", "desk 3"]


def test_who_opens_a_window_is_told_of_its_beginning_and_end(car: Gateway, desk: Trust) -> None:
    told: queue.Queue[tuple[str, str, str]] = queue.Queue()

    def on_pairing(window: PairingWindow) -> None:
        told.put((window.state, window.code, threading.current_thread().name))

    car.on_pairing = on_pairing
    with car.open_pairing() as window:
        assert told.get(timeout=10) == ("open", window.code, "pynet-pairing")
        pair("127.0.0.1", car.port, window.code, trust=desk)
        assert told.get(timeout=10)[0] == "paired"


def test_a_display_that_fails_keeps_nobody_apart(
    car: Gateway, desk: Trust, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(window: PairingWindow) -> None:
        raise OSError("no display")

    with car.open_pairing(on_code=fail, on_end=fail) as window:
        pair("127.0.0.1", car.port, window.code, trust=desk)
        assert window.wait(10)
    assert window.state == "paired"
    assert caplog.text.count("a callback of the pairing window raised") == 2


# ---- wrong codes ------------------------------------------------------------------------


def test_three_wrong_codes_close_the_window(
    car: Gateway, window: PairingWindow, desk: Trust
) -> None:
    left = []
    for _ in range(3):
        with pytest.raises(WrongCode, match="not the code that is shown") as caught:
            pair("127.0.0.1", car.port, other_than(window.code), trust=desk)
        left.append(caught.value.left)
    assert left == [2, 1, 0]
    assert window.wait(10)
    assert window.state == "struck"
    with pytest.raises(PairingError, match="no pairing window is open"):
        pair("127.0.0.1", car.port, window.code, trust=desk)
    assert desk.peers.all() == []
    assert car.trust is not None
    assert car.trust.peers.all() == []


def test_after_a_wrong_code_nobody_is_heard_for_a_while(
    car: Gateway, window: PairingWindow, desk: Trust, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reception, "REST", 3600.0)
    with pytest.raises(WrongCode):
        pair("127.0.0.1", car.port, other_than(window.code), trust=desk)
    with pytest.raises(PairingError, match="pairs with somebody else all the time"):
        pair("127.0.0.1", car.port, window.code, trust=desk, timeout=1.0)


def test_a_code_that_can_be_none_asks_nobody(car: Gateway, desk: Trust) -> None:
    with (
        car.open_pairing() as window,
        pytest.raises(ConfigurationError, match="8 digits"),
    ):
        pair("127.0.0.1", car.port, "1234", trust=desk)
    assert window.strikes_left == 3


# ---- windows that are closed --------------------------------------------------------------


def test_without_a_window_a_stranger_gets_no_thread_and_a_clear_answer(
    car: Gateway, desk: Trust, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "pynet.trust")
    before = set(threading.enumerate())
    with contextlib.ExitStack() as stack:
        for _ in range(200):
            sock, answer = knock(car.port)
            stack.enter_context(contextlib.closing(sock))
            assert answer == CLOSED
        assert set(threading.enumerate()) == before
    with pytest.raises(PairingError, match="no pairing window is open there: open one"):
        pair("127.0.0.1", car.port, "12345678", trust=desk)
    assert caplog.text.count("a stranger who wants to pair") == 1


def test_a_window_closes_by_itself(car: Gateway, desk: Trust) -> None:
    ended: queue.Queue[str] = queue.Queue()
    window = car.open_pairing(seconds=0.05, on_end=lambda window: ended.put(window.state))
    assert ended.get(timeout=10) == "closed"
    assert window.wait(10)
    assert window.left == 0
    with pytest.raises(PairingError, match="no pairing window is open"):
        pair("127.0.0.1", car.port, window.code, trust=desk)


def test_a_window_that_is_closed_meanwhile_lets_nobody_in(car: Gateway, desk: Trust) -> None:
    with car.open_pairing() as window, talk_to(car.port, desk) as talk:
        asker = Asker(desk.identity, "desk", window.code, talk.certificate)
        talk.send(asker.begin(), soon())
        proof = asker.prove(talk.receive(soon()))
        window.expires = 0.0
        talk.send(proof, soon())
        with pytest.raises(PairingError, match="no pairing window is open"):
            asker.finish(talk.receive(soon()))
    assert car.trust is not None
    assert car.trust.peers.all() == []


def test_closing_the_window_hangs_up_on_who_is_heard(car: Gateway, desk: Trust) -> None:
    window = car.open_pairing()
    with talk_to(car.port, desk) as talk:
        window.close()
        window.close()
        with pytest.raises(PairingError, match="hung up"):
            talk.receive(soon())
    assert window.state == "closed"


def test_closing_the_gateway_closes_the_window(trust: Machines) -> None:
    with Gateway(port=0, trust=trust("car")) as gateway:
        window = gateway.open_pairing()
    assert window.state == "closed"
    assert "pynet-pairing" not in {thread.name for thread in threading.enumerate()}


def test_one_window_at_a_time(car: Gateway) -> None:
    with car.open_pairing(), pytest.raises(ConfigurationError, match="open already"):
        car.open_pairing()
    with car.open_pairing(Role.OWNER) as window:
        assert window.role is Role.OWNER


def test_impossible_windows_are_refused(car: Gateway) -> None:
    with pytest.raises(ConfigurationError, match="within 0 to 3600"):
        car.open_pairing(seconds=0)
    with pytest.raises(ConfigurationError, match="needs a role"):
        car.open_pairing(Role.NONE)
    with pytest.raises(ConfigurationError, match="does not run"):
        Gateway(port=0).open_pairing()


def test_plain_tcp_has_nothing_to_pair(desk: Trust) -> None:
    with Gateway(port=0, insecure=True) as gateway:
        with pytest.raises(ConfigurationError, match="insecure"):
            gateway.open_pairing()
        with pytest.raises(PairingError, match="insecure=True"):
            pair("127.0.0.1", gateway.port, "12345678", trust=desk)


# ---- one at a time, and nobody for long ----------------------------------------------------


def test_a_second_asker_is_told_that_somebody_pairs(
    car: Gateway, window: PairingWindow, desk: Trust, trust: Machines
) -> None:
    with talk_to(car.port, trust("first")):
        sock, answer = knock(car.port)
        sock.close()
        assert answer == BUSY
        with pytest.raises(PairingError, match="pairs with somebody else"):
            pair("127.0.0.1", car.port, window.code, trust=desk, timeout=0.5)
    # The first one has gone, and did not cost a try.
    pair("127.0.0.1", car.port, window.code, trust=desk, timeout=20)
    assert window.strikes_left == 3


@pytest.mark.parametrize("steps", [0, 1, 2], ids=["before TLS", "after TLS", "after a message"])
def test_a_silent_asker_does_not_hold_the_window(
    car: Gateway,
    window: PairingWindow,
    desk: Trust,
    trust: Machines,
    steps: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reception, "STEP", 1.0)
    silent = trust("silent")
    with contextlib.ExitStack() as stack:
        if not steps:
            stack.enter_context(contextlib.closing(admitted(car.port)))
        else:
            talk = stack.enter_context(talk_to(car.port, silent))
            if steps == 2:
                asker = Asker(silent.identity, "silent", "12345678", talk.certificate)
                talk.send(asker.begin(), soon())
                talk.receive(soon())
        pair("127.0.0.1", car.port, window.code, trust=desk, timeout=30)
    assert window.strikes_left == 3


def test_who_sends_byte_after_byte_does_not_hold_the_window(
    car: Gateway, window: PairingWindow, desk: Trust, monkeypatch: pytest.MonkeyPatch, until: Until
) -> None:
    monkeypatch.setattr(reception, "STEP", 0.3)
    with contextlib.closing(admitted(car.port)) as sock:

        def ended() -> bool:
            with contextlib.suppress(OSError):
                sock.sendall(b"\x16")  # as slowly as TLS may begin
                return False
            return True

        until(ended, 20)
    monkeypatch.setattr(reception, "STEP", 10.0)
    pair("127.0.0.1", car.port, window.code, trust=desk, timeout=30)


def test_an_asker_waits_no_longer_than_it_was_told(desk: Trust) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        port = mute.getsockname()[1]
        with pytest.raises(PairingError, match="does not answer as a pynet Gateway does"):
            pair("127.0.0.1", port, "12345678", trust=desk, timeout=0.2)


# ---- somebody in between -----------------------------------------------------------------


class InBetween:
    """Ends TLS on both sides with his own certificate, and passes on what is said."""

    def __init__(self, port: int, crook: Trust, forge: bool) -> None:
        self.crook, self.forge = crook, forge
        self._far = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._thread = threading.Thread(target=self._run, name="crook")
        self._thread.start()

    def _run(self) -> None:
        near, _ = self._listener.accept()
        near.settimeout(10)
        assert near.recv(len(PAIRING_WORD), socket.MSG_WAITALL) == PAIRING_WORD
        near.sendall(OPEN)
        context = stranger_context(self.crook.identity, server=True)
        asker = Talk(near, context, server=True)
        with (
            contextlib.closing(asker),
            talk_to(self._far, self.crook) as asked,
            contextlib.suppress(PairingError),
        ):
            asker.shake_hands(soon())
            first = asker.receive(soon())
            if self.forge:
                fields = msgpack.unpackb(first)
                fields["certificate"] = self.crook.identity.certificate
                first = msgpack.packb(fields)
            asked.send(first, soon())
            for source, target in ((asked, asker), (asker, asked), (asked, asker)):
                target.send(source.receive(soon()), soon())

    def close(self) -> None:
        self._thread.join()
        self._listener.close()


@pytest.mark.parametrize("forge", [False, True], ids=["passes on", "gives himself out"])
def test_a_man_in_the_middle_ends_in_a_wrong_code_and_nobody_is_known(
    car: Gateway, window: PairingWindow, desk: Trust, trust: Machines, forge: bool
) -> None:
    with (
        contextlib.closing(InBetween(car.port, trust("crook"), forge)) as crook,
        pytest.raises(WrongCode, match="somebody stands in between") as caught,
    ):
        pair("127.0.0.1", crook.port, window.code, trust=desk)
    assert caught.value.left == 2
    assert car.trust is not None
    assert desk.peers.all() == car.trust.peers.all() == []
    pair("127.0.0.1", car.port, window.code, trust=desk, timeout=30)


def test_who_knows_the_right_id_notices_another_machine_before_anything_is_said(
    car: Gateway, window: PairingWindow, desk: Trust, trust: Machines
) -> None:
    assert car.trust is not None
    right = car.trust.identity.id
    with (
        contextlib.closing(InBetween(car.port, trust("crook"), False)) as crook,
        pytest.raises(PairingError, match="another machine answers there than should"),
    ):
        pair("127.0.0.1", crook.port, window.code, trust=desk, expect=right)
    assert window.strikes_left == 3
    pair("127.0.0.1", car.port, window.code, trust=desk, expect=right, timeout=30)


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
    car: Gateway, window: PairingWindow, desk: Trust, until: Until
) -> None:
    with contextlib.closing(Recorder(car.port)) as recorder:
        pair("127.0.0.1", recorder.port, window.code, trust=desk)
    assert recorder.recorded.startswith(PAIRING_WORD)
    assert window.code.encode() not in recorder.recorded
    assert window.wait(10)
    assert car.trust is not None
    car.trust.peers.revoke(car.trust.peers.of_id(desk.identity.id))  # type: ignore[arg-type]
    with car.open_pairing() as second:
        second.code = window.code  # even so
        with contextlib.closing(admitted(car.port)) as sock:
            sock.sendall(recorder.recorded[len(PAIRING_WORD) :])
            until(lambda: hung_up(sock), 20)
        assert second.strikes_left == 3
    assert car.trust.peers.all() == []


def hung_up(sock: socket.socket) -> bool:
    try:
        return not sock.recv(4096)
    except OSError:
        return True


def test_messages_of_a_pairing_cannot_be_said_again(
    car: Gateway, window: PairingWindow, desk: Trust, trust: Machines
) -> None:
    with talk_to(car.port, desk) as talk:
        asker = Asker(desk.identity, "desk", window.code, talk.certificate)
        first = asker.begin()
        talk.send(first, soon())
        proof = asker.prove(talk.receive(soon()))
        talk.send(proof, soon())
        asker.finish(talk.receive(soon()))
    assert window.wait(10)
    with car.open_pairing() as second:
        second.code = window.code
        with talk_to(car.port, trust("crook")) as talk:
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


def test_an_old_tls_is_refused(car: Gateway, window: PairingWindow) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with admitted(car.port) as sock, pytest.raises(ssl.SSLError):
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
    car: Gateway, window: PairingWindow, trust: Machines, garbage: bytes
) -> None:
    with talk_to(car.port, trust("crook")) as talk:
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


# ---- ids in a settings file -----------------------------------------------------------------


@pytest.fixture
def expecting(tmp_path: Path, desk: Trust) -> Iterator[Gateway]:
    """A car whose settings name the desk."""
    placed = [Placed.of("Anna", desk.identity.id.lower().replace("-", " "), "owner")]
    trust = Trust(tmp_path / "expecting", "car", placed)
    with Gateway(port=0, name="rover", trust=trust) as gateway:
        gateway.batch(lambda: "toot", name="horn")
        yield gateway


def test_an_id_in_the_settings_needs_no_code(expecting: Gateway, desk: Trust) -> None:
    peer = pair("127.0.0.1", expecting.port, None, trust=desk)
    assert (peer.name, peer.granted) == ("rover", Role.OWNER)
    with Controller(trust=desk) as controller:
        assert controller.connect(expecting.address).call("horn") == "toot"
    assert expecting.trust is not None
    (known,) = expecting.trust.peers.all()
    assert (known.name, known.role, known.placed) == ("Anna", Role.OWNER, True)


def test_another_id_needs_a_code(expecting: Gateway, trust: Machines) -> None:
    with pytest.raises(PairingError, match="your id is not in the settings"):
        pair("127.0.0.1", expecting.port, None, trust=trust("stranger"))
    with pytest.raises(PairingError, match="no pairing window is open"):
        pair("127.0.0.1", expecting.port, "12345678", trust=trust("stranger"), timeout=20)


def test_an_id_without_its_key_does_not_get_in(expecting: Gateway, desk: Trust) -> None:
    with Gateway(port=0, trust=Trust(desk.folder.parent / "thief")) as thief:
        assert thief.trust is not None
        stolen = replace(thief.trust.identity, certificate=desk.identity.certificate)
    with talk_to(expecting.port, desk) as talk:
        asker = Asker(stolen, "desk", None, talk.certificate)
        talk.send(asker.begin(), soon())
        talk.send(asker.prove(talk.receive(soon())), soon())
        with pytest.raises(PairingError, match="whose key it does not have"):
            asker.finish(talk.receive(soon()))
    assert expecting.trust is not None
    assert expecting.trust.peers.all() == []


def test_somebody_in_between_is_noticed_by_the_car_without_a_code_too(
    expecting: Gateway, desk: Trust, trust: Machines
) -> None:
    with (
        contextlib.closing(InBetween(expecting.port, trust("crook"), False)) as crook,
        pytest.raises(PairingError, match="somebody stands in between"),
    ):
        pair("127.0.0.1", crook.port, None, trust=desk)
    assert expecting.trust is not None
    assert expecting.trust.peers.all() == []


def test_who_was_revoked_needs_a_code_in_spite_of_the_settings(
    expecting: Gateway, desk: Trust
) -> None:
    pair("127.0.0.1", expecting.port, None, trust=desk)
    assert expecting.trust is not None
    (known,) = expecting.trust.peers.all()
    expecting.trust.peers.revoke(known)
    with pytest.raises(PairingError, match="was revoked here"):
        pair("127.0.0.1", expecting.port, None, trust=desk, timeout=20)
    with expecting.open_pairing() as window:
        pair("127.0.0.1", expecting.port, window.code, trust=desk, timeout=20)
    assert expecting.trust.expected(desk.identity.id) is not None


def test_who_came_by_the_settings_goes_with_them(expecting: Gateway, desk: Trust) -> None:
    pair("127.0.0.1", expecting.port, None, trust=desk)
    assert expecting.trust is not None
    folder = expecting.trust.folder
    assert len(Trust(folder).peers.all()) == 1
    changed = Trust(folder, placed=[Placed.of("Anna", desk.identity.id, "viewer")])
    assert [peer.role for peer in changed.peers.all()] == [Role.VIEWER]
    assert Trust(folder, placed=[]).peers.all() == []
