"""The open feeds of one connection to a car: camera, sensors, status and drive commands.

One Client each. A feed that fails alone, or that bad radio has cut off while others are heard, is
opened again by :meth:`Connection.tend` without disturbing them; a lost link ends the connection as
a whole.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import pynet
from pynet import AuthenticationError, Busy, ConnectError, ConnectionLost, PynetError
from pynet.rc.messages import (
    CameraFrame,
    CameraInfo,
    CarDescription,
    CarStatus,
    DriveCommand,
    SensorInfo,
    SensorSample,
)
from pynet.rc.video import available_codecs
from rcapp.core import _cv
from rcapp.core.state import Frame
from rcapp.core.wheel import DRIVERS

if TYPE_CHECKING:
    from pynet import Client, Feed, ItemInfo, RemoteGateway

logger = logging.getLogger("rcapp.feeds")

REOPEN = 2.0
"""Seconds until a feed that failed alone is asked for again."""

REDIAL = 0.2
"""The same for one that bad radio has cut off while others go on."""

HEARD_LIMIT = 0.5
"""Seconds of silence on all feeds after which one that is cut off means that the link is gone."""

STOP_TIMEOUT = 1.0
"""Seconds for opening the pair that STOP goes over."""

CAMERA_LANES = 8
"""Pairs that share the picture. On bad Wi-Fi the latest one picture in a hundred was 142, 99, 86
and 70 ms old over 2, 4, 6 and 8; more lanes than that mostly sit idle."""

DRIVE_LANES = 8
"""Pairs that share the drive commands: at 100 commands a second and 30 ms round trip three are in
flight, and one that lost a packet is out of use for a tenth of a second or more."""

CAMERA_WINDOW = 4
"""Pictures on the way at most: what a round trip of 100 ms holds at 30 pictures a second."""

CAMERA_COPIES = 2
"""How often each part of an H.264 picture is sent. It is small enough: the latest one in a
hundred was 70 instead of 86 ms old, and no link was filled."""


class Receiver(Protocol):
    """Who gets what the feeds bring. Called on the feeds' threads."""

    def on_picture(self, frame: Frame, gap: int) -> None:
        """A decoded picture; ``gap`` pictures before it were dropped on the way."""

    def on_sample(self, name: str, at: float, values: tuple[float, ...]) -> None:
        """A sensor's reading, taken at local monotonic time ``at``."""

    def on_status(self, status: CarStatus, at: float) -> None:
        """The car's status at local monotonic time ``at``."""

    def on_feed_failed(self, what: str, error: Exception | None) -> None:
        """One feed ended alone: ``"camera"``, ``"drive"``, ``"status"`` or a sensor's name."""

    def on_feed_open(self, what: str) -> None:
        """A feed was opened."""


@dataclass(slots=True)
class _Slot:
    """One feed that should be open.

    Attributes:
        what: its name for :class:`Receiver`.
        open: opens it; the argument is told when it ends.
        client: what is open now.
        retry_at: local monotonic time of the next try while it is not.
    """

    what: str
    open: Callable[[Callable[[Exception | None], None]], Any]
    client: Any = None
    retry_at: float = 0.0
    ended: threading.Event = field(default_factory=threading.Event)
    error: Exception | None = None


def _is_loss(error: Exception | None) -> bool:
    """Tell whether ``error`` may mean that the link as a whole is gone."""
    return isinstance(error, ConnectionLost | ConnectError | AuthenticationError)


