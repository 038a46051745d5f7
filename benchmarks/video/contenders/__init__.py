"""Ways to send pictures.

Each is a module with two functions that return when there are no more pictures::

    def car(source: Source, ready: Ready, ...) -> None
    def laptop(screen: Screen, ready: Ready, ...) -> None

They run at the two ends of a link, the car's first; each calls ``ready()`` once it waits for the
other, or has it. Only what a module needs is imported by it, so that one missing package stops
one contender.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

Ready = Callable[[], None]

PORT = 5555


@dataclass(frozen=True)
class Contender:
    """One way to send pictures.

    Attributes:
        module: of this package.
        options: further arguments of its two functions.
        ours: True for pynet.
    """

    module: str
    options: Mapping[str, Any] = field(default_factory=dict)
    ours: bool = False


CONTENDERS: Mapping[str, Contender] = {
    "tcp-jpeg": Contender("raw_tcp"),
    "zmq-conflate": Contender("zeromq"),
    "imagezmq-reqrep": Contender("image_zmq", {"reply": True}),
    "imagezmq-pubsub": Contender("image_zmq", {"reply": False}),
    "netgear": Contender("net_gear"),
    "websockets": Contender("web_socket"),
    "aiortc-h264": Contender("web_rtc"),
    "pynet-jpeg": Contender("one_lane", ours=True),
    "pynet-jpeg-swarm": Contender("swarm", {"codec": "jpeg", "lanes": 8}, ours=True),
    "pynet-h264": Contender(
        "swarm", {"codec": "h264", "lanes": 8, "window": 4, "copies": 2}, ours=True
    ),
}
