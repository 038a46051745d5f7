"""Pairing over real sockets: who gets in, who does not, and what each of them is told."""

from __future__ import annotations

import contextlib
import logging
import queue
import socket
import threading
from collections.abc import Callable

import pytest

from pynet import (
    AuthenticationError,
    ConfigurationError,
    Controller,
    Gateway,
    PairingError,
    Role,
    Trust,
)
from pynet.trust import WrongCode, pair, reception
from pynet.trust.pairing import Asker
from pynet.trust.talk import BUSY, CLOSED
from pynet.trust.window import PairingWindow
from tests.pynet.trust.strangers import admitted, knock, other_than, soon, talk_to

pytestmark = pytest.mark.usefixtures("short_rest")

Until = Callable[..., None]
Machines = Callable[[str], Trust]


# ---- how it should go --------------------------------------------------------------------


def test_who_knows_the_code_gets_in_at_once_and_may_do_what_was_chosen(
    rover: Gateway, window: PairingWindow, desk: Trust
) -> None:
    peer = pair("127.0.0.1", rover.port, window.code, trust=desk, name="Anna's desk")
    assert (peer.name, peer.role, peer.granted) == ("rover", Role.NONE, Role.DRIVER)
    assert peer.address == f"127.0.0.1:{rover.port}"
    assert rover.trust is not None
    assert peer.id == rover.trust.identity.id
    assert window.wait(10)
    assert window.state == "paired"
    assert window.peer is not None
    assert (window.peer.name, window.peer.role) == ("Anna's desk", Role.DRIVER)
    assert window.peer.id == desk.identity.id
    with Controller(trust=desk) as controller:
        found = controller.connect(rover.address)
        assert found.call("horn") == "toot"
        assert found.peer is not None
        assert found.peer.name == "rover"


def test_a_code_is_good_once(
    rover: Gateway, window: PairingWindow, desk: Trust, trust: Machines
) -> None:
    pair("127.0.0.1", rover.port, window.code, trust=desk)
    assert window.wait(10)
    with pytest.raises(PairingError, match="no pairing window is open"):
        pair("127.0.0.1", rover.port, window.code, trust=trust("another desk"))


def test_whom_one_calls_may_not_call_back(
    rover: Gateway, window: PairingWindow, desk: Trust
) -> None:
    pair("127.0.0.1", rover.port, window.code, trust=desk)
    with (
        Gateway(port=0, trust=desk) as on_the_desk,
        Controller(trust=rover.trust) as controller,
        pytest.raises(AuthenticationError, match="does not know this machine"),
    ):
        controller.connect(on_the_desk.address)


def test_pairing_both_ways_keeps_what_was_granted_before(
    rover: Gateway, window: PairingWindow, desk: Trust
) -> None:
    pair("127.0.0.1", rover.port, window.code, trust=desk)
    assert rover.trust is not None
    with Gateway(port=0, trust=desk, name="desk") as on_the_desk:
        with on_the_desk.open_pairing(Role.VIEWER) as other:
            pair("127.0.0.1", on_the_desk.port, other.code, trust=rover.trust)
        (called,) = desk.peers.all()
        assert (called.role, called.granted, called.name) == (Role.VIEWER, Role.DRIVER, "rover")
        (known,) = rover.trust.peers.all()
        assert (known.role, known.granted) == (Role.DRIVER, Role.VIEWER)


def test_two_machines_of_one_name_can_be_told_apart(rover: Gateway, trust: Machines) -> None:
    for folder in ("one", "two", "three"):
        with rover.open_pairing() as window:
            pair("127.0.0.1", rover.port, window.code, trust=trust(folder), name="desk")
    assert rover.trust is not None
    assert [peer.name for peer in rover.trust.peers.all()] == ["desk", "desk 2", "desk 3"]


def test_who_opens_a_window_is_told_of_its_beginning_and_end(rover: Gateway, desk: Trust) -> None:
    told: queue.Queue[tuple[str, str, str]] = queue.Queue()

    def on_pairing(window: PairingWindow) -> None:
        told.put((window.state, window.code, threading.current_thread().name))

    rover.on_pairing = on_pairing
    with rover.open_pairing() as window:
        assert told.get(timeout=10) == ("open", window.code, "pynet-pairing")
        pair("127.0.0.1", rover.port, window.code, trust=desk)
        assert told.get(timeout=10)[0] == "paired"


