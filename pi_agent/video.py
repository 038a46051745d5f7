"""How a camera's pictures are packed: finely adapted for the driver, once for all others.

There are at most two encodings of a camera at a time, however many people watch:

- the *driver's*, adapted to the one link it goes over. It goes to whoever drives; while nobody
  does, to the first stream that asked for it and still runs. Others who asked for it watch like
  everybody else until it is theirs.
- the *viewers'*, with fixed moderate settings. One picture is packed for all of them, when the
  first of them has room for it. Who comes too late for one cannot use those that build on it,
  and waits for the next key frame: within a second, as each who waits asks for one.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import replace

import pynet
from pi_agent.broadcast import CameraBroadcaster, Taken
from pi_agent.config import CameraConfig
from pi_agent.hardware.protocols import CameraError
from pi_agent.turns import Turns
from pynet.rc.messages import CameraFrame, CameraInfo
from pynet.rc.video import (
    AdaptiveController,
    Encoder,
    Packed,
    Setting,
    available_codecs,
    ladder,
    make_encoder,
)

MBIT = 1_000_000.0

DRIVER_KEYS = 2.0
"""Seconds between two key frames of the driver's, who misses nothing: only a safety net."""

VIEWER_KEYS = 1.0
"""Seconds between two key frames of the viewers', and between two that are asked for."""

Drives = Callable[[], bool | None]
"""Who drives now: True for the viewer that is asked about, False for another, None for nobody."""

VIEWER_RATE = 1.2 * MBIT
VIEWER_QUALITY = 60
"""What all viewers get, unless the driver's limits are lower still."""


class CameraVideo:
    """The packed pictures of one camera.

    Args:
        broadcaster: takes the pictures.
        config: the limits of bit rate and quality.
        codecs: what is offered, the best one first; see :func:`offered`.

    Attributes:
        codecs: as given.
    """

    def __init__(
        self, broadcaster: CameraBroadcaster, config: CameraConfig, codecs: tuple[str, ...]
    ) -> None:
        self._broadcaster = broadcaster
        self._config = config
        self.codecs = codecs
        self._turns = Turns()
        self._shared = SharedEncoding(broadcaster, self._encoder, self._turns)
        self._lock = threading.Lock()
        self._driver: object | None = None

    @property
    def info(self) -> CameraInfo:
        """What the car tells about it."""
        camera = self._broadcaster
        # Who does not know codecs gets what anybody can show.
        plain = self.codecs[-1]
        return CameraInfo(camera.name, camera.width, camera.height, camera.fps, plain, self.codecs)

    @property
    def frames(self) -> int:
        """Pictures taken so far."""
        return self._broadcaster.frames

    def start(self) -> None:
        """Starts taking pictures as soon as somebody watches."""
        self._broadcaster.start()

    def close(self) -> None:
        """Ends all viewers and frees the camera; may be called again."""
        self._broadcaster.close()

    def watch(
        self, codec: str | None = None, drives: Drives | None = None
    ) -> Iterator[CameraFrame]:
        """Packed pictures, each made of the newest one when it is asked for.

        Args:
            codec: ``"jpeg"`` or ``"h264"``; JPEG by default, where the car has it.
            drives: ask for the adapted encoding, by what this tells at each picture.

        Raises:
            ValueError: the car does not offer the codec.
            CameraError: the camera died.
        """
        codec = self.codecs[-1] if codec is None else codec
        if codec not in self.codecs:
            raise ValueError(
                f"This car does not send video as {codec!r:.20}; it has {', '.join(self.codecs)}."
            )
        with self._broadcaster.watching() as newest:
            if drives is None:
                yield from self._shared.watch(codec, newest)
                return
            me = object()
            seen: int | None = newest
            try:
                while seen is not None:
                    seen = yield from self._watch_until_mine(codec, seen, me, drives)
                    if seen is not None:
                        seen = yield from self._watch_adapted(codec, seen, me, drives)
            finally:
                self._let_go(me)

    def _watch_until_mine(
        self, codec: str, seen: int, me: object, drives: Drives
    ) -> Generator[CameraFrame, None, int | None]:
        """What all viewers see, until the adapted encoding is this one's.

        Returns:
            The newest picture's ``seq``; None after closing.
        """
        watching = self._shared.watch(codec, seen)
        try:
            while not self._is_mine(me, drives):
                frame = next(watching, None)
                if frame is None:
                    return None
                seen = frame.seq
                yield frame
        finally:
            watching.close()
        return seen

    def _is_mine(self, me: object, drives: Drives) -> bool:
        """Tell whether the adapted encoding is this stream's, which takes or leaves it first."""
        driving = drives()
        with self._lock:
            # Who drives takes it from a stream that may be stuck and cannot leave it by itself.
            if driving or (driving is None and self._driver is None):
                self._driver = me
        if driving is False:
            self._let_go(me)
        return self._driver is me

    def _let_go(self, me: object) -> None:
        with self._lock:
            if self._driver is me:
                self._driver = None
                self._turns.nobody_drives()

    def _watch_adapted(
        self, codec: str, seen: int, me: object, drives: Drives
    ) -> Generator[CameraFrame, None, int | None]:
        """Pictures for one link, as long as they are this one's; returns as the other one."""
        camera, config = self._broadcaster, self._config
        steps = ladder(
            codec,
            camera.width,
            camera.height,
            camera.fps,
            quality=config.quality,
            most=config.max_bitrate * MBIT,
            least=config.min_bitrate * MBIT,
        )
        steps = tuple(replace(step, key_every=DRIVER_KEYS) for step in steps)
        adaptive = AdaptiveController(codec, steps)
        encoder = make_encoder(codec, camera.width, camera.height, adaptive.setting)
        due, index = 0.0, 0
        while (taken := camera.next_after(seen, due)) is not None:
            setting = adaptive.update(time.monotonic(), pynet.flow())
            encoder.apply(setting)
            with self._turns.driver(taken.seq):
                packed = encoder.encode(taken.picture)
            adaptive.sent(len(packed.data))
            yield _message(taken, packed, index)
            seen, index = taken.seq, index + 1
            if not self._is_mine(me, drives):
                return seen
            # Half a picture's time early: a camera is never quite on time.
            due = taken.captured + 1 / setting.fps - 0.5 / camera.fps
        return None

    def _encoder(self, codec: str) -> Encoder:
        camera, config = self._broadcaster, self._config
        setting = Setting(
            fps=camera.fps,
            bitrate=min(VIEWER_RATE, config.max_bitrate * MBIT),
            quality=min(VIEWER_QUALITY, config.quality),
            key_every=VIEWER_KEYS,
        )
        return make_encoder(codec, camera.width, camera.height, setting)


