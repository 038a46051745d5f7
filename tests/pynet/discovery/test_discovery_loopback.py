"""Announcements and browsers with real multicast on loopback."""

from __future__ import annotations

import logging
import socket
import struct
import sys
import threading
from collections.abc import Callable, Iterator

import pytest

import pynet
from pynet import ConfigurationError, Gateway
from pynet.cli import main
from pynet.discovery import Announcement, Browser, Found, browser, worker
from pynet.discovery.record import SERVICE
from pynet.discovery.worker import NO_NETWORK, Trouble, Worker

HOSTS = ("127.0.0.1",)
GROUP = ("224.0.0.251", 5353)
PATIENCE = 15.0


def why_no_multicast() -> str | None:
    """What is sent to the group on loopback must come back."""
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("", 0))
            ours = socket.inet_aton(HOSTS[0])
            member = struct.pack("4s4s", socket.inet_aton(GROUP[0]), ours)
            probe.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, member)
            probe.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, ours)
            probe.settimeout(1)
            probe.sendto(b"here", (GROUP[0], probe.getsockname()[1]))
            probe.recv(10)
    except OSError as error:
        return f"there is no multicast on loopback here: {error}"
    return None


@pytest.fixture(autouse=True, scope="module")
def multicast() -> None:
    if (reason := why_no_multicast()) is not None:
        pytest.skip(reason)


class Watcher:
    """What a browser has told, of those Gateways that a test is about."""

    def __init__(self) -> None:
        self.threads: set[str] = set()
        self.lists: list[tuple[Found, ...]] = []

    def hear(self, found: tuple[Found, ...]) -> None:
        self.threads.add(threading.current_thread().name)
        self.lists.append(found)

    def now(self, *ports: int) -> list[Found]:
        """The last list; other tests may run on this machine at the same time."""
        return [one for one in (self.lists or [()])[-1] if one.port in ports]


@pytest.fixture
def watcher() -> Watcher:
    return Watcher()


@pytest.fixture
def around(watcher: Watcher) -> Iterator[Browser]:
    with Browser(watcher.hear, hosts=HOSTS) as around:
        yield around


def test_a_gateway_comes_and_goes(
    around: Browser, watcher: Watcher, until: Callable[..., None]
) -> None:
    name = "Köhlers langes Auto mit Leerzeichen, das niemals in ein Etikett passt: 車"
    with Announcement(name, 41001, "ABCDEFG", "9.8.7", hosts=HOSTS) as announcement:
        until(lambda: watcher.now(41001), PATIENCE)
        (found,) = watcher.now(41001)
        until(lambda: announcement.way == "zeroconf")
    assert found == Found(name[:64].strip(), HOSTS[0], 41001, "ABCDEFG", "9.8.7", HOSTS)
    until(lambda: not watcher.now(41001), PATIENCE)
    assert watcher.threads == {"pynet-discovery-browser"}
    assert not around.problem


def test_two_cars_with_one_name(
    around: Browser, watcher: Watcher, until: Callable[..., None]
) -> None:
    with (
        Announcement("Rover", 41002, "ABCDEFG", hosts=HOSTS),
        Announcement("Rover", 41003, "HIJKLMN", hosts=HOSTS),
        Announcement("Rover", 41004, "HIJKLMN", hosts=HOSTS),
    ):
        until(lambda: len(watcher.now(41002, 41003, 41004)) == 3, PATIENCE)
    found = max((watcher.lists), key=len)
    kept = {(one.name, one.port, one.id_prefix) for one in found if 41002 <= one.port <= 41004}
    assert kept == {
        ("Rover", 41002, "ABCDEFG"),
        ("Rover", 41003, "HIJKLMN"),
        ("Rover", 41004, "HIJKLMN"),
    }


def test_who_looks_later_finds_it_too(watcher: Watcher, until: Callable[..., None]) -> None:
    with Announcement("early", 41005, hosts=HOSTS) as announcement:
        until(lambda: announcement.way, PATIENCE)
        with Browser(watcher.hear, hosts=HOSTS) as around:
            until(lambda: watcher.now(41005), PATIENCE)
            assert [one for one in around.found if one.port == 41005] == watcher.now(41005)


