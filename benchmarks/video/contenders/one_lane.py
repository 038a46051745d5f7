"""pynet as it was before swarms: JPEG over the one lane of a stream, policy latest."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pynet
from benchmarks.link.link import CAR
from benchmarks.video.contenders import PORT, Ready
from benchmarks.video.contenders.jpeg import pack, unpack
from benchmarks.video.screen import Screen
from benchmarks.video.source import Source


def car(source: Source, ready: Ready) -> None:
    """Pack a picture whenever there is room for one."""
    over = threading.Event()

    def camera() -> Iterator[bytes]:
        number = -1
        while (taken := source.next_after(number, pynet.sleep)) is not None:
            number, picture = taken
            yield pack(picture)
        over.set()

    with pynet.Gateway(CAR, PORT) as gateway:
        gateway.stream(camera, policy="latest")
        ready()
        over.wait()


def laptop(screen: Screen, ready: Ready) -> None:
    """Show what comes."""
    with pynet.Controller(name="benchmark") as controller:
        car = controller.connect(f"{CAR}:{PORT}")

        def show(data: bytes) -> None:
            screen.show(unpack(data))

        with car.stream("camera", show, policy="latest") as client:
            ready()
            client.wait()
