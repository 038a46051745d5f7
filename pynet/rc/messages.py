"""The messages of a car: what it is, what it sees, what it is told and what it did.

Every class here travels between ``pi_agent`` and ``rcapp`` as a registered
dataclass. Times are seconds of the *sender's* monotonic clock; a receiver
turns them into its own with ``info.local_time(message.time)``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

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
        epoch: of the lease under which it is sent, as :class:`LeaseAnswer` gave it. A command of
            another epoch never reaches the motors; 0 is nobody's.
        input_age: seconds from the moment the input was read until the command was sent. The car
            adds the time on the way and refuses what is older than 0.2 s.
        pilot: 0 for a person's command. A trained network sends the number of its engagement,
            which grows each time a person switches it on; one that a person has taken over from
            never counts again.
        frame_age: seconds, how old the picture was that a pilot's command was made from.
    """

    seq: int
    steer: float
    throttle: float
    time: float
    epoch: int
    input_age: float = 0.0
    pilot: int = 0
    frame_age: float = 0.0


@register
@dataclass(frozen=True, slots=True)
class Refusal:
    """One reason why the car cannot be armed now.

    Attributes:
        number: always the same for the same reason; docs/safety.md lists them.
        sentence: what is wrong, for a person.
        remedy: what to do about it.
    """

    number: int
    sentence: str
    remedy: str


@register
@dataclass(frozen=True, slots=True)
class Lease:
    """Who may drive, who asks to, and whom it is offered to. Seconds count down.

    Attributes:
        epoch: grows with every change of the driver; goes into each command.
        driver: name of who holds the lease, or empty.
        session: of the Controller that holds it, or empty.
        request: name of who asks for it, or empty.
        request_id: what the driver answers the request with; 0 without one.
        request_left: seconds until the request lapses.
        offer_to: name of whom the lease is offered to, or empty.
        offer_session: the Controller of whom it is offered to, or empty.
        offer_left: seconds until the offer lapses.
        forced_reason: why an owner took the lease from somebody, with both names; empty when
            the present driver came to it otherwise.
    """

    epoch: int = 0
    driver: str = ""
    session: str = ""
    request: str = ""
    request_id: int = 0
    request_left: float = 0.0
    offer_to: str = ""
    offer_session: str = ""
    offer_left: float = 0.0
    forced_reason: str = ""


@register
@dataclass(frozen=True, slots=True)
class LeaseAnswer:
    """Answer of ``lease_request``, ``lease_take`` and ``lease_force``.

    Attributes:
        granted: the caller may drive now, after ``arm()``.
        epoch: goes into every command; 0 when not granted.
        message: a sentence for a person, e.g. whom was asked and how long they have.
    """

    granted: bool
    epoch: int
    message: str


@register
@dataclass(frozen=True, slots=True)
class ArmAnswer:
    """Answer of ``arm``: either it is armed, or why not."""

    armed: bool
    refusals: tuple[Refusal, ...] = ()


@register
@dataclass(frozen=True, slots=True)
class Transition:
    """One change of the failsafe's stage, from the car's black box.

    Attributes:
        time: car's monotonic clock, seconds.
        before, after: stages, see :class:`CarStatus`.
        causes: sentences, the most severe first; empty when all is well.
        epoch: of the lease then.
        silent: seconds since the last command that counted, or -1 before the first.
        commands: the last ones before it, the newest last; each is sequence, steer, throttle
            and the time it was heard.
    """

    time: float
    before: str
    after: str
    causes: tuple[str, ...]
    epoch: int
    silent: float
    commands: tuple[tuple[int, float, float, float], ...] = ()


@register
@dataclass(frozen=True, slots=True)
class CarStatus:
    """What the car does now; the ``status`` stream sends it 20 times a second.

    Attributes:
        time: car's monotonic clock, seconds.
        stage: of the failsafe: ``"ready"`` (armed, fresh commands), ``"degraded"`` (commands are
            late: no more throttle), ``"neutral"`` (commands stopped; the throttle must be let go),
            ``"disarmed"`` (``arm()`` is needed) or ``"stopped"`` (STOP is latched until ``arm()``).
        armed: the stage is ready, degraded or neutral.
        causes: why the stage is not ready, a sentence each, the most severe first.
        refusals: why ``arm()`` would be refused now; empty while armed.
        lease: who drives.
        steer, throttle: what the motors are given now, -1 to 1.
        accepted, refused: drive commands since the agent started.
        last_seq: sequence of the newest accepted command, -1 before the first.
        failsafe_trips: how often the throttle went neutral by itself while driving.
        distance: metres driven since the agent started.
        speed: m/s, negative in reverse.
        battery: volts, or None without a sensor.
        pilot: number of the engagement that drives now; 0 while a person does.
    """

    time: float
    stage: str
    armed: bool
    causes: tuple[str, ...]
    refusals: tuple[Refusal, ...]
    lease: Lease
    steer: float
    throttle: float
    accepted: int
    refused: int
    last_seq: int
    failsafe_trips: int
    distance: float
    speed: float
    battery: float | None
    pilot: int = 0

    @property
    def reason(self) -> str:
        """The most severe cause, or empty."""
        return self.causes[0] if self.causes else ""

    @property
    def driver(self) -> str:
        """Name of who holds the lease, or empty."""
        return self.lease.driver


class CarSubroutines(Protocol):
    """What a car offers beside its streams, with the role that each call needs.

    ``car.call("arm")`` calls :meth:`arm`; docs/safety.md tells how they play together.
    """

    def stop(self, reason: str = "") -> None:
        """Viewer. Latches STOP at once, whoever drives; only the driver's :meth:`arm` ends it."""

    def disarm(self) -> None:
        """Viewer: it only makes the car safer. Neutral at once; driving on needs :meth:`arm`."""

    def lease_request(self) -> LeaseAnswer:
        """Driver. Grants the lease if nobody has it; otherwise asks the one who has."""

    def lease_answer(self, request_id: int, accept: bool) -> None:
        """Driver, the holder only. Accepting offers the lease to who asked, for 10 s."""

    def lease_take(self) -> LeaseAnswer:
        """Driver. Takes the lease that is offered to the caller."""

    def lease_release(self) -> None:
        """Driver. Gives the lease back; the car is disarmed. Nothing if the caller has none."""

    def lease_force(self, reason: str) -> LeaseAnswer:
        """Owner. Takes the lease at once; everybody sees the reason, which must not be empty."""

    def arm(self) -> ArmAnswer:
        """Driver, the holder only. Needs good commands for 0.5 s with the throttle at neutral.

        Call it once for each time a person presses Arm: a second call within half a second is
        taken for a key that is held down, and refused.
        """

    def black_box(self, count: int = 100) -> tuple[Transition, ...]:
        """Viewer. The last changes of stage, the newest last."""