class Connection:
    """Everything open to one car for as long as the link holds.

    Args:
        car: the connected car.
        description: what it says it is.
        receiver: gets what the feeds bring.
        wake: called when :meth:`tend` has something to do.

    Attributes:
        car, description: as given.
        codec: how the newest picture was packed; empty before the first.
        lost: set once the link is gone.
        error: why, when known.
    """

    def __init__(
        self,
        car: RemoteGateway,
        description: CarDescription,
        receiver: Receiver,
        wake: Callable[[], None],
    ) -> None:
        self.car = car
        self.description = description
        self.lost = threading.Event()
        self.error: Exception | None = None
        self._receiver = receiver
        self._wake = wake
        self.codec = ""
        self._heard_at = time.monotonic()
        self._closed = False
        # STOP waits behind nothing: not behind a feed, nor behind an order that gets no answer.
        self._stop_pair = car.call_pair()
        self._stop_ready = False
        self._drive_wanted = False
        self._share: int | None = None
        self._drive = _Slot("drive", self._open_drive)
        self._slots = [_Slot("status", self._open_status)]
        if description.cameras:
            camera = description.cameras[0]
            self._slots.append(_Slot("camera", lambda end: self._open_camera(camera, end)))
        for sensor in description.sensors:
            self._slots.append(_Slot(sensor.name, self._sensor_opener(sensor)))

    def tend(self, now: float) -> float | None:
        """Open one feed that should be open and is not; the drive commands go before the others.

        Returns:
            Seconds until there is something to do again, or None.
        """
        waits: list[float] = []
        for slot in (self._drive, *self._slots):
            if self.lost.is_set() or self._closed:
                return None
            self._collect(slot, now)
            if slot is self._drive and not self._drive_wanted:
                continue
            if slot.client is None and slot.retry_at <= now:
                # On bad radio a dial may take a second: what else is due is looked at anew.
                self._try(slot, now)
                return 0.0
            if slot.client is None:
                waits.append(max(0.0, slot.retry_at - now))
        # Last, as picture and commands are what a person waits for after a loss.
        self._make_stop_ready()
        return min(waits, default=None)

    def send(self, seq: int, steer: float, throttle: float, read_at: float, epoch: int) -> bool:
        """Give the car a drive command; never waits. False when there is no drive feed yet.

        Args:
            seq: grows with every command.
            steer, throttle: -1 to 1.
            read_at: when the input was read, local monotonic time.
            epoch: of our lease.
        """
        feed: Feed | None = self._drive.client
        if feed is None or self._drive.ended.is_set():
            if not self._drive_wanted:
                self._drive_wanted = True
                self._wake()
            return False
        try:
            age = max(0.0, time.monotonic() - read_at)
            feed.send(DriveCommand(seq, steer, throttle, read_at, epoch, age))
        except PynetError as error:
            self._end(self._drive, error)
            return False
        return True

    def stop(self, timeout: float) -> None:
        """Latch STOP on the car, and wait for its acknowledgement.

        Raises:
            PynetError: it did not come.
        """
        try:
            self._stop_pair.call("stop", timeout=timeout)
        except (Busy, ConnectError):  # what is open already may still do
            self.car.call("stop", timeout=timeout)

    @property
    def round_trip(self) -> float | None:
        """Seconds from sending a drive command to the car having taken it."""
        feed: Feed | None = self._drive.client
        return None if feed is None else feed.stats.round_trip

    def lanes(self, what: str) -> int:
        """Pairs that carry the feed called ``what`` now."""
        clients = (slot.client for slot in (*self._slots, self._drive) if slot.what == what)
        return next((int(client.lanes) for client in clients if client is not None), 0)

    def close(self) -> None:
        """Close every feed and the car. Twice is fine."""
        self._closed = True
        for slot in [*self._slots, self._drive]:
            client, slot.client = slot.client, None
            if client is not None:
                client.close()
        self.car.close()

    def _make_stop_ready(self) -> None:
        """Open the pair for STOP before it is needed; if that fails, STOP itself tries again."""
        if self._stop_ready or self._closed or self.lost.is_set():
            return
        self._stop_ready = True
        try:
            self._stop_pair.open(STOP_TIMEOUT)
        except PynetError as error:
            logger.info("no pair for STOP yet: %s", error)

    def _collect(self, slot: _Slot, now: float) -> None:
        """Put away a feed that ended alone."""
        if not slot.ended.is_set():
            return
        client, slot.client = slot.client, None
        if client is not None:
            client.close()
        error, slot.error = slot.error, None
        slot.ended.clear()
        if slot is self._drive:
            # Asked for again only while a person goes on driving.
            self._drive_wanted = False
        self._put_off(slot, error, now)

    def _put_off(self, slot: _Slot, error: Exception | None, now: float) -> None:
        """Try a feed that failed alone again later; cut off by bad radio, soon and in silence."""
        if _is_loss(error):
            slot.retry_at = now + REDIAL
            return
        slot.retry_at = now + max(REOPEN, getattr(error, "retry_after", 0.0))
        self._receiver.on_feed_failed(slot.what, error)

    def _try(self, slot: _Slot, now: float) -> None:
        try:
            slot.client = slot.open(lambda error: self._end(slot, error))
        except PynetError as error:
            logger.info("feed %s cannot be opened: %s", slot.what, error)
            if self._takes_all(error):
                self._lose(error)
                return
            self._put_off(slot, error, time.monotonic())
        else:
            self._receiver.on_feed_open(slot.what)

    def _end(self, slot: _Slot, error: Exception | None) -> None:
        """A feed ended: alone, or because the link is gone. Any thread."""
        if self._closed:
            return
        logger.info("feed %s ended: %s", slot.what, error)
        slot.error = error
        slot.ended.set()
        if self._takes_all(error):
            self._lose(error)
            return
        self._wake()

    def _takes_all(self, error: Exception | None) -> bool:
        """With this feed the whole link is gone; who is thrown out has no other feed, either."""
        if isinstance(error, AuthenticationError):
            return True
        return _is_loss(error) and not self._stands()

    def _stands(self) -> bool:
        """The link as a whole is there: one of the feeds that are still open was heard lately."""
        slots = (*self._slots, self._drive)
        some = any(slot.client is not None and not slot.ended.is_set() for slot in slots)
        return some and time.monotonic() - self._heard_at <= HEARD_LIMIT

    def _lose(self, error: Exception | None) -> None:
        if not self.lost.is_set():
            self.error = error
            self.lost.set()
            self._wake()

    def _lanes(self, wished: int) -> int:
        """As many pairs as wished, or a fair share of what the car has left, but at least one."""
        if self._share is None:
            stats = self.car.stats()
            singles = sum(slot.client is None for slot in self._slots) + (not self._stop_ready)
            spare = int(stats["pool_size"]) - int(stats["handlers"]) - singles
            # Camera and drive commands have an equal claim, whichever of them opens first.
            self._share = max(1, spare // 2)
        return min(wished, self._share)

    def _open_camera(self, camera: CameraInfo, end: Callable[[Exception | None], None]) -> Client:
        decoder = _cv.video_decoder()
        missed = 0

        def decode(packed: CameraFrame, info: ItemInfo) -> None:
            nonlocal missed
            self._heard_at = time.monotonic()
            self.codec = packed.codec
            image = decoder.decode(packed)
            missed += info.gap
            if image is None:
                missed += 1
                return
            height, width = image.shape[:2]
            # The offset between the clocks is an estimate: no picture is from the future.
            captured = min(info.local_time(packed.captured), info.received)
            frame = Frame(image, packed.seq, captured, width, height)
            gap, missed = missed, 0
            self._receiver.on_picture(frame, gap)

        codec = next((c for c in camera.codecs if c in available_codecs()), None)
        # A car that names no codecs has no choice of them.
        wishes = {} if codec is None else {"codec": codec, "driver": self.car.role in DRIVERS}
        lossless = codec == "h264"
        return self.car.stream(
            "camera",
            decode,
            name=camera.name,
            policy=pynet.paced(CAMERA_WINDOW) if lossless else pynet.latest,
            lanes=self._lanes(CAMERA_LANES),
            copies=CAMERA_COPIES if lossless else 1,
            on_end=end,
            reconnect=False,
            arguments=wishes,
        )

    def _sensor_opener(
        self, sensor: SensorInfo
    ) -> Callable[[Callable[[Exception | None], None]], Client]:
        def take(sample: SensorSample, info: ItemInfo) -> None:
            self._heard_at = time.monotonic()
            at = min(info.local_time(sample.time), info.received)
            self._receiver.on_sample(sensor.name, at, sample.values)

        def opener(end: Callable[[Exception | None], None]) -> Client:
            return self.car.stream("sensor", take, name=sensor.name, on_end=end, reconnect=False)

        return opener

    def _open_status(self, end: Callable[[Exception | None], None]) -> Client:
        def take(status: CarStatus, info: ItemInfo) -> None:
            self._heard_at = time.monotonic()
            self._receiver.on_status(status, min(info.local_time(status.time), info.received))

        return self.car.stream("status", take, policy="latest", on_end=end, reconnect=False)

    def _open_drive(self, end: Callable[[Exception | None], None]) -> Feed:
        lanes = self._lanes(DRIVE_LANES)
        return self.car.feed("drive", policy="latest", lanes=lanes, on_end=end, reconnect=False)
