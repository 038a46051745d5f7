"""The one I/O thread of the process.

It accepts, reads for whoever is busy, writes what did not fit into the
kernel at once, keeps the heartbeats, and runs timers. No user code runs on it.

It starts with the first Gateway or Controller and ends with the last.
"""

from __future__ import annotations

import heapq
import itertools
import logging
import os
import select
import selectors
import socket
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

log = logging.getLogger("pynet.reactor")

TICK = 0.05
"""Seconds between two looks at every lane: heartbeats, deadlines, lanes left unread."""

SUSPENDED = 1.0
"""A tick this late is worth a line in the log."""


SHORT = 0.003
"""Waits up to this long are timed to the microsecond."""


class Watched(Protocol):
    """A thing with a socket that the reactor looks after."""

    def on_readable(self) -> None:
        """Bytes, or a connection, wait to be read."""

    def on_writable(self) -> None:
        """The kernel takes bytes again."""

    def on_tick(self, now: float, late: float) -> None:
        """Called every :data:`TICK` seconds; ``late`` seconds too late, in which nobody read."""


class Reactor:
    """Runs on a thread of its own between :meth:`acquire` and the last :meth:`release`."""

    _shared: Reactor | None = None
    _shared_lock = threading.Lock()

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        # epoll and kqueue take changes while a thread waits in them; select() has to be woken.
        self._live_changes = not isinstance(self._selector, selectors.SelectSelector)
        # epoll waits for whole milliseconds; select, on epoll's descriptor, for microseconds.
        self._fine_timer = _epoll_descriptor(self._selector)
        self._interest: dict[socket.socket, int] = {}
        self._lock = threading.Lock()
        self._watched: set[Watched] = set()
        self._soon: deque[Callable[[], None]] = deque()
        self._timers: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._users = 0
        self._stopping = False
        self._asleep_until = 0.0
        self._wake_receiver, self._wake_sender = socket.socketpair()
        self._wake_receiver.setblocking(False)
        self._wake_sender.setblocking(False)
        self._selector.register(self._wake_receiver, selectors.EVENT_READ, None)
        self._thread = threading.Thread(target=self._run, name="pynet-reactor", daemon=True)

    # ---- life ---------------------------------------------------------------------------

    @classmethod
    def acquire(cls) -> Reactor:
        """The process's reactor, started if need be. Every acquire needs one release."""
        with cls._shared_lock:
            if cls._shared is None:
                cls._shared = cls()
                cls._shared._thread.start()
            cls._shared._users += 1
            return cls._shared

    def release(self) -> None:
        """Give one :meth:`acquire` back; the last one stops and joins the thread."""
        with Reactor._shared_lock:
            self._users -= 1
            if self._users:
                return
            Reactor._shared = None
        self._stopping = True
        self.wake()
        if threading.current_thread() is not self._thread:
            self._thread.join()

    # ---- sockets, from any thread -------------------------------------------------------

    def watch(self, thing: Watched) -> None:
        """Tick this thing until :meth:`forget`."""
        with self._lock:
            self._watched.add(thing)

    def forget(self, thing: Watched) -> None:
        """No more ticks."""
        with self._lock:
            self._watched.discard(thing)

    def want(self, sock: socket.socket, thing: Watched, events: int) -> None:
        """Say which events of a socket are wanted from now on; 0 for none."""
        with self._lock:
            before = self._interest.get(sock, 0)
            if before == events:
                return
            try:
                if not events:
                    del self._interest[sock]
                    self._selector.unregister(sock)
                elif before:
                    self._interest[sock] = events
                    self._selector.modify(sock, events, thing)
                else:
                    self._interest[sock] = events
                    self._selector.register(sock, events, thing)
            except (KeyError, ValueError, OSError) as error:
                log.debug("the selector no longer knows %s: %s", sock, error)
        if not self._live_changes:
            self.wake()

    # ---- timers, from any thread --------------------------------------------------------

    def call_soon(self, function: Callable[[], None]) -> None:
        """Run something short on the reactor's thread."""
        self._soon.append(function)
        self.wake()

    def call_at(self, when: float, function: Callable[[], None], *, relaxed: bool = False) -> None:
        """Run something short at a monotonic time; there is no way to take it back.

        Args:
            when: seconds.
            function: runs on the reactor's thread.
            relaxed: do not wake the reactor for it; it may come up to :data:`TICK` too late.
        """
        with self._lock:
            heapq.heappush(self._timers, (when, next(self._order), function))
            early = when < self._asleep_until
        if early and not relaxed:
            self.wake()

    def wake(self) -> None:
        """End the current wait."""
        if threading.get_ident() == self._thread.ident:
            return  # it is awake, and looks at everything before it sleeps
        try:
            self._wake_sender.send(b"\0")
        except (BlockingIOError, OSError):
            return  # it is awake already, or gone

    # ---- the thread ---------------------------------------------------------------------

    def _run(self) -> None:
        next_tick = time.monotonic() + TICK
        try:
            while not self._stopping:
                now = time.monotonic()
                if now >= next_tick:
                    self._tick(now, now - next_tick)
                    next_tick = time.monotonic() + TICK
                self._run_due()
                self._serve(self._time_to_sleep(next_tick))
        finally:
            self._run_due()
            self._selector.close()
            self._wake_receiver.close()
            self._wake_sender.close()

    def _time_to_sleep(self, next_tick: float) -> float:
        with self._lock:
            until = min(next_tick, self._timers[0][0]) if self._timers else next_tick
            self._asleep_until = until
        return 0.0 if self._soon else max(0.0, until - time.monotonic())

    def _serve(self, timeout: float) -> None:
        if 0 < timeout < SHORT and self._fine_timer is not None:
            select.select((self._fine_timer,), (), (), timeout)
            timeout = 0
        for key, events in self._selector.select(timeout):
            thing: Any = key.data
            if thing is None:
                self._drain_wakes()
                continue
            if events & selectors.EVENT_READ:
                self._guard(thing.on_readable)
            if events & selectors.EVENT_WRITE:
                self._guard(thing.on_writable)

    def _drain_wakes(self) -> None:
        try:
            self._wake_receiver.recv(4096)
        except BlockingIOError:
            return

    def _run_due(self) -> None:
        while self._soon:
            self._guard(self._soon.popleft())
        while True:
            with self._lock:
                if not self._timers or self._timers[0][0] > time.monotonic():
                    return
                function = heapq.heappop(self._timers)[2]
            self._guard(function)

    def _tick(self, now: float, late: float) -> None:
        if late > SUSPENDED:
            log.info("this process slept for %.1f s, which is held against no peer", late)
        with self._lock:
            things = list(self._watched)
        for thing in things:
            try:
                thing.on_tick(now, late)
            except Exception:
                log.exception("a tick of %r failed", thing)

    @staticmethod
    def _guard(function: Callable[[], None]) -> None:
        # One lane's trouble must not take the thread of all the others down.
        try:
            function()
        except Exception:
            log.exception("%r failed on the reactor", function)


def _start_afresh() -> None:
    """In a forked child, where the parent's thread does not exist: make a reactor of its own."""
    Reactor._shared = None
    Reactor._shared_lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_start_afresh)


def _epoll_descriptor(selector: selectors.BaseSelector) -> int | None:
    """The descriptor of an epoll selector, if select() can wait for it."""
    epoll = getattr(selectors, "EpollSelector", None)
    if epoll is None or not isinstance(selector, epoll):
        return None
    descriptor: int = selector.fileno()
    return descriptor if descriptor < 1024 else None
