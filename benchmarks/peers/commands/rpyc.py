"""rpyc: an asynchronous call for each command, on a connection without Nagle's delay."""

from __future__ import annotations

import contextlib
import threading
from typing import Any

import rpyc
from rpyc.core.stream import SocketStream
from rpyc.utils.server import ThreadedServer

from benchmarks.peers.commands import Send, Take


def serve(stack: contextlib.ExitStack, host: str, take: Take, **_options: Any) -> dict[str, Any]:
    """Offer `drive` as a method."""

    class Car(rpyc.Service):  # type: ignore[misc]  # it ships without types
        def exposed_drive(self, command: bytes) -> None:
            take(command)

    server = ThreadedServer(Car(), hostname=host, port=0)
    threading.Thread(target=server.start, name="serve", daemon=True).start()
    stack.callback(server.close)
    return {"port": server.port}


def connect(stack: contextlib.ExitStack, host: str, facts: dict[str, Any], **_options: Any) -> Send:
    """Call without waiting; answers are read when the next command goes."""
    connection = rpyc.connect_stream(SocketStream.connect(host, facts["port"], nodelay=True))
    stack.callback(connection.close)
    drive = rpyc.async_(connection.root.drive)

    def send(command: bytes) -> None:
        drive(command)
        connection.poll_all()

    return send
