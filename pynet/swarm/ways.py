"""Which network interface the next lane should use, when there are several. Pure but for the list.

Two radios seldom fail at the same moment. Lanes of one swarm are therefore spread over all
interfaces that lead to the other side: Wi-Fi and a cable, or Wi-Fi and a phone on USB.
"""

from __future__ import annotations

import ipaddress
import socket
import sys
from collections.abc import Iterable
from pathlib import Path

EXCLUDED = 60.0
"""Seconds for which an interface is left out after a lane over it could not be opened."""

_STATE = Path("/sys/class/net")


class Ways:
    """Chooses among interfaces by how many lanes each has already.

    Args:
        interfaces: names; none or one means that the system chooses.
    """

    def __init__(self, interfaces: Iterable[str]) -> None:
        self._names = list(interfaces)
        self._bad_until: dict[str, float] = {}

    def next(self, used: Iterable[str | None], now: float) -> str | None:
        """The interface for one more lane.

        Args:
            used: interfaces of the lanes there are.
            now: monotonic time.

        Returns:
            None to let the system choose, as it does for a swarm's first lane.
        """
        taken = list(used)
        good = [name for name in self._names if self._bad_until.get(name, 0.0) <= now]
        if len(self._names) < 2 or not taken or not good:
            return None
        return min(good, key=taken.count)

    def failed(self, name: str | None, now: float) -> None:
        """No lane could be opened over this interface."""
        if name is not None:
            self._bad_until[name] = now + EXCLUDED


def interfaces_for(host: str) -> list[str]:
    """Names of this machine's interfaces that are up and may lead to a host (Linux only).

    One that does not lead there is noticed at the first try, which costs no packet.
    """
    if not sys.platform.startswith("linux") or _is_local(host):
        return []
    return [name for _, name in socket.if_nameindex() if name != "lo" and _is_up(name)]


def _is_local(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _is_up(name: str) -> bool:
    try:
        # Tunnels do not know their state.
        return (_STATE / name / "operstate").read_text().strip() in ("up", "unknown")
    except OSError:
        return False
