"""Pictures from a video file or a camera device, through OpenCV."""

from __future__ import annotations

import logging
import math
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np

from pi_agent.config import CameraConfig
from pi_agent.hardware.protocols import CameraError, Picture

logger = logging.getLogger(__name__)

PATIENCE = 3.0
"""Seconds without a picture after which a device counts as dead."""


def open_video(config: CameraConfig) -> VideoFile | VideoDevice:
    """The camera for ``config.source``: a device number, a device file or a video file.

    Raises:
        CameraError: it cannot be opened.
    """
    source = config.source
    if source.isdecimal():
        return VideoDevice(int(source), config)
    path = Path(source)
    if not path.exists():
        raise CameraError(
            f"There is no camera or video at {source!r}. Give a file, a device such as "
            '"/dev/video0", or a number.'
        )
    if path.is_char_device():
        return VideoDevice(source, config)
    return VideoFile(path, config)


class VideoFile:
    """A video that plays at its own speed and starts again at its end."""

    def __init__(self, path: Path, config: CameraConfig) -> None:
        self._path = path
        self._capture = _open(str(path), None)
        self._waiting = threading.Event()
        self._fps = _property(self._capture, "CAP_PROP_FPS", config.fps, 1, 240)
        self._next = 0.0
        first = self._frame()
        self._height, self._width = first.shape[:2]

    @property
    def width(self) -> int:
        """Pixels."""
        return int(self._width)

    @property
    def height(self) -> int:
        """Pixels."""
        return int(self._height)

    @property
    def fps(self) -> float:
        """Pictures per second of the file."""
        return self._fps

    def read(self) -> tuple[float, Picture]:
        """Waits for the next picture; see :class:`pi_agent.hardware.protocols.Camera`."""
        if self._waiting.wait(max(0.0, self._next - time.monotonic())):
            raise CameraError(f"The video {self._path} was closed.")
        captured = time.monotonic()
        self._next = max(self._next + 1 / self._fps, captured + 0.5 / self._fps)
        return captured, self._frame()

    def close(self) -> None:
        """Ends a waiting read and closes the file."""
        self._waiting.set()
        self._capture.release()

    def _frame(self) -> Picture:
        import cv2

        good, frame = self._capture.read()
        if not good:
            self._capture.set(cv2.CAP_PROP_POS_FRAMES, 0)
            good, frame = self._capture.read()
        if not good:
            raise CameraError(f"{self._path} holds no picture that can be read.")
        return np.asarray(frame, dtype=np.uint8)


class VideoDevice:
    """A webcam. A thread of its own takes every picture, so that only the newest waits."""

    def __init__(self, device: int | str, config: CameraConfig) -> None:
        import cv2

        self._device = device
        self._capture = _open(device, cv2.CAP_V4L2 if sys.platform == "linux" else None)
        self._capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG"))
        self._capture.set(cv2.CAP_PROP_FRAME_WIDTH, config.width)
        self._capture.set(cv2.CAP_PROP_FRAME_HEIGHT, config.height)
        self._capture.set(cv2.CAP_PROP_FPS, config.fps)
        # One buffer, or the picture shown is several pictures old.
        self._capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
        self._width = round(_property(self._capture, "CAP_PROP_FRAME_WIDTH", config.width, 1, 1e5))
        self._height = round(
            _property(self._capture, "CAP_PROP_FRAME_HEIGHT", config.height, 1, 1e5)
        )
        self._fps = _property(self._capture, "CAP_PROP_FPS", config.fps, 1, 240)
        self._ready = threading.Condition()
        self._newest: tuple[float, Picture] | None = None
        self._dead = False
        self._closing = False
        self._thread = threading.Thread(target=self._grab, name="pi-agent-grab", daemon=True)
        self._thread.start()

    @property
    def width(self) -> int:
        """Pixels."""
        return self._width

    @property
    def height(self) -> int:
        """Pixels."""
        return self._height

    @property
    def fps(self) -> float:
        """Pictures per second that the device promises."""
        return self._fps

    def read(self) -> tuple[float, Picture]:
        """Waits for the next picture; see :class:`pi_agent.hardware.protocols.Camera`."""
        with self._ready:
            came = self._ready.wait_for(
                lambda: self._newest is not None or self._dead or self._closing, PATIENCE
            )
            if self._closing:
                raise CameraError(f"The camera {self._device} was closed.")
            if not came or self._newest is None:
                raise CameraError(
                    f"The camera {self._device} gives no more pictures. Check its cable."
                )
            newest, self._newest = self._newest, None
            return newest

    def close(self) -> None:
        """Ends the thread and frees the device."""
        with self._ready:
            self._closing = True
            self._ready.notify_all()
        if self._thread.is_alive():
            self._thread.join(PATIENCE)
        if not self._thread.is_alive():
            self._capture.release()

    def _grab(self) -> None:
        while not self._closing:
            good, frame = self._capture.read()
            captured = time.monotonic()
            with self._ready:
                if good:
                    self._newest = (captured, np.asarray(frame, dtype=np.uint8))
                else:
                    self._dead = True
                self._ready.notify_all()
            if not good:
                return


def _open(source: int | str, backend: int | None) -> Any:
    try:
        import cv2
    except ImportError as error:
        raise CameraError(
            "A camera or video needs OpenCV; install it with: pip install opencv-python"
        ) from error
    capture = cv2.VideoCapture(source) if backend is None else cv2.VideoCapture(source, backend)
    if not capture.isOpened():
        capture.release()
        raise CameraError(
            f"The camera or video {source!r} cannot be opened. Check that it is there, that no "
            "other program uses it, and that this account may read it."
        )
    return capture


def _property(capture: Any, name: str, default: float, low: float, high: float) -> float:
    """What the source says about itself, unless that is nonsense, as it often is."""
    import cv2

    value = float(capture.get(getattr(cv2, name)))
    return value if math.isfinite(value) and low <= value <= high else float(default)
