"""What the car offers over the network; docs/car.md lists it."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Iterator
from typing import Any

import pynet
from pi_agent.hardware.protocols import Sensor
from pi_agent.helm import Helm, Person
from pi_agent.roots import FilesConfig
from pi_agent.video import CameraVideo
from pynet.errors import NotShared
from pynet.rc.messages import (
    ArmAnswer,
    CameraFrame,
    CarDescription,
    CarStatus,
    LeaseAnswer,
    SensorSample,
    Transition,
)

logger = logging.getLogger(__name__)

STATUS_HZ = 20.0
FASTEST, SLOWEST = 100.0, 0.2
"""Limits of a rate that a viewer asks for, samples per second."""
LONGEST_REASON = 200
OLDEST_COMMAND = 0.2
"""Seconds after which a drive command on its way is not worth taking."""


class Subroutines:
    """The functions that the Gateway runs, each on a Handler's own thread.

    Args:
        description: what ``describe`` answers.
        cameras, sensors: what can be streamed, by name.
        helm: takes the drive commands, and knows who drives.
        black_box: gives the last transitions of the failsafe.
        status: gives what the ``status`` stream sends.
        files: what is shared, and how the car suggests to empty it.
    """

    def __init__(
        self,
        description: CarDescription,
        cameras: dict[str, CameraVideo],
        sensors: dict[str, Sensor],
        helm: Helm,
        black_box: Callable[[int], tuple[Transition, ...]],
        status: Callable[[], CarStatus],
        files: tuple[FilesConfig, ...] = (),
    ) -> None:
        self._description = description
        self._cameras = cameras
        self._sensors = sensors
        self._helm = helm
        self._black_box = black_box
        self._status = status
        self._files = files

    def register(self, gateway: pynet.Gateway) -> None:
        """Offers all of them at ``gateway``."""
        viewed = (self.describe, self.black_box, self.stop, self.disarm, self.backup_policy)
        for watched in viewed:
            gateway.batch(watched, name=watched.__name__, role="viewer")
        gateway.stream(self.camera, name="camera", policy="latest", role="viewer")
        gateway.stream(self.sensor, name="sensor", policy=pynet.keep_last(8), role="viewer")
        gateway.stream(self.status, name="status", policy="latest", role="viewer")
        gateway.sink(
            self.drive, name="drive", policy="latest", max_age=OLDEST_COMMAND, role="driver"
        )
        for driven in (
            self.lease_request,
            self.lease_answer,
            self.lease_take,
            self.lease_release,
            self.arm,
        ):
            gateway.batch(driven, name=driven.__name__, role="driver")
        gateway.batch(self.lease_force, name="lease_force", role="owner")

    def describe(self) -> CarDescription:
        """What this car is and what can be streamed from it."""
        return self._description

    def camera(
        self, name: str = "front", codec: str | None = None, driver: bool = False
    ) -> Iterator[CameraFrame]:
        """The newest pictures of a camera, as ``codec``.

        Who asked as ``driver`` and drives gets them adapted to the link; while nobody drives, the
        first who asked. All others get the same moderate ones.
        """
        video = self._cameras.get(name)
        if video is None:
            raise ValueError(f"There is no camera {name!r:.60}; {_known(self._cameras)}.")
        yield from video.watch(codec, self._drives(_person()) if driver else None)

    def sensor(self, name: str, hz: float | None = None) -> Iterator[SensorSample]:
        """Samples of a sensor, at its own rate or at ``hz``."""
        sensor = self._sensors.get(name)
        if sensor is None:
            raise ValueError(f"There is no sensor {name!r:.60}; {_known(self._sensors)}.")
        period = 1 / _rate(hz, sensor.info.hz)
        due = time.monotonic()
        while True:
            yield SensorSample(name, time.monotonic(), sensor.read())
            due = max(due + period, time.monotonic())
            pynet.sleep(max(0.0, due - time.monotonic()))

    def status(self) -> Iterator[CarStatus]:
        """What the car does, 20 times a second."""
        while True:
            yield self._status()
            pynet.sleep(1 / STATUS_HZ)

    def drive(self, commands: Any) -> None:
        """Takes drive commands; those of whoever holds the lease count."""
        who = _person()
        self._helm.feed_begins(who)
        try:
            for command in commands:
                info = commands.info
                if not self._helm.command(who, command, info.age, info.received):
                    logger.debug("refused a command of %s", who.name)
        finally:
            self._helm.feed_ends(who)

    def _drives(self, who: Person) -> Callable[[], bool | None]:
        def drives() -> bool | None:
            driver = self._helm.driver()
            return None if driver is None else who.is_same(driver)

        return drives

    def stop(self, reason: str = "") -> None:
        """Latches STOP: the throttle is neutral at once, whoever drives."""
        said = " ".join(str(reason).split())[:LONGEST_REASON]
        self._helm.stop(said or f"{_person().name} pressed STOP.")

    def disarm(self) -> None:
        """Disarms the car, whoever drives."""
        self._helm.disarm(_person().name)

    def lease_request(self) -> LeaseAnswer:
        """Grants the lease, or asks who has it."""
        return self._helm.request(_person())

    def lease_answer(self, request_id: int, accept: bool) -> None:
        """The driver accepts or declines a request."""
        self._helm.answer(_person(), request_id, bool(accept))

    def lease_take(self) -> LeaseAnswer:
        """Takes the lease that is offered to the caller."""
        return self._helm.take(_person())

    def lease_release(self) -> None:
        """Gives the lease back."""
        self._helm.release(_person())

    def lease_force(self, reason: str) -> LeaseAnswer:
        """An owner takes the lease."""
        return self._helm.force(_person(), str(reason))

    def arm(self) -> ArmAnswer:
        """Arms the car for its driver, or says what speaks against it."""
        return self._helm.arm(_person())

    def black_box(self, count: int = 100) -> tuple[Transition, ...]:
        """The last changes of the failsafe's stage."""
        return self._black_box(int(count))

    def backup_policy(self, root: str) -> dict[str, Any]:
        """How the car suggests to empty a folder that it shares; empty if it does not."""
        who = pynet.caller()
        role = pynet.Role.NONE if who is None else who.role
        seen = {one.name: one for one in self._files if role >= pynet.Role.of(one.role)}
        if root not in seen:
            raise NotShared(f"There is nothing shared as {root!r:.60}; {_known(seen)}.")
        policy = seen[root].backup
        return {} if policy is None else policy.to_dict()


def _person() -> Person:
    """Whose call or feed this is."""
    caller = pynet.caller()
    if caller is None:
        raise RuntimeError("this subroutine serves one caller at a time, inside a Handler only")
    return Person(caller.session, caller.name, caller.id)


def _rate(asked: Any, own: float) -> float:
    if asked is None:
        return own
    if isinstance(asked, bool) or not isinstance(asked, int | float) or not math.isfinite(asked):
        raise ValueError(f"hz must be a number, not {asked!r:.40}.")
    return min(max(float(asked), SLOWEST), FASTEST)


def _known(parts: dict[str, Any]) -> str:
    return f"there is {', '.join(parts)}" if parts else "this car has none"
