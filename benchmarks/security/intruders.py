"""People at the door who should not get in: each function is one of them, for one connection.

All of them return when the Gateway has hung up, and raise TimeoutError if it does not.
"""

from __future__ import annotations

import contextlib
import random
import socket
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgpack

from pynet.io.tls import PROTOCOL
from pynet.wire.frames import HEADER, PREAMBLE, Kind

PATIENCE = 20.0
"""Seconds in which a Gateway has to hang up."""

DRIP = 0.2
"""Seconds between two bytes of somebody who is slow on purpose."""


@dataclass(frozen=True)
class Target:
    """Where to try, and with what.

    Attributes:
        port: of the Gateway, on this machine.
        source: the address of loopback to come from; the Gateway takes each for another machine.
        foreign: PEM file with a key and a certificate that nobody knows there.
        known: PEM file of a machine that it knows; who has broken in there has it.
        seed: of what is random.
    """

    port: int
    source: str = "127.0.0.1"
    foreign: Path = Path()
    known: Path = Path()
    seed: int = 1

    def call(self) -> socket.socket:
        """Connect."""
        return socket.create_connection(
            ("127.0.0.1", self.port), PATIENCE, source_address=(self.source, 0)
        )


Intruder = Callable[[Target], None]


def wait_for_end(sock: socket.socket) -> bytes:
    """Read until the other side hangs up, and return what it said."""
    sock.settimeout(PATIENCE)
    data = b""
    with contextlib.suppress(ConnectionError, ssl.SSLError):
        while part := sock.recv(65536):
            data += part
    return data


def say(target: Target, words: bytes) -> bytes:
    """Say something in the clear; return the answer."""
    with target.call() as sock:
        with contextlib.suppress(ConnectionError):
            sock.sendall(words)
        return wait_for_end(sock)


def context(certificate: Path | None = None) -> ssl.SSLContext:
    """Return what a client needs that trusts everybody."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname = False
    made.verify_mode = ssl.CERT_NONE
    made.set_alpn_protocols([PROTOCOL])
    if certificate is not None:
        made.load_cert_chain(certificate)
    return made


def say_sealed(target: Target, with_context: ssl.SSLContext, words: bytes) -> bytes:
    """Say something over TLS, if the Gateway lets us; return the answer."""
    with contextlib.suppress(ConnectionError, ssl.SSLError), target.call() as sock:
        sealed = with_context.wrap_socket(sock)
        with sealed:
            sealed.sendall(words)
            return wait_for_end(sealed)
    return b""


def frame(kind: int, meta: bytes = b"", body: int = 0, exchange: int = 0) -> bytes:
    """Return a frame."""
    return HEADER.pack(kind, 0, exchange, len(meta), body, 0, 0) + meta


def hello(meta: bytes | None = None) -> bytes:
    """Return the first words of a manager; it takes no Handler."""
    fields = {"purpose": "manage", "controller": "intruder", "name": "intruder"}
    return PREAMBLE + frame(Kind.HELLO, msgpack.packb(fields) if meta is None else meta)


# ---- without TLS ---------------------------------------------------------------------------


def random_bytes(target: Target) -> None:
    """Noise."""
    say(target, random.Random(target.seed).randbytes(4096))


def plain_http(target: Target) -> None:
    """A browser, or somebody who looks for web servers."""
    say(target, b"GET / HTTP/1.1\r\nHost: car\r\nUser-Agent: scan\r\n\r\n")


def plain_hello(target: Target) -> None:
    """A Controller that wants no encryption."""
    say(target, hello())


def giant_header(target: Target) -> None:
    """A HELLO of 4 GiB, in the clear."""
    say(target, PREAMBLE + HEADER.pack(Kind.HELLO, 0, 0, 0xFFFFFFFF, 0xFFFFFFFF, 0, 0))


# ---- with TLS that goes wrong --------------------------------------------------------------


def no_certificate(target: Target) -> None:
    """TLS, but who it is stays a secret."""
    assert not say_sealed(target, context(), hello()), "it got in"


def foreign_certificate(target: Target) -> None:
    """TLS with a certificate that nobody knows here."""
    assert not say_sealed(target, context(target.foreign), hello()), "it got in"


def old_tls(target: Target) -> None:
    """The right certificate, over TLS 1.2."""
    old = context(target.known)
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    assert not say_sealed(target, old, hello()), "it got in"


def wrong_protocol(target: Target) -> None:
    """The right certificate, shown to speak HTTP/2."""
    other = context(target.known)
    other.set_alpn_protocols(["h2"])
    assert not say_sealed(target, other, hello()), "it got in"


def client_hello() -> bytes:
    """Return the first message of TLS."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = context().wrap_bio(incoming, outgoing)
    with contextlib.suppress(ssl.SSLWantReadError):
        client.do_handshake()
    return outgoing.read()


def half_handshake(target: Target) -> None:
    """The first message of TLS, and then nothing."""
    say(target, client_hello())


def slowloris(target: Target) -> None:
    """The first message of TLS, byte by byte."""
    with target.call() as sock:
        sock.settimeout(DRIP)
        begin = time.monotonic()
        for byte in client_hello():
            if time.monotonic() - begin > PATIENCE:
                raise TimeoutError("the Gateway listens to every byte")
            try:
                sock.sendall(bytes([byte]))
                if wait_a_moment(sock):
                    return
            except ConnectionError:
                return


def wait_a_moment(sock: socket.socket) -> bool:
    """Wait, and tell whether the other side has hung up meanwhile."""
    try:
        return not sock.recv(4096)
    except TimeoutError:
        return False


# ---- with a key that was stolen ------------------------------------------------------------


def giant_frame(target: Target) -> None:
    """A known machine that announces a HELLO of 4 GiB."""
    giant = PREAMBLE + HEADER.pack(Kind.HELLO, 0, 0, 0xFFFFFFFF, 0xFFFFFFFF, 0, 0)
    say_sealed(target, context(target.known), giant)


def deep_nesting(target: Target) -> None:
    """A known machine whose HELLO is a list in a list in a list ..."""
    say_sealed(target, context(target.known), hello(b"\x91" * 4000 + b"\xc0"))


def bad_utf8(target: Target) -> None:
    """A known machine whose HELLO holds texts that are none."""
    torn = b"\x82\xa7purpose\xa6manage\xaacontroller\xa4\xff\xfe\xc0\x80"
    say_sealed(target, context(target.known), hello(torn))


def torn_frames(target: Target) -> None:
    """A known machine that says hello and then noise."""
    noise = random.Random(target.seed).randbytes(4096)
    say_sealed(target, context(target.known), hello() + noise)


STRANGERS: tuple[Intruder, ...] = (
    random_bytes,
    plain_http,
    plain_hello,
    giant_header,
    no_certificate,
    foreign_certificate,
    old_tls,
    wrong_protocol,
    half_handshake,
    slowloris,
)
"""Those who have no key that counts."""

TRAITORS: tuple[Intruder, ...] = (giant_frame, deep_nesting, bad_utf8, torn_frames)
"""Those who have one."""

ATTACKERS: tuple[Intruder, ...] = (
    random_bytes,
    plain_http,
    no_certificate,
    foreign_certificate,
    slowloris,
    half_handshake,
    giant_header,
    giant_frame,
)
"""Those of both that come in numbers."""
