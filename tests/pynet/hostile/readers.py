"""Everything that reads what others send, as functions that take bytes; and messages to change.

A reader returns for whatever bytes there may be: pynet's errors are caught, others are bugs.
"""

from __future__ import annotations

import atexit
import contextlib
import datetime as dt
import functools
import shutil
import ssl
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import msgpack
import numpy as np

from pynet.dial import read_error
from pynet.discovery.record import LONGEST_NAME, MOST_ADDRESSES, read
from pynet.errors import AuthenticationError, PairingError, PynetError
from pynet.io.tls import Tls
from pynet.policy import unpack_policy
from pynet.rc.messages import DriveCommand, Lease, Refusal
from pynet.stranger import understood
from pynet.swarm.options import SwarmOptions
from pynet.swarm.receiver import _read_part
from pynet.swarm.report import read_report
from pynet.testing import MemoryLink
from pynet.trust.contexts import client_context, server_context
from pynet.trust.identity import Identity, load_identity
from pynet.trust.pairing import Asked, Asker
from pynet.trust.peers import Role
from pynet.wire.connection import Connection, read_farewell, read_greeting
from pynet.wire.frames import HEADER, PREAMBLE, Frame, Kind
from pynet.wire.limits import Limits
from pynet.wire.states import Side
from pynet.wire.values import Decoder, Encoder

CORPUS = Path(__file__).with_name("corpus")

Reader = Callable[[bytes], object]


CODE = "31415926"


@dataclass(frozen=True)
class Machines:
    """Two that know each other; their keys differ from run to run.

    Attributes:
        ours, theirs: identities.
        server: what our end of TLS needs.
        hello: the first message of TLS from the other one.
    """

    ours: Identity
    theirs: Identity
    server: ssl.SSLContext
    hello: bytes


