"""The messages of a car: what it is, what it sees, what it is told and what it did.

Every class here travels between ``pi_agent`` and ``rcapp`` as a registered
dataclass. Times are seconds of the *sender's* monotonic clock; a receiver
turns them into its own with ``info.local_time(message.time)``.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from pynet import register


@register
@dataclass(frozen=True, slots=True)
class CameraInfo:
    """One camera of the car.

    Attributes:
        name: what a stream of it is asked for by (``car.stream("camera", name=...)``).
        width, height: pixels.
        fps: nominal pictures per second.
        codec: what it sends unless asked for another, ``"jpeg"`` or ``"h264"``.
        codecs: all that it can be asked for, the best one first; empty means ``codec`` alone.
    """

    name: str
    width: int
    height: int
    fps: float
    codec: str = "jpeg"
    codecs: tuple[str, ...] = ()


@register
@dataclass(frozen=True, slots=True)
class SensorInfo:
    """One sensor of the car, enough to draw it without knowing it.

    Attributes:
        name: what a stream of it is asked for by.
        label: what a person reads, e.g. ``"Distance"``.
        unit: e.g. ``"m"``; empty for a bare number.
        series: one short label for each value of a sample (``("L", "F", "R")``).
        low, high: the range a plot shows at first.
        alarm_below, alarm_above: limits past which the value is bad, or None.
        decimals: digits after the point that a person can use.
        hz: samples per second.
    """

    name: str
    label: str
    unit: str
    series: tuple[str, ...]
    low: float
    high: float
    alarm_below: float | None = None
    alarm_above: float | None = None
    decimals: int = 2
    hz: float = 20.0


@register
@dataclass(frozen=True, slots=True)
class CarDescription:
    """Answer of the car's ``describe`` subroutine.

    Attributes:
        name: what the owner calls the car.
        simulated: True for a car that exists in software only.
        version: version of the agent.
        drivetrain: e.g. ``"simulated"`` or ``"hbridge"``.
        speed_limit: m/s, the fastest the car can go; 0 when unknown.
        command_timeout: seconds without a fresh command after which the throttle goes neutral.
        cameras, sensors: what can be streamed.
    """

    name: str
    simulated: bool
    version: str
    drivetrain: str
    speed_limit: float
    command_timeout: float
    cameras: tuple[CameraInfo, ...] = ()
    sensors: tuple[SensorInfo, ...] = ()


@register
@dataclass(frozen=True, slots=True)
class CameraFrame:
    """One picture.

    Attributes:
        seq: counts pictures since the camera started.
        captured: when the picture was taken, car's monotonic clock, seconds.
        width, height: pixels of the packed picture; a camera's picture may be sent smaller.
        codec: how ``data`` is packed, ``"jpeg"`` or ``"h264"``.
        data: the packed picture.
        key: True when it can be unpacked without the pictures before it.
        index: counts the packed pictures of this encoding. A picture that is no key frame needs
            the one with the index before.
    """

    seq: int
    captured: float
    width: int
    height: int
    codec: str
    data: bytes = field(repr=False)
    key: bool = True
    index: int = 0


@register
@dataclass(frozen=True, slots=True)
class SensorSample:
    """One reading: ``values`` in the order of :attr:`SensorInfo.series`."""

    name: str
    time: float
    values: tuple[float, ...]


@register
@dataclass(frozen=True, slots=True)
class DriveCommand:
    """What the driver wants, sent to the ``drive`` sink.

    Attributes:
        seq: grows with every command; the car ignores an older or equal one.
        steer: -1 (full left) to 1 (full right).
        throttle: -1 (full reverse) to 1 (full forward).
        time: when the person's input was read, driver's monotonic clock, seconds.
    """

    seq: int
    steer: float
    throttle: float
    time: float


@register
@dataclass(frozen=True, slots=True)
class CarStatus:
    """What the car does now; the ``status`` stream sends it 20 times a second.

    Attributes:
        time: car's monotonic clock, seconds.
        state: ``"idle"`` (nobody drives yet), ``"driving"`` (fresh commands),
            ``"neutral"`` (commands stopped, throttle neutral) or ``"stopped"`` (STOP is latched).
        reason: a sentence for a person, e.g. who pressed STOP; may be empty.
        driver: name of the Controller that drives, or empty.
        steer, throttle: what the motors are given now, -1 to 1.
        accepted, refused: drive commands since the agent started.
        last_seq: sequence of the newest accepted command, -1 before the first.
        failsafe_trips: how often fresh commands stopped while driving.
        distance: metres driven since the agent started.
        speed: m/s, negative in reverse.
        battery: volts, or None without a sensor.
    """

    time: float
    state: str
    reason: str
    driver: str
    steer: float
    throttle: float
    accepted: int
    refused: int
    last_seq: int
    failsafe_trips: int
    distance: float
    speed: float
    battery: float | None
