"""Live pictures: packed with JPEG or H.264, unpacked, and adapted to the link they travel over.

OpenCV and PyAV are imported when a codec is made, not before: a program that sends no pictures
needs neither, and without PyAV there is JPEG.
"""

from __future__ import annotations

from pynet.rc.video.codecs import (
    CODECS,
    Encoder,
    Packed,
    VideoError,
    available_codecs,
    make_encoder,
)
from pynet.rc.video.controller import AdaptiveController, Reading
from pynet.rc.video.decoder import Decoder
from pynet.rc.video.settings import Setting, ladder

__all__ = [
    "CODECS",
    "AdaptiveController",
    "Decoder",
    "Encoder",
    "Packed",
    "Reading",
    "Setting",
    "VideoError",
    "available_codecs",
    "ladder",
    "make_encoder",
]
