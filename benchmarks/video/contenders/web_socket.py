"""JPEG in messages of a WebSocket, as web pages get it."""

from __future__ import annotations

import contextlib

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect
from websockets.sync.server import ServerConnection, serve

from benchmarks.link.link import CAR
from benchmarks.video.contenders import PORT, Ready
from benchmarks.video.contenders.jpeg import pack, unpack
from benchmarks.video.screen import Screen
from benchmarks.video.source import Source


def car(source: Source, ready: Ready) -> None:
    """Send every picture that the socket takes in time."""

    def handle(socket: ServerConnection) -> None:
        number = -1
        with contextlib.suppress(ConnectionClosed):
            while (taken := source.next_after(number)) is not None:
                number, picture = taken
                socket.send(pack(picture))

    with serve(handle, CAR, PORT, compression=None) as server:
        ready()
        server.serve_forever()


def laptop(screen: Screen, ready: Ready) -> None:
    """Show what comes."""
    with connect(f"ws://{CAR}:{PORT}", compression=None, max_size=None) as socket:
        ready()
        for data in socket:
            assert isinstance(data, bytes)
            screen.show(unpack(data))
