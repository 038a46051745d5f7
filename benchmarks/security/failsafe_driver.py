"""Somebody who drives a car at full throttle and is cut off again and again.

Run as ``python -m benchmarks.security.failsafe_driver ADDRESS CUTS SEED``. After every cut the
stick is held at full for a while. Prints a line of JSON at the end.
"""

from __future__ import annotations

import json
import random
import sys
import threading
import time
from collections.abc import Callable

import pynet
from pynet.rc.messages import CameraFrame, CarStatus, DriveCommand

LIMIT = 60.0
DRIVEN = (0.2, 0.5)
"""Seconds at full throttle before a cut; random, so that the cut meets any phase of any clock."""
CUT = 0.3
HELD = 0.4
NEAR_NEUTRAL = 0.05


class Driver:
    """One stick, one feed, one status."""

    def __init__(self, car: pynet.RemoteGateway) -> None:
        self.car = car
        self.epoch = self.seq = self.pictures = 0
        self._changed = threading.Condition()
        self._status: CarStatus | None = None
        self._feed = car.feed("drive", policy="latest")
        car.stream("status", self._on_status, policy="latest")
        car.stream("camera", self._on_picture)

    def _on_status(self, status: CarStatus) -> None:
        with self._changed:
            self._status = status
            self._changed.notify_all()

    def _on_picture(self, _picture: CameraFrame) -> None:
        self.pictures += 1

    def hold(self, throttle: float, until: Callable[[CarStatus], bool], least: float = 0.0) -> None:
        """Send this throttle 50 times a second for some time, and on until the car says so."""
        began = time.monotonic()
        while time.monotonic() - began < LIMIT:
            self.seq += 1
            self._feed.send(DriveCommand(self.seq, 0.0, throttle, time.monotonic(), self.epoch))
            time.sleep(0.02)
            status = self.status()
            if time.monotonic() - began >= least and until(status):
                return
        raise TimeoutError(f"the car stays at {self.status()}")

    def status(self) -> CarStatus:
        """The newest one."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._status is not None, LIMIT):
                raise TimeoutError("the car says nothing")
            assert self._status is not None
            return self._status

    def fresh(self) -> CarStatus:
        """One that was made after now."""
        with self._changed:
            self._status = None
        return self.status()

    def ready(self) -> None:
        """Lease and Arm, as often as a busy machine makes it necessary."""
        while True:
            status = self.status()
            if status.armed and status.lease.epoch == self.epoch:
                self.hold(0.0, lambda s: s.stage in ("ready", "disarmed"), 0.05)
                if self.status().stage == "ready":
                    return
                continue
            if status.lease.epoch != self.epoch or not status.driver:
                self.epoch = self.car.call("lease_request").epoch
            self.hold(0.0, lambda s: s.armed or not s.refusals, 0.6)
            self.car.call("arm")
            self.hold(0.0, lambda _: True, 0.1)


def drive(car: pynet.RemoteGateway, cuts: int, seed: int) -> dict[str, object]:
    """Be cut off so often; tell how often the car moved under a held stick after it."""
    driver, chance = Driver(car), random.Random(seed)
    moved = lost = 0
    for _ in range(cuts):
        driver.ready()
        driver.hold(1.0, lambda s: s.throttle == 1.0 or s.stage != "ready", 0.05)
        driver.hold(1.0, lambda _: True, chance.uniform(*DRIVEN))
        time.sleep(CUT + chance.uniform(0.0, 0.02))
        before = driver.fresh()
        # On a busy machine the last commands may reach the car late; it is cut off from then on.
        while before.stage in ("ready", "degraded"):
            before = driver.fresh()
        lost += before.stage == "disarmed"
        driver.hold(1.0, lambda _: True, HELD)
        after = driver.fresh()
        moved += after.accepted != before.accepted or after.throttle != 0.0
    return {"moved": moved, "cuts": cuts, "disarmed": lost, "pictures": driver.pictures}


def main() -> None:
    """Drive the car that the arguments name."""
    address, cuts, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    with pynet.Controller(name="driver") as controller:
        print(json.dumps(drive(controller.connect(address, timeout=LIMIT), cuts, seed)))


if __name__ == "__main__":
    main()
