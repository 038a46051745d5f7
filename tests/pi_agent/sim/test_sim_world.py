from __future__ import annotations

import math
from dataclasses import replace

import pytest

from pi_agent.sim.track import load_track
from pi_agent.sim.vehicle import TOP_SPEED
from pi_agent.sim.world import BODY, STEP, World, battery_volts


@pytest.fixture
def world() -> World:
    return World(load_track("meadow"), seed=3)


def put(world: World, along: float, offset: float = 0.0, turn: float = 0.0) -> None:
    x, y, heading = world.track.at(along, offset)
    world.state = replace(world.state, x=x, y=y, heading=heading + turn)


def test_it_starts_on_the_road_and_looks_along_it(world: World) -> None:
    place = world.track.locate(world.state.x, world.state.y)
    assert place.offset == pytest.approx(0, abs=0.01)
    assert place.heading == pytest.approx(world.state.heading, abs=0.01)
    assert world.state.speed == 0.0


def test_throttle_moves_it_forwards(world: World) -> None:
    world.drive(0.0, 1.0)
    world.step(1.0)
    assert world.state.speed > 1.0
    assert world.state.distance > 0.5
    assert world.track.locate(world.state.x, world.state.y).along > 0.5


def test_commands_are_clamped(world: World) -> None:
    world.drive(9.0, -9.0)
    assert (world.state.steer, world.state.throttle) == (1.0, -1.0)


def test_the_size_of_the_steps_does_not_matter(world: World) -> None:
    other = World(load_track("meadow"), seed=3)
    for each in (world, other):
        each.drive(-0.2, 0.8)
    world.step(1.0)
    for _ in range(300):
        other.step(1 / 300)
    assert other.state.time == pytest.approx(world.state.time, abs=STEP)
    assert other.state.x == pytest.approx(world.state.x, abs=0.02)


def test_less_than_a_step_is_kept(world: World) -> None:
    world.step(STEP * 0.6)
    assert world.state.time == 0.0
    world.step(STEP * 0.6)
    assert world.state.time == pytest.approx(STEP)


def test_reset_puts_it_back(world: World) -> None:
    start = world.state
    world.drive(0.3, 1.0)
    world.step(3.0)
    world.reset()
    assert world.state == start


def test_an_obstacle_stops_the_car_instead_of_letting_it_through(world: World) -> None:
    tyres = next(prop for prop in world.scenery.props if prop.kind == "tyres")
    world.state = replace(
        world.state, x=tyres.x - 1.0, y=tyres.y, heading=0.0, speed=TOP_SPEED, throttle=1.0
    )
    hardest = 0.0
    for _ in range(400):
        world.step(STEP)
        car = world.state
        gaps = [math.hypot(car.x - x, car.y - y) - r for x, y, r in world.scenery.circles]
        assert min(gaps) > BODY - 0.02
        hardest = min(hardest, car.forward)
    assert hardest < -20
    assert car.x < tyres.x
    assert abs(car.speed) < 0.6


def test_a_kerb_costs_speed_and_grass_more(world: World) -> None:
    put(world, 2.0, offset=0.3, turn=math.radians(40))
    world.state = replace(world.state, speed=2.0, throttle=0.85)
    world.step(0.25)
    assert world.state.off_road
    assert world.state.speed < 2.0 * 0.85
    world.state = replace(world.state, throttle=0.5)
    world.step(2.0)
    assert world.state.speed < 0.9


def test_the_fence_keeps_the_car_in_the_world(world: World) -> None:
    low_x, low_y, high_x, high_y = world.track.bounds(4.0)
    for heading in (0.0, 1.5, 3.0, 4.5):
        world.reset()
        world.state = replace(world.state, heading=heading, throttle=1.0)
        world.step(60.0)
        assert low_x < world.state.x < high_x
        assert low_y < world.state.y < high_y


def test_the_battery_drains_and_sags(world: World) -> None:
    at_rest = battery_volts(world.state)
    assert 7.5 < at_rest < 8.4
    world.drive(0.0, 1.0)
    assert battery_volts(world.state) < at_rest - 0.3
    world.step(30.0)
    world.drive(0.0, 0.0)
    assert battery_volts(world.state) < at_rest
    empty = replace(world.state, charge=0.0)
    assert battery_volts(empty) < 6.6


def test_the_same_seed_gives_the_same_landscape(world: World) -> None:
    assert World(load_track("meadow"), seed=3).scenery.props == world.scenery.props
    assert World(load_track("meadow"), seed=4).scenery.props != world.scenery.props


def test_nothing_but_what_the_track_says_stands_on_the_road(world: World) -> None:
    for prop in world.scenery.props:
        if prop.kind in ("tree", "post"):
            offset = world.track.locate(prop.x, prop.y).offset
            assert abs(offset) > world.track.edge + 0.1
