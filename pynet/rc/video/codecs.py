"""What an encoder is, and which codecs this machine has."""

from __future__ import annotations

import functools
import logging
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt

from pynet.rc.video.settings import Setting

logger = logging.getLogger("pynet.rc.video")

Picture = npt.NDArray[np.uint8]
"""Height x width x 3 (BGR) or x 4 (BGRA), uint8."""

MOST_PIXELS = 4096 * 2304
"""A larger picture is refused by FFmpeg's decoders before it takes memory."""

CODECS = ("h264", "jpeg")
"""All codecs by their names in messages, the best one first."""


class VideoError(Exception):
    """A picture that cannot be packed, or a codec that this machine does not have."""


@dataclass(frozen=True, slots=True)
class Packed:
    """One picture as it travels.

    Attributes:
        data: the packed picture.
        key: True when it can be unpacked without those before it.
        codec: ``"jpeg"`` or ``"h264"``.
        width, height: pixels after unpacking; less than the camera's when it was scaled.
    """

    data: bytes = field(repr=False)
    key: bool
    codec: str
    width: int
    height: int


class Encoder(Protocol):
    """Packs the pictures of one flow, one in and one out. Used by one thread at a time."""

    codec: str

    def encode(self, picture: Picture, *, key: bool = False) -> Packed:
        """Packs a height x width x 3 BGR picture of uint8.

        Args:
            picture: not kept, and not changed.
            key: True for a packed picture that needs none of those before it.

        Raises:
            VideoError: the codec refuses it.
        """

    def apply(self, setting: Setting) -> None:
        """Packs the next pictures as ``setting`` says, as far as the codec knows its values."""


@functools.cache
def available_codecs() -> tuple[str, ...]:
    """The codecs that this machine can pack and unpack, the best one first.

    Without PyAV there is only JPEG, which the log says once.
    """
    try:
        import av
        import av.error
    except ImportError as error:
        logger.warning("Video is sent and shown as JPEG only, because PyAV is missing: %s", error)
        return ("jpeg",)
    try:
        av.Codec("libx264", "w")
        av.Codec("h264", "r")
    except av.error.FFmpegError as error:
        logger.warning("Video is sent and shown as JPEG only: this PyAV has no %s", error)
        return ("jpeg",)
    return CODECS


def make_encoder(codec: str, width: int, height: int, setting: Setting) -> Encoder:
    """An encoder for pictures of ``width`` x ``height``.

    Args:
        codec: ``"jpeg"`` or ``"h264"``.
        width, height: pixels of the camera.
        setting: to begin with.

    Raises:
        VideoError: this machine does not have the codec.
    """
    if codec not in available_codecs():
        raise VideoError(f"This machine cannot pack video as {codec}.")
    if codec == "h264":
        from pynet.rc.video.h264 import H264Encoder

        return H264Encoder(width, height, setting)
    from pynet.rc.video.jpeg import JpegEncoder

    return JpegEncoder(setting)
