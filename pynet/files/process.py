"""The file process: a Gateway without a port, in a child of the Gateway's process.

Reading, hashing and writing files would take the interpreter from the threads that drive. So a
Gateway hands every connection that is for files to this process, before a byte of it is read but
the word that says so. Here it is served as any other: TLS, greeting, Handlers, subroutines.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pynet.files import child
from pynet.files.channel import SOCKET, Channel
from pynet.files.shares import Share, Shares
from pynet.trust.store import Placed, Trust
from pynet.wire.limits import MIB, Limits

if TYPE_CHECKING:
    from pynet.gateway import Gateway

log = logging.getLogger("pynet.files")

POOL_SIZE = 64
"""Handlers for files: each transfer takes one for its control and one for each lane."""

SHARE = "share"
"""First word of the messages that tell of one more root."""

MOST_SAID, MOST_UNHEARD = 32 * MIB, 2 * MIB
"""Bytes of one frame on a lane for files, and of those that wait to be heard."""

GRACE = 2.0
"""Seconds in which what runs must end when the process is to."""


def for_files(limits: Limits) -> Limits:
    """The limits of lanes for files: what was said and not heard yet is memory."""
    return replace(
        limits,
        body=min(limits.body, MOST_SAID),
        inbox=min(limits.inbox, MOST_UNHEARD),
    )


@dataclass(frozen=True, slots=True)
class Settings:
    """What the process must know of its Gateway.

    Attributes:
        name: of the Gateway.
        folder: with identity and peers; None for plain TCP.
        placed: name, device id and role of machines that need no code.
        tracebacks: send tracebacks to callers.
        heartbeat: seconds.
        limits: of the lanes.
        log_level: what is worth telling.
    """

    name: str
    folder: str | None
    placed: list[list[str]]
    tracebacks: bool
    heartbeat: float
    limits: Limits
    log_level: int

    @classmethod
    def of(cls, gateway: Gateway) -> Settings:
        """Those of a Gateway that runs."""
        trust = gateway.trust
        placed = [] if trust is None else list(trust.placed.values())
        return cls(
            gateway.name,
            None if trust is None else str(trust.folder),
            [[one.name, one.id, one.role.word] for one in placed],
            gateway.tracebacks,
            gateway.heartbeat,
            gateway.limits,
            logging.getLogger("pynet").getEffectiveLevel(),
        )

    def pack(self) -> dict[str, Any]:
        """As plain values."""
        packed = {field.name: getattr(self, field.name) for field in fields(self)}
        limits = {field.name: getattr(self.limits, field.name) for field in fields(Limits)}
        return {**packed, "limits": limits}

    @classmethod
    def unpack(cls, packed: dict[str, Any]) -> Settings:
        """What :meth:`pack` made."""
        return cls(**{**packed, "limits": Limits(**packed["limits"])})

    def trust(self) -> Trust | None:
        """Who this machine is, and whom it knows."""
        if self.folder is None:
            return None
        placed = [Placed.of(*one) for one in self.placed]
        return Trust(Path(self.folder), self.name, placed)


def file_gateway(settings: Settings, shares: Shares, trust: Trust | None) -> Gateway:
    """A Gateway for files, without a port: give it connections by ``adopt()``. It runs."""
    from pynet.backup.service import register_backup
    from pynet.files.service import register
    from pynet.gateway import Gateway

    gateway = Gateway(
        port=0,
        listen=False,
        pool_size=POOL_SIZE,
        name=settings.name,
        insecure=trust is None,
        tracebacks=settings.tracebacks,
        heartbeat=settings.heartbeat,
        limits=for_files(settings.limits),
        trust=trust,
    )
    register_backup(gateway, register(gateway, shares))
    return gateway.start()


def serve(channel: Channel) -> None:
    """Be the file process until the parent closes the channel."""
    message = channel.receive()
    if message is None:
        return
    settings, known = Settings.unpack(message.value[0]), message.value[1]
    child.forward_log(channel, settings.log_level)
    shares = Shares()
    for packed in known:
        shares.add(Share.unpack(packed))
    with file_gateway(settings, shares, settings.trust()) as gateway:
        while (message := channel.receive()) is not None:
            word, *details = message.value
            if word == SHARE:
                shares.add(Share.unpack(details[0]))
            elif word == SOCKET and message.sock is not None:
                gateway.adopt(message.sock, details[0])
        gateway.close(GRACE)


def main() -> None:
    """Run."""
    channel = child.begin()
    child.stand_back()
    try:
        serve(channel)
    finally:
        channel.close()
