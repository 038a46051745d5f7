"""The few system calls a lane makes, with what differs between systems."""

from __future__ import annotations

import select
import socket
import struct
import sys

from pynet.wire.values import Buffer

DONTWAIT = getattr(socket, "MSG_DONTWAIT", 0)
"""Flag for one non-blocking call on a blocking socket; 0 where that does not exist (Windows)."""

_TIMEVAL = struct.Struct("@ll")


def timeval(seconds: float | None) -> bytes:
    """For SO_RCVTIMEO and SO_SNDTIMEO; None waits for ever."""
    micros = 0 if seconds is None else max(1000, int(seconds * 1e6))
    return _TIMEVAL.pack(*divmod(micros, 1_000_000))


def send_several(sock: socket.socket, buffers: list[Buffer], flags: int) -> int:
    """Several buffers in one call; returns how many bytes went."""
    if sys.platform == "win32":  # no sendmsg there
        return sock.send(buffers[0])
    return sock.sendmsg(buffers, (), flags)


def after(buffers: list[Buffer], sent: int) -> list[Buffer]:
    """What is left of the buffers after so many bytes, without copying."""
    rest: list[Buffer] = []
    for buffer in buffers:
        view = memoryview(buffer)
        if sent >= view.nbytes:
            sent -= view.nbytes
        else:
            rest.append(view[sent:] if sent else buffer)
            sent = 0
    return rest


def owned(buffers: list[Buffer]) -> list[Buffer]:
    """The same bytes in memory of our own, because the sender may change his."""
    return [bytes(b) if isinstance(b, memoryview) else b for b in buffers]


def wait_for(sock: socket.socket, *, write: bool, timeout: float) -> bool:
    """Wait until the socket is ready, for at most so many seconds."""
    if sock.fileno() < 0:
        return True
    if hasattr(select, "poll"):
        poller = select.poll()
        poller.register(sock, select.POLLOUT if write else select.POLLIN)
        return bool(poller.poll(timeout * 1000))
    waiting = [sock]
    ready = select.select([] if write else waiting, waiting if write else [], [], timeout)
    return bool(ready[0] or ready[1])
