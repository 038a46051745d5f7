"""Raw datagrams; each command once, or several times with a gap between."""

from __future__ import annotations

import contextlib
import queue
import socket
import threading
import time
from typing import Any

from benchmarks.peers.commands import Send, Take


def serve(stack: contextlib.ExitStack, host: str, take: Take, **_options: Any) -> dict[str, Any]:
    """Take what comes."""
    sock = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    sock.bind((host, 0))

    def receive() -> None:
        while True:
            take(sock.recv(2048))

    threading.Thread(target=receive, name="receive", daemon=True).start()
    return {"port": sock.getsockname()[1]}


def connect(
    stack: contextlib.ExitStack,
    host: str,
    facts: dict[str, Any],
    *,
    copies: int = 1,
    gap: float = 5,
) -> Send:
    """Send at once, and the copies from a thread, each `gap` ms after the one before."""
    sock = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    sock.connect((host, facts["port"]))
    if copies == 1:
        return lambda command: void(sock.send(command))
    waiting: queue.SimpleQueue[tuple[float, bytes]] = queue.SimpleQueue()

    def repeat() -> None:
        while True:
            due, command = waiting.get()
            if (wait := due - time.monotonic()) > 0:
                time.sleep(wait)
            sock.send(command)

    threading.Thread(target=repeat, name="repeat", daemon=True).start()

    def send(command: bytes) -> None:
        now = time.monotonic()
        sock.send(command)
        for copy in range(1, copies):
            waiting.put((now + copy * gap / 1e3, command))

    return send


def void(_count: int) -> None:
    """Take no interest in how many bytes went."""
