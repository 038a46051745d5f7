"""A person at the app, without its window, who holds the throttle whatever happens.

Prints "driving" once the car moves. When the link was lost and is back, they go on holding the key
for a while, let go of it, press it again, and leave when the car moves; then what they saw is
printed.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Callable

from rcapp.core.session import CarSession, Link, Snapshot

PERIOD = 0.01
LIMIT = 40.0
COMMANDS = 40
"""Sent while a key stays as it is: four fifths of a second, longer than a key's ramp."""

links: list[str] = []
woken = threading.Event()


def until(session: CarSession, condition: Callable[[Snapshot], bool], what: str) -> Snapshot:
    """Do what a window's timer does until a condition holds."""
    deadline = time.monotonic() + LIMIT
    while True:
        session.drive.tick()
        if (frame := session.take_frame()) is not None:
            session.painted(frame)
        now = session.snapshot()
        if links[-1:] != [now.link.value]:
            links.append(now.link.value)
        if condition(now):
            return now
        if time.monotonic() > deadline:
            raise SystemExit(f"waited in vain for {what}: {now}")
        woken.wait(PERIOD)
        woken.clear()


def moves(now: Snapshot) -> bool:
    return now.link is Link.LIVE and now.status is not None and now.status.throttle > 0.0


def keep_so(session: CarSession) -> None:
    """Touch nothing for a while."""
    sent = session.drive.commands_sent
    until(session, lambda now: now.commands_sent >= sent + COMMANDS, "commands to be sent")


def main() -> None:
    with CarSession(name="driver", on_wake=woken.set) as session:
        session.connect(f"{os.environ['LINK_CAR']}:1857")
        session.drive.set_keyboard_active(True)
        until(session, lambda now: now.link is Link.LIVE, "a picture")
        session.drive.keyboard.press("up")
        until(session, moves, "the car to move")
        sys.stdout.write("driving\n")
        sys.stdout.flush()
        until(session, lambda now: now.link is not Link.LIVE, "the loss")
        until(session, lambda now: now.link is Link.LIVE, "the link")
        keep_so(session)
        let_go = time.monotonic()
        session.drive.keyboard.release("up")
        keep_so(session)
        session.drive.keyboard.press("up")
        until(session, moves, "the car to move again")
        session.drive.keyboard.release("up")
    sys.stdout.write(json.dumps({"links": links, "let_go": let_go}) + "\n")


main()
