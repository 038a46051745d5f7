"""pynet's live video: a swarm of lanes, an encoder that adapts to what the receiver reports."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterator

import pynet
from benchmarks.link.link import CAR
from benchmarks.video.contenders import PORT, Ready
from benchmarks.video.screen import Screen
from benchmarks.video.source import FPS, HEIGHT, WIDTH, Source
from pynet.rc.messages import CameraFrame
from pynet.rc.video import AdaptiveController, Decoder, ladder, make_encoder

POOL = 16
"""Handlers: twice the lanes, so that a lane can be replaced before the old one is given up."""


def car(source: Source, ready: Ready, *, insecure: bool = False, **_: object) -> None:
    """Pack the newest picture whenever there is room for one, as finely as the link bears."""
    over = threading.Event()

    def camera(codec: str) -> Iterator[CameraFrame]:
        yield from packed(source, codec)
        over.set()

    with pynet.Gateway(
        CAR, PORT, pool_size=POOL, insecure=insecure, allow_network=insecure
    ) as gateway:
        gateway.stream(camera)
        ready()
        over.wait()


def packed(source: Source, codec: str) -> Iterator[CameraFrame]:
    """Yield packed pictures, as a subroutine does."""
    adaptive = AdaptiveController(codec, ladder(codec, WIDTH, HEIGHT, FPS))
    encoder = make_encoder(codec, WIDTH, HEIGHT, adaptive.setting)
    wanted, index = 0.0, 0
    while (taken := source.next_after(math.ceil(wanted) - 1, pynet.sleep)) is not None:
        number, picture = taken
        now = time.monotonic()
        setting = adaptive.update(now, pynet.flow())
        encoder.apply(setting)
        packed = encoder.encode(picture)
        adaptive.sent(len(packed.data))
        yield CameraFrame(
            number, now, packed.width, packed.height, packed.codec, packed.data, packed.key, index
        )
        index += 1
        wanted = max(wanted, number) + FPS / setting.fps


def laptop(
    screen: Screen,
    ready: Ready,
    *,
    codec: str,
    lanes: int,
    window: int = 0,
    copies: int = 1,
    insecure: bool = False,
) -> None:
    """Show what comes.

    Args:
        screen: where.
        ready: called when the stream is open.
        codec: "jpeg" or "h264".
        lanes: of the swarm.
        window: of policy paced; latest if 0.
        copies: of each part, while there are idle lanes.
        insecure: over plain TCP.
    """
    decoder = Decoder()

    def show(frame: CameraFrame) -> None:
        picture = decoder.decode(frame)
        if picture is not None:
            screen.show(picture)

    with pynet.Controller(name="benchmark", insecure=insecure) as controller:
        policy = pynet.paced(window) if window else pynet.latest
        car = controller.connect(f"{CAR}:{PORT}")
        with car.stream("camera", show, codec, policy=policy, lanes=lanes, copies=copies) as client:
            ready()
            client.wait()
