"""Pictures over emulated links, beside other ways to send them.

A picture's age is the time from when it existed at the car to when it lies decoded in the
laptop's memory; the age on display is that of the newest whole picture at any moment. Camera,
radio firmware and screen are not in it. With 30 pictures a second nothing can do better than 17
ms (median) and 33 ms (p99) plus the way.
"""

from __future__ import annotations

# Each part is a module of this package with a function `measure`.
PARTS = {
    "lan": "pictures over a cable: age on display, whole pictures a second, quality",
    "wifi_good": "the same over Wi-Fi in the same room",
    "wifi_good_bulk": "the same while a file copy fills the link",
    "wifi_bad": "the same over Wi-Fi two walls away",
    "wifi_edge": "the same over Wi-Fi where it ends",
    "outage": "how soon after an outage of 3 s the first picture is back",
    "cpu": "what H.264 at 30 pictures a second costs both ends",
}
