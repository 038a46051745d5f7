"""Who breaks the rules gets one line in the log now and then, however often they do."""

from __future__ import annotations

import ipaddress
import logging
import threading
import time
from collections import OrderedDict

log = logging.getLogger("pynet.gateway")

INTERVAL = 60.0
"""Seconds in which one offender gets one line."""

MOST = 1024
"""Offenders that are remembered."""


class Offenders:
    """Complains about other machines. Any thread.

    Args:
        interval: seconds in which each gets one line.
    """

    def __init__(self, interval: float = INTERVAL) -> None:
        self._interval = interval
        self._lock = threading.Lock()
        self._known: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def complain(self, host: str, message: str) -> None:
        """Write a warning, unless there was one about that machine not long ago.

        Args:
            host: its address.
            message: a sentence that says who it is, too.
        """
        who, now = neighbourhood(host), time.monotonic()
        with self._lock:
            since, silent = self._known.get(who, (now - self._interval, 0))
            due = now - since >= self._interval
            self._known[who] = (now, 0) if due else (since, silent + 1)
            self._known.move_to_end(who)
            if len(self._known) > MOST:
                self._known.popitem(last=False)
        if not due:
            log.debug("%s", message)
            return
        more = f" ({silent} more complaints about {host} were left out)" if silent else ""
        log.warning("%s%s", message, more)


def neighbourhood(host: str) -> str:
    """What one machine may have to itself: an address, or a whole network of IPv6."""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return host
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((address, 64), strict=False))
