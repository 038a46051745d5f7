"""The floor: JPEG over one TCP connection, two pictures on the way at most."""

from __future__ import annotations

import contextlib
import socket

from benchmarks.link.link import CAR
from benchmarks.video.contenders import PORT, Ready
from benchmarks.video.contenders.jpeg import pack, unpack
from benchmarks.video.screen import Screen
from benchmarks.video.source import Source

WINDOW = 2
LEAST_UNSENT = 16 * 1024


def car(source: Source, ready: Ready) -> None:
    """Take a picture when there is room, and send it after its length."""
    with socket.create_server((CAR, PORT)) as listener:
        ready()
        connection, _ = listener.accept()
    room, number = WINDOW, -1
    with connection, contextlib.suppress(ConnectionError):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, LEAST_UNSENT)
        while True:
            if not room:
                room = len(connection.recv(WINDOW))
            if (taken := source.next_after(number)) is None:
                return
            number, picture = taken
            data = pack(picture)
            connection.sendall(len(data).to_bytes(4, "big") + data)
            room -= 1


def laptop(screen: Screen, ready: Ready) -> None:
    """Show what comes, and say so with one byte."""
    with socket.create_connection((CAR, PORT)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        ready()
        with connection.makefile("rb") as stream:
            while head := stream.read(4):
                screen.show(unpack(stream.read(int.from_bytes(head, "big"))))
                with contextlib.suppress(ConnectionError):
                    connection.sendall(b"+")
