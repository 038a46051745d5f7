"""JPEG by OpenCV: every picture stands alone."""

from __future__ import annotations

from pynet.rc.video.codecs import Packed, Picture, VideoError
from pynet.rc.video.settings import Setting


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


def unpack_jpeg(data: bytes) -> Picture:
    """A JPEG (or PNG) as a new height x width x 4 array, BGRA, C-contiguous.

    Raises:
        VideoError: the bytes are no picture.
    """
    import cv2
    import numpy as np

    try:
        bgr = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error as error:
        raise VideoError(f"not a picture: {error}") from error
    if bgr is None:
        raise VideoError(f"not a picture: {len(data)} bytes")
    return np.ascontiguousarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2BGRA), np.uint8)
