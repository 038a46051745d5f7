from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from pi_agent.sim.renderer import Renderer
from pi_agent.sim.track import load_track
from pi_agent.sim.vehicle import CarState
from pi_agent.sim.view import HORIZON, Picture, View, focal_length
from pi_agent.sim.world import World

pytest.importorskip("cv2")


@pytest.fixture(scope="module")
def world() -> World:
    return World(load_track("meadow"))


@pytest.fixture(scope="module")
def renderer(world: World) -> Renderer:
    return Renderer(world)


def at(world: World, along: float, offset: float = 0.0, turn: float = 0.0) -> CarState:
    x, y, heading = world.track.at(along, offset)
    return replace(world.state, x=x, y=y, heading=heading + turn)


def colour(picture: Picture, row: int, column: int) -> tuple[float, float, float]:
    """Mean blue, green and red around a pixel."""
    part = picture[row - 4 : row + 5, column - 4 : column + 5].reshape(-1, 3)
    blue, green, red = part.mean(axis=0)
    return float(blue), float(green), float(red)


def test_a_picture_shows_sky_road_and_grass(world: World, renderer: Renderer) -> None:
    picture = renderer.render(at(world, 0.5))
    assert picture.shape == (480, 640, 3)
    assert picture.dtype == np.uint8
    blue, green, red = colour(picture, 20, 320)
    assert blue > green > red
    asphalt = colour(picture, 440, 180)
    assert max(asphalt) - min(asphalt) < 25
    assert 70 < asphalt[1] < 150
    grass = colour(picture, 260, 20)
    assert grass[1] > grass[0] + 15
    assert grass[1] > grass[2] + 15


def test_kerbs_are_red_and_white(world: World, renderer: Renderer) -> None:
    picture = renderer.render(at(world, 0.5)).astype(int)
    below = picture[round(480 * HORIZON) + 40 :]
    blue, green, red = below[:, :, 0], below[:, :, 1], below[:, :, 2]
    assert ((red > 150) & (green < 90) & (blue < 90)).mean() > 0.01
    assert ((red > 200) & (green > 200) & (blue > 190)).mean() > 0.01


def test_turning_to_the_left_moves_the_road_to_the_right(world: World, renderer: Renderer) -> None:
    def middle_of_road(picture: Picture) -> float:
        row = picture[300].astype(int)
        grey = np.flatnonzero((np.ptp(row, axis=1) < 25) & (row[:, 1] < 150))
        return float(grey.mean())

    straight = middle_of_road(renderer.render(at(world, 8.6)))
    turned = middle_of_road(renderer.render(at(world, 8.6, turn=math.radians(8))))
    assert turned > straight + 30


def test_the_far_distance_is_calm(world: World, renderer: Renderer) -> None:
    """Two centimetres of driving change distant ground less than with plain sampling."""
    rows = slice(round(480 * HORIZON) + 14, round(480 * HORIZON) + 44)

    def restlessness() -> float:
        car = at(world, 7.0)
        steps = [replace(car, x=car.x + 0.02 * number) for number in range(8)]
        far = np.array([renderer.render(step)[rows].astype(float) for step in steps])
        return float(np.abs(np.diff(far, axis=0)).mean())

    calm = restlessness()
    bands = renderer._bands
    renderer._bands = tuple(replace(band, per_row=1, level=0) for band in bands)
    try:
        plain = restlessness()
    finally:
        renderer._bands = bands
    assert calm < 0.85 * plain


def test_pictures_come_from_any_place_and_size(world: World) -> None:
    small = Renderer(world, 320, 240, seed=9)
    rng = np.random.default_rng(0)
    low_x, low_y, high_x, high_y = world.track.bounds(4.0)
    for _ in range(40):
        car = replace(
            world.state,
            x=float(rng.uniform(low_x, high_x)),
            y=float(rng.uniform(low_y, high_y)),
            heading=float(rng.uniform(-4, 4)),
            forward=float(rng.uniform(-30, 30)),
            speed=2.0,
            off_road=True,
        )
        assert small.render(car).shape == (240, 320, 3)


def test_next_to_every_object_a_picture_can_be_drawn(world: World, renderer: Renderer) -> None:
    for prop in world.scenery.props:
        for away in (0.3, 1.0):
            car = replace(world.state, x=prop.x - away, y=prop.y, heading=0.0)
            assert renderer.render(car).shape == (480, 640, 3)


def test_light_changes_with_time(world: World, renderer: Renderer) -> None:
    car = at(world, 0.5)
    means = [renderer.render(replace(car, time=second)).mean() for second in (0.0, 4.0, 11.0)]
    assert max(means) - min(means) > 1.0


def test_the_ground_matrix_agrees_with_the_projection() -> None:
    view = View(640, 480, 2.0, -1.0, 0.7, 160.0, focal_length(640))
    points = np.array([[4.0, 0.5], [5.0, 2.0], [3.0, 1.0]])
    pixels = view.project(view.local(points)) - 0.5
    origin, per_metre, first, per_row = (-3.0, 6.0), 50.0, 10.0, 4
    matrix = view.ground_matrix(origin, per_metre, first, per_row)
    for (x, y), (column, row) in zip(points, pixels, strict=True):
        band_row = (row - 160.0 - first) * per_row + (per_row - 1) / 2
        u, v, w = matrix @ (column, band_row, 1.0)
        assert u / w == pytest.approx((x - origin[0]) * per_metre - 0.5, abs=0.6)
        assert v / w == pytest.approx((origin[1] - y) * per_metre - 0.5, abs=0.6)
