"""One raw TCP connection."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import Any

from benchmarks.peers.commands import Send, Take
from benchmarks.peers.raw import receive
from benchmarks.workload import ITEM_BYTES


def serve(
    stack: contextlib.ExitStack, host: str, take: Take, *, congestion: str | None = None
) -> dict[str, Any]:
    """Read one connection after the other."""
    listener = stack.enter_context(socket.create_server((host, 0)))

    def read() -> None:
        view = memoryview(bytearray(ITEM_BYTES))
        while True:
            connection, _ = listener.accept()
            with connection:
                prepare(connection, congestion)
                while receive(connection, view):
                    take(bytes(view))

    threading.Thread(target=read, name="receive", daemon=True).start()
    return {"port": listener.getsockname()[1]}


def connect(
    stack: contextlib.ExitStack,
    host: str,
    facts: dict[str, Any],
    *,
    congestion: str | None = None,
) -> Send:
    """Connect once; a send blocks when the kernel holds too much."""
    connection = stack.enter_context(socket.create_connection((host, facts["port"]), timeout=20))
    connection.settimeout(None)
    prepare(connection, congestion)
    return connection.sendall


def prepare(connection: socket.socket, congestion: str | None) -> None:
    """No waiting for more to send; and this congestion control, not the system's."""
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if congestion is not None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, congestion.encode())
