"""A real TCP connection that can be slowed down, frozen and broken."""

from __future__ import annotations

import contextlib
import selectors
import socket
import struct
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import TypeVar

from pynet.errors import Closed, ConfigurationError

T = TypeVar("T")

MOST_WAITING = 4 * 1024 * 1024
"""Bytes held for each direction of a connection; the sender is not read any further then."""

READ_SIZE = 64 * 1024
BACKLOG = 64

_IN_PROGRESS = frozenset({0, 36, 115, 10035})  # EINPROGRESS of macOS, Linux, Windows
_RESET_ON_CLOSE = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)


class _End:
    """One socket of a connection through the link, and the bytes on their way to it."""

    def __init__(self, sock: socket.socket, *, connected: bool) -> None:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock = sock
        self.connected = connected
        self.other: _End = self
        self.waiting: deque[tuple[float, memoryview]] = deque()
        self.size = 0
        self.ended = False
        """It will send nothing any more."""
        self.finished = False
        """It was told that the other end will send nothing any more."""

    def put(self, due: float, data: bytes) -> None:
        if self.waiting:
            due = max(due, self.waiting[-1][0])
        self.waiting.append((due, memoryview(data)))
        self.size += len(data)

    def interest(self, now: float) -> int:
        if not self.connected:
            return selectors.EVENT_WRITE
        reading = not self.ended and self.other.size < MOST_WAITING
        writing = bool(self.waiting) and self.waiting[0][0] <= now
        return selectors.EVENT_READ * reading | selectors.EVENT_WRITE * writing

    def reset(self) -> None:
        with contextlib.suppress(OSError):
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        self.sock.close()


