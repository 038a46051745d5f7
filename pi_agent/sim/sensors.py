"""The sensors of the simulated car, each with the noise of its real counterpart."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from pi_agent.config import SensorConfig
from pi_agent.sim.rays import REACH, Rays
from pi_agent.sim.vehicle import CarState
from pi_agent.sim.world import World, battery_volts
from pynet.rc.messages import SensorInfo

SIDE_BEAM = math.radians(38)
"""The side beams look this far to the left and right of straight ahead."""
NOSE = 0.18
"""Metres from the middle of the car to the distance sensor."""

INFOS = (
    SensorInfo(
        "distance",
        "Distance",
        "m",
        ("L", "F", "R"),
        low=0.0,
        high=REACH,
        alarm_below=0.3,
        hz=20.0,
    ),
    SensorInfo("speed", "Speed", "m/s", ("",), low=-1.5, high=3.0, decimals=2, hz=30.0),
    SensorInfo("yaw_rate", "Yaw rate", "°/s", ("",), low=-180.0, high=180.0, decimals=1, hz=50.0),
    SensorInfo(
        "acceleration", "Acceleration", "m/s²", ("X", "Y"), low=-8.0, high=8.0, decimals=1, hz=50.0
    ),
    SensorInfo(
        "battery", "Battery", "V", ("",), low=6.0, high=8.6, alarm_below=6.6, decimals=2, hz=20.0
    ),
)


class SimulatedSensor:
    """One sensor: a measurement of the car's state, and noise.

    Args:
        info: what it is.
        state: gives the newest state of the car.
        measure: the exact values.
        noise: standard deviation added to each value.
        seed: of the noise.
    """

    def __init__(
        self,
        info: SensorInfo,
        state: Callable[[], CarState],
        measure: Callable[[CarState], tuple[float, ...]],
        noise: float,
        seed: int,
    ) -> None:
        self._info = info
        self._state = state
        self._measure = measure
        self._noise = noise
        self._rng = np.random.default_rng(seed)

    @property
    def info(self) -> SensorInfo:
        """What it measures and how to draw it."""
        return self._info

    def read(self) -> tuple[float, ...]:
        """The values now, in the order of ``info.series``."""
        exact = self._measure(self._state())
        return tuple(value + self._noise * self._rng.standard_normal() for value in exact)


def simulated_sensors(
    world: World,
    state: Callable[[], CarState],
    changes: dict[str, SensorConfig],
    seed: int,
) -> tuple[SimulatedSensor, ...]:
    """All sensors of the simulated car that ``changes`` does not switch off."""
    rays = Rays(world.track, world.scenery.circles)

    def distance(car: CarState) -> tuple[float, ...]:
        x = car.x + NOSE * math.cos(car.heading)
        y = car.y + NOSE * math.sin(car.heading)
        return tuple(rays.cast(x, y, car.heading + turn) for turn in (SIDE_BEAM, 0.0, -SIDE_BEAM))

    measures: dict[str, tuple[Callable[[CarState], tuple[float, ...]], float]] = {
        "distance": (distance, 0.008),
        "speed": (lambda car: (car.speed,), 0.012),
        "yaw_rate": (lambda car: (math.degrees(car.yaw_rate),), 0.6),
        "acceleration": (lambda car: (car.forward, car.sideways), 0.12),
        "battery": (lambda car: (battery_volts(car),), 0.006),
    }
    sensors = []
    for number, info in enumerate(INFOS):
        change = changes.get(info.name, SensorConfig())
        if change.enabled:
            measure, noise = measures[info.name]
            sensors.append(
                SimulatedSensor(_changed(info, change), state, measure, noise, seed + number)
            )
    return tuple(sensors)


def _changed(info: SensorInfo, change: SensorConfig) -> SensorInfo:
    return replace(
        info,
        hz=info.hz if change.hz is None else change.hz,
        alarm_below=info.alarm_below if change.alarm_below is None else change.alarm_below,
        alarm_above=info.alarm_above if change.alarm_above is None else change.alarm_above,
    )
