"""Commands over emulated links, beside peers; and what they cost on one machine."""

from __future__ import annotations

# As in benchmarks.core: each part is a module of this package with a function `measure`.
PARTS = {
    "lan": "age of 100 Hz commands over a cable, beside raw sockets and peers",
    "wifi_good": "the same over Wi-Fi in the same room",
    "wifi_bad": "the same over Wi-Fi two walls away",
    "wifi_edge": "the same over Wi-Fi where it ends",
    "delivery": "when commands that must arrive arrive, beside raw TCP (wifi-bad and wifi-edge)",
    "options": "a swarm without the kernel's retransmission options (wifi-bad and wifi-edge)",
    "outage": "three seconds of nothing: when commands are back, and how old any executed one was",
    "gil": "100 Hz commands into a process that also computes in pure Python, on loopback",
    "cpu": "what a 100 Hz swarm of 8 lanes costs each side, on loopback",
    "work": "a CPU-heavy batch subroutine over 1, 2 and 4 pairs",
}