def test_a_display_that_fails_keeps_nobody_apart(
    rover: Gateway, desk: Trust, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(window: PairingWindow) -> None:
        raise OSError("no display")

    with rover.open_pairing(on_code=fail, on_end=fail) as window:
        pair("127.0.0.1", rover.port, window.code, trust=desk)
        assert window.wait(10)
    assert window.state == "paired"
    assert caplog.text.count("a callback of the pairing window raised") == 2


# ---- wrong codes ------------------------------------------------------------------------


def test_three_wrong_codes_close_the_window(
    rover: Gateway, window: PairingWindow, desk: Trust
) -> None:
    left = []
    for _ in range(3):
        with pytest.raises(WrongCode, match="not the code that is shown") as caught:
            pair("127.0.0.1", rover.port, other_than(window.code), trust=desk)
        left.append(caught.value.left)
    assert left == [2, 1, 0]
    assert window.wait(10)
    assert window.state == "struck"
    with pytest.raises(PairingError, match="no pairing window is open"):
        pair("127.0.0.1", rover.port, window.code, trust=desk)
    assert desk.peers.all() == []
    assert rover.trust is not None
    assert rover.trust.peers.all() == []


def test_after_a_wrong_code_nobody_is_heard_for_a_while(
    rover: Gateway, window: PairingWindow, desk: Trust, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reception, "REST", 3600.0)
    with pytest.raises(WrongCode):
        pair("127.0.0.1", rover.port, other_than(window.code), trust=desk)
    with pytest.raises(PairingError, match="pairs with somebody else all the time"):
        pair("127.0.0.1", rover.port, window.code, trust=desk, timeout=1.0)


def test_a_code_that_can_be_none_asks_nobody(rover: Gateway, desk: Trust) -> None:
    with (
        rover.open_pairing() as window,
        pytest.raises(ConfigurationError, match="8 digits"),
    ):
        pair("127.0.0.1", rover.port, "1234", trust=desk)
    assert window.strikes_left == 3


# ---- windows that are closed --------------------------------------------------------------


def test_without_a_window_a_stranger_gets_no_thread_and_a_clear_answer(
    rover: Gateway, desk: Trust, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "pynet.trust")
    before = set(threading.enumerate())
    with contextlib.ExitStack() as stack:
        for _ in range(200):
            sock, answer = knock(rover.port)
            stack.enter_context(contextlib.closing(sock))
            assert answer == CLOSED
        assert set(threading.enumerate()) == before
    with pytest.raises(PairingError, match="no pairing window is open there: open one"):
        pair("127.0.0.1", rover.port, "12345678", trust=desk)
    assert caplog.text.count("a stranger who wants to pair") == 1


def test_a_window_closes_by_itself(rover: Gateway, desk: Trust) -> None:
    ended: queue.Queue[str] = queue.Queue()
    window = rover.open_pairing(seconds=0.05, on_end=lambda window: ended.put(window.state))
    assert ended.get(timeout=10) == "closed"
    assert window.wait(10)
    assert window.left == 0
    with pytest.raises(PairingError, match="no pairing window is open"):
        pair("127.0.0.1", rover.port, window.code, trust=desk)


def test_a_window_that_is_closed_meanwhile_lets_nobody_in(rover: Gateway, desk: Trust) -> None:
    with rover.open_pairing() as window, talk_to(rover.port, desk) as talk:
        asker = Asker(desk.identity, "desk", window.code, talk.certificate)
        talk.send(asker.begin(), soon())
        proof = asker.prove(talk.receive(soon()))
        window.expires = 0.0
        talk.send(proof, soon())
        with pytest.raises(PairingError, match="no pairing window is open"):
            asker.finish(talk.receive(soon()))
    assert rover.trust is not None
    assert rover.trust.peers.all() == []


def test_closing_the_window_hangs_up_on_who_is_heard(rover: Gateway, desk: Trust) -> None:
    window = rover.open_pairing()
    with talk_to(rover.port, desk) as talk:
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


def test_one_window_at_a_time(rover: Gateway) -> None:
    with rover.open_pairing(), pytest.raises(ConfigurationError, match="open already"):
        rover.open_pairing()
    with rover.open_pairing(Role.OWNER) as window:
        assert window.role is Role.OWNER


def test_impossible_windows_are_refused(rover: Gateway) -> None:
    with pytest.raises(ConfigurationError, match="within 0 to 3600"):
        rover.open_pairing(seconds=0)
    with pytest.raises(ConfigurationError, match="needs a role"):
        rover.open_pairing(Role.NONE)
    with pytest.raises(ConfigurationError, match="does not run"):
        Gateway(port=0).open_pairing()


def test_plain_tcp_has_nothing_to_pair(desk: Trust) -> None:
    with Gateway(port=0, insecure=True) as gateway:
        with pytest.raises(ConfigurationError, match="insecure"):
            gateway.open_pairing()
        with pytest.raises(PairingError, match="insecure=True"):
            pair("127.0.0.1", gateway.port, "12345678", trust=desk)


def test_a_machine_that_cannot_keep_whom_it_knows_says_so(rover: Gateway, desk: Trust) -> None:
    assert rover.trust is not None
    with rover.open_pairing() as window:
        rover.trust.peers.path.mkdir()
        with pytest.raises(PairingError, match="cannot keep whom it knows"):
            pair("127.0.0.1", rover.port, window.code, trust=desk)
        assert window.wait(10)
    assert window.state == "closed"
    assert desk.peers.all() == []
    rover.trust.peers.path.rmdir()


def test_a_window_may_be_closed_where_its_end_is_told(rover: Gateway) -> None:
    with rover.open_pairing(on_code=lambda window: window.close()) as window:
        assert window.wait(10)
    assert window.state == "closed"


# ---- one at a time, and nobody for long ----------------------------------------------------


def test_a_second_asker_is_told_that_somebody_pairs(
    rover: Gateway, window: PairingWindow, desk: Trust, trust: Machines
) -> None:
    with talk_to(rover.port, trust("first")):
        sock, answer = knock(rover.port)
        sock.close()
        assert answer == BUSY
        with pytest.raises(PairingError, match="pairs with somebody else"):
            pair("127.0.0.1", rover.port, window.code, trust=desk, timeout=0.5)
    # The first one has gone, and did not cost a try.
    pair("127.0.0.1", rover.port, window.code, trust=desk, timeout=20)
    assert window.strikes_left == 3


@pytest.mark.parametrize("steps", [0, 1, 2], ids=["before TLS", "after TLS", "after a message"])
def test_a_silent_asker_does_not_hold_the_window(
    rover: Gateway,
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
            stack.enter_context(contextlib.closing(admitted(rover.port)))
        else:
            talk = stack.enter_context(talk_to(rover.port, silent))
            if steps == 2:
                asker = Asker(silent.identity, "silent", "12345678", talk.certificate)
                talk.send(asker.begin(), soon())
                talk.receive(soon())
        pair("127.0.0.1", rover.port, window.code, trust=desk, timeout=30)
    assert window.strikes_left == 3


def test_who_sends_byte_after_byte_does_not_hold_the_window(
    rover: Gateway,
    window: PairingWindow,
    desk: Trust,
    monkeypatch: pytest.MonkeyPatch,
    until: Until,
) -> None:
    monkeypatch.setattr(reception, "STEP", 0.3)
    with contextlib.closing(admitted(rover.port)) as sock:

        def ended() -> bool:
            with contextlib.suppress(OSError):
                sock.sendall(b"\x16")  # as slowly as TLS may begin
                return False
            return True

        until(ended, 20)
    monkeypatch.setattr(reception, "STEP", 10.0)
    pair("127.0.0.1", rover.port, window.code, trust=desk, timeout=30)


def test_an_asker_waits_no_longer_than_it_was_told(desk: Trust) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        port = mute.getsockname()[1]
        with pytest.raises(PairingError, match="does not answer as a pynet Gateway does"):
            pair("127.0.0.1", port, "12345678", trust=desk, timeout=0.2)
