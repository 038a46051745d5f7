from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pi_agent.config import SENSOR_NAMES, SensorConfig
from pi_agent.sim.sensors import simulated_sensors
from pi_agent.sim.track import load_track
from pi_agent.sim.vehicle import CarState
from pi_agent.sim.world import World, battery_volts


@pytest.fixture
def world() -> World:
    return World(load_track("meadow"))


def test_every_sensor_that_the_configuration_knows_is_there(world: World) -> None:
    sensors = simulated_sensors(world, lambda: world.state, {}, 1)
    assert tuple(sensor.info.name for sensor in sensors) == SENSOR_NAMES
    for sensor in sensors:
        values = sensor.read()
        assert len(values) == len(sensor.info.series)
        assert all(type(value) is float for value in values)
        assert 20 <= sensor.info.hz <= 50


def test_values_are_the_car_s_with_a_little_noise(world: World) -> None:
    car = replace(world.state, speed=1.5, yaw_rate=-0.5, forward=1.0, sideways=-2.0)
    sensors = {s.info.name: s for s in simulated_sensors(world, lambda: car, {}, 1)}
    expected = {
        "speed": (1.5,),
        "yaw_rate": (-28.65,),
        "acceleration": (1.0, -2.0),
        "battery": (battery_volts(car),),
    }
    for name, values in expected.items():
        samples = np.array([sensors[name].read() for _ in range(200)])
        assert samples.mean(axis=0) == pytest.approx(values, abs=0.2)
        assert (samples.std(axis=0) > 0).all()
    left, front, right = np.mean([sensors["distance"].read() for _ in range(20)], axis=0)
    assert front > 2.5
    assert 0.5 < left < 1.6
    assert 0.5 < right < 1.6


def test_the_configuration_changes_rate_and_alarms_and_takes_sensors_away(world: World) -> None:
    changes = {
        "distance": SensorConfig(hz=5.0, alarm_below=0.5),
        "battery": SensorConfig(enabled=False),
        "speed": SensorConfig(alarm_above=2.0),
    }
    sensors = {s.info.name: s.info for s in simulated_sensors(world, CarState, changes, 1)}
    assert (sensors["distance"].hz, sensors["distance"].alarm_below) == (5.0, 0.5)
    assert sensors["speed"].alarm_above == 2.0
    assert "battery" not in sensors


def test_the_same_seed_gives_the_same_noise(world: World) -> None:
    one, other = (simulated_sensors(world, lambda: world.state, {}, 5)[1].read() for _ in range(2))
    assert one == other
