"""imagezmq, in both its patterns, with JPEG as its documentation advises for Wi-Fi."""

from __future__ import annotations

import imagezmq

from benchmarks.link.link import CAR, LAPTOP
from benchmarks.video.contenders import PORT, Ready
from benchmarks.video.contenders.jpeg import pack, unpack
from benchmarks.video.screen import Screen
from benchmarks.video.source import Source


def car(source: Source, ready: Ready, *, reply: bool) -> None:
    """Send the newest picture; wait for the reply if there is to be one."""
    address = f"tcp://{LAPTOP}:{PORT}" if reply else f"tcp://{CAR}:{PORT}"
    number = -1
    sender = imagezmq.ImageSender(connect_to=address, REQ_REP=reply)
    ready()
    while (taken := source.next_after(number)) is not None:
        number, picture = taken
        sender.send_jpg("car", pack(picture))


def laptop(screen: Screen, ready: Ready, *, reply: bool) -> None:
    """Show what comes."""
    address = f"tcp://*:{PORT}" if reply else f"tcp://{CAR}:{PORT}"
    hub = imagezmq.ImageHub(open_port=address, REQ_REP=reply)
    ready()
    while True:
        _, data = hub.recv_jpg()
        if reply:
            hub.send_reply(b"OK")
        screen.show(unpack(data))
