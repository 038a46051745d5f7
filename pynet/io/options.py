"""Socket options per traffic class: each is tried, and what the system lacks is left out.

Numbers instead of names are options that Python's socket module does not know; the values are
those of Linux's headers, and other systems never see them.
"""

from __future__ import annotations

import logging
import socket
import sys

log = logging.getLogger("pynet.lane")

# Same as trio's default, src/trio/_highlevel_socket.py: enough to keep the wire
# busy, little enough that a fresh item does not queue behind stale ones.
LIVE_UNSENT = 16 * 1024
BULK_UNSENT = 128 * 1024
PACED_UNSENT = 8 * 1024
LIVE_USER_TIMEOUT_MS = 3000
BULK_USER_TIMEOUT_MS = 20_000

RTO_LEAST_US = 20_000
"""TCP waits at least 200 ms before it sends a lost packet again, unless told otherwise."""

RTO_MOST_MS = 1000
ACK_LATEST_US = 4_000

_TCP = socket.IPPROTO_TCP

FAST_RETRANSMIT: tuple[tuple[str, int, int, int], ...] = (
    # linux/tcp.h. The first three need Linux 6.15; older kernels answer ENOPROTOOPT.
    ("TCP_RTO_MIN_US", _TCP, 45, RTO_LEAST_US),
    ("TCP_RTO_MAX_MS", _TCP, 44, RTO_MOST_MS),
    ("TCP_DELACK_MAX_US", _TCP, 46, ACK_LATEST_US),
    # No doubling of the timeout while few packets are on the way: Documentation/networking/tcp-thin
    ("TCP_THIN_LINEAR_TIMEOUTS", _TCP, 16, 1),
)
"""Options of lanes that carry live items; empty to do without, as on other systems."""

_REPAIR: tuple[tuple[str, int, int, int], ...] = (
    ("TCP_RTO_MIN_US", 45, RTO_LEAST_US, 200_000),
    ("TCP_THIN_LINEAR_TIMEOUTS", 16, 1, 0),
)
"""Options of lanes for files: while they are held to a rate, and by default."""

CLASS_COMMAND, CLASS_VIDEO, CLASS_BULK = 0xC0, 0x88, 0x20
"""Values of IP_TOS: CS6, AF41 and CS1. Linux's Wi-Fi maps DSCP >> 3 to the access categories
voice, video and background (cfg80211_classify8021d in net/wireless/util.c)."""


def prepare(sock: socket.socket) -> None:
    """What every lane wants: no Nagle delay, and keepalive as a backstop to the heartbeats."""
    sock.setsockopt(_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    _try_known(sock, "TCP_USER_TIMEOUT", BULK_USER_TIMEOUT_MS)


def favour_freshness(sock: socket.socket, traffic_class: int | None = None) -> dict[str, int]:
    """For live flows: a short queue in the kernel, and losses repaired soon.

    Args:
        sock: of the lane.
        traffic_class: for IP_TOS; None leaves it.

    Returns:
        What the system accepted, by name.
    """
    known = {"TCP_NOTSENT_LOWAT": LIVE_UNSENT, "TCP_USER_TIMEOUT": LIVE_USER_TIMEOUT_MS}
    accepted = {name: value for name, value in known.items() if _try_known(sock, name, value)}
    if sys.platform == "linux":
        accepted |= {
            name: value
            for name, level, number, value in FAST_RETRANSMIT
            if _try(sock, name, level, number, value)
        }
    if traffic_class is not None and mark(sock, traffic_class):
        accepted["IP_TOS"] = traffic_class
    return accepted


def favour_others(sock: socket.socket) -> dict[str, int]:
    """For background transfers: the last class, and no long queue in the kernel."""
    accepted: dict[str, int] = {}
    if _try_known(sock, "TCP_NOTSENT_LOWAT", BULK_UNSENT):
        accepted["TCP_NOTSENT_LOWAT"] = BULK_UNSENT
    if mark(sock, CLASS_BULK):
        accepted["IP_TOS"] = CLASS_BULK
    return accepted


def give_way(sock: socket.socket, paced: bool) -> None:
    """For a background transfer that is held to a rate, or no longer is.

    Little waits in the kernel then, and losses are repaired soon: what a lane has waiting when it
    has repaired one leaves in a burst, beside what other lanes carry, in front of what is live.
    """
    _try_known(sock, "TCP_NOTSENT_LOWAT", PACED_UNSENT if paced else BULK_UNSENT)
    if sys.platform == "linux":
        for name, number, soon, usual in _REPAIR:
            _try(sock, name, _TCP, number, soon if paced else usual)


def go_out_by(sock: socket.socket, interface: str) -> None:
    """Use one network interface, before connecting (Linux).

    Raises:
        OSError: there is none of that name.
    """
    if sys.platform == "linux":
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, interface.encode() + b"\0")


def mark(sock: socket.socket, traffic_class: int) -> bool:
    """Mark what is sent with a traffic class, for radios and routers that care."""
    if sys.platform == "win32":
        return False  # it would say yes and do nothing
    if sock.family == socket.AF_INET6:
        return _try(sock, "IPV6_TCLASS", socket.IPPROTO_IPV6, socket.IPV6_TCLASS, traffic_class)
    return _try(sock, "IP_TOS", socket.IPPROTO_IP, socket.IP_TOS, traffic_class)


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


def _try_known(sock: socket.socket, name: str, value: int) -> bool:
    option = getattr(socket, name, None)
    return option is not None and _try(sock, name, _TCP, option, value)


def _try(sock: socket.socket, name: str, level: int, option: int, value: int) -> bool:
    try:
        sock.setsockopt(level, option, value)
    except OSError as error:
        log.debug("the system refuses %s=%d: %s", name, value, error)
        return False
    return True
