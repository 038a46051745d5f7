"""The floor for files: TCP and sendfile. No hash, no answer for a file, one byte at the end.

``serve HOST PORT [CONGESTION]`` gives what is asked for, until it is killed. ``fetch HOST PORT
LANES SOURCE TARGET [warm]`` takes it over so many connections; if warm, it says ``connected`` and
begins when it is told a line. All connections take from one queue: pieces of 1 MiB of large
files, and small files packed together.
"""

from __future__ import annotations

import collections
import contextlib
import json
import os
import select
import socket
import struct
import sys
import threading
from collections.abc import Iterator

PIECE = 1 << 20
SMALL = PACK = 256 << 10
HEADER = struct.Struct("!HQQ")
"""Bytes of the name that follows, where the content belongs, and its bytes."""
END = (1 << 64) - 1
"""Where no content belongs: the name is that of the congestion control, and nothing follows."""

Unit = list[tuple[str, int, int]]
"""Names, offsets and lengths: one piece of a large file, or several small files."""


# ---- the end that gives -------------------------------------------------------------------------


class Job:
    """What one client wants; each connection takes the next unit of it."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.units = collections.deque(units(source))


def units(source: str) -> Iterator[Unit]:
    """Cut a folder into units."""
    pack: Unit = []
    room = PACK
    for folder, folders, files in os.walk(source):
        folders.sort()
        for file in sorted(files):
            path = os.path.join(folder, file)
            size = os.path.getsize(path)
            name = os.path.relpath(path, source)
            if size > SMALL:
                for offset in range(0, size, PIECE):
                    yield [(name, offset, min(PIECE, size - offset))]
                continue
            if size > room:
                yield pack
                pack, room = [], PACK
            pack.append((name, 0, size))
            room -= size
    if pack:
        yield pack


class Giver:
    """Gives files to all who ask."""

    def __init__(self, host: str, port: int, congestion: str) -> None:
        self._listener = socket.create_server((host, port), backlog=64)
        self._congestion = congestion
        self._jobs: dict[str, Job] = {}
        self._lock = threading.Lock()

    def run(self) -> None:
        """Take connections for as long as the process lives."""
        while True:
            connection, _ = self._listener.accept()
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._congestion:
                name = self._congestion.encode()
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, name)
            threading.Thread(target=self._give, args=(connection,), daemon=True).start()

    def _give(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(ConnectionError, ValueError):
            line = connection.makefile("rb").readline()
            number, source = json.loads(line)
            with self._lock:
                if number not in self._jobs:
                    self._jobs[number] = Job(source)
                job = self._jobs[number]
            while True:
                try:
                    unit = job.units.popleft()
                except IndexError:
                    break
                send(connection, job.source, unit)
            control = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, 16)
            name = control.rstrip(b"\0")
            connection.sendall(HEADER.pack(len(name), END, 0) + name)
            connection.recv(1)


def send(connection: socket.socket, source: str, unit: Unit) -> None:
    """Send one unit."""
    if unit[0][2] > SMALL or unit[0][1]:
        name, offset, length = unit[0]
        head = header(name, offset, length)
        connection.sendall(head, socket.MSG_MORE)
        with open(os.path.join(source, name), "rb", buffering=0) as file:
            end = offset + length
            while offset < end:
                offset += os.sendfile(connection.fileno(), file.fileno(), offset, end - offset)
        return
    parts = []
    for name, offset, length in unit:
        with open(os.path.join(source, name), "rb", buffering=0) as file:
            parts += [header(name, offset, length), file.read()]
    connection.sendall(b"".join(parts))


def header(name: str, offset: int, length: int) -> bytes:
    """Return what goes before content."""
    encoded = os.fsencode(name)
    return HEADER.pack(len(encoded), offset, length) + encoded


# ---- the end that takes -------------------------------------------------------------------------


class Target:
    """A folder that several threads write into."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._made = {""}
        self._files: dict[str, int] = {}
        self._lock = threading.Lock()

    def small(self, name: str, content: memoryview) -> None:
        """Write a whole file."""
        descriptor = self._open(name)
        os.write(descriptor, content)
        os.close(descriptor)

    def file(self, name: str) -> int:
        """Return the descriptor of a large file."""
        with self._lock:
            if name not in self._files:
                self._files[name] = self._open(name)
            return self._files[name]

    def _open(self, name: str) -> int:
        above = os.path.dirname(name)
        if above not in self._made:
            os.makedirs(os.path.join(self._folder, above), exist_ok=True)
            self._made.add(above)
        return os.open(os.path.join(self._folder, name), os.O_WRONLY | os.O_CREAT, 0o644)


