"""The simulated world: one car, one track and what it can bump into.

No threads, no clock and no randomness besides the seed: the same commands and
steps give the same drive.
"""

from __future__ import annotations

import math
from dataclasses import replace

from pi_agent.sim.scenery import Scenery
from pi_agent.sim.track import Track
from pi_agent.sim.vehicle import (
    TOP_SPEED,
    CarState,
    next_speed,
    next_steering,
    turn_rate,
)

STEP = 1 / 200
"""Seconds of one step of the physics; 12 mm at top speed, far less than any obstacle."""
BODY = 0.15
"""Radius in metres of the circle that stands for the car in collisions."""
KERB_LOSS = 0.75
"""Share of the speed that is left after the car climbs a kerb outwards."""
SCRAPE = 0.985
"""Share of the speed that is left after one step of sliding along an obstacle."""
MARGIN = 4.0
"""Metres of meadow around the road; the fence stands at its end."""
DRAIN = 1 / (22 * 60)
"""Share of the charge that full throttle uses in a second: a pack lasts 22 minutes of it."""


class World:
    """A car on a track.

    Args:
        track: where it drives.
        seed: of the landscape.
    """

    def __init__(self, track: Track, seed: int = 1) -> None:
        self.track = track
        self.scenery = Scenery(track, seed, MARGIN)
        self._fence = track.bounds(MARGIN - 0.5)
        self._left_over = 0.0
        self.state = self._start()

    def reset(self) -> None:
        """Puts the car back to the start, at rest, with a full battery and no metres driven."""
        self._left_over = 0.0
        self.state = self._start()

    def drive(self, steer: float, throttle: float) -> None:
        """Sets the command in force until the next one; both are clamped to -1..1."""
        self.state = replace(
            self.state,
            steer=min(max(steer, -1.0), 1.0),
            throttle=min(max(throttle, -1.0), 1.0),
        )

    def step(self, dt: float) -> None:
        """Lets ``dt`` seconds pass, in whole steps; the rest is kept for the next call."""
        self._left_over += dt
        while self._left_over >= STEP - 1e-9:
            self._left_over -= STEP
            self.state = self._collide(self._move(self.state))

    def _start(self) -> CarState:
        x, y, heading = self.track.at(0.0)
        return CarState(x=x, y=y, heading=heading)

    def _move(self, car: CarState) -> CarState:
        steering = next_steering(car.steering, car.steer, STEP)
        speed = next_speed(car.speed, car.throttle, car.off_road, STEP)
        rate = turn_rate(speed, steering)
        middle = car.heading + rate * STEP / 2
        charge = car.charge - DRAIN * (0.04 + abs(car.throttle)) * STEP
        return replace(
            car,
            time=car.time + STEP,
            x=car.x + speed * math.cos(middle) * STEP,
            y=car.y + speed * math.sin(middle) * STEP,
            heading=math.remainder(car.heading + rate * STEP, math.tau),
            speed=speed,
            steering=steering,
            yaw_rate=rate,
            forward=(speed - car.speed) / STEP,
            sideways=speed * rate,
            distance=car.distance + abs(speed) * STEP,
            charge=max(0.0, charge),
        )

    def _collide(self, car: CarState) -> CarState:
        place = self.track.locate(car.x, car.y)
        off_road = abs(place.offset) > self.track.half_width
        speed = car.speed
        if off_road and not car.off_road:
            speed *= KERB_LOSS
        x, y, speed = self._push_out(car.x, car.y, car.heading, speed)
        forward = (speed - car.speed) / STEP if speed != car.speed else car.forward
        return replace(
            car,
            x=x,
            y=y,
            speed=speed,
            # A real accelerometer of this kind saturates at 4 g; so does a bump here.
            forward=min(max(forward, -39.0), 39.0),
            offset=place.offset,
            off_road=off_road,
        )

    def _push_out(
        self, x: float, y: float, heading: float, speed: float
    ) -> tuple[float, float, float]:
        """Position and speed outside of every obstacle and inside of the fence."""
        hit = self.scenery.touching(x, y, BODY)
        if hit is not None:
            away_x, away_y, depth = hit
            x += away_x * depth
            y += away_y * depth
            speed = _after_bump(speed, heading, away_x, away_y)
        low_x, low_y, high_x, high_y = self._fence
        inside_x, inside_y = min(max(x, low_x), high_x), min(max(y, low_y), high_y)
        if (inside_x, inside_y) != (x, y):
            gap = math.hypot(inside_x - x, inside_y - y)
            away_x, away_y = (inside_x - x) / gap, (inside_y - y) / gap
            speed = _after_bump(speed, heading, away_x, away_y)
        return inside_x, inside_y, speed


def _after_bump(speed: float, heading: float, away_x: float, away_y: float) -> float:
    """Speed after touching something in direction -away: a stop head-on, a scrape otherwise."""
    into = -(math.cos(heading) * away_x + math.sin(heading) * away_y) * math.copysign(1, speed)
    if into <= 0:
        return speed
    if into > 0.6:
        return -0.15 * speed if abs(speed) > 0.2 else 0.0
    return speed * SCRAPE


def battery_volts(car: CarState) -> float:
    """Voltage of a two-cell lithium pack: open-circuit curve less the sag under load."""
    resting = 6.5 + 1.35 * car.charge + 0.5 * car.charge**6
    load = abs(car.throttle) * (1 - 0.6 * abs(car.speed) / TOP_SPEED)
    return resting - 0.12 * (car.throttle != 0) - 0.55 * load
