"""The one place that imports OpenCV.

Its Linux wheel points ``QT_QPA_PLATFORM_PLUGIN_PATH`` and ``QT_QPA_FONTDIR`` at the Qt 5 inside
it, for the whole process and its children. Both are put back, so that Qt's own error texts and
child processes stay true.
"""

from __future__ import annotations

import os

from pynet.rc.video import Decoder

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


def video_decoder() -> Decoder:
    """What unpacks the pictures of one camera, with the OpenCV imported here."""
    return Decoder()
