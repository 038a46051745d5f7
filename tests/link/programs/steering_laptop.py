"""The laptop of a test of several ways: steers over a swarm, and tells how it is when it is asked.

Each line of its input is a question; the answer is a line of JSON.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from collections import Counter
from typing import Any

from pynet import Controller
from pynet.swarm.feed import SwarmFeed

LANES = 8
HZ = 50.0
done = threading.Event()
states: list[str] = []
sent = 0


def steer(feed: SwarmFeed) -> None:
    """Send numbers."""
    global sent
    while not done.wait(1 / HZ):
        feed.send(sent)
        sent += 1


def report(feed: SwarmFeed) -> dict[str, Any]:
    """Tell what the feed says of itself, and by which of this machine's addresses its lanes go."""
    lanes = [joined.lane for joined in feed._keeper.lanes]
    living = [lane._sock.getsockname()[0] for lane in lanes if lane.error is None]
    return {
        "sent": sent,
        "state": feed.state,
        "states": states,
        "lanes": feed.lanes,
        "live": [reading.live for reading in feed.stats.lanes],
        "ways": Counter(living),
    }


with Controller(name="laptop", heartbeat=0.25) as controller:
    car = controller.connect(f"{os.environ['LINK_CAR']}:1857", timeout=5.0)
    with car.feed("drive", lanes=LANES, on_state=states.append) as feed:
        assert isinstance(feed, SwarmFeed)
        hand = threading.Thread(target=steer, args=(feed,), name="laptop-hand")
        hand.start()
        try:
            for _ in sys.stdin:
                sys.stdout.write(json.dumps(report(feed)) + "\n")
                sys.stdout.flush()
        finally:
            done.set()
            hand.join()
