"""NetGear of vidgear, in its default pattern (ZeroMQ PAIR), with its own JPEG."""

from __future__ import annotations

from typing import Any

from vidgear.gears import NetGear

from benchmarks.link.link import LAPTOP
from benchmarks.video.contenders import PORT, Ready
from benchmarks.video.contenders.jpeg import QUALITY
from benchmarks.video.screen import Screen
from benchmarks.video.source import Source

OPTIONS: dict[str, Any] = {"jpeg_compression": True, "jpeg_compression_quality": QUALITY}


def car(source: Source, ready: Ready) -> None:
    """Send every picture."""
    number = -1
    gear = NetGear(address=LAPTOP, port=str(PORT), protocol="tcp", **OPTIONS)
    ready()
    while (taken := source.next_after(number)) is not None:
        number, picture = taken
        gear.send(picture)


def laptop(screen: Screen, ready: Ready) -> None:
    """Show what comes."""
    gear = NetGear(address=LAPTOP, port=str(PORT), protocol="tcp", receive_mode=True, **OPTIONS)
    ready()
    while (picture := gear.recv()) is not None:
        screen.show(picture)
