"""Pictures as a car packs them, for tests of what unpacks them."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt


def encode_jpeg(image: npt.NDArray[np.uint8], quality: int = 80) -> bytes:
    """Pack a height x width x 3 BGR picture as JPEG."""
    done, packed = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    assert done
    return packed.tobytes()
