"""From the messages of a camera to pictures that can be shown."""

from __future__ import annotations

import logging

from pynet.rc.messages import CameraFrame
from pynet.rc.video.codecs import Picture, VideoError
from pynet.rc.video.h264 import H264Unpacker
from pynet.rc.video.jpeg import JpegUnpacker

logger = logging.getLogger("pynet.rc.video")


class Decoder:
    """Unpacks the pictures of one flow, and shows none that is broken.

    After a gap, or a picture that cannot be unpacked, it waits for the next key frame. Used by
    one thread at a time.

    Attributes:
        waited: pictures that were not shown because one before them is missing.
        refused: pictures that could not be unpacked.
    """

    def __init__(self) -> None:
        self.waited = 0
        self.refused = 0
        self._jpeg: JpegUnpacker | None = None
        self._unpacker: H264Unpacker | None = None
        self._expected: int | None = None

    @property
    def waiting(self) -> bool:
        """True until a picture has been unpacked, and again after a gap until a key frame."""
        return self._expected is None

    def decode(self, frame: CameraFrame) -> Picture | None:
        """The picture as a new height x width x 4 array, BGRA; None when there is none to show."""
        if not frame.key and frame.index != self._expected:
            self._expected = None
            self.waited += 1
            return None
        try:
            picture = self._unpack(frame)
        except VideoError as error:
            logger.warning("Picture %d cannot be shown: %s", frame.seq, error)
            self._expected = self._unpacker = None
            self.refused += 1
            return None
        self._expected = frame.index + 1
        return picture

    def _unpack(self, frame: CameraFrame) -> Picture:
        if frame.codec == "jpeg":
            self._jpeg = self._jpeg or JpegUnpacker()
            return self._jpeg.unpack(frame.data)
        if frame.codec != "h264":
            raise VideoError(f"the codec {frame.codec!r:.20} is not known here")
        # What was decoded before a gap must not be mixed with what comes after it.
        if self._unpacker is None or frame.index != self._expected:
            self._unpacker = H264Unpacker()
        return self._unpacker.unpack(frame.data)
