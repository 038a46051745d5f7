"""pynet: one feed into a sink, over one pair or a swarm of them."""

from __future__ import annotations

import contextlib
import time
from typing import Any

import pynet
from benchmarks.peers.commands import Send, Take
from pynet.io import options

POOL = 40

WARM = 5.0
"""Seconds that lanes may take to join before the commands begin."""


def without_kernel_options() -> None:
    """Let this process do without what only newer kernels of Linux offer to sockets."""
    options.FAST_RETRANSMIT = ()


def serve(
    stack: contextlib.ExitStack,
    host: str,
    take: Take,
    *,
    kernel_options: bool = True,
    insecure: bool = False,
    max_age: float | None = None,
) -> dict[str, Any]:
    """Offer the sink `drive`, which leaves out what is older than `max_age` seconds."""
    if not kernel_options:
        without_kernel_options()
    gateway = pynet.Gateway(host, 0, pool_size=POOL, insecure=insecure, allow_network=insecure)

    @gateway.sink(max_age=max_age)
    def drive(commands: pynet.Incoming) -> None:
        for command in commands:
            take(command)

    stack.enter_context(gateway)
    return {"port": gateway.port}


def connect(
    stack: contextlib.ExitStack,
    host: str,
    facts: dict[str, Any],
    *,
    kernel_options: bool = True,
    insecure: bool = False,
    **wishes: Any,
) -> Send:
    """Open the feed with these wishes, and wait until all its lanes have joined."""
    if not kernel_options:
        without_kernel_options()
    controller = stack.enter_context(pynet.Controller(name="benchmark", insecure=insecure))
    car = controller.connect(f"{host}:{facts['port']}", timeout=20)
    feed = car.feed("drive", **wishes)
    patience = time.monotonic() + WARM
    while feed.lanes < wishes.get("lanes", 1) and time.monotonic() < patience:
        time.sleep(0.02)
    return feed.send
