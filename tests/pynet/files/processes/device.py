"""A file process that can do more than files: what tests want to see in it."""

from __future__ import annotations

import os

from pynet.files import process, service
from pynet.files.shares import Shares
from pynet.gateway import Gateway
from pynet.talk import Talk

plain_register = service.register


def register(gateway: Gateway, shares: Shares) -> None:
    """Offer a few things more."""
    plain_register(gateway, shares)

    @gateway.talk
    def echo(talk: Talk) -> None:
        while (said := talk.hear()) is not None:
            talk.say(said.value, said.body or b"")

    @gateway.talk
    def pour(talk: Talk) -> None:
        memory = bytearray(1024 * 1024)
        while True:
            talk.say(None, memory)

    @gateway.batch
    def about() -> dict[str, int]:
        return {
            "pid": os.getpid(),
            "nice": os.getpriority(os.PRIO_PROCESS, 0),
            "inbox": gateway.limits.inbox,
            "pool": gateway.pool_size,
        }


def main() -> None:
    """Run."""
    service.register = register
    process.main()
