"""A way between the ends that can be cut, stalled and made to spoil a byte."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Callable

UP, DOWN = "to the device", "to the laptop"

Spoil = Callable[[str, int, bytearray], None]


class Proxy:
    """Forwards connections to an address, on threads of its own.

    Args:
        address: of the device.
        spoil: may change what passes: told the direction, how many bytes of that direction passed
            before over all connections, and the bytes.
    """

    def __init__(self, address: str, spoil: Spoil | None = None) -> None:
        host, _, port = address.rpartition(":")
        self._target = (host, int(port))
        self._spoil = spoil
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self._lock = threading.Lock()
        self._all: list[socket.socket] = []
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._threads: list[threading.Thread] = []
        self._open = threading.Event()
        self._open.set()
        self.passed = {UP: 0, DOWN: 0}
        self._marks: list[tuple[str, int, threading.Event]] = []
        self._closed = False
        self.stalled: set[socket.socket] = set()
        self._start(self._accept)

    def _start(self, target: Callable[..., None], *args: object) -> None:
        thread = threading.Thread(target=target, args=args)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            try:
                far = socket.create_connection(self._target)
            except OSError:
                near.close()
                continue
            with self._lock:
                self._pairs.append((near, far))
                self._all += [near, far]
            self._start(self._pump, near, far, UP)
            self._start(self._pump, far, near, DOWN)

    def _pump(self, source: socket.socket, target: socket.socket, way: str) -> None:
        with contextlib.suppress(OSError):
            while data := bytearray(source.recv(65536)):
                while not self._open.wait(0.05) or source in self.stalled:
                    if self._closed:
                        return
                with self._lock:
                    if self._spoil is not None:
                        self._spoil(way, self.passed[way], data)
                    self.passed[way] += len(data)
                    for direction, count, event in self._marks:
                        if way == direction and self.passed[way] >= count:
                            event.set()
                target.sendall(data)
        with contextlib.suppress(OSError):
            target.shutdown(socket.SHUT_WR)

    def after(self, way: str, count: int) -> threading.Event:
        """Set when so many bytes have passed."""
        event = threading.Event()
        with self._lock:
            self._marks.append((way, count, event))
            if self.passed[way] >= count:
                event.set()
        return event

    def hold(self, held: bool) -> None:
        """Nothing passes; the connections stay, as with a cable that is pulled."""
        (self._open.clear if held else self._open.set)()

    def stall_last(self) -> None:
        """Nothing passes over the connection that was made last."""
        with self._lock:
            self.stalled |= set(self._pairs[-1])

    def cut(self, *, reset: bool = False) -> None:
        """Close all connections; with ``reset``, in the middle of what they carry."""
        with self._lock:
            pairs, self._pairs = self._pairs, []
        for one in (one for pair in pairs for one in pair):
            with contextlib.suppress(OSError):
                if reset:
                    one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    one.close()
                else:
                    one.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """End it."""
        self._closed = True
        self._open.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        while self._threads:  # the first one makes the others
            self.cut()
            self._threads.pop(0).join()
        for one in self._all:
            one.close()
