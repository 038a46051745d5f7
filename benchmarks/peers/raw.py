"""The floor: plain TCP sockets, no framing beyond a fixed length, one thread for each connection.

Orders: ``send COUNT`` sends that many arrays on the newest connection; ``memory`` answers with
the resident memory in bytes.
"""

from __future__ import annotations

import socket
import threading

from benchmarks.harness import answer, orders, say_ready
from benchmarks.workload import ARRAY_BYTES, ITEM_BYTES, resident_memory, some_arrays


def receive(connection: socket.socket, view: memoryview) -> bool:
    """Fill the view; False at the end of the connection."""
    got = 0
    while got < len(view):
        count = connection.recv_into(view[got:])
        if not count:
            return False
        got += count
    return True


def echo(connection: socket.socket) -> None:
    """Send every item back."""
    view = memoryview(bytearray(ITEM_BYTES))
    with connection:
        while receive(connection, view):
            connection.sendall(view)


def send_arrays(connection: socket.socket, count: int) -> None:
    """Send arrays as fast as the socket takes them, each after a header of 16 bytes."""
    header = ARRAY_BYTES.to_bytes(16, "big")
    arrays = [array.data.cast("B") for array in some_arrays()]
    for number in range(count):
        parts = [memoryview(header), arrays[number % len(arrays)]]
        while parts:
            sent = connection.sendmsg(parts)
            while parts and sent >= len(parts[0]):
                sent -= len(parts.pop(0))
            if parts:
                parts[0] = parts[0][sent:]


def main() -> None:
    """Serve until stdin ends."""
    connections: list[socket.socket] = []
    listener = socket.create_server(("127.0.0.1", 0), backlog=256)

    def accept() -> None:
        while True:
            connection, _ = listener.accept()
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connections.append(connection)
            threading.Thread(target=echo, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    say_ready(port=listener.getsockname()[1])
    for order in orders():
        if order[0] == "memory":
            answer(resident_memory())
        else:
            send_arrays(connections[-1], int(order[1]))


if __name__ == "__main__":
    main()
