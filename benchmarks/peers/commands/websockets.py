"""websockets: one connection, its threaded interface, no compression."""

from __future__ import annotations

import contextlib
import threading
from typing import Any

from websockets.sync.client import connect as connect_websocket
from websockets.sync.server import ServerConnection
from websockets.sync.server import serve as serve_websocket

from benchmarks.peers.commands import Send, Take


def serve(stack: contextlib.ExitStack, host: str, take: Take, **_options: Any) -> dict[str, Any]:
    """Iterate over the messages of a connection."""

    def drive(connection: ServerConnection) -> None:
        for command in connection:
            assert isinstance(command, bytes)
            take(command)

    server = stack.enter_context(serve_websocket(drive, host, 0, compression=None))
    threading.Thread(target=server.serve_forever, name="serve", daemon=True).start()
    return {"port": server.socket.getsockname()[1]}


def connect(stack: contextlib.ExitStack, host: str, facts: dict[str, Any], **_options: Any) -> Send:
    """Send each command as a binary message."""
    connection = stack.enter_context(
        connect_websocket(
            f"ws://{host}:{facts['port']}", compression=None, open_timeout=20, close_timeout=0.2
        )
    )
    send: Send = connection.send
    return send
