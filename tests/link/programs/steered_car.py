"""The car of a test of several ways: counts the commands it gets, and tells when it is asked.

Each line of its input is a question; the answer is a line of JSON.
"""

from __future__ import annotations

import json
import os
import sys

from pynet import Gateway, Incoming

taken: list[int] = []


def drive(commands: Incoming) -> None:
    """Take numbered commands."""
    taken.extend(commands)


with Gateway(os.environ["LINK_CAR"], 1857, pool_size=12, heartbeat=0.25) as gateway:
    gateway.sink(drive, policy="latest")
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    for _ in sys.stdin:
        sys.stdout.write(json.dumps(taken) + "\n")
        sys.stdout.flush()
