"""Whoever tries to get in is sent away, and nobody who is in notices."""

from __future__ import annotations

import re
import ssl
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.x509.oid import NameOID

from benchmarks.harness import Peer
from benchmarks.security import intruders
from benchmarks.security.intruders import STRANGERS, TRAITORS, Intruder, Target
from pynet import Controller, RemoteGateway
from pynet.trust.identity import FROM, KEY_FILE, UNTIL, load_identity
from pynet.trust.peers import PEERS_FILE, Peers, Role
from pynet.trust.peers import Peer as KnownPeer
from pynet.trust.store import Trust
from pynet.wire.frames import HEADER, Kind

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="127.0.0.2 and its like are there on Linux only"
)

SAME_AGAIN = 12
"""Connections of each intruder, at the same time."""

MOST_MEMORY = 20 << 20
PEM = serialization.Encoding.PEM

_sources = count(2)


class Fortress:
    """A Gateway in a process of its own, and a client that is served all the time."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.process = Peer("fortress", folder, patience=30.0)
        self.controller = Controller(name="regular", heartbeat=0.5, trust=Trust(folder))
        self.car: RemoteGateway = self.controller.connect(("127.0.0.1", self.port), timeout=10)
        assert self.car.call("echo", 0) == 0
        self._calls = 0
        self._problems: list[BaseException] = []
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._go_on_calling, name="regular")
        self._thread.start()

    @property
    def port(self) -> int:
        return int(self.process.facts["port"])

    def _go_on_calling(self) -> None:
        while not self._done.is_set():
            self._calls += 1
            try:
                assert self.car.call("echo", self._calls, timeout=10) == self._calls
            except BaseException as error:
                self._problems.append(error)
                return
            self._done.wait(0.005)

    def state(self) -> dict[str, Any]:
        return dict(self.process.ask("state"))

    def check_served(self) -> None:
        """The client is still being served, over the connections that it had."""
        before = self._calls
        until(lambda: self._calls > before + 2 or self._problems)
        assert not self._problems

    def close(self) -> None:
        self._done.set()
        self._thread.join()
        self.controller.close()
        self.process.close()


def until(condition: Callable[[], object], limit: float = 20.0) -> None:
    deadline = time.monotonic() + limit
    pause = threading.Event()
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        pause.wait(0.02)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of the Gateway's identity, and of the client's: one machine."""
    return tmp_path_factory.mktemp("fortress")


@pytest.fixture(scope="module")
def fortress(folder: Path) -> Iterator[Fortress]:
    fortress = Fortress(folder)
    yield fortress
    fortress.close()


@pytest.fixture(scope="module")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return load_identity(tmp_path_factory.mktemp("foreign"), "foreign").path


@pytest.fixture
def target(fortress: Fortress, folder: Path, foreign: Path) -> Target:
    """From an address of its own, so that it is another offender."""
    source = f"127.0.0.{next(_sources)}"
    return Target(fortress.port, source, foreign, folder / KEY_FILE)


def attack(intruder: Intruder, target: Target, times: int = SAME_AGAIN) -> None:
    """So often at once; the first that went wrong is raised."""
    with ThreadPoolExecutor(times, thread_name_prefix="intruder") as threads:
        for done in [threads.submit(intruder, target) for _ in range(times)]:
            done.result()


def check_unharmed(fortress: Fortress, before: dict[str, Any], target: Target) -> list[str]:
    """Nobody is left over, nothing was run, nobody noticed; return the complaints."""
    lines = list(before["log"])

    def calm() -> bool:
        nonlocal after
        after = fortress.state()
        lines.extend(after["log"])
        # Fewer: somebody who was let in before has left meanwhile.
        same = all(after[what] <= before[what] for what in ("managers", "handlers"))
        return same and not after["ungreeted"]

    after = before
    until(calm)
    fortress.check_served()
    assert after["pairs"] == before["pairs"], "an intruder got a Handler"
    assert after["memory"] - before["memory"] < MOST_MEMORY
    return [line for line in lines if re.search(rf"{re.escape(target.source)}\b", line)]


@pytest.mark.parametrize(
    "intruder", STRANGERS + TRAITORS, ids=lambda intruder: str(intruder.__name__)
)
def test_intruders_are_sent_away(fortress: Fortress, target: Target, intruder: Intruder) -> None:
    before = fortress.state()
    attack(intruder, target)
    complaints = check_unharmed(fortress, before, target)
    assert len(complaints) == 1, "one line for each offender, however often it comes"
    assert len(complaints[0]) < 300
    assert complaints[0].isprintable()


def test_two_offenders_get_a_line_each(fortress: Fortress, target: Target, foreign: Path) -> None:
    other = Target(fortress.port, f"127.0.0.{next(_sources)}", foreign)
    before = fortress.state()
    for one in (target, other):
        attack(intruders.foreign_certificate, one, times=3)
    lines = fortress.state()["log"]
    for one in (target, other):
        assert len([line for line in lines if f"{one.source}:" in line]) == 1
        check_unharmed(fortress, before, one)


def test_who_hangs_up_without_a_word_is_no_offender(fortress: Fortress, target: Target) -> None:
    """A Controller calls twice when the first call is lost, and drops one."""
    before = fortress.state()
    for _ in range(SAME_AGAIN):
        target.call().close()
    assert check_unharmed(fortress, before, target) == []


