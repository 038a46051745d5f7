"""JPEG as all peers use it."""

from __future__ import annotations

import simplejpeg

from benchmarks.video.source import Picture

QUALITY = 70


def pack(picture: Picture) -> bytes:
    """Encode a picture."""
    return bytes(simplejpeg.encode_jpeg(picture, quality=QUALITY, colorspace="BGR"))


def unpack(data: bytes) -> Picture:
    """Decode one."""
    picture: Picture = simplejpeg.decode_jpeg(data, colorspace="BGR")
    return picture
