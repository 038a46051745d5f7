"""JPEG: every picture stands alone."""

from __future__ import annotations

from typing import Any

from pynet.rc.video.codecs import MOST_PIXELS, Packed, Picture, VideoError
from pynet.rc.video.settings import Setting

START = b"\xff\xd8"
"""How a JPEG begins (ISO 10918-1, B.1.1.3); what begins otherwise is OpenCV's to judge."""


class JpegEncoder:
    """Packs each picture by itself.

    Args:
        setting: its ``quality`` and ``scale`` count.
    """

    codec = "jpeg"

    def __init__(self, setting: Setting) -> None:
        self._setting = setting

    def apply(self, setting: Setting) -> None:
        """Packs the next pictures with this quality and scale."""
        self._setting = setting

    def encode(self, picture: Picture, *, key: bool = False) -> Packed:
        """Packs a BGR picture; each one is a key frame.

        Raises:
            VideoError: OpenCV refuses it.
        """
        import cv2

        height, width = picture.shape[:2]
        scale = self._setting.scale
        try:
            if scale > 1:
                width, height = max(1, width // scale), max(1, height // scale)
                smaller = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
            else:
                smaller = picture
            good, data = cv2.imencode(
                ".jpg", smaller, [cv2.IMWRITE_JPEG_QUALITY, self._setting.quality]
            )
        except cv2.error as error:
            raise VideoError(f"OpenCV cannot pack a picture as JPEG: {error}") from error
        if not good:
            raise VideoError("OpenCV could not pack a picture as JPEG.")
        return Packed(data.tobytes(), True, "jpeg", width, height)


class JpegUnpacker:
    """Unpacks pictures that stand alone.

    With PyAV, where it is installed: 1.7 ms for 640x480 where OpenCV takes 4.
    """

    def __init__(self) -> None:
        self._context: Any = _opened()

    def unpack(self, data: bytes) -> Picture:
        """A JPEG (or PNG) as a new height x width x 4 array, BGRA, C-contiguous.

        Raises:
            VideoError: the bytes are no picture.
        """
        if self._context is not None and data[:2] == START:
            picture = self._unpack_quickly(data)
            if picture is not None:
                return picture
            self._context = _opened()
        return _unpack_by_opencv(data)

    def _unpack_quickly(self, data: bytes) -> Picture | None:
        """None for what FFmpeg does not take for intact."""
        import av
        import av.error
        import numpy as np

        try:
            frames = self._context.decode(av.Packet(data))
            if len(frames) != 1 or frames[0].is_corrupt:
                return None
            bgra = frames[0].reformat(format="bgra").to_ndarray()
        except (av.error.FFmpegError, ValueError):
            return None
        return np.ascontiguousarray(bgra, np.uint8)


def _opened() -> Any:
    """FFmpeg's decoder; None without PyAV."""
    try:
        import av
    except ImportError:
        return None
    context: Any = av.CodecContext.create("mjpeg", "r")
    context.thread_count = 1
    context.options = {"err_detect": "explode", "max_pixels": str(MOST_PIXELS)}
    return context


def _unpack_by_opencv(data: bytes) -> Picture:
    import cv2
    import numpy as np

    try:
        bgr = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error as error:
        raise VideoError(f"not a picture: {error}") from error
    if bgr is None:
        raise VideoError(f"not a picture: {len(data)} bytes")
    return np.ascontiguousarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2BGRA), np.uint8)