class SharedEncoding:
    """One packed picture for all viewers. While they want different codecs, all get JPEG.

    Args:
        broadcaster: takes the pictures.
        make: an encoder for a codec.
        turns: tells when to pack.
    """

    def __init__(
        self, broadcaster: CameraBroadcaster, make: Callable[[str], Encoder], turns: Turns
    ) -> None:
        self._broadcaster = broadcaster
        self._make = make
        self._turns = turns
        self._lock = threading.Lock()
        self._wanted: list[str] = []
        self._encoder: Encoder | None = None
        self._newest: CameraFrame | None = None
        self._index = 0
        self._key_wanted = False
        self._key_at = float("-inf")

    def watch(self, codec: str, seen: int) -> Generator[CameraFrame, None, None]:
        """Packed pictures newer than ``seen``, each of which can be unpacked after the last."""
        with self._lock:
            self._wanted.append(codec)
        expected: int | None = None
        try:
            while (taken := self._broadcaster.next_after(seen)) is not None:
                frame = self._packed(taken, expected)
                seen = max(taken.seq, frame.seq)
                if frame.key or frame.index == expected:
                    expected = frame.index + 1
                    yield frame
                else:
                    expected = None
        finally:
            with self._lock:
                self._wanted.remove(codec)
                if not self._wanted:
                    self._encoder = self._newest = None

    def _packed(self, taken: Taken, expected: int | None) -> CameraFrame:
        """The newest packed picture, made of ``taken`` unless a newer one is there."""
        with self._lock:
            newest = self._newest
            if newest is None or newest.seq < taken.seq:
                self._newest = newest = self._pack(taken, expected)
            elif not newest.key and newest.index != expected:
                self._key_wanted = True
            return newest

    def _pack(self, taken: Taken, expected: int | None) -> CameraFrame:
        codec = min(self._wanted, key=("jpeg", "h264").index)
        if self._encoder is None or self._encoder.codec != codec:
            self._encoder = self._make(codec)
        missed = expected != self._index
        due = time.monotonic() >= self._key_at + VIEWER_KEYS
        with self._turns.others(taken.seq):
            packed = self._encoder.encode(taken.picture, key=due and (missed or self._key_wanted))
        self._key_wanted = not packed.key and (missed or self._key_wanted)
        if packed.key:
            self._key_at = time.monotonic()
        self._index += 1
        return _message(taken, packed, self._index - 1)


def offered(wanted: str) -> tuple[str, ...]:
    """The codecs that a car offers, the best one first.

    Args:
        wanted: ``"auto"``, ``"jpeg"`` or ``"h264"``, as the file says.

    Raises:
        CameraError: this machine cannot pack video so.
    """
    if wanted == "auto":
        return available_codecs()
    if wanted not in available_codecs():
        raise CameraError(
            f"The file wants video as {wanted}, which needs PyAV: install pynet-rc[h264], or set "
            'codec = "auto" in [camera].'
        )
    return (wanted,)


def _message(taken: Taken, packed: Packed, index: int) -> CameraFrame:
    return CameraFrame(
        taken.seq,
        taken.captured,
        packed.width,
        packed.height,
        packed.codec,
        packed.data,
        packed.key,
        index,
    )
