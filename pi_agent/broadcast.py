"""One camera, many viewers: every picture is taken and packed once."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator

import pynet
from pi_agent.hardware.protocols import Camera, CameraError, HardwareError, Picture
from pynet.rc.messages import CameraFrame, CameraInfo

logger = logging.getLogger(__name__)

NUDGE = 0.1
"""Seconds after which a waiting viewer looks whether its other side is still there."""
REOPEN = 1.0
"""Seconds between two tries to open a camera that died."""


class CameraBroadcaster:
    """Reads a camera while anybody watches, and keeps its newest picture for all viewers.

    Args:
        name: of the camera.
        open_camera: opens it; called at once, and again after it died.
        quality: of the JPEG pictures, 1 to 100.

    Raises:
        HardwareError: it cannot be opened.
    """

    def __init__(self, name: str, open_camera: Callable[[], Camera], quality: int) -> None:
        self._name = name
        self._open_camera = open_camera
        self._quality = quality
        self._camera: Camera | None = open_camera()
        self.info = CameraInfo(name, self._camera.width, self._camera.height, self._camera.fps)
        self._changed = threading.Condition()
        self._newest: CameraFrame | None = None
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

    def watch(self) -> Iterator[CameraFrame]:
        """The newest picture, again and again; pictures that come too fast are skipped.

        Ends when the broadcaster is closed.

        Raises:
            CameraError: the camera died.
        """
        with self._changed:
            self._viewers += 1
            seen = self._frames
            self._changed.notify_all()
        try:
            while True:
                frame = self._next_after(seen)
                if frame is None:
                    return
                seen = frame.seq
                yield frame
        finally:
            with self._changed:
                self._viewers -= 1

    def _next_after(self, seen: int) -> CameraFrame | None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._ready(seen), NUDGE)
                if self._closing:
                    return None
                if self._failure:
                    raise CameraError(self._failure)
                if self._newest is not None and self._newest.seq > seen:
                    return self._newest
            pynet.sleep(0)

    def _ready(self, seen: int) -> bool:
        newer = self._newest is not None and self._newest.seq > seen
        return newer or self._closing or bool(self._failure)

    def _run(self) -> None:
        while self._wait_for_viewers():
            try:
                camera = self._opened()
                captured, picture = camera.read()
                data = _packed(picture, self._quality)
            except HardwareError as error:
                self._fail(str(error))
            except Exception as error:
                logger.exception("The camera %s failed", self._name)
                self._fail(f"The camera {self._name} failed: {error}")
            else:
                height, width = picture.shape[:2]
                with self._changed:
                    self._frames += 1
                    self._newest = CameraFrame(self._frames, captured, width, height, "jpeg", data)
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
            logger.info("The camera %s is back", self._name)
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


def _packed(picture: Picture, quality: int) -> bytes:
    import cv2

    good, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not good:
        raise CameraError("OpenCV could not pack a picture as JPEG.")
    return data.tobytes()
