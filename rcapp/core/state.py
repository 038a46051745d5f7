"""What the app knows of a car at one moment, and the rules that name it.

Nothing here has a clock, a thread or a socket: times are arguments, so every
rule can be tested with numbers.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rcapp.core.wheel import NO_WHEEL, Wheel

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from pynet.rc.messages import CarDescription, CarStatus

LIVE_LIMIT = 0.5
"""A picture older than this (seconds) is never called live."""

LOST_LIMIT = 2.0
"""Silence longer than this (seconds) is a lost link, whatever the socket says."""


class Link(enum.Enum):
    """How the app is joined to the car."""

    IDLE = "idle"
    CONNECTING = "connecting"
    LIVE = "live"
    STALE = "stale"
    LOST = "lost"
    RECONNECTING = "reconnecting"


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One decoded picture.

    Attributes:
        image: height x width x 4, uint8, BGRA, C-contiguous; never written to again,
            so a view may wrap it without a copy.
        seq: the car's number of this picture.
        captured: when it was taken, local monotonic clock, seconds.
        width, height: pixels.
    """

    image: npt.NDArray[np.uint8]
    seq: int
    captured: float
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything the views show, taken at one moment. Ages and times are seconds.

    Attributes:
        link: how the app is joined to the car.
        address: ``host:port`` asked for, or empty.
        car: what the car says it is; kept while the link is lost.
        status: newest status; kept while the link is lost.
        status_age: age of ``status``.
        picture_age: now minus capture of the newest *painted* picture.
        frame_age: capture to painted of the newest painted picture.
        frame_age_p50, frame_age_p99: the same over the last minute.
        fps: pictures painted in the last second.
        frames_painted: pictures painted since :meth:`CarSession.connect`.
        round_trip: drive feed, from sending a command to the car having taken it.
        command_age: age of the command that the car followed when it last reported.
        commands_sent: drive commands given to the feed since connect.
        commands_accepted: drive commands the car accepted since connect.
        dropped: pictures replaced by newer ones before they could be painted.
        throttle_held: the person holds the throttle, whether or not it counts.
        must_let_go: the throttle that is held does not count until it was let go once.
        codec: how the camera's pictures come, ``"h264"`` or ``"jpeg"``; empty without a camera.
        camera_lanes, drive_lanes: pairs that carry pictures and drive commands now.
        error: a sentence for a person with its remedy; empty when there is none.
        can_be_paired: pairing is the remedy for ``error``.
        car_id: device id of the car, as its certificate proves; empty over plain TCP.
        role: what this computer may do at the car, or empty.
        insecure: the connection is plain TCP: anyone in the network can read and change it.
        wheel: who drives.
        ordering: the subroutine that the car is asked for now, or empty.
        reply: what the car answered to the newest wish that it did not grant; soon empty again.
        lost_since: local monotonic time at which the link was lost, else None.
        retry_in: seconds until the next try, None while trying or connected.
        stop_pressed: we pressed STOP and the car has not acknowledged it yet.
        stopped: the car says that STOP is latched.
        stop_reason: who or what stopped it.
        stop_why: what we pressed, if the STOP is ours.
        stop_took: seconds from our press to the car's acknowledgement, None for others' STOP.
        steer, throttle: what is sent now.
        input_source: ``"keyboard"``, ``"gamepad"`` or empty.
        sending: drive commands are being sent.
    """

    link: Link = Link.IDLE
    address: str = ""
    car: CarDescription | None = None
    status: CarStatus | None = None
    status_age: float | None = None
    picture_age: float | None = None
    frame_age: float | None = None
    frame_age_p50: float | None = None
    frame_age_p99: float | None = None
    fps: float = 0.0
    frames_painted: int = 0
    round_trip: float | None = None
    command_age: float | None = None
    commands_sent: int = 0
    commands_accepted: int = 0
    dropped: int = 0
    throttle_held: bool = False
    must_let_go: bool = False
    codec: str = ""
    camera_lanes: int = 0
    drive_lanes: int = 0
    error: str = ""
    can_be_paired: bool = False
    car_id: str = ""
    role: str = ""
    insecure: bool = False
    wheel: Wheel = NO_WHEEL
    ordering: str = ""
    reply: str = ""
    lost_since: float | None = None
    retry_in: float | None = None
    stop_pressed: bool = False
    stopped: bool = False
    stop_reason: str = ""
    stop_why: str = ""
    stop_took: float | None = None
    steer: float = 0.0
    throttle: float = 0.0
    input_source: str = ""
    sending: bool = False

    @property
    def status_known(self) -> bool:
        """``status`` is young enough to say what the car does now."""
        return self.status_age is not None and self.status_age <= LIVE_LIMIT

    @property
    def stage(self) -> str:
        """Of the car's failsafe; empty while it is not known what the car does now."""
        return self.status.stage if self.status is not None and self.status_known else ""

    @property
    def armed(self) -> bool:
        """The car is known to be armed now."""
        return self.status is not None and self.status_known and self.status.armed

    @property
    def unheard(self) -> float | None:
        """Seconds since the car said or showed the newest thing that we know of it."""
        ages = (self.status_age, self.picture_age)
        return min((age for age in ages if age is not None), default=None)


@dataclass(frozen=True, slots=True)
class LinkFacts:
    """What :func:`link_state` decides from; times are local monotonic seconds.

    Attributes:
        wanted: a person asked for this car and has not disconnected.
        connected: pynet holds a connection and the car has described itself.
        ever_connected: it did so before, since the person asked.
        tries_since_loss: tries begun since the link was lost.
        connected_at: when this connection was made.
        has_camera: the car announces a camera.
        picture_at: capture of the newest decoded picture of this connection.
        status_at: time of the newest status of this connection.
    """

    wanted: bool = False
    connected: bool = False
    ever_connected: bool = False
    tries_since_loss: int = 0
    connected_at: float = 0.0
    has_camera: bool = True
    picture_at: float | None = None
    status_at: float | None = None


def link_state(facts: LinkFacts, now: float) -> Link:
    """Name the state of the link at ``now``.

    The rules, in order: nothing wanted is IDLE. Not connected is CONNECTING before the
    first success, LOST after a loss until a new try begins, RECONNECTING from then on.
    Connected is LIVE while the newest picture (or, without a camera, the newest status)
    is at most 0.5 s old; with nothing seen yet it stays CONNECTING or RECONNECTING for
    2 s; nothing of any kind for 2 s is LOST; all else is STALE.
    """
    if not facts.wanted:
        return Link.IDLE
    if not facts.connected:
        if not facts.ever_connected:
            return Link.CONNECTING
        return Link.RECONNECTING if facts.tries_since_loss else Link.LOST
    shown_at = facts.picture_at if facts.has_camera else facts.status_at
    if shown_at is not None and now - shown_at <= LIVE_LIMIT:
        return Link.LIVE
    if shown_at is None and now - facts.connected_at <= LOST_LIMIT:
        return Link.RECONNECTING if facts.tries_since_loss else Link.CONNECTING
    heard = [at for at in (facts.picture_at, facts.status_at) if at is not None]
    if not heard or now - max(heard) > LOST_LIMIT:
        return Link.LOST
    return Link.STALE