def test_a_flood_keeps_nobody_out(fortress: Fortress, target: Target, folder: Path) -> None:
    """Far more connections than the Gateway waits for, from a machine that says nothing."""
    before = fortress.state()
    flood = [target.call() for _ in range(400)]
    try:
        fortress.check_served()
        with Controller(name="late", trust=Trust(folder)) as late:
            assert late.connect(("127.0.0.1", fortress.port), timeout=2.5).call("echo", 7) == 7
    finally:
        for sock in flood:
            sock.close()
    # Whoever came late has used a Handler.
    complaints = check_unharmed(fortress, {**before, "pairs": before["pairs"] + 1}, target)
    assert len(complaints) == 1
    assert "connections open" in complaints[0] or "says nothing" in complaints[0]


# ---- certificates that look right ----------------------------------------------------------


def certificate_of(
    key: Any, name: str, issuer: str, signer: Any, algorithm: hashes.SHA256 | None
) -> x509.Certificate:
    def named(name: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])

    return (
        x509.CertificateBuilder()
        .subject_name(named(name))
        .issuer_name(named(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(FROM)
        .not_valid_after(UNTIL)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(signer, algorithm)
    )


def know(fortress: Fortress, certificate: x509.Certificate) -> KnownPeer:
    """Pair the Gateway with it; it takes the Gateway a moment to see that."""
    der = certificate.public_bytes(serialization.Encoding.DER)
    peer = KnownPeer("friend", Role.OWNER, der)
    Peers(fortress.folder / PEERS_FILE).add(peer)
    return peer


def get_in(target: Target, pem: Path) -> bytes:
    return intruders.say_sealed(target, intruders.context(pem), intruders.hello())


def write(path: Path, key: bytes, *certificates: x509.Certificate) -> Path:
    path.write_bytes(key + b"".join(one.public_bytes(PEM) for one in certificates))
    return path


def private(key: Any) -> bytes:
    return bytes(
        key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )


def with_public_part_of(thief: ec.EllipticCurvePrivateKey, owner: Any) -> bytes:
    """A key file that says it belongs to the owner's certificate, and holds another secret."""
    parts = [
        key.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
        for key in (thief.public_key(), owner.public_key())
    ]
    der = thief.private_bytes(
        serialization.Encoding.DER,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
    assert parts[0] in der
    return (
        ssl.DER_cert_to_PEM_cert(der.replace(*parts))
        .replace("CERTIFICATE", "EC PRIVATE KEY")
        .encode()
    )


def test_a_copied_certificate_is_worth_nothing_without_its_key(
    fortress: Fortress, target: Target, tmp_path: Path
) -> None:
    owner, thief = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    certificate = certificate_of(owner, "friend", "friend", owner, hashes.SHA256())
    peer = know(fortress, certificate)
    try:
        real = write(tmp_path / "real.pem", private(owner), certificate)
        until(lambda: get_in_and_leave(target, real))
        copied = write(tmp_path / "copied.pem", with_public_part_of(thief, owner), certificate)
        before = fortress.state()
        attack(lambda target: expect_nothing(get_in(target, copied)), target, times=4)
        complaints = check_unharmed(fortress, before, target)
        assert len(complaints) <= 1
    finally:
        Peers(fortress.folder / PEERS_FILE).revoke(peer)


def test_a_known_machine_cannot_vouch_for_another(
    fortress: Fortress, target: Target, tmp_path: Path
) -> None:
    friend, stranger = (Ed25519PrivateKey.generate() for _ in range(2))
    known = certificate_of(friend, "friend", "friend", friend, None)
    vouched = certificate_of(stranger, "stranger", "friend", friend, None)
    peer = know(fortress, known)
    try:
        real = write(tmp_path / "real.pem", private(friend), known)
        until(lambda: get_in_and_leave(target, real))
        pem = write(tmp_path / "vouched.pem", private(stranger), vouched, known)
        before = fortress.state()
        attack(lambda target: expect_nothing(get_in(target, pem)), target, times=4)
        check_unharmed(fortress, before, target)
    finally:
        Peers(fortress.folder / PEERS_FILE).revoke(peer)


def expect_nothing(answer: bytes) -> None:
    assert answer == b"", "it got in"


def get_in_and_leave(target: Target, pem: Path) -> bool:
    """True once the Gateway answers to it; so the right key does get in."""
    with target.call() as sock:
        try:
            with intruders.context(pem).wrap_socket(sock) as sealed:
                sealed.sendall(intruders.hello())
                return bool(sealed.recv(100))
        except (ConnectionError, ssl.SSLError):
            return False


# ---- requests of somebody who is let in ----------------------------------------------------


@pytest.mark.parametrize(
    "meta",
    [
        pytest.param(b"\x91" * 100_000 + b"\xc0", id="deep nesting"),
        pytest.param(b"\x93\xa4echo\x91\xdd\xff\xff\xff\xff\x80", id="four thousand million"),
        pytest.param(b"\x93\xa4echo\x91\xa4\xff\xfe\xc0\x80\x80", id="bad utf-8"),
    ],
)
def test_a_call_that_means_harm_gets_an_error(
    fortress: Fortress, target: Target, meta: bytes
) -> None:
    """A Handler was taken to read it, and is free again."""
    before = fortress.state()
    fields = b"\x81\xa7purpose\xa4pair"
    call = HEADER.pack(Kind.CALL, 0, 1, len(meta), 0, 0, 0) + meta
    with target.call() as sock, intruders.context(target.known).wrap_socket(sock) as sealed:
        sealed.settimeout(intruders.PATIENCE)
        sealed.sendall(intruders.hello(fields))
        answer = sealed.recv(4096)
        sealed.sendall(call)
        while b"Error" not in answer:
            part = sealed.recv(4096)
            assert part, "the lane was closed without an answer"
            answer += part
    check_unharmed(fortress, {**before, "pairs": before["pairs"] + 1}, target)
