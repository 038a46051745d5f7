"""The peer: pyzmq carrying msgpack values, as people use it.

Orders: ``items COUNT`` and ``ticks COUNT HZ`` push items to whoever pulls.
"""

from __future__ import annotations

import threading

import msgpack
import zmq

from benchmarks.harness import orders, say_ready
from benchmarks.workload import some_items, ticks


def serve_echo(socket: zmq.Socket[bytes]) -> None:
    """Answer every request with its own value."""
    while True:
        socket.send(msgpack.packb(msgpack.unpackb(socket.recv())))


def main() -> None:
    """Serve until stdin ends."""
    context = zmq.Context()
    reply = context.socket(zmq.REP)
    reply_port = reply.bind_to_random_port("tcp://127.0.0.1")
    push = context.socket(zmq.PUSH)
    push_port = push.bind_to_random_port("tcp://127.0.0.1")
    threading.Thread(target=serve_echo, args=(reply,), daemon=True).start()
    say_ready(reply=reply_port, push=push_port)
    for order in orders():
        count = int(order[1])
        source = some_items(count) if order[0] == "items" else ticks(count, float(order[2]))
        for item in source:
            push.send(msgpack.packb(item))
    push.close(linger=0)


if __name__ == "__main__":
    main()
