"""A file copy from the car to the laptop, as fast as one TCP connection carries it.

The laptop's end answers ``taken`` with the bytes it has got.
"""

from __future__ import annotations

import contextlib
import socket
import sys
import threading

from benchmarks.harness import PICTURES_FIRST, answer, come_first, orders, say_ready
from benchmarks.link.link import CAR

PORT = 5999
PIECE = bytes(64 * 1024)


class Taker:
    """Counts what comes."""

    def __init__(self) -> None:
        self.taken = 0
        self._connection = socket.create_connection((CAR, PORT))

    def run(self) -> None:
        """Take until the other end closes."""
        room = bytearray(len(PIECE))
        while count := self._connection.recv_into(room):
            self.taken += count


def give(listener: socket.socket) -> None:
    """Send to the first who connects, until they go."""
    connection, _ = listener.accept()
    with contextlib.suppress(ConnectionError):
        while True:
            connection.sendall(PIECE)


def main() -> None:
    """Copy until stdin ends."""
    come_first(PICTURES_FIRST)
    if sys.argv[1] == "car":
        listener = socket.create_server((CAR, PORT))
        threading.Thread(target=give, args=(listener,), name="bench-bulk", daemon=True).start()
        say_ready()
        for _ in orders():
            continue
        return
    taker = Taker()
    threading.Thread(target=taker.run, name="bench-bulk", daemon=True).start()
    say_ready()
    for _ in orders():
        answer(taker.taken)


if __name__ == "__main__":
    main()
