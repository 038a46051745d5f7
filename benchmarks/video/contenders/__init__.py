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
from importlib import metadata
from typing import Any

from benchmarks.harness import version

Ready = Callable[[], None]

PORT = 5555


@dataclass(frozen=True)
class Contender:
    """One way to send pictures.

    Attributes:
        module: of this package.
        package: that does the work; None for Python's own sockets.
        options: further arguments of its two functions.
    """

    module: str
    package: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def ours(self) -> bool:
        """True for pynet."""
        return self.package == "pynet"

    def version(self) -> str:
        """Return what would have to change for its figures to change.

        Raises:
            RuntimeError: its package is not installed.
        """
        if self.package is None:
            return "sockets"
        if self.ours:
            return version("pynet")
        try:
            return f"{self.package} {metadata.version(self.package)}"
        except metadata.PackageNotFoundError as error:
            raise RuntimeError(f"{self.package} is not installed") from error


H264 = {"codec": "h264", "lanes": 8, "window": 4, "copies": 2}
JPEG = {"codec": "jpeg", "lanes": 8}

CONTENDERS: Mapping[str, Contender] = {
    "tcp-jpeg": Contender("raw_tcp"),
    "zmq-conflate": Contender("zeromq", "pyzmq"),
    "imagezmq-reqrep": Contender("image_zmq", "imagezmq", {"reply": True}),
    "imagezmq-pubsub": Contender("image_zmq", "imagezmq", {"reply": False}),
    "netgear": Contender("net_gear", "vidgear"),
    "websockets": Contender("web_socket", "websockets"),
    "aiortc-h264": Contender("web_rtc", "aiortc"),
    "pynet-jpeg": Contender("one_lane", "pynet"),
    "pynet-jpeg-swarm": Contender("swarm", "pynet", JPEG),
    "pynet-h264": Contender("swarm", "pynet", H264),
}
INSECURE: Mapping[str, Contender] = {
    "pynet-jpeg-swarm-insecure": Contender("swarm", "pynet", JPEG | {"insecure": True}),
    "pynet-h264-insecure": Contender("swarm", "pynet", H264 | {"insecure": True}),
}
"""Over plain TCP, to tell what TLS costs."""

ALL: Mapping[str, Contender] = {**CONTENDERS, **INSECURE}