class Taker(threading.Thread):
    """One connection."""

    def __init__(self, connection: socket.socket, target: Target) -> None:
        super().__init__(daemon=True)
        self.control = ""
        self.ended = False
        self._connection = connection
        self._target = target
        self._buffer = memoryview(bytearray(PIECE))
        self._begin = self._end = 0

    def run(self) -> None:
        """Take until the end is told."""
        while True:
            length, offset, size = HEADER.unpack(self._some(HEADER.size))
            name = os.fsdecode(bytes(self._some(length)))
            if offset == END:
                self.control = name
                break
            if offset == 0 and size <= SMALL:
                self._target.small(name, self._some(size))
            else:
                self._piece(self._target.file(name), offset, size)
        self._connection.sendall(b".")
        self.ended = True

    def _some(self, count: int) -> memoryview:
        """Return so many bytes; valid until the next call."""
        if self._begin + count > len(self._buffer):
            rest = self._end - self._begin
            self._buffer[:rest] = bytes(self._buffer[self._begin : self._end])
            self._begin, self._end = 0, rest
        while self._end - self._begin < count:
            self._end += self._receive(self._buffer[self._end :])
        self._begin += count
        return self._buffer[self._begin - count : self._begin]

    def _piece(self, descriptor: int, offset: int, size: int) -> None:
        end = offset + size
        there = min(size, self._end - self._begin)
        os.pwrite(descriptor, self._buffer[self._begin : self._begin + there], offset)
        self._begin += there
        offset += there
        while offset < end:
            self._begin = self._end = 0
            count = self._receive(self._buffer[: end - offset])
            offset += os.pwrite(descriptor, self._buffer[:count], offset)

    def _receive(self, room: memoryview) -> int:
        count = self._connection.recv_into(room)
        if not count:
            raise ConnectionError("the other end has gone")
        return count


def connected(host: str, port: int, lanes: int) -> list[socket.socket]:
    """Connect all at once: one after the other would take a round trip each."""
    connections = [socket.socket() for _ in range(lanes)]
    for connection in connections:
        connection.setblocking(False)
        connection.connect_ex((host, port))
    for connection in connections:
        select.select([], [connection], [])
        if error := connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            sys.exit(f"cannot connect: {os.strerror(error)}")
        connection.setblocking(True)
    return connections


def fetch(host: str, port: int, lanes: int, source: str, folder: str, *, warm: bool) -> None:
    """Take a folder; print which congestion control sent it."""
    connections = connected(host, port, lanes)
    if warm:
        print("connected", flush=True)
        sys.stdin.readline()
    number = f"{os.getpid()}-{os.urandom(4).hex()}"
    target = Target(folder)
    takers = [Taker(connection, target) for connection in connections]
    for connection, taker in zip(connections, takers, strict=True):
        connection.sendall(json.dumps([number, source]).encode() + b"\n")
        taker.start()
    for taker in takers:
        taker.join()
    if not all(taker.ended for taker in takers):
        sys.exit("a connection was cut")
    print(json.dumps({"congestion": sorted({taker.control for taker in takers})}))


def main() -> None:
    """Give or take."""
    word, host, port, *rest = sys.argv[1:]
    if word == "serve":
        Giver(host, int(port), rest[0] if rest else "").run()
    else:
        fetch(host, int(port), int(rest[0]), rest[1], rest[2], warm=rest[3:] == ["warm"])


if __name__ == "__main__":
    main()
