"""pyzmq PUB/SUB with CONFLATE at both ends: the newest message replaces what waits."""

from __future__ import annotations

import zmq

from benchmarks.link.link import CAR
from benchmarks.video.contenders import PORT, Ready
from benchmarks.video.contenders.jpeg import pack, unpack
from benchmarks.video.screen import Screen
from benchmarks.video.source import Source


def car(source: Source, ready: Ready) -> None:
    """Publish every picture."""
    number = -1
    with zmq.Context() as context, context.socket(zmq.PUB) as publisher:
        publisher.setsockopt(zmq.CONFLATE, 1)
        publisher.setsockopt(zmq.LINGER, 0)
        publisher.bind(f"tcp://{CAR}:{PORT}")
        ready()
        while (taken := source.next_after(number)) is not None:
            number, picture = taken
            publisher.send(pack(picture))


def laptop(screen: Screen, ready: Ready) -> None:
    """Show the newest, again and again."""
    with zmq.Context() as context, context.socket(zmq.SUB) as subscriber:
        subscriber.setsockopt(zmq.CONFLATE, 1)
        subscriber.setsockopt(zmq.SUBSCRIBE, b"")
        subscriber.connect(f"tcp://{CAR}:{PORT}")
        ready()
        while True:
            screen.show(unpack(subscriber.recv()))
