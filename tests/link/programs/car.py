"""The car of the test: a Gateway that streams ticks and takes commands until its input ends."""

from __future__ import annotations

import itertools
import os
import sys
import time
from collections.abc import Iterator

import pynet
from pynet import SILENCE, Gateway, Incoming

HZ = 30.0
facts = {"commands": 0, "silences": 0, "backwards": 0, "oldest": 0.0}


def ticks() -> Iterator[tuple[int, float]]:
    """Yield a number and the time, which both ends of the link read off the same clock."""
    for number in itertools.count():
        yield number, time.monotonic()
        pynet.sleep(1.0 / HZ)


def drive(commands: Incoming) -> None:
    """Take times of sending, and remember how old they were."""
    newest = 0.0
    for sent in commands:
        if sent is SILENCE:
            facts["silences"] += 1
            continue
        facts["commands"] += 1
        facts["backwards"] += sent < newest
        facts["oldest"] = max(facts["oldest"], time.monotonic() - sent)
        newest = sent


with Gateway(os.environ["LINK_CAR"], 1857, name="car", heartbeat=0.25) as gateway:
    gateway.stream(ticks, name="ticks", policy="latest")
    gateway.sink(drive, name="drive", policy="latest", max_age=0.2, silence=0.25)
    gateway.batch(lambda: facts, name="facts")
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.read()
