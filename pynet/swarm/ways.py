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

EXCLUDED, LONGEST = 60.0, 3600.0
"""Seconds for which an interface is left out after a lane over it could not be opened: at first,
and after many such trials. Some lead to other machines only, and always will."""

_STATE = Path("/sys/class/net")


class Ways:
    """Chooses among interfaces by how many lanes each has already.

    Args:
        interfaces: names; none or one means that the system chooses.
    """

    def __init__(self, interfaces: Iterable[str]) -> None:
        self._names = list(interfaces)
        self._bad_until: dict[str, float] = {}
        self._bad_for: dict[str, float] = {}

    def update(self, interfaces: Iterable[str]) -> None:
        """These are up now. One that was not is worth a try, whatever it did before."""
        names = list(interfaces)
        for name in set(names) - set(self._names):
            self._bad_until.pop(name, None)
            self._bad_for.pop(name, None)
        self._names = names

    def next(self, used: Iterable[str | None], now: float) -> str | None:
        """The interface for one more lane.

        Args:
            used: interfaces of the lanes there are, and of those that are being opened.
            now: monotonic time.

        Returns:
            None to let the system choose, as it does for a swarm's first lane.
        """
        taken = list(used)
        good = self._good(now)
        if len(self._names) < 2 or not taken or not good:
            return None
        return min(good, key=taken.count)

    def crowded(self, used: Iterable[str | None], now: float) -> list[str | None]:
        """The interface that should give a lane to another, if there is one; None is the system's.

        So lanes come back to an interface that was away, and to one that was not there before.
        """
        taken = list(used)
        good = self._good(now)
        if len(self._names) < 2 or not taken or not good:
            return []
        most = max(taken, key=taken.count)
        return [most] if taken.count(most) - min(map(taken.count, good)) > 1 else []

    def _good(self, now: float) -> list[str]:
        return [name for name in self._names if self._bad_until.get(name, 0.0) <= now]

    def failed(self, name: str | None, now: float) -> None:
        """No lane could be opened over this interface."""
        if name is not None and self._bad_until.get(name, 0.0) <= now:
            seconds = self._bad_for.get(name, EXCLUDED)
            self._bad_for[name] = min(LONGEST, 2 * seconds)
            self._bad_until[name] = now + seconds


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
