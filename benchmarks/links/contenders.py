"""Who carries commands from the laptop to the car."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import metadata
from typing import Any

from benchmarks.harness import Report, version

OLD_COMMAND = 0.25
"""Seconds after which a car does not execute a command any more."""


@dataclass(frozen=True)
class Contender:
    """One way to carry commands.

    Attributes:
        name: what it is called in figures and after ``--only``.
        kind: its module in ``benchmarks.peers.commands``.
        package: the one that does the work, as it is installed; None for sockets alone.
        car: options for the car's end.
        laptop: options for the laptop's end.
    """

    name: str
    kind: str
    package: str | None = None
    car: Mapping[str, Any] = field(default_factory=dict)
    laptop: Mapping[str, Any] = field(default_factory=dict)

    def version(self) -> str:
        """Return what would have to change for its figures to change.

        Raises:
            RuntimeError: its package is not installed.
        """
        if self.package is None:
            return "sockets"
        if self.package == "pynet":
            return version("pynet")
        try:
            return f"{self.package} {metadata.version(self.package)}"
        except metadata.PackageNotFoundError as error:
            raise RuntimeError(f"{self.package} is not installed") from error


def _peer(name: str, kind: str, package: str | None = None, **options: Any) -> Contender:
    return Contender(name, kind, package, options, options)


def _pynet(name: str, *, both: Mapping[str, Any] | None = None, **feed: Any) -> Contender:
    return Contender(name, "pynet", "pynet", both or {}, {**(both or {}), **feed})


UDP = _peer("udp", "udp")
TCP = _peer("tcp", "tcp")
ZMQ = _peer("zmq", "zeromq", "pyzmq")
PYNET_1 = _pynet("pynet-1", policy="latest")
PYNET_8 = _pynet("pynet-8", policy="latest", lanes=8)
PYNET_8_COPIES = _pynet("pynet-8-copies", policy="latest", lanes=8, copies=2)
OLD_KERNEL = {"kernel_options": False}
PYNET_8_PLAIN = _pynet("pynet-8-plain", policy="latest", lanes=8, both=OLD_KERNEL)
PYNET_16_PLAIN = _pynet("pynet-16-plain", policy="latest", lanes=16, both=OLD_KERNEL)
PYNET_8_INSECURE = _pynet("pynet-8-insecure", policy="latest", lanes=8, both={"insecure": True})
PYNET_8_LIMIT = Contender(
    "pynet-8-max-age",
    "pynet",
    "pynet",
    car={"max_age": OLD_COMMAND},
    laptop={"policy": "latest", "lanes": 8},
)
PYNET_16 = _pynet("pynet-16", policy="latest", lanes=16)
PYNET_16_COPIES = _pynet("pynet-16-copies", policy="latest", lanes=16, copies=2)
PYNET_RELIABLE = _pynet("pynet-reliable", policy="reliable", lanes=8)
PYNET_RELIABLE_16 = _pynet("pynet-reliable-16", policy="reliable", lanes=16)

# Sockets first and pynet last; a run takes each in turn, and every second seed backwards.
AGES = (
    UDP,
    Contender("udp-twice", "udp", laptop={"copies": 2, "gap": 5}),
    TCP,
    _peer("tcp-reno", "tcp", congestion="reno"),
    _peer("tcp-cubic", "tcp", congestion="cubic"),
    ZMQ,
    _peer("zmq-conflate", "zeromq", "pyzmq", conflate=True),
    _peer("zenoh", "zenoh", "eclipse-zenoh"),
    _peer("grpc", "grpc", "grpcio"),
    _peer("websockets", "websockets", "websockets"),
    _peer("rpyc", "rpyc", "rpyc"),
    _peer("aiortc", "aiortc", "aiortc"),
    PYNET_1,
    PYNET_8,
    PYNET_8_COPIES,
    PYNET_16,
    PYNET_16_COPIES,
)
DELIVERY = (TCP, PYNET_RELIABLE, PYNET_RELIABLE_16)
OPTIONS = (UDP, PYNET_8_PLAIN, PYNET_16_PLAIN)
OUTAGE = (UDP, TCP, ZMQ, PYNET_1, PYNET_8, PYNET_8_LIMIT)
TRUST = (UDP, PYNET_8_INSECURE, PYNET_8)
LOCAL = (TCP, ZMQ, PYNET_1, PYNET_8)


def chosen(contenders: tuple[Contender, ...], report: Report) -> tuple[Contender, ...]:
    """Return those that this run is about.

    Raises:
        ValueError: it names some that take no part.
    """
    if not report.only:
        return contenders
    names = [contender.name for contender in contenders]
    if not any(name in names for name in report.only):
        raise ValueError(
            f"none of {', '.join(report.only)} takes part in {report.bench}: {', '.join(names)}"
        )
    return tuple(contender for contender in contenders if contender.name in report.only)
