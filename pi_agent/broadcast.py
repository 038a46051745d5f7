"""One camera, many viewers: every picture is taken once."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pynet
from pi_agent.hardware.protocols import Camera, CameraError, HardwareError, Picture

logger = logging.getLogger(__name__)

NUDGE = 0.1
"""Seconds after which a waiting viewer looks whether its other side is still there."""
REOPEN = 1.0
"""Seconds between two tries to open a camera that died."""


@dataclass(frozen=True, slots=True)
class Taken:
    """One picture of a camera.

    Attributes:
        seq: counts pictures since the camera started.
        captured: when it was taken, seconds of the monotonic clock.
        picture: shared by all viewers, not to be changed.
    """

    seq: int
    captured: float
    picture: Picture


class CameraBroadcaster:
    """Reads a camera while anybody watches, and keeps its newest picture for all viewers.

    Args:
        name: of the camera.
        open_camera: opens it; called at once, and again after it died.

    Attributes:
        name: as given.
        width, height, fps: of the camera.

    Raises:
        HardwareError: it cannot be opened.
    """

    def __init__(self, name: str, open_camera: Callable[[], Camera]) -> None:
        self.name = name
        self._open_camera = open_camera
        camera = open_camera()
        self.width, self.height, self.fps = camera.width, camera.height, camera.fps
        self._camera: Camera | None = camera
        self._changed = threading.Condition()
        self._newest: Taken | None = None
        self._frames = 0
        self._viewers = 0
        self._failure = ""
        self._closing = False
        self._thread = threading.Thread(
            target=self._run, name=f"pi-agent-camera-{name}", daemon=True
        )

    @property
    def frames(self) -> int:
        """Pictures taken so far."""
        return self._frames

    @property
    def viewers(self) -> int:
        """How many watch now."""
        return self._viewers

    def start(self) -> None:
        """Starts the thread; it sleeps until somebody watches."""
        self._thread.start()

    def close(self) -> None:
        """Ends all viewers and the thread, and frees the camera; may be called again."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        camera = self._camera
        if camera is not None:
            camera.close()
        if self._thread.is_alive():
            self._thread.join()

    @contextmanager
    def watching(self) -> Iterator[int]:
        """Keeps the camera running; gives the newest picture's ``seq``, to ask for newer ones."""
        with self._changed:
            self._viewers += 1
            seen = self._frames
            self._changed.notify_all()
        try:
            yield seen
        finally:
            with self._changed:
                self._viewers -= 1

    def next_after(self, seen: int, not_before: float = 0.0) -> Taken | None:
        """Waits for a picture newer than ``seen`` and gives the newest; None after closing.

        Args:
            seen: ``seq`` of a picture.
            not_before: one taken earlier than this does not count either.

        Raises:
            CameraError: the camera died.
        """
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._ready(seen, not_before), NUDGE)
                if self._closing:
                    return None
                if self._failure:
                    raise CameraError(self._failure)
                if self._is_there(seen, not_before):
                    return self._newest
            pynet.sleep(0)

    def _is_there(self, seen: int, not_before: float) -> bool:
        newest = self._newest
        return newest is not None and newest.seq > seen and newest.captured >= not_before

    def _ready(self, seen: int, not_before: float) -> bool:
        return self._is_there(seen, not_before) or self._closing or bool(self._failure)

    def _run(self) -> None:
        while self._wait_for_viewers():
            try:
                camera = self._opened()
                captured, picture = camera.read()
            except HardwareError as error:
                self._fail(str(error))
            except Exception as error:
                logger.exception("The camera %s failed", self.name)
                self._fail(f"The camera {self.name} failed: {error}")
            else:
                with self._changed:
                    self._frames += 1
                    self._newest = Taken(self._frames, captured, picture)
                    self._changed.notify_all()

    def _wait_for_viewers(self) -> bool:
        """True when a picture is wanted, False when it is time to go."""
        with self._changed:
            self._changed.wait_for(
                lambda: self._closing or self._viewers > 0 or bool(self._failure)
            )
            if self._failure and not self._closing:
                self._changed.wait_for(lambda: self._closing, REOPEN)
            return not self._closing

    def _opened(self) -> Camera:
        if self._camera is None:
            camera = self._open_camera()
            with self._changed:
                self._camera = camera
                self._failure = ""
                if self._closing:
                    camera.close()
            logger.info("The camera %s is back", self.name)
        assert self._camera is not None
        return self._camera

    def _fail(self, reason: str) -> None:
        with self._changed:
            camera, self._camera = self._camera, None
            if not self._failure and not self._closing:
                logger.warning("%s", reason)
            self._failure = reason
            self._changed.notify_all()
        if camera is not None:
            camera.close()
