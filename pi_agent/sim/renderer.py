"""Camera pictures of the simulated world.

The ground is one painted map looked up in perspective, in bands of rows: far
bands take a coarser map and several samples per row, so that kerbs and lines
fade into the distance without a shimmer. What needs sharp edges nearby is drawn
again as polygons; what stands up is drawn over it from far to near.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from pi_agent.sim.ground import GRASS, PER_METRE, GroundMap, marks, paint_ground
from pi_agent.sim.props import PropPainter
from pi_agent.sim.sky import Sky
from pi_agent.sim.track import FloatArray
from pi_agent.sim.vehicle import TOP_SPEED, CarState
from pi_agent.sim.view import HEIGHT, HORIZON, Picture, View, focal_length
from pi_agent.sim.world import MARGIN, World

SHAKE = 10
"""Rows by which the body's pitch may move the picture."""
SHARP = 4.5
"""Metres within which marks on the ground are drawn as polygons."""
NEAR = 0.16
"""Metres ahead below which nothing can be seen, as it lies under the picture."""
LENS = 0.12
"""Metres of the lens ahead of the middle of the car."""
GRAIN = 380
"""Pixels of the fine texture per metre."""
GRAIN_STRENGTH = ((1.9, 0.11), (1.3, 0.21))
"""From how many metres on the fine texture shows, and how strongly."""
COARSE = 2.6
"""Pixels of the picture for each of the map above which half of them are enough."""
EVERY_SECOND = np.array([[2.0, 0.0, 0.5], [0.0, 2.0, 0.5], [0.0, 0.0, 1.0]])
"""From pixels of a picture of half the size to pixels of the picture."""
FRESH_NOISE = 48
"""How far the noise picture can be moved, pixels."""


@dataclass(frozen=True, slots=True)
class _Band:
    """Rows below the horizon that are looked up in one map.

    Attributes:
        first, last: rows, the last one exclusive.
        per_row: samples for each row.
        level: of the map.
        coarse: look up every second pixel, as the map has fewer here than the picture.
    """

    first: int
    last: int
    per_row: int
    level: int
    coarse: bool = False


