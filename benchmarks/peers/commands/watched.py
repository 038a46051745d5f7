"""pynet: a car with a camera; the driver's feed of commands, and picture, and others who watch."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import numpy as np

import pynet
from benchmarks.harness import PICTURES_FIRST, Peer
from benchmarks.peers.commands import Send, Take
from benchmarks.peers.commands.pynet import WARM
from pi_agent.broadcast import CameraBroadcaster
from pi_agent.cli import SWITCH_INTERVAL
from pi_agent.config import CameraConfig
from pi_agent.hardware.protocols import Picture
from pi_agent.video import CameraVideo, offered
from pynet.rc.messages import CameraFrame

PRIORITY = PICTURES_FIRST
"""Of the car, whose two packers of pictures would keep the laptop from both cores of a machine."""

POOL = 128
PICTURES = 30


class Pattern:
    """A camera that turns a coloured picture round and round, at 30 a second."""

    width, height, fps = 640, 480, 30.0

    def __init__(self) -> None:
        across = np.linspace(0, 255, self.width, dtype=np.uint8)
        down = np.linspace(0, 255, self.height, dtype=np.uint8)
        picture = np.empty((self.height, self.width, 3), np.uint8)
        picture[..., 0], picture[..., 1] = across, down[:, None]
        picture[..., 2] = np.random.default_rng(1).integers(0, 32, picture.shape[:2])
        step = self.width // PICTURES
        self._pictures = [np.roll(picture, number * step, axis=1) for number in range(PICTURES)]
        self._number = 0
        self._due = time.monotonic()
        self._closed = threading.Event()

    def read(self) -> tuple[float, Picture]:
        """Wait for the next one."""
        self._due += 1.0 / self.fps
        self._closed.wait(max(0.0, self._due - time.monotonic()))
        self._number += 1
        return time.monotonic(), self._pictures[self._number % PICTURES]

    def close(self) -> None:
        """End it."""
        self._closed.set()


def serve(stack: contextlib.ExitStack, host: str, take: Take) -> dict[str, Any]:
    """Offer the sink `drive` and the stream `camera`, as the program on a car does."""
    sys.setswitchinterval(SWITCH_INTERVAL)
    config = CameraConfig(source="none")
    video = CameraVideo(CameraBroadcaster("front", Pattern), config, offered(config.codec))
    video.start()
    stack.callback(video.close)
    gateway = pynet.Gateway(host, 0, pool_size=POOL)

    @gateway.sink
    def drive(commands: pynet.Incoming) -> None:
        for command in commands:
            take(command)

    @gateway.stream(policy="latest")
    def camera(codec: str, driver: bool = False) -> Iterator[CameraFrame]:
        yield from video.watch(codec, (lambda: True) if driver else None)

    stack.enter_context(gateway)
    return {"port": gateway.port, "codec": video.codecs[0]}


def connect(
    stack: contextlib.ExitStack,
    host: str,
    facts: dict[str, Any],
    *,
    viewers: int,
    **wishes: Any,
) -> Send:
    """Open the driver's feed and picture, and let the others watch; wait until all of them do."""
    controller = stack.enter_context(pynet.Controller(name="driver"))
    car = controller.connect(f"{host}:{facts['port']}", timeout=20)
    feed = car.feed("drive", **wishes)
    seen = threading.Event()
    # What is shown is another program's work here: nobody unpacks it.
    car.stream(
        "camera",
        lambda _: seen.set(),
        policy=pynet.paced(4),
        lanes=8,
        arguments={"codec": facts["codec"], "driver": True},
    )
    if viewers:
        address = f"{host}:{facts['port']}"
        stack.enter_context(Peer("viewers", address, facts["codec"], viewers, patience=60.0))
    patience = time.monotonic() + WARM
    while (feed.lanes < wishes.get("lanes", 1) or not seen.is_set()) and (
        time.monotonic() < patience
    ):
        time.sleep(0.02)
    return feed.send
