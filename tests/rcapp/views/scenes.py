"""Cars, pictures and states that tests show without a car."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np

from pynet.rc.messages import CameraInfo, CarDescription, CarStatus, Lease, Refusal, SensorInfo
from rcapp.core.series import SeriesBuffer
from rcapp.core.state import Frame, Link, Snapshot
from rcapp.core.wheel import Holder, Wheel

SENSORS = (
    SensorInfo("distance", "Distance", "m", ("L", "F", "R"), 0.0, 4.0, alarm_below=0.25),
    SensorInfo("speed", "Speed", "m/s", ("speed",), -1.0, 3.0),
    SensorInfo("battery", "Battery", "V", ("battery",), 6.0, 8.4, alarm_below=6.6),
)
CAR = CarDescription(
    "Rover-1", True, "0.1", "simulated", 2.5, 0.25, (CameraInfo("front", 640, 480, 30.0),), SENSORS
)
REFUSALS = (
    Refusal(3, "Commands have not come without a gap for half a second yet.", "Wait a moment."),
    Refusal(4, "The throttle is not at neutral.", "Let go of it."),
)
OURS = Lease(3, "this machine", "own-session")
STATUS = CarStatus(
    time=0.0,
    stage="ready",
    armed=True,
    causes=(),
    refusals=(),
    lease=OURS,
    steer=0.34,
    throttle=0.42,
    accepted=10,
    refused=0,
    last_seq=10,
    failsafe_trips=0,
    distance=3.0,
    speed=1.84,
    battery=7.62,
)
DISARMED_STATUS = replace(
    STATUS,
    stage="disarmed",
    armed=False,
    causes=("Whose turn it is to drive has changed.",),
    steer=0.0,
    throttle=0.0,
    speed=0.0,
)
STOPPED_STATUS = replace(DISARMED_STATUS, stage="stopped", causes=("Anna pressed STOP.",))
YOURS = Wheel(Holder.YOU, "this machine", 3, may_drive=True, may_force=True)
NOBODYS = Wheel(Holder.NOBODY, may_drive=True, may_force=True)
ANNAS = Wheel(Holder.OTHER, "Anna's laptop", may_drive=True)
LIVE = Snapshot(
    link=Link.LIVE,
    address="127.0.0.1:1857",
    car=CAR,
    status=STATUS,
    status_age=0.02,
    picture_age=0.04,
    frame_age=0.021,
    frame_age_p50=0.018,
    fps=30.0,
    round_trip=0.011,
    steer=0.34,
    throttle=0.42,
    input_source="keyboard",
    sending=True,
    role="owner",
    wheel=YOURS,
)
IDLE = Snapshot()
CONNECTING = Snapshot(
    link=Link.CONNECTING,
    address="192.168.1.20:1857",
    error="192.168.1.20 does not answer. Check that the car is on and in the same network.",
    retry_in=2.4,
)
STALE = replace(LIVE, link=Link.STALE, picture_age=0.83, fps=0.0)
QUIET = replace(LIVE, sending=False, steer=0.0, throttle=0.0)
STOPPED = replace(QUIET, stopped=True, stop_reason="Anna pressed STOP.", status=STOPPED_STATUS)
DISARMED = replace(QUIET, status=DISARMED_STATUS)
WATCHING = replace(QUIET, wheel=ANNAS, role="driver", input_source="")
LONG = "Großmutters sehr schneller Laptop im Gartenhaus 日本語"
HAND_OVER = {
    "nobody": replace(DISARMED, wheel=NOBODYS),
    "viewer": replace(WATCHING, wheel=replace(ANNAS, may_drive=False), role="viewer"),
    "watching": WATCHING,
    "watching-owner": replace(WATCHING, wheel=replace(ANNAS, may_force=True), role="owner"),
    "watching-long": replace(WATCHING, wheel=replace(ANNAS, driver=LONG, may_force=True)),
    "asking": replace(WATCHING, wheel=replace(ANNAS, asking=True, asking_left=7.2)),
    "kept": replace(WATCHING, reply="Anna's laptop keeps the wheel."),
    "offered": replace(WATCHING, wheel=replace(ANNAS, offered=True, offered_left=8.4)),
    "asked": replace(
        LIVE, wheel=replace(YOURS, request="Anna's laptop", request_id=4, request_left=8.9)
    ),
    "offering": replace(LIVE, wheel=replace(YOURS, offered_to="Anna's laptop")),
    "forced": replace(
        WATCHING,
        wheel=replace(ANNAS, forced_reason="Anna's laptop took the wheel: it left the yard."),
    ),
}
"""What there is to say about the wheel, by name."""

STANDING = {
    "disarmed": DISARMED,
    "disarmed-refused": replace(
        DISARMED, status=replace(DISARMED_STATUS, refusals=REFUSALS), reply="Not armed: 4."
    ),
    "stopped-yours": replace(
        STOPPED, stop_why="Esc", stop_took=0.023, status=replace(STOPPED_STATUS, refusals=REFUSALS)
    ),
    "stopped-anna": replace(STOPPED, wheel=ANNAS, role="driver"),
    "stopped-nobody": replace(STOPPED, wheel=NOBODYS),
    "stopped-viewer": replace(STOPPED, wheel=replace(ANNAS, may_drive=False), role="viewer"),
    "stopping": replace(LIVE, stop_pressed=True, stop_why="Esc"),
    "insecure": replace(LIVE, insecure=True),
}
"""What keeps a car from moving, by name."""


def lost(seconds: float = 5.0) -> Snapshot:
    """The link broke ``seconds`` ago."""
    return replace(
        QUIET,
        link=Link.LOST,
        picture_age=seconds,
        status_age=seconds,
        error="The connection to the car broke off.",
        lost_since=time.monotonic() - seconds,
        retry_in=2.2,
    )


def flat_frame(
    bgr: tuple[int, int, int], seq: int = 1, width: int = 640, height: int = 480
) -> Frame:
    """A picture of one colour."""
    image = np.empty((height, width, 4), np.uint8)
    image[:] = (*bgr, 255)
    return Frame(image, seq, time.monotonic(), width, height)


def filled(info: SensorInfo, seconds: float = 10.0, value: float | None = None) -> SeriesBuffer:
    """Samples of the last ``seconds``: one value, or a wave within the announced range."""
    buffer = SeriesBuffer(info)
    now = time.monotonic()
    middle, reach = (info.low + info.high) / 2, (info.high - info.low) / 3
    for step in range(int(seconds * info.hz)):
        at = now - seconds + step / info.hz
        wave = middle + reach * np.sin(at)
        buffer.append(at, [wave if value is None else value] * len(info.series))
    return buffer
