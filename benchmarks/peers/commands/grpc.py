"""grpcio: one stream of bytes from client to server, the usual (not asyncio) interface."""

from __future__ import annotations

import contextlib
import queue
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc

from benchmarks.peers.commands import Send, Take


def serve(stack: contextlib.ExitStack, host: str, take: Take, **_options: Any) -> dict[str, Any]:
    """Iterate over the stream in a thread of the server's pool."""

    def drive(commands: Iterator[bytes], _context: Any) -> bytes:
        for command in commands:
            take(command)
        return b""

    server = grpc.server(ThreadPoolExecutor(2))
    handler = grpc.stream_unary_rpc_method_handler(drive)
    server.add_generic_rpc_handlers(
        (grpc.method_handlers_generic_handler("Car", {"drive": handler}),)
    )
    port = server.add_insecure_port(f"{host}:0")
    server.start()
    stack.callback(lambda: server.stop(0))
    return {"port": port}


def connect(stack: contextlib.ExitStack, host: str, facts: dict[str, Any], **_options: Any) -> Send:
    """Feed the call's iterator from a queue."""
    channel = grpc.insecure_channel(f"{host}:{facts['port']}")
    stack.callback(channel.close)
    grpc.channel_ready_future(channel).result(20)
    waiting: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()

    def commands() -> Iterator[bytes]:
        while (command := waiting.get()) is not None:
            yield command

    call = channel.stream_unary("/Car/drive").future(commands())
    stack.callback(call.cancel)
    stack.callback(lambda: waiting.put(None))
    return waiting.put
