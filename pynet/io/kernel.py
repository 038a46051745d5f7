"""What the kernel knows about a TCP connection, where it tells."""

from __future__ import annotations

import array
import socket
import struct
import sys
from dataclasses import dataclass

if sys.platform == "linux":
    import fcntl
    import termios

TELLS = sys.platform in ("linux", "darwin")
"""Whether :func:`unacked_bytes` knows anything here."""

_NWRITE = 0x1024
"""SO_NWRITE of macOS, sys/socket.h: bytes in the send buffer, acknowledged ones excluded."""

# struct tcp_info of linux/tcp.h: 8 bytes of flags, then 32-bit numbers.
_INFO = struct.Struct("8B24I")


@dataclass(frozen=True, slots=True)
class TcpInfo:
    """An excerpt of Linux's TCP_INFO.

    Attributes:
        rtt, rtt_var: smoothed round trip and its variation, seconds.
        rto: retransmission timeout now, seconds.
        backoff: how often it was doubled.
        unacked: packets on the way.
        retransmits: packets sent again since the connection began.
    """

    rtt: float
    rtt_var: float
    rto: float
    backoff: int
    unacked: int
    retransmits: int


def unacked_bytes(sock: socket.socket) -> int | None:
    """Bytes handed to the kernel that the other machine has not acknowledged.

    Returns:
        None where the system does not tell, or the socket is closed. SIOCOUTQ on Linux
        (tcp(7)), SO_NWRITE on macOS.
    """
    try:
        return _unacked(sock)
    except (OSError, ValueError):
        return None


if sys.platform == "linux":
    _count = array.array("i", bytes(2048))
    """Larger than 1 KiB, so that ioctl() keeps the interpreter lock: its call takes less than a
    microsecond, getting the lock again may take milliseconds (fcntl_ioctl in fcntlmodule.c)."""

    def _unacked(sock: socket.socket) -> int | None:
        fcntl.ioctl(sock.fileno(), termios.TIOCOUTQ, _count)
        return _count[0]

    def unread_bytes(sock: socket.socket) -> int | None:
        """Bytes that have arrived and were not read; None where nobody tells without waiting."""
        try:
            fcntl.ioctl(sock.fileno(), termios.FIONREAD, _count)
        except (OSError, ValueError):
            return None
        return _count[0]

else:

    def unread_bytes(sock: socket.socket) -> int | None:
        """Bytes that have arrived and were not read; None where nobody tells without waiting."""
        del sock
        return None


if sys.platform == "darwin":

    def _unacked(sock: socket.socket) -> int | None:
        return sock.getsockopt(socket.SOL_SOCKET, _NWRITE)

elif sys.platform != "linux":

    def _unacked(sock: socket.socket) -> int | None:
        del sock
        return None


def acknowledge(sock: socket.socket) -> None:
    """Tell the other machine at once what has arrived, where TCP would wait for company (Linux).

    TCP_QUICKACK does not last, see tcp(7): it is asked for after each read.
    """
    option = getattr(socket, "TCP_QUICKACK", None)
    if option is not None:
        try:
            sock.setsockopt(socket.IPPROTO_TCP, option, 1)
        except OSError:
            return  # it is gone, which the next read tells


def tcp_info(sock: socket.socket) -> TcpInfo | None:
    """TCP_INFO, or None where there is none."""
    option = getattr(socket, "TCP_INFO", None)
    if sys.platform != "linux" or option is None:
        return None
    try:
        raw = sock.getsockopt(socket.IPPROTO_TCP, option, _INFO.size)
    except (OSError, ValueError):
        return None
    if len(raw) < _INFO.size:
        return None
    fields = _INFO.unpack(raw)
    number = fields[8:]
    return TcpInfo(
        rtt=number[15] / 1e6,
        rtt_var=number[16] / 1e6,
        rto=number[0] / 1e6,
        backoff=fields[4],
        unacked=number[4],
        retransmits=number[23],
    )
