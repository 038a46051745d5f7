"""zenoh over TCP between two peers, without scouting; each command goes at once (express)."""

from __future__ import annotations

import contextlib
import time
from typing import Any

import zenoh

from benchmarks.peers.commands import Send, Take

KEY = "car/drive"
PORT = 7447


def configuration(side: str, host: str, port: int) -> zenoh.Config:
    """Return how a peer `listen`s or `connect`s at this address, and nowhere else."""
    config = zenoh.Config()
    config.insert_json5("mode", '"peer"')
    config.insert_json5("scouting/multicast/enabled", "false")
    config.insert_json5("listen/endpoints", "[]")
    config.insert_json5(f"{side}/endpoints", f'["tcp/{host}:{port}"]')
    return config


def serve(stack: contextlib.ExitStack, host: str, take: Take, **_options: Any) -> dict[str, Any]:
    """Subscribe with a callback."""
    session = stack.enter_context(zenoh.open(configuration("listen", host, PORT)))
    session.declare_subscriber(KEY, lambda sample: take(bytes(sample.payload)))
    return {"port": PORT}


def connect(stack: contextlib.ExitStack, host: str, facts: dict[str, Any], **_options: Any) -> Send:
    """Publish, once the car is known to listen."""
    session = stack.enter_context(zenoh.open(configuration("connect", host, facts["port"])))
    publisher = session.declare_publisher(
        KEY,
        express=True,
        priority=zenoh.Priority.REAL_TIME,
        congestion_control=zenoh.CongestionControl.DROP,
    )
    deadline = time.monotonic() + 20
    # Whether this is the answer or an object that holds it depends on zenoh's version.
    while not getattr(status := publisher.matching_status, "matching", status):
        if time.monotonic() > deadline:
            raise TimeoutError("the subscriber was not found within 20 s")
        time.sleep(0.02)

    def send(command: bytes) -> None:
        publisher.put(command)

    return send
