"""pynet: high performance socket swarms for network workloads.

A function or generator on one machine becomes a push stream, a batch call or a
data sink on another. On the device::

    gateway = pynet.Gateway()

    @gateway.stream
    def proximity(hz: float = 10):
        while True:
            yield read_sensor()
            pynet.sleep(1 / hz)

    gateway.serve()

On the laptop::

    with pynet.Controller() as controller:
        car = controller.connect("127.0.0.1:1857")
        car.stream("proximity", print, hz=20).wait()
"""

import logging

from pynet._version import __version__
from pynet.calls import CallPair
from pynet.client import Client, Pair
from pynet.context import Caller, caller, cancelled, flow, sleep
from pynet.controller import Controller
from pynet.dial import DEFAULT_PORT
from pynet.errors import (
    AuthenticationError,
    Busy,
    CallbackError,
    Closed,
    ConfigurationError,
    ConnectError,
    ConnectionLost,
    DeadlineExceeded,
    DecodeError,
    EncodeError,
    Forbidden,
    GatewayStopped,
    HandlerStopped,
    LimitExceeded,
    LocalProtocolError,
    PairingError,
    ProtocolError,
    PynetError,
    RemoteError,
    RemoteProtocolError,
    StreamLost,
    SubroutineError,
    UnknownMachine,
    UnknownSubroutine,
    ValueTransferError,
    VersionMismatch,
    WrongArguments,
    WrongKind,
)
from pynet.feed import Feed
from pynet.flow import Flow
from pynet.gateway import Gateway
from pynet.incoming import SILENCE, Incoming
from pynet.inlet import ItemInfo
from pynet.policy import Policy, background, keep_last, latest, paced, reliable
from pynet.remote import RemoteGateway
from pynet.stats import FlowStats, LaneStats
from pynet.trust.peers import Peer, Role
from pynet.trust.store import Trust
from pynet.wire.limits import Limits
from pynet.wire.registry import register

__all__ = [
    "DEFAULT_PORT",
    "SILENCE",
    "AuthenticationError",
    "Busy",
    "CallPair",
    "CallbackError",
    "Caller",
    "Client",
    "Closed",
    "ConfigurationError",
    "ConnectError",
    "ConnectionLost",
    "Controller",
    "DeadlineExceeded",
    "DecodeError",
    "EncodeError",
    "Feed",
    "Flow",
    "FlowStats",
    "Forbidden",
    "Gateway",
    "GatewayStopped",
    "HandlerStopped",
    "Incoming",
    "ItemInfo",
    "LaneStats",
    "LimitExceeded",
    "Limits",
    "LocalProtocolError",
    "Pair",
    "PairingError",
    "Peer",
    "Policy",
    "ProtocolError",
    "PynetError",
    "RemoteError",
    "RemoteGateway",
    "RemoteProtocolError",
    "Role",
    "StreamLost",
    "SubroutineError",
    "Trust",
    "UnknownMachine",
    "UnknownSubroutine",
    "ValueTransferError",
    "VersionMismatch",
    "WrongArguments",
    "WrongKind",
    "__version__",
    "background",
    "caller",
    "cancelled",
    "flow",
    "keep_last",
    "latest",
    "paced",
    "register",
    "reliable",
    "sleep",
]

logging.getLogger("pynet").addHandler(logging.NullHandler())
