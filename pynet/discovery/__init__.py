"""Gateways find each other's Controllers without typed addresses: mDNS service ``_pynet._tcp``.

What is found is a hint and never a proof: anybody in the network can say anything. Who it really is
shows when a Controller connects, by its certificate.
"""

from pynet.discovery.announcement import Announcement
from pynet.discovery.browser import Browser
from pynet.discovery.record import Found

__all__ = ["Announcement", "Browser", "Found"]