class Renderer:
    """Draws what the camera of a car in ``world`` sees.

    Args:
        world: only its track and scenery are read, once.
        width, height: of the pictures, pixels.
        seed: of textures, clouds and noise.
    """

    def __init__(self, world: World, width: int = 640, height: int = 480, seed: int = 1) -> None:
        self.width = width
        self.height = height
        self._horizon = round(height * HORIZON)
        self._focal = focal_length(width)
        self._rng = np.random.default_rng(seed + 11)
        self._ground = paint_ground(world.track, world.scenery, seed, MARGIN)
        self._sky = Sky(width, self._horizon + SHAKE, seed)
        self._marks = _Marks(marks(world.track))
        self._props = PropPainter(world.scenery, world.track, seed)
        below = height - self._horizon + SHAKE
        self._bands = tuple(_bands(self._focal, below, self._ground))
        self._grain = np.tile(self._ground.grain, (3, 3))
        self._haze = _haze(width, below)
        noise = self._rng.normal(5.0, 1.4, (height + FRESH_NOISE, width + FRESH_NOISE, 1))
        self._noise: Picture = np.repeat(np.clip(noise, 0, 10).astype(np.uint8), 3, axis=2)
        self._pitch = 0.0

    def render(self, car: CarState) -> Picture:
        """The picture at this moment, shape (height, width, 3), blue green red."""
        horizon = self._horizon + self._shake(car)
        view = View(
            self.width,
            self.height,
            car.x + LENS * math.cos(car.heading),
            car.y + LENS * math.sin(car.heading),
            car.heading,
            horizon,
            self._focal,
        )
        frame: Picture = np.empty((self.height, self.width, 3), dtype=np.uint8)
        frame[:horizon] = self._sky.look(car.heading)[-horizon:]
        self._draw_ground(frame, view, horizon)
        self._marks.draw(frame, view)
        self._draw_grain(frame, view, horizon)
        self._props.draw(frame, view)
        return self._light(frame, car)

    def _shake(self, car: CarState) -> int:
        """Rows by which the picture moves: the nose dives when braking; grass is rough."""
        dive = min(max(-0.9 * car.forward, -5.0), 5.0)
        self._pitch += 0.25 * (dive - self._pitch)
        rough = 1.6 if car.off_road else 0.3
        shaken = self._pitch + rough * abs(car.speed) / TOP_SPEED * self._rng.standard_normal()
        return round(min(max(shaken, -SHAKE), SHAKE))

    def _draw_ground(self, frame: Picture, view: View, horizon: int) -> None:
        import cv2

        end = self.height - horizon
        for band in self._bands:
            last = min(band.last, end)
            if last <= band.first:
                break
            rows = last - band.first
            size = (self.width, rows * band.per_row)
            matrix = view.ground_matrix(
                self._ground.origin, PER_METRE / 2**band.level, band.first, band.per_row
            )
            if band.coarse:
                matrix = matrix @ EVERY_SECOND
                size = ((self.width + 1) // 2, (rows + 1) // 2)
            # Four samples in a row are averaged, which is smooth enough without interpolation.
            way = cv2.INTER_LINEAR if band.per_row < 4 else cv2.INTER_NEAREST
            seen = cv2.warpPerspective(
                self._ground.levels[band.level],
                matrix,
                size,
                flags=way | cv2.WARP_INVERSE_MAP,
                borderMode=cv2.BORDER_CONSTANT,
                borderValue=(*GRASS, 255),
            )
            if band.per_row > 1:
                seen = cv2.resize(seen, (self.width, rows), interpolation=cv2.INTER_AREA)
            elif band.coarse:
                full = cv2.resize(seen, (2 * size[0], 2 * size[1]), interpolation=cv2.INTER_LINEAR)
                seen = full[:rows, : self.width]
            below = frame[horizon + band.first : horizon + last]
            cv2.cvtColor(seen, cv2.COLOR_BGRA2BGR, dst=below)
        share, veil = self._haze
        far = frame[horizon : horizon + len(share)]
        cv2.multiply(far, share, dst=far, scale=1 / 255)
        cv2.add(far, veil, dst=far)

    def _draw_grain(self, frame: Picture, view: View, horizon: int) -> None:
        """Adds fine texture nearby, where the map alone would look out of focus."""
        import cv2

        starts = [round(HEIGHT * view.focal / ahead) for ahead, _ in GRAIN_STRENGTH]
        period = len(self._ground.grain) / GRAIN
        # The texture repeats, so the car can stay in the middle of a few periods of it.
        origin = (
            view.x - view.x % period - period,
            view.y - view.y % period + 2 * period,
        )
        matrix = view.ground_matrix(origin, GRAIN, starts[0], 1)
        below = frame[horizon + starts[0] :]
        seen = cv2.warpPerspective(
            self._grain,
            matrix,
            (self.width, len(below)),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_CONSTANT,
            borderValue=128,
        )
        three = cv2.cvtColor(seen, cv2.COLOR_GRAY2BGR)
        ends = [*starts[1:], self.height]
        for (_, strength), start, end in zip(GRAIN_STRENGTH, starts, ends, strict=True):
            part = np.s_[start - starts[0] : end - starts[0]]
            cv2.addWeighted(
                below[part], 1.0, three[part], strength, -128 * strength, dst=below[part]
            )

    def _light(self, frame: Picture, car: CarState) -> Picture:
        """Passing clouds change the light; the sensor adds noise of its own."""
        import cv2

        gain = 1.0 + 0.035 * math.sin(car.time / 7.3) + 0.025 * math.sin(car.time / 2.9 + 1.0)
        row, column = self._rng.integers(0, FRESH_NOISE, 2)
        noise = self._noise[row : row + self.height, column : column + self.width]
        lit = cv2.addWeighted(frame, gain, noise, 1.0, -5.0)
        return np.asarray(lit, dtype=np.uint8)


class _Marks:
    """Everything painted on the ground, as polygons in the order of painting."""

    def __init__(self, marks: list[tuple[list[FloatArray], tuple[int, int, int]]]) -> None:
        self._colours = [colour for _, colour in marks]
        self._colour = np.repeat(np.arange(len(marks)), [len(polygons) for polygons, _ in marks])
        self._corners = np.array([polygon for polygons, _ in marks for polygon in polygons])
        self._middles = self._corners.mean(axis=1)

    def draw(self, frame: Picture, view: View) -> None:
        """Draws what lies close ahead, in place."""
        import cv2

        middles = view.local(self._middles)
        ahead, aside = middles[:, 0], np.abs(middles[:, 1])
        near = np.flatnonzero((ahead > 0) & (ahead < SHARP) & (aside < ahead + 0.3))
        if not len(near):
            return
        corners = self._corners[near]
        local = view.local(corners.reshape(-1, 2))
        visible = (local[:, 0] > NEAR).reshape(len(near), -1).all(axis=1)
        local[:, 0] = np.maximum(local[:, 0], NEAR)
        # Rounded by hand, as numpy's own way costs more than the drawing.
        pixels = (view.project(local) * 16 + 0.5).astype(np.int32)
        polygons = pixels.reshape(*corners.shape[:2], 2)[visible]
        colours = self._colour[near[visible]]
        for number, colour in enumerate(self._colours):
            chosen = polygons[colours == number]
            if len(chosen):
                cv2.fillPoly(frame, list(chosen), colour, cv2.LINE_AA, 4)


def _bands(focal: float, rows: int, ground: GroundMap) -> Iterator[_Band]:
    """Cuts the rows below the horizon into bands of about equal sharpness."""
    first = 0
    while first < rows:
        if first / HEIGHT > COARSE * PER_METRE:
            yield _Band(first, rows, 1, 0, coarse=True)
            return
        last = min(rows, max(first + 5, math.ceil(first * 1.5)))
        middle = (max(first, 0.5) + last) / 2
        ahead = HEIGHT * focal / middle
        level = round(math.log2(PER_METRE * ahead / focal) + 0.5)
        level = max(0, min(len(ground.levels) - 1, level))
        depth = ahead / middle * PER_METRE / 2**level
        per_row = next((count for count in (1, 2, 4) if depth / count < 2.2), 8)
        yield _Band(first, last, per_row, level)
        first = last


def _haze(width: int, below: int) -> tuple[Picture, Picture]:
    """What is left of the ground's colour, row by row, and the veil of air before it."""
    row = np.arange(min(below, 60)) + 0.5
    amount = np.clip(0.5 * np.exp(-row / 9.0), 0, 1)[:, None, None]
    share = np.broadcast_to(255 * (1 - amount), (len(row), width, 3))
    veil = np.broadcast_to(amount * np.array([196.0, 196.0, 178.0]), (len(row), width, 3))
    return (
        np.ascontiguousarray(share.astype(np.uint8)),
        np.ascontiguousarray(veil.astype(np.uint8)),
    )
