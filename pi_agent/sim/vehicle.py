"""How the simulated car moves: a kinematic bicycle with a motor, tyres and a servo.

The model and its symbols follow Rajamani, Vehicle Dynamics and Control, 2nd
edition, section 2.2, with the centre of gravity midway between the axles. Grip
is a limit on lateral acceleration: past it the car understeers.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

TOP_SPEED = 2.5
"""m/s on asphalt at full throttle."""
WHEELBASE = 0.26
"""Metres between the axles of a 1:10 car."""
STEERING_LIMIT = math.radians(27)
"""Angle of the front wheels at full steer."""
STEERING_RATE = math.radians(27) / 0.11
"""rad/s; a hobby servo needs about 0.11 s from the centre to its end."""
GRIP = 5.5
"""m/s2 of lateral acceleration that the tyres hold on asphalt."""
REVERSE_SPEED = 1.2
"""m/s at full reverse."""
MOTOR = 3.4
"""m/s2 at full throttle from standstill."""
BRAKE = 6.0
"""m/s2 when the throttle points against the movement."""
ROLLING = 1.8
"""m/s2 lost while coasting on asphalt: a brushed motor is dragged along through its gears."""
GRASS_DRAG = 2.6
"""m/s2 lost at 1 m/s on grass; grows with speed."""


@dataclass(frozen=True, slots=True)
class CarState:
    """The car at one moment.

    Attributes:
        time: simulated seconds since the start.
        x, y: position, metres to the east and north.
        heading: radians, counter-clockwise from east.
        speed: m/s, negative in reverse.
        steering: angle of the front wheels, radians, positive to the right.
        yaw_rate: rad/s, positive to the left.
        forward, sideways: acceleration, m/s2, ahead and to the left.
        steer, throttle: the command in force, -1 to 1.
        distance: metres driven.
        charge: of the battery, 0 to 1.
        offset: metres to the left of the road's centre line.
        off_road: True past a kerb.
    """

    time: float = 0.0
    x: float = 0.0
    y: float = 0.0
    heading: float = 0.0
    speed: float = 0.0
    steering: float = 0.0
    yaw_rate: float = 0.0
    forward: float = 0.0
    sideways: float = 0.0
    steer: float = 0.0
    throttle: float = 0.0
    distance: float = 0.0
    charge: float = 0.95
    offset: float = 0.0
    off_road: bool = False


def next_steering(steering: float, steer: float, dt: float) -> float:
    """Angle of the front wheels after ``dt`` seconds of a servo on its way to ``steer``."""
    wanted = steer * STEERING_LIMIT
    reach = STEERING_RATE * dt
    return steering + min(max(wanted - steering, -reach), reach)


def next_speed(speed: float, throttle: float, off_road: bool, dt: float) -> float:
    """Speed after ``dt`` seconds of motor, brake and drag; a coasting car comes to rest."""
    if throttle * speed < 0:
        push = math.copysign(BRAKE * abs(throttle), throttle)
    else:
        top = TOP_SPEED if throttle >= 0 else REVERSE_SPEED
        # A DC motor turns in proportion to its voltage; rolling drag is part of that balance.
        ahead = abs(throttle) - abs(speed) / top
        push = math.copysign(MOTOR * max(0.0, ahead), throttle)
    drag = ROLLING if abs(throttle) < abs(speed) / TOP_SPEED else 0.0
    if off_road:
        drag += GRASS_DRAG * (0.35 + abs(speed)) * 0.6
    moved = speed + push * dt
    slowed = max(0.0, abs(moved) - drag * dt)
    return math.copysign(slowed, moved)


def turn_rate(speed: float, steering: float) -> float:
    """Yaw rate in rad/s, positive to the left, as far as the tyres hold."""
    slip = math.atan(math.tan(steering) / 2)
    rate = -speed * math.cos(slip) * math.tan(steering) / WHEELBASE
    held = GRIP / max(abs(speed), 0.05)
    return min(max(rate, -held), held)
