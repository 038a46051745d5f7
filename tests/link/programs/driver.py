"""A person at the app, without its window, who holds the throttle whatever happens.

Prints "driving" once the car moves. When the link was lost and is back, they go on holding the key
for a while, let go of it, take the wheel and arm, press it again, and leave when the car moves;
then what they saw is printed.
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
KEPT = 0.8
"""Seconds that a key stays as it is, longer than a key's ramp."""
TAP = 1.0
"""Seconds between two wishes."""

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
    end = time.monotonic() + KEPT
    until(session, lambda _: time.monotonic() >= end, "a while to pass")


def take_and_arm(session: CarSession) -> None:
    """Ask for the wheel and arm the car, as often as bad radio makes it necessary."""
    asked_at = float("-inf")

    def ready(now: Snapshot) -> bool:
        nonlocal asked_at
        if now.armed and now.wheel.yours:
            return True
        if time.monotonic() - asked_at > TAP and not now.ordering:
            asked_at = time.monotonic()
            if not now.wheel.yours:
                session.seat.ask_for_wheel()
            elif now.status is not None and not now.status.refusals:
                session.seat.arm()
        return False

    until(session, ready, "the car to be armed")


def main() -> None:
    with CarSession(name="driver", on_wake=woken.set) as session:
        session.connect(f"{os.environ['LINK_CAR']}:1857")
        session.drive.set_keyboard_active(True)
        until(session, lambda now: now.link is Link.LIVE, "a picture")
        take_and_arm(session)
        session.drive.keyboard.press("up")
        until(session, moves, "the car to move")
        sys.stdout.write("driving\n")
        sys.stdout.flush()
        until(session, lambda now: now.link is not Link.LIVE, "the loss")
        until(session, lambda now: now.link is Link.LIVE, "the link")
        keep_so(session)
        let_go = time.monotonic()
        session.drive.keyboard.release("up")
        take_and_arm(session)
        session.drive.keyboard.press("up")
        until(session, moves, "the car to move again")
        session.drive.keyboard.release("up")
    sys.stdout.write(json.dumps({"links": links, "let_go": let_go}) + "\n")


main()