class CuttableLink:
    """A TCP proxy on this machine: connect to its :attr:`address` instead of the real one.

    It runs on one thread of its own, ``pynet-testing-link``. All methods may be called
    from any thread; they return when what they ask for has happened::

        with CuttableLink(gateway.port, delay=0.020) as link:
            car = controller.connect(link.address)
            link.freeze()      # nothing goes through, nothing is closed
            link.thaw()
            link.cut()         # every connection is reset; new ones work

    Args:
        target: where it leads: ``"host:port"``, a pair, or a port of this machine.
        delay: seconds that bytes take, each way.
        split: the most bytes written at once, so that frames arrive torn; None for no limit.

    Attributes:
        delay: seconds each way; may be changed at any time, for bytes that come afterwards.
        split: see above; may be changed at any time.
        forwarded: bytes passed on so far, both ways.

    Raises:
        ConfigurationError: the target is no address, or an option makes no sense.
    """

    def __init__(
        self, target: str | tuple[str, int] | int, *, delay: float = 0.0, split: int | None = None
    ) -> None:
        self._target = _parse(target)
        if delay < 0 or (split is not None and split < 1):
            raise ConfigurationError(f"a link cannot have delay={delay}, split={split}")
        self.delay = delay
        self.split = split
        self.forwarded = 0
        self._frozen = False
        self._closed = False
        self._ends: list[_End] = []
        self._orders: deque[Callable[[], None]] = deque()
        self._order_lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=BACKLOG)
        self._listener.setblocking(False)
        self.port: int = self._listener.getsockname()[1]
        self._wake_in, self._wake_out = socket.socketpair()
        self._wake_in.setblocking(False)
        self._wake_out.setblocking(False)
        self._selector = selectors.DefaultSelector()
        self._thread = threading.Thread(target=self._run, name="pynet-testing-link", daemon=True)
        self._thread.start()

    @property
    def address(self) -> str:
        """Connect here: ``host:port``."""
        return f"127.0.0.1:{self.port}"

    @property
    def connections(self) -> int:
        """How many connections lead through it now."""
        return self._do(lambda: len(self._ends) // 2)

    # ---- what a test does to it ---------------------------------------------------------

    def cut(self, count: int | None = None) -> None:
        """Reset connections; what is on the way is lost. New connections work.

        Args:
            count: the newest so many; None for all.
        """
        self._do(lambda: self._reset(count))

    def freeze(self) -> None:
        """Pass nothing on any more, close nothing, and let connections be made but not served."""
        self._do(lambda: setattr(self, "_frozen", True))

    def thaw(self) -> None:
        """Go on after :meth:`freeze`; what was held back is passed on now."""
        self._do(lambda: setattr(self, "_frozen", False))

    def close(self) -> None:
        """Reset every connection and stop listening. Idempotent."""
        with self._order_lock:
            if self._closed:
                return
            self._closed = True
        self._wake()
        self._thread.join()
        self._wake_out.close()

    def __enter__(self) -> CuttableLink:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        state = "closed" if self._closed else "frozen" if self._frozen else "open"
        return f"<CuttableLink {self.address} to {self._target[0]}:{self._target[1]}, {state}>"

    def _do(self, order: Callable[[], T]) -> T:
        """Run something on the link's thread and wait for it."""
        done = threading.Event()
        results: list[T] = []

        def run() -> None:
            results.append(order())
            done.set()

        with self._order_lock:
            if self._closed:
                raise Closed("this link was closed")
            self._orders.append(run)
        self._wake()
        while not done.wait(1.0):
            if not self._thread.is_alive():
                raise Closed("this link has failed")
        return results[0]

    def _wake(self) -> None:
        with contextlib.suppress(OSError):  # full, so it will wake anyway; or just closed
            self._wake_out.send(b"!")

    # ---- the thread ---------------------------------------------------------------------

    def _run(self) -> None:
        self._selector.register(self._wake_in, selectors.EVENT_READ)
        try:
            while True:
                with self._order_lock:
                    orders, self._orders = self._orders, deque()
                    closed = self._closed
                for order in orders:
                    order()
                if closed:
                    return
                self._serve()
        finally:
            self._reset()
            self._selector.close()
            self._listener.close()
            self._wake_in.close()

    def _serve(self) -> None:
        """Wait for the next thing to happen, and do it."""
        for key, events in self._select():
            if key.fileobj is self._wake_in:
                with contextlib.suppress(BlockingIOError):
                    self._wake_in.recv(READ_SIZE)
            elif key.fileobj is self._listener:
                self._accept()
            else:
                end: _End = key.data
                if end in self._ends:  # the other end may just have failed
                    self._move(end, events)

    def _select(self) -> list[tuple[selectors.SelectorKey, int]]:
        now = time.monotonic()
        wanted: dict[socket.socket, tuple[int, _End | None]] = {}
        timeout: float | None = None
        if not self._frozen:
            wanted[self._listener] = (selectors.EVENT_READ, None)
            for end in self._ends:
                wanted[end.sock] = (end.interest(now), end)
                if end.waiting and end.waiting[0][0] > now:
                    left = end.waiting[0][0] - now
                    timeout = left if timeout is None else min(timeout, left)
        for key in list(self._selector.get_map().values()):
            sock = key.fileobj
            if sock is self._wake_in:
                continue
            assert isinstance(sock, socket.socket)
            events, _ = wanted.get(sock, (0, None))
            if not events:
                self._selector.unregister(sock)
            elif events != key.events:
                self._selector.modify(sock, events, key.data)
        known = {key.fileobj for key in self._selector.get_map().values()}
        for sock, (events, data) in wanted.items():
            if events and sock not in known:
                self._selector.register(sock, events, data)
        return self._selector.select(timeout)

    def _accept(self) -> None:
        try:
            near, _ = self._listener.accept()
        except OSError:  # it went away again
            return
        family = socket.AF_INET6 if ":" in self._target[0] else socket.AF_INET
        far = socket.socket(family, socket.SOCK_STREAM)
        ends = _End(near, connected=True), _End(far, connected=False)
        ends[0].other, ends[1].other = ends[1], ends[0]
        self._ends += ends
        try:
            problem = far.connect_ex(self._target)
        except OSError:  # a name that means nothing
            problem = -1
        if problem not in _IN_PROGRESS:
            self._drop(ends[0])

    def _move(self, end: _End, events: int) -> None:
        try:
            if not end.connected:
                if end.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                    raise ConnectionRefusedError
                end.connected = True
                return
            if events & selectors.EVENT_READ:
                self._read(end)
            if events & selectors.EVENT_WRITE:
                self._write(end)
            self._finish(end)
            self._finish(end.other)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            self._drop(end)

    def _read(self, end: _End) -> None:
        data = end.sock.recv(READ_SIZE)
        if data:
            end.other.put(time.monotonic() + self.delay, data)
        else:
            end.ended = True

    def _write(self, end: _End) -> None:
        due, data = end.waiting[0]
        sent = end.sock.send(data if self.split is None else data[: self.split])
        self.forwarded += sent
        end.size -= sent
        if sent < len(data):
            end.waiting[0] = (due, data[sent:])
        else:
            end.waiting.popleft()

    def _finish(self, end: _End) -> None:
        """Pass on that the other end will send nothing any more, after its last byte."""
        if end.other.ended and not end.waiting and not end.finished and end.connected:
            end.finished = True
            end.sock.shutdown(socket.SHUT_WR)
        if end.finished and end.other.finished:
            for closing in (end, end.other):
                self._forget(closing)
                closing.sock.close()

    def _drop(self, end: _End) -> None:
        for dropping in (end, end.other):
            self._forget(dropping)
            dropping.reset()

    def _forget(self, end: _End) -> None:
        if end in self._ends:
            self._ends.remove(end)
        with contextlib.suppress(KeyError, ValueError):  # it was not waited for
            self._selector.unregister(end.sock)

    def _reset(self, count: int | None = None) -> None:
        for end in self._ends[0 if count is None else max(0, len(self._ends) - 2 * count) :]:
            self._forget(end)
            end.reset()


def _parse(target: str | tuple[str, int] | int) -> tuple[str, int]:
    if isinstance(target, int):
        return "127.0.0.1", target
    if isinstance(target, tuple):
        return target
    host, _, port = target.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not host or not port.isdecimal():
        raise ConfigurationError(f"{target!r} is no address; write host:port")
    return host, int(port)
