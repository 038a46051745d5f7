"""pyzmq: PUSH to PULL, all or only the newest (CONFLATE)."""

from __future__ import annotations

import contextlib
import threading
from typing import Any

import zmq

from benchmarks.peers.commands import Send, Take


def serve(
    stack: contextlib.ExitStack, host: str, take: Take, *, conflate: bool = False
) -> dict[str, Any]:
    """Pull in a thread."""
    pull: zmq.Socket[bytes] = zmq.Context.instance().socket(zmq.PULL)
    pull.setsockopt(zmq.CONFLATE, int(conflate))
    port = pull.bind_to_random_port(f"tcp://{host}")
    closing = threading.Event()

    def receive() -> None:
        # Its sockets must not be closed by another thread.
        with pull:
            while not closing.is_set():
                if pull.poll(200):
                    take(pull.recv())

    receiver = threading.Thread(target=receive, name="receive")
    receiver.start()
    stack.callback(receiver.join)
    stack.callback(closing.set)
    return {"port": port}


def connect(
    stack: contextlib.ExitStack, host: str, facts: dict[str, Any], *, conflate: bool = False
) -> Send:
    """Push from the caller's thread; the connection is there before the first command."""
    push: zmq.Socket[bytes] = zmq.Context.instance().socket(zmq.PUSH)
    push.setsockopt(zmq.CONFLATE, int(conflate))
    push.setsockopt(zmq.LINGER, 0)
    monitor = push.get_monitor_socket(zmq.EVENT_HANDSHAKE_SUCCEEDED)
    push.connect(f"tcp://{host}:{facts['port']}")
    if not monitor.poll(20_000):
        raise TimeoutError("no connection within 20 s")
    push.disable_monitor()
    stack.callback(push.close)

    def send(command: bytes) -> None:
        push.send(command)

    return send
