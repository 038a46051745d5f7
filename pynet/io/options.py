"""Socket options per traffic class: each is tried, and what the system lacks is left out."""

from __future__ import annotations

import logging
import socket
import sys

log = logging.getLogger("pynet.lane")

# Same as trio's default, src/trio/_highlevel_socket.py: enough to keep the wire
# busy, little enough that a fresh item does not queue behind stale ones.
LIVE_UNSENT = 16 * 1024
LIVE_USER_TIMEOUT_MS = 3000
BULK_USER_TIMEOUT_MS = 20_000


def prepare(sock: socket.socket) -> None:
    """What every lane wants: no Nagle delay, and keepalive as a backstop to the heartbeats."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    _try(sock, "TCP_USER_TIMEOUT", BULK_USER_TIMEOUT_MS)


def favour_freshness(sock: socket.socket) -> None:
    """For live feeds: keep the kernel's queue of unsent bytes short."""
    _try(sock, "TCP_NOTSENT_LOWAT", LIVE_UNSENT)
    _try(sock, "TCP_USER_TIMEOUT", LIVE_USER_TIMEOUT_MS)


def listen_on(host: str, port: int) -> socket.socket:
    """A listening socket for IPv4 or IPv6 whose port nobody else can share.

    On POSIX SO_REUSEADDR only skips TIME_WAIT; on Windows it would let a
    stranger take the port, so there it is exclusive.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        if sys.platform == "win32":
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((host, port))
        sock.listen(512)
        sock.setblocking(False)
    except BaseException:
        sock.close()
        raise
    return sock


def _try(sock: socket.socket, name: str, value: int) -> None:
    option = getattr(socket, name, None)
    if option is None:
        return
    try:
        sock.setsockopt(socket.IPPROTO_TCP, option, value)
    except OSError as error:
        log.debug("the system refuses %s=%d: %s", name, value, error)
