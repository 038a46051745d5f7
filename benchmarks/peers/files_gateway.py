"""pynet: a Gateway that shares a folder; perhaps a car that takes commands, too.

Orders: ``share NAME FOLDER`` shares one more folder; ``count`` and ``taken`` tell of the commands,
as those of ``command_car``; ``first`` lets this process run before others, but not those that it
has started by then.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import pynet
from benchmarks.harness import answer, come_first, orders, say_failed, say_ready
from benchmarks.peers.command_car import Log
from benchmarks.peers.commands.pynet import POOL


def main() -> None:
    """Serve until stdin ends."""
    host, options = sys.argv[1], json.loads(sys.argv[2])
    log = Log()
    insecure = options["insecure"]
    gateway = pynet.Gateway(
        host, 0, pool_size=POOL, insecure=insecure, allow_network=insecure, name="benchmark"
    )
    shared: Any = gateway
    if options["drive"]:

        @gateway.sink
        def drive(commands: pynet.Incoming) -> None:
            for command in commands:
                log.take(command)

    try:
        shared.share("room", options["room"], write=True)
        gateway.start()
    except Exception as error:
        say_failed(error)
    with gateway:
        say_ready(port=gateway.port)
        for order in orders():
            if order[0] == "count":
                answer(log.count())
            elif order[0] == "taken":
                answer(log.taken.copy())
            elif order[0] == "share":
                shared.share(order[1], order[2], write=True)
                answer(True)
            elif order[0] == "first":
                come_first()
                answer(True)


if __name__ == "__main__":
    main()
