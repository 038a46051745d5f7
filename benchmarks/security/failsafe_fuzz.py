"""Wrong commands among right ones, through lease and pipe to a real motors' process.

Every wrong one asks for a throttle that no right one does, so that a single one of them that got
through would be seen at the motors.
"""

from __future__ import annotations

import math
import random
import time
from typing import Any

from pi_agent.actuators import Plan
from pi_agent.black_box import BlackBox
from pi_agent.helm import Helm
from pi_agent.lease import Person
from pynet.rc.messages import DriveCommand

ANN, BEN = Person("a", "Ann"), Person("b", "Ben")
RIGHT, WRONG = 0.25, 0.75
BLOCK = 200
"""Commands sent before the process is waited for; a right one is the first of them."""
LIMIT = 60.0


class Motors:
    """Sees everything that the motors get."""

    def __init__(self) -> None:
        self.reached = 0

    def __call__(self, steer: float, throttle: float, live: bool) -> None:
        """One output."""
        if abs(throttle) > RIGHT or abs(steer) > RIGHT or (throttle and not live):
            self.reached += 1


class Fuzz:
    """One driver, one who is none, and a car."""

    def __init__(self, helm: Helm, seed: int = 1) -> None:
        self.helm = helm
        self.chance = random.Random(seed)
        self.seq = 0
        self.epoch = 0
        self.sent = 0
        self.wrong = self.right = 0

    def drive(self, seconds: float, throttle: float) -> None:
        """Right commands for some time."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.good(throttle)
            time.sleep(0.02)

    def good(self, throttle: float) -> None:
        """One right command."""
        self.seq += 1
        self.right += 1
        self._send(ANN, {}, throttle, 0.0, time.monotonic())

    def bad(self) -> None:
        """One that must not get through."""
        chance, now = self.chance, time.monotonic()
        kind = chance.randrange(9)
        who, age, heard = ANN, 0.0, now
        changes: dict[str, Any] = {"seq": self.seq + 1}
        if kind == 0:
            changes["seq"] = self.seq  # a duplicate
        elif kind == 1:
            changes["seq"] = self.seq - chance.randrange(1, 1000)  # reordered
        elif kind == 2:
            age = chance.uniform(0.201, 10.0)
        elif kind == 3:
            changes["input_age"] = chance.uniform(0.201, 10.0)
        elif kind == 4:
            heard = now - chance.uniform(0.25, 10.0)
        elif kind == 5:
            changes["epoch"] = self.epoch + chance.choice((-1, 1, 2, -self.epoch, 1000))
        elif kind == 6:
            who = BEN  # with everything else right
        elif kind == 7:
            changes[chance.choice(("steer", "throttle"))] = chance.choice(
                (math.nan, math.inf, -math.inf)
            )
        else:
            changes |= {"pilot": 1, "frame_age": chance.choice((0.3, math.nan, -1.0))}
        self.wrong += 1
        self._send(who, changes, WRONG, age, heard)

    def _send(
        self, who: Person, changes: dict[str, Any], throttle: float, age: float, heard: float
    ) -> None:
        values = {
            "seq": self.seq,
            "steer": 0.0,
            "throttle": throttle,
            "time": 0.0,
            "epoch": self.epoch,
        }
        self.sent += 1
        self.helm.command(who, DriveCommand(**(values | changes)), age, heard)

    def settle(self) -> None:
        """Wait until the process has seen everything."""
        deadline = time.monotonic() + LIMIT
        while self.helm.state.accepted + self.helm.refused < self.sent:
            if time.monotonic() > deadline:
                raise TimeoutError("the motors' process does not keep up")
            time.sleep(0.0005)

    def arm(self) -> None:
        """Lease, neutral, Arm."""
        deadline = time.monotonic() + LIMIT
        while time.monotonic() < deadline:
            self.epoch = self.helm.request(ANN).epoch
            self.drive(0.7, 0.0)
            if self.helm.arm(ANN).armed:
                return
        raise TimeoutError("the car cannot be armed")


def fuzz(count: int) -> dict[str, int]:
    """Send so many wrong commands; tell how many reached the motors."""
    motors = Motors()
    helm = Helm(Plan(), motors, BlackBox(), lambda: 0)
    helm.start()
    try:
        fuzz = Fuzz(helm)
        helm.feed_begins(ANN)
        fuzz.arm()
        while fuzz.wrong < count:
            if not helm.state.flags & 2:
                fuzz.arm()
            fuzz.good(RIGHT)
            for _ in range(BLOCK):
                fuzz.bad()
            fuzz.settle()
        accepted = helm.state.accepted
    finally:
        helm.close()
    return {
        "wrong": fuzz.wrong,
        "right": fuzz.right,
        "accepted": accepted,
        "reached": motors.reached,
    }


__all__ = ["fuzz"]
