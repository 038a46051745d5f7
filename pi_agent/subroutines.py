"""What the car offers over the network; docs/car.md lists it."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Iterator
from typing import Any

import pynet
from pi_agent.drive import DriveRefused
from pi_agent.hardware.protocols import Sensor
from pi_agent.video import CameraVideo
from pi_agent.watchdog import Watchdog
from pynet.rc.messages import CameraFrame, CarDescription, CarStatus, SensorSample

logger = logging.getLogger(__name__)

STATUS_HZ = 20.0
FASTEST, SLOWEST = 100.0, 0.2
"""Limits of a rate that a viewer asks for, samples per second."""
OLDEST_COMMAND = 0.2
"""Seconds after which a drive command on its way is not worth taking."""
HANDOVER = 0.1
"""Seconds that a new driver waits beyond the command timeout: after a broken
connection the same driver comes back before the car has noticed the loss."""


class Subroutines:
    """The functions that the Gateway runs, each on a Handler's own thread.

    Args:
        description: what ``describe`` answers.
        cameras, sensors: what can be streamed, by name.
        watchdog: takes the drive commands.
        status: gives what the ``status`` stream sends.
    """

    def __init__(
        self,
        description: CarDescription,
        cameras: dict[str, CameraVideo],
        sensors: dict[str, Sensor],
        watchdog: Watchdog,
        status: Callable[[], CarStatus],
    ) -> None:
        self._description = description
        self._cameras = cameras
        self._sensors = sensors
        self._watchdog = watchdog
        self._status = status

    def register(self, gateway: pynet.Gateway) -> None:
        """Offers all of them at ``gateway``."""
        gateway.batch(self.describe, name="describe")
        gateway.stream(self.camera, name="camera", policy="latest")
        gateway.stream(self.sensor, name="sensor", policy=pynet.keep_last(8))
        gateway.stream(self.status, name="status", policy="latest")
        gateway.sink(
            self.drive,
            name="drive",
            policy="latest",
            max_age=OLDEST_COMMAND,
            silence=self._description.command_timeout,
        )
        gateway.batch(self.stop, name="stop")
        gateway.batch(self.clear_stop, name="clear_stop")

    def describe(self) -> CarDescription:
        """What this car is and what can be streamed from it."""
        return self._description

    def camera(
        self, name: str = "front", codec: str | None = None, driver: bool = False
    ) -> Iterator[CameraFrame]:
        """The newest pictures of a camera, as ``codec``.

        The first who asks as ``driver`` gets them adapted to the link, as long as that stream
        runs; all others get the same moderate ones.
        """
        video = self._cameras.get(name)
        if video is None:
            raise ValueError(f"There is no camera {name!r:.60}; {_known(self._cameras)}.")
        yield from video.watch(codec, driver)

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
        """Takes drive commands from one driver at a time.

        An open feed without commands keeps nobody else from driving: the lease is
        taken with the first command, and again after somebody else had it.
        """
        lease: int | None = None
        try:
            for command in commands:
                # The watchdog notices silence by itself.
                if command is pynet.SILENCE:
                    continue
                if lease is None:
                    lease = self._claim(commands.peer)
                try:
                    refusal = self._watchdog.offer(lease, command)
                except DriveRefused:
                    lease = self._claim(commands.peer)
                    continue
                if refusal:
                    logger.debug("refused a command of %s: %s", commands.peer, refusal)
        finally:
            if lease is not None:
                self._watchdog.release(lease)

    def stop(self, reason: str = "") -> None:
        """Latches STOP: the throttle is neutral at once, whoever drives."""
        self._watchdog.stop(str(reason)[:200])
        logger.warning("STOP: %s", self._watchdog.status().reason)

    def clear_stop(self) -> None:
        """Releases STOP, unless somebody holds the throttle."""
        self._watchdog.clear_stop()
        logger.info("STOP is cleared")

    def _claim(self, driver: str) -> int:
        deadline = time.monotonic() + self._description.command_timeout + HANDOVER
        while True:
            try:
                return self._watchdog.claim(driver)
            except DriveRefused:
                if time.monotonic() >= deadline:
                    raise
            pynet.sleep(0.02)


def _rate(asked: Any, own: float) -> float:
    if asked is None:
        return own
    if isinstance(asked, bool) or not isinstance(asked, int | float) or not math.isfinite(asked):
        raise ValueError(f"hz must be a number, not {asked!r:.40}.")
    return min(max(float(asked), SLOWEST), FASTEST)


def _known(parts: dict[str, Any]) -> str:
    return f"there is {', '.join(parts)}" if parts else "this car has none"
