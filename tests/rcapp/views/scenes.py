"""Cars, pictures and states that tests show without a car."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np

from pynet.rc.messages import CameraInfo, CarDescription, CarStatus, SensorInfo
from rcapp.core.series import SeriesBuffer
from rcapp.core.state import Frame, Link, Snapshot

SENSORS = (
    SensorInfo("distance", "Distance", "m", ("L", "F", "R"), 0.0, 4.0, alarm_below=0.25),
    SensorInfo("speed", "Speed", "m/s", ("speed",), -1.0, 3.0),
    SensorInfo("battery", "Battery", "V", ("battery",), 6.0, 8.4, alarm_below=6.6),
)
CAR = CarDescription(
    "Rover-1", True, "0.1", "simulated", 2.5, 0.25, (CameraInfo("front", 640, 480, 30.0),), SENSORS
)
STATUS = CarStatus(0.0, "driving", "", "rcapp", 0.34, 0.42, 10, 0, 10, 0, 3.0, 1.84, 7.62)
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
STOPPED = replace(QUIET, stopped=True, stop_reason="Esc, by rcapp")


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
