"""Bad radio on one machine: two network namespaces joined by an emulated link.

    python -m benchmarks.link wifi-bad --car "pynet serve ..." -- pynet ...

The same from code is :class:`Link`. It needs root, /dev/net/tun, the program `ip` and a C compiler.
"""

from __future__ import annotations

from benchmarks.link.errors import LinkError
from benchmarks.link.link import CAR, LAPTOP, Link
from benchmarks.link.profiles import PROFILES, Burst, Outage, Profile, Way
from benchmarks.link.statistics import Statistics, WayStatistics
from benchmarks.link.system import why_not

__all__ = [
    "CAR",
    "LAPTOP",
    "PROFILES",
    "Burst",
    "Link",
    "LinkError",
    "Outage",
    "Profile",
    "Statistics",
    "Way",
    "WayStatistics",
    "why_not",
]
