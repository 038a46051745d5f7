"""Real lanes whose other ends a test holds: it says what they send, and when they read."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from types import TracebackType
from typing import Any

import msgpack

from pynet.io.lane import Lane
from pynet.io.reactor import Reactor
from pynet.swarm.report import Report, read_report
from pynet.wire.connection import Connection, greeting
from pynet.wire.frames import Frame, Kind
from pynet.wire.limits import Limits
from pynet.wire.states import Side
from pynet.wire.values import Buffer, Encoder

HEARTBEAT = 60.0
"""Seconds: no test is so long that a far end which does not read would be given up."""

NARROW = 4096
"""Bytes that the kernel keeps for an end that does not read, or a few times as many."""


class FarEnd:
    """The Gateway's end of one lane. It reads when it is told to, and never by itself.

    Attributes:
        number: of the lane.
        lane: the Controller's end, open and ready for items.
        frames: what has come, and was read.
    """

    def __init__(self, number: int, reactor: Reactor, verb: Kind, narrow: bool) -> None:
        self.number = number
        self.frames: list[Frame] = []
        self._connection = Connection(Side.GATEWAY, Limits(), time.monotonic())
        with socket.create_server(("127.0.0.1", 0)) as door:
            if narrow:
                door.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, NARROW)
            near = socket.create_connection(door.getsockname())
            self._sock, _ = door.accept()
        self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.lane = Lane(
            near, Connection(Side.CONTROLLER, Limits(), time.monotonic()), reactor, HEARTBEAT
        )
        self.lane.send(Kind.HELLO, meta=greeting({}))
        self.wait_for(Kind.HELLO)
        self.send(Kind.WELCOME, greeting({}))
        assert self.lane.next_frame(5) is not None
        self.lane.send(verb)
        self.wait_for(verb)
        self.send(Kind.OPENED, greeting({}))
        assert self.lane.next_frame(5) is not None

    def close(self) -> None:
        """Close both ends."""
        self.lane.close()
        self._sock.close()

    def cut(self) -> None:
        """Reset the connection."""
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self._sock.close()

    # ---- sending ------------------------------------------------------------------------

    def pack(self, kind: Kind, meta: bytes = b"", body: bytes = b"", seq: int = 0) -> bytes:
        """A frame for the other side."""
        buffers: list[Buffer] = [body] if body else []
        frame = self._connection.send(kind, time.monotonic(), meta=meta, body=buffers, seq=seq)
        return b"".join(frame)

    def send(self, kind: Kind, meta: bytes = b"", body: bytes = b"", seq: int = 0) -> None:
        self.send_bytes(self.pack(kind, meta, body, seq))

    def send_bytes(self, data: bytes) -> None:
        """In one piece."""
        self._sock.sendall(data)

    def item(self, seq: int, value: Any) -> bytes:
        """The frame of a small item."""
        meta, body = Encoder().encode(value)
        return self.pack(Kind.ITEM, meta, b"".join(body), seq)

    def send_item(self, seq: int, value: Any) -> None:
        self.send_bytes(self.item(seq, value))

    def report(self, report: Report) -> None:
        """Tell what was received."""
        frame = self._connection.send(
            Kind.REPORT,
            time.monotonic(),
            meta=report.pack(),
            seq=report.floor,
            time_us=report.time_us,
        )
        self.send_bytes(b"".join(frame))

    # ---- reading ------------------------------------------------------------------------

    def read(self) -> list[Frame]:
        """Everything that has come so far, without waiting for more."""
        self._sock.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while data := self._sock.recv(65536):
                self.frames += self._connection.receive(data, time.monotonic())
        self._sock.setblocking(True)
        if self._connection.replies:
            self.send_bytes(b"".join(self._connection.take_replies()))
        return self.frames

    def wait_for(self, kind: Kind, limit: float = 5.0) -> Frame:
        """The first frame of a kind."""
        deadline = time.monotonic() + limit
        pause = threading.Event()
        while not (found := self.of(kind)):
            assert time.monotonic() < deadline, f"no {kind.name} came"
            pause.wait(0.005)
        return found[0]

    def of(self, kind: Kind) -> list[Frame]:
        """All frames of a kind that have come."""
        return [frame for frame in self.read() if frame.kind == kind]

    def reports(self) -> list[Report]:
        """All reports that have come."""
        return [read_report(frame) for frame in self.of(Kind.REPORT)]

    def numbers(self) -> list[int]:
        """Numbers of the items of which something has come."""
        return [f.seq for f in self.read() if f.kind in (Kind.ITEM, Kind.PART)]


class FarSide:
    """Makes far ends, and holds the reactor for their lanes."""

    def __init__(self) -> None:
        self.reactor = Reactor.acquire()
        self.ends: list[FarEnd] = []

    def open(self, verb: Kind, *, narrow: bool = False) -> FarEnd:
        """One more lane.

        Args:
            verb: OPEN_STREAM to send items from here, OPEN_FEED to get them.
            narrow: keep only a few kilobytes of what was not read.
        """
        end = FarEnd(len(self.ends), self.reactor, verb, narrow)
        self.ends.append(end)
        return end

    @contextlib.contextmanager
    def at_once(self) -> Iterator[None]:
        """What comes within this block is seen by the reactor in one piece, after it."""
        asleep, wake = threading.Event(), threading.Event()

        def sleep() -> None:
            asleep.set()
            wake.wait(10)

        self.reactor.call_soon(sleep)
        assert asleep.wait(10)
        try:
            yield
        finally:
            wake.set()

    def __enter__(self) -> FarSide:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for end in self.ends:
            end.close()
        self.reactor.release()


def part_note(index: int, count: int, meta_len: int) -> bytes:
    """The msgpack part of a PART."""
    packed: bytes = msgpack.packb((index, count, meta_len))
    return packed
