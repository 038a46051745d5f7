"""Transfers that stand back for live flows: the delay of those decides how fast these go."""

from pynet.bulk.delays import LiveDelays, Reading, live_delays
from pynet.bulk.rate import DelayYield, Pacer
from pynet.bulk.sender import Bulk, limit_socket, paced_bulk

__all__ = [
    "Bulk",
    "DelayYield",
    "LiveDelays",
    "Pacer",
    "Reading",
    "limit_socket",
    "live_delays",
    "paced_bulk",
]