def test_services_of_liars_are_bounded(
    watcher: Watcher, until: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As many as there may be are kept, and nothing of what they say is shown as it came."""
    from zeroconf import IPVersion, ServiceInfo, Zeroconf

    monkeypatch.setattr(browser, "MOST_FOUND", 3)
    with (
        Browser(watcher.hear, hosts=HOSTS),
        Zeroconf(list(HOSTS), ip_version=IPVersion.V4Only) as liar,
    ):
        for number in range(6):
            info = ServiceInfo(
                SERVICE,
                f"liar {number}.{SERVICE}",
                port=41010 + number,
                properties={
                    b"name": b"\x1b[2J" + b"x" * 200,
                    b"id": b"\xff" * 200,
                    **{f"k{n}".encode(): b"v" * 200 for n in range(20)},
                },
                server=f"liar-{number}.local.",
                parsed_addresses=list(HOSTS),
            )
            liar.registry.async_add(info)
            liar.loop.call_soon_threadsafe(
                liar.async_send, liar.generate_service_broadcast(info, None)
            )
        ports = range(41010, 41016)
        until(lambda: len(watcher.now(*ports)) == 3, PATIENCE)
    for found in watcher.now(*ports):
        assert found.name == "[2J" + "x" * 61
        assert found.id_prefix == ""
    assert max(map(len, watcher.lists)) == 3


def test_a_callback_may_close_its_browser(until: Callable[..., None]) -> None:
    heard = threading.Event()

    def hear(found: tuple[Found, ...]) -> None:
        if any(one.port == 41020 for one in found):
            around.close()
            heard.set()

    around = Browser(hear, hosts=HOSTS)
    with Announcement("car", 41020, hosts=HOSTS):
        assert heard.wait(PATIENCE)
    around.close()


def test_a_callback_that_fails_is_logged_and_asked_again(
    watcher: Watcher, until: Callable[..., None], caplog: pytest.LogCaptureFixture
) -> None:
    def hear(found: tuple[Found, ...]) -> None:
        watcher.hear(found)
        raise ValueError("no such wheel")

    with Browser(hear, hosts=HOSTS):
        with Announcement("car", 41021, hosts=HOSTS):
            until(lambda: watcher.now(41021), PATIENCE)
        until(lambda: not watcher.now(41021), PATIENCE)
    assert "failed to hear of the Gateways" in caplog.text


# ---- without a network ---------------------------------------------------------------------


class Networks:
    """Interfaces that come and go."""

    def __init__(self) -> None:
        self.here: tuple[str, ...] = ()
        self.looks = 0

    def look(self) -> tuple[str, ...]:
        self.looks += 1
        if not self.here:
            raise Trouble(NO_NETWORK)
        return self.here


@pytest.fixture
def networks(monkeypatch: pytest.MonkeyPatch) -> Networks:
    networks = Networks()
    monkeypatch.setattr(worker, "LOOK", 0.02)
    monkeypatch.setattr("pynet.discovery.announcement.addresses_here", networks.look)
    return networks


def test_a_network_that_comes_later_is_used(
    networks: Networks,
    around: Browser,
    watcher: Watcher,
    until: Callable[..., None],
    caplog: pytest.LogCaptureFixture,
) -> None:
    with Announcement("car", 41030) as announcement:
        until(lambda: networks.looks > 3)
        assert announcement.problem == NO_NETWORK
        assert caplog.text.count(NO_NETWORK) == 1, "said once, not at every look"
        networks.here = HOSTS
        until(lambda: watcher.now(41030), PATIENCE)
        assert (announcement.problem, announcement.way) == ("", "zeroconf")
        networks.here = ()
        until(lambda: announcement.problem == NO_NETWORK, PATIENCE)
        until(lambda: not watcher.now(41030), PATIENCE)


def test_what_cannot_be_opened_is_tried_again(
    watcher: Watcher, until: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An address that is gone when it is used, as of a network that has just changed."""
    monkeypatch.setattr(worker, "LOOK", 0.02)
    gone = ("203.0.113.7",)
    with (
        Announcement("car", 41031, hosts=gone) as announcement,
        Browser(watcher.hear, hosts=gone) as around,
    ):
        until(lambda: announcement.problem and around.problem, PATIENCE)
        assert "takes multicast (203.0.113.7: " in around.problem
        assert around.problem == announcement.problem
    with (
        Announcement("car", 41031, hosts=(*gone, *HOSTS)),
        Browser(watcher.hear, hosts=(*gone, *HOSTS)),
    ):
        until(lambda: watcher.now(41031), PATIENCE)


def test_without_zeroconf_a_sentence_says_what_to_install(
    until: Callable[..., None], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("zeroconf", "zeroconf.asyncio"):
        monkeypatch.setitem(sys.modules, name, None)
    with (
        Browser(lambda _: None, hosts=HOSTS) as around,
        Announcement("car", 41032, hosts=HOSTS) as announcement,
    ):
        until(lambda: around.problem and announcement.problem, PATIENCE)
        assert "pip install" in around.problem
        assert around.problem == announcement.problem
        assert around.found == ()


def test_a_worker_can_be_closed_at_once_and_twice() -> None:
    for _ in range(20):
        one = Browser(lambda _: None, hosts=HOSTS)
        one.close()
        one.close()


def test_a_worker_whose_look_fails_says_so(until: Callable[..., None]) -> None:
    def look() -> None:
        raise OSError("no such device")

    with Worker("pynet-discovery-test", look, lambda _: pytest.fail("never opened")) as one:
        until(lambda: one.problem)
        assert one.problem == "discovery does not work now: no such device"


# ---- Gateways and the command ------------------------------------------------------------


def test_a_gateway_on_this_machine_only_is_not_announced(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "pynet.gateway")
    with Gateway(port=0, announce=True) as gateway:
        assert gateway._announcement is None
    assert "listens on this machine only" in caplog.text


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="127.0.0.2 is there on Linux only")
def test_a_gateway_announces_itself_until_it_is_closed(
    around: Browser, watcher: Watcher, until: Callable[..., None]
) -> None:
    with Gateway("127.0.0.2", 0, name="rover", announce=True) as gateway:
        port = gateway.port
        until(lambda: watcher.now(port), PATIENCE)
        (found,) = watcher.now(port)
        assert (found.name, found.host, found.version) == ("rover", "127.0.0.2", pynet.__version__)
        assert gateway.trust.identity.id.startswith(found.id_prefix + "-")
        with pynet.Controller() as controller:
            assert controller.connect(found.address).name == "rover"
    until(lambda: not watcher.now(port), PATIENCE)


def test_a_name_that_cannot_be_told_stops_no_gateway(caplog: pytest.LogCaptureFixture) -> None:
    with Gateway("127.0.0.2", 0, name="\x1b", announce=True):
        assert "is not announced" in caplog.text


def test_the_command_lists_them(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:

    class Near(Browser):
        found = (Found("Rover", "10.0.0.1", 1857, "ABCDEFG", "", ("10.0.0.1",)),)

        def __init__(self, on_change: Callable[..., None]) -> None:
            super().__init__(on_change, hosts=HOSTS)

    monkeypatch.setattr("pynet.cli.discovering.Browser", Near)
    assert main(["discover", "--seconds", "0.01"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["NAME", "ADDRESS", "ID", "PYNET"]
    assert lines[1].split() == ["Rover", "10.0.0.1:1857", "ABCDEFG", "-"]
    assert main(["discover", "--seconds", "0.01", "--json"]) == 0
    assert '"port": 1857' in capsys.readouterr().out
    Near.found = ()
    assert main(["discover", "--seconds", "0.01"]) == 0
    assert "no Gateway is announced here" in capsys.readouterr().err
    monkeypatch.setattr(Near, "problem", NO_NETWORK)
    assert main(["discover", "--seconds", "0.01"]) == 1
    assert NO_NETWORK in capsys.readouterr().err


def test_what_cannot_be_announced_is_refused_at_once() -> None:
    before = threading.active_count()
    with pytest.raises(ConfigurationError, match="is no name"):
        Announcement("", 1857)
    assert threading.active_count() == before
