"""Makes a pipe something that ``select`` can wait for, where it cannot (Windows)."""

from __future__ import annotations

import os
import socket
import threading

_kept: list[socket.socket] = []
"""Ends that must live as long as the process."""


def relay(descriptor: int) -> int:
    """The socket that gets what comes out of ``descriptor``, and its end."""
    inside, outside = socket.socketpair()
    _kept.append(inside)

    def copy() -> None:
        with outside:
            while data := os.read(descriptor, 65536):
                outside.sendall(data)

    threading.Thread(target=copy, name="pi-agent-orders", daemon=True).start()
    return inside.fileno()