@functools.cache
def machines() -> Machines:
    """Made once."""
    folder = Path(tempfile.mkdtemp(prefix="pynet-fuzz-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    ours, theirs = (load_identity(folder / name, name) for name in "ab")
    server = server_context(ours, [theirs.certificate])
    client = Tls(client_context(theirs, [ours.certificate]), server=False)
    return Machines(ours, theirs, server, client.handshake())


# ---- the readers ---------------------------------------------------------------------------


def first_bytes(data: bytes) -> None:
    """What a stranger says, however it is torn."""
    told = [understood(data[:size]) for size in range(1, min(len(data), 16) + 1)]
    decided = [word for word in told if word]
    assert len(set(decided)) <= 1, "what was understood once stays so"
    assert told == [""] * (len(told) - len(decided)) + decided


def tls(data: bytes) -> None:
    """The handshake, up to where the other end would have to prove something."""
    server, hello = machines().server, machines().hello
    end = Tls(server, server=True)
    with contextlib.suppress(AuthenticationError):
        if data[:1] == b"H":  # stands for a real beginning, which differs from run to run
            end.handshake(hello)
        end.handshake(data[1:])


def greeting(data: bytes) -> None:
    """All from the first byte on, at a Gateway that knows nobody yet."""
    end = Connection(Side.GATEWAY, Limits(), 0.0)
    with contextlib.suppress(PynetError):
        for frame in _fed(end, PREAMBLE + data[1:], data[:1]):
            if frame.kind == Kind.HELLO:
                read_greeting(frame)
                end.send(Kind.WELCOME, 0.0)


def frames(data: bytes) -> None:
    """All after the greeting, at either end."""
    link = MemoryLink()
    link.greet()
    end = link.gateway if data[:1] < b"\x80" else link.controller
    with contextlib.suppress(PynetError):
        for frame in _fed(end, data[1:], data[:1]):
            _read_frame(frame)


def _fed(end: Connection, data: bytes, how: bytes) -> Iterator[Frame]:
    """Let an end read, in pieces of a size that depends on the first byte."""
    size = 1 + (how or b"\xff")[0] % 128
    pieces = [data[start : start + size] for start in range(0, len(data), size)]
    for piece in pieces:
        yield from end.receive(piece, 1.0)
        end.take_replies()


def _read_frame(frame: Frame) -> None:
    """As whoever such a frame is for."""
    if frame.kind == Kind.REPORT:
        read_report(frame)
    elif frame.kind == Kind.ERROR:
        read_error(frame)
    elif frame.kind == Kind.GOODBYE:
        read_farewell(frame, "peer")
    elif frame.kind in (Kind.HELLO, Kind.WELCOME, Kind.OPENED):
        read_greeting(frame)
    elif frame.kind == Kind.ITEM:
        Decoder().decode(frame.meta, frame.body)


def hello(data: bytes) -> None:
    """The map in a greeting, and what is read of it."""
    frame = Frame(Kind.HELLO, 0, 0, 0, data, None, len(data))
    with contextlib.suppress(PynetError):
        fields = read_greeting(frame)
        for reader in (unpack_policy, SwarmOptions.unpack):
            with contextlib.suppress(PynetError):
                reader(fields.get("policy"))
        read_error(frame)
        read_farewell(frame, "peer")


def values(data: bytes) -> None:
    """A value, and the raw bytes beside it."""
    size = data[0] if data else 0
    meta, body = data[1 : 1 + size], data[1 + size :]
    array = np.frombuffer(body, np.uint8) if body else None
    with contextlib.suppress(PynetError):
        Decoder().decode(meta, array)


def report(data: bytes) -> None:
    """What a swarm's receiver says it has, and the head of a part of an item."""
    frame = Frame(Kind.REPORT, 1, 0, 0, data, np.zeros(1, np.uint8), len(data))
    for reader in (read_report, _read_part):
        with contextlib.suppress(PynetError):
            reader(frame)


def pairing(data: bytes) -> None:
    """Each message of it, at the side that gets it."""
    ours, theirs = machines().ours, machines().theirs
    asked = Asked(ours, "car", CODE, Role.VIEWER)
    asker = Asker(theirs, "desk", CODE, ours.certificate)
    which, message = (data[:1] or b"\0")[0] % 4, data[1:]
    with contextlib.suppress(PairingError):
        if which == 0:
            asked.answer(message)
            return
        first = asker.begin()
        if which == 1:
            asker.prove(message)
            return
        second = asked.answer(first)
        if which == 2:
            asked.finish(message)
            return
        asker.prove(second)
        asker.finish(message)


def found(data: bytes) -> None:
    """What was heard of a Gateway: its TXT record, in lines here, and its addresses."""
    label, _, rest = data.partition(b"\n")
    lines = rest.split(b"\n")
    text = {key: value for key, _, value in (line.partition(b"=") for line in lines)}
    addresses = [line.decode(errors="replace") for line in lines]
    port = int.from_bytes(data[:2], "big")
    one = read(label.decode(errors="replace"), text, port, [*addresses, "10.0.0.1"])
    if one is not None:
        assert one.name.isprintable()
        assert 1 <= len(one.name) <= LONGEST_NAME
        assert len(one.addresses) <= MOST_ADDRESSES


READERS: dict[str, Reader] = {
    reader.__name__: reader
    for reader in (first_bytes, tls, greeting, frames, hello, values, report, pairing, found)
}


# ---- what to begin with --------------------------------------------------------------------


def seeds() -> dict[str, list[bytes]]:
    """Good messages of each kind, to be changed."""

    def frame(kind: int, meta: bytes = b"", body: bytes = b"", exchange: int = 1) -> bytes:
        return HEADER.pack(kind, 0, exchange, len(meta), len(body), 7, 8) + meta + body

    fields = {"purpose": "pair", "controller": "c", "name": "n", "group": "g", "lanes": 2}
    greeted = msgpack.packb(fields | {"replaces": 1, "policy": ["latest", 1, 2, "items"]})
    told = msgpack.packb([3, 4, 5, [1, 2], [3, 4]])
    some = [
        None, True, -1, 1.5, "text", b"bytes", [1, [2, [3]]], {"a": {"b": None}},
        np.arange(6, dtype=np.float32).reshape(2, 3), np.float64(1.5), b"x" * 5000,
        dt.datetime(2026, 1, 2, 3, 4), dt.timedelta(1, 2, 3),
        DriveCommand(1, 0.5, -0.5, 12.5, 3), (Lease(1, "ann"), Refusal(1, "No.", "Wait.")),
    ]  # fmt: skip
    packed = []
    for value in some:
        meta, body = Encoder().encode(value)
        packed.append(bytes([len(meta)]) + meta + b"".join(map(bytes, body))[:256])
    call = frame(Kind.CALL, msgpack.packb(["echo", [1], {}]))
    flow = b"".join(
        [
            frame(Kind.OPEN_STREAM, msgpack.packb(["count", [], {}, {}])),
            frame(Kind.CREDIT, exchange=1),
            frame(Kind.REPORT, told),
            frame(Kind.ITEM, b"\x01", bytes(16)),
            frame(Kind.CANCEL),
            frame(Kind.PING, exchange=0),
            frame(Kind.PONG, msgpack.packb([1, 2]), exchange=0),
            frame(Kind.GOODBYE, msgpack.packb({"error": "Busy", "message": "m"}), exchange=0),
        ]
    )
    answers = b"".join(
        [
            frame(Kind.OPENED, msgpack.packb({"policy": ["reliable", 1, 9, "bytes"]})),
            frame(Kind.ITEM, b"\xc0"),
            frame(Kind.ERROR, msgpack.packb({"type": "ValueError", "message": "m"})),
            frame(Kind.RESULT, b"\xc0"),
            frame(Kind.END),
        ]
    )
    asker = {
        "version": 1,
        "name": "desk",
        "certificate": b"\x30\x03\x02\x01\x01",
        "share": b"A" * 33,
    }
    return {
        "first_bytes": [b"\x16\x03\x01", b"PYNET\0\x01\0", b"PYNET-PAIR-1\n", b"GET / HTTP/1.1"],
        "tls": [b"H", b"H\x14\x03\x03\0\x01\x01", b"\x16\x03\x01\0\x05\x01\0\0\x01\x03"],
        "greeting": [b"\x40" + frame(Kind.HELLO, greeted, exchange=0) + call],
        "frames": [b"\x20" + call, b"\x7f" + flow, b"\xff" + answers, b"\x01" + flow],
        "hello": [greeted, msgpack.packb({"error": "Busy", "message": "m", "type": "ValueError"})],
        "values": packed,
        "report": [told, msgpack.packb([0, 2, 3])],
        "pairing": [
            b"\0" + msgpack.packb(asker),
            b"\1" + msgpack.packb({"share": b"B" * 33, "nonce": bytes(16)}),
            b"\2" + msgpack.packb({"proof": bytes(32), "signature": bytes(64)}),
            b"\3" + msgpack.packb(
                {"proof": bytes(32), "signature": bytes(64), "name": "car", "role": "viewer"}
            ),
            b"\1" + msgpack.packb({"error": "WrongCode", "message": "m", "left": 2}),
        ],
        "found": [b"Rover (ABCDEFG)\nname=Rover\nid=ABCDEFG\nversion=0.1.0\n192.168.1.2\nfe80::1"],
    }  # fmt: skip


def corpus(name: str) -> list[bytes]:
    """What is kept for a reader."""
    return [path.read_bytes() for path in sorted((CORPUS / name).glob("*"))]
