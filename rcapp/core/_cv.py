"""The one place that imports OpenCV.

Its Linux wheel points ``QT_QPA_PLATFORM_PLUGIN_PATH`` and ``QT_QPA_FONTDIR`` at the Qt 5 inside
it, for the whole process and its children. Both are put back, so that Qt's own error texts and
child processes stay true.
"""

from __future__ import annotations

import os

import numpy as np
import numpy.typing as npt

_CHANGED_BY_CV = ("QT_QPA_PLATFORM_PLUGIN_PATH", "QT_QPA_FONTDIR")
_before = {name: os.environ.get(name) for name in _CHANGED_BY_CV}

import cv2  # noqa: E402 - the environment must be read before

for _name, _value in _before.items():
    if _value is None:
        os.environ.pop(_name, None)
    else:
        os.environ[_name] = _value

# One picture of a car needs no second core; a pool would only wake up for each of them.
cv2.setNumThreads(1)


class PictureError(ValueError):
    """Bytes that are not the picture they claim to be."""


def decode_bgra(data: bytes) -> npt.NDArray[np.uint8]:
    """Unpack a JPEG (or PNG) into a new height x width x 4 array of uint8, BGRA, C-contiguous.

    Raises:
        PictureError: when the bytes are not a picture.
    """
    try:
        bgr = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error as error:
        raise PictureError(f"not a picture: {error}") from error
    if bgr is None:
        raise PictureError(f"not a picture: {len(data)} bytes")
    return np.ascontiguousarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2BGRA), np.uint8)
