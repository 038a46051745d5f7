"""The Gateway's hold on its file process: starts it when it is needed, hands connections to it."""

from __future__ import annotations

import logging
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from pynet.errors import PynetError
from pynet.files import child
from pynet.files.channel import PASSES_SOCKETS, SOCKET, Channel
from pynet.files.process import GRACE, SHARE, Settings, file_gateway
from pynet.files.shares import Share, Shares

if TYPE_CHECKING:
    from pynet.gateway import Gateway

log = logging.getLogger("pynet.files")

SOON = 2.0
"""Seconds: a process that ends sooner after its start is not started again for as long."""

PATIENCE = 1.0
"""Seconds for which the process may outlive what :data:`~pynet.files.process.GRACE` gives it."""


class FileProcess:
    """Starts the file process with the first connection, and again when it has died.

    Where a system cannot hand over sockets the same Gateway for files runs on threads of this
    process. All methods may be called from any thread, and none but :meth:`close` waits.

    Args:
        gateway: whose it is; it runs.
        shares: what it shares now.
    """

    def __init__(self, gateway: Gateway, shares: Shares) -> None:
        self._settings = Settings.of(gateway)
        self._trust = gateway.trust
        self._shares = shares
        self._lock = threading.Lock()
        self._child: _Child | None = None
        self._inside: Gateway | None = None
        self._rest_until = 0.0
        self._closed = False

    @property
    def pid(self) -> int | None:
        """Of the process, if there is one."""
        current = self._child
        return None if current is None else current.pid

    def take(self, sock: socket.socket, host: str) -> bool:
        """Serve a connection; it stays open here, too.

        Returns:
            False when that cannot be: the process has just died, or has too much to do.
        """
        with self._lock:
            if self._closed:
                return False
            if not PASSES_SOCKETS or not child.possible():
                return self._take_inside(sock, host)
            if self._child is None:
                if time.monotonic() < self._rest_until:
                    return False
                self._child = _Child(self._settings, self._shares, self._on_end)
            return self._child.channel.offer([SOCKET, host], sock)

    def share(self, share: Share) -> None:
        """One more root, which is among ``shares`` already."""
        with self._lock:
            if self._child is not None and not self._child.channel.offer([SHARE, share.pack()]):
                log.error("the file process does not learn of %s; it is ended", share.name)
                self._child.channel.hang_up()

    def close(self) -> None:
        """End the process and wait for it. Idempotent."""
        with self._lock:
            self._closed = True
            current, inside = self._child, self._inside
        if current is not None:
            current.close()
        if inside is not None:
            inside.close(GRACE)

    def _take_inside(self, sock: socket.socket, host: str) -> bool:
        if self._inside is None:
            try:
                self._inside = file_gateway(self._settings, self._shares, self._trust)
            except PynetError as error:
                log.error("files cannot be served: %s", error)
                return False
        self._inside.adopt(sock.dup(), host)
        return True

    def _on_end(self, ended: _Child) -> None:
        with self._lock:
            if self._child is ended:
                self._child = None
            now = time.monotonic()
            if now - ended.since < SOON:
                self._rest_until = now + SOON
            closed = self._closed
        if not closed:
            log.error("the file process has ended; the next connection starts another")


class _Child:
    """One life of the process.

    Args:
        settings, shares: what it must know.
        on_end: told when it has ended, on the thread that looks after it.
    """

    def __init__(
        self, settings: Settings, shares: Shares, on_end: Callable[[_Child], None]
    ) -> None:
        self.since = time.monotonic()
        self._on_end = on_end
        ours, self._theirs = socket.socketpair()
        self.channel = Channel(ours)
        # It waits in the pair of sockets until the process is there to read it, as what follows.
        self.channel.offer([settings.pack(), [share.pack() for share in shares.all()]])
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._run, name="pynet-files-process", daemon=True)
        self._thread.start()

    @property
    def pid(self) -> int | None:
        process = self._process
        return None if process is None else process.pid

    def close(self) -> None:
        """Ask it to end, and see to it that it does."""
        self.channel.finish()
        self._thread.join(GRACE + PATIENCE)
        process = self._process
        if self._thread.is_alive() and process is not None:
            log.warning("the file process %d does not end; it is killed", process.pid)
            process.kill()
        self._thread.join()

    def _run(self) -> None:
        """Start it, log what it logs, wait for its end."""
        try:
            with self._theirs:
                self._process = child.start("pynet.files.process", self._theirs)
            log.debug("file process %d starts", self._process.pid)
            while (message := self.channel.receive()) is not None:
                child.replay(message.value)
        except OSError as error:
            log.error("the file process cannot be started: %s", error)
        finally:
            if self._process is not None:
                self._wait(self._process)
            self._on_end(self)
            self.channel.close()

    def _wait(self, process: subprocess.Popen[bytes]) -> None:
        """It has closed its end, so it ends, unless it is mad."""
        try:
            process.wait(GRACE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
