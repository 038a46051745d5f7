"""How finely pictures are packed, and the ladder of such settings from the best to the smallest."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

JPEG_BYTES = {
    80: 1.0,
    70: 0.77,
    60: 0.65,
    50: 0.58,
    40: 0.51,
    30: 0.45,
}
"""Size of a JPEG picture by its quality, relative to quality 80; measured with a street scene."""

JPEG_HALF = 0.37
"""What half the width and height leave of a JPEG picture's bytes; measured with the same."""

JPEG_WHOLE = 0.9
"""Bits for each pixel of a JPEG picture of quality 80; measured with the same."""

H264_STEP = 0.74
"""Each step of H.264 has about this part of the bits of the one before."""

LEAST_FPS = 15.0
"""A car cannot be driven well with fewer pictures a second."""

MBIT = 1_000_000.0


@dataclass(frozen=True, slots=True)
class Setting:
    """How pictures are packed.

    Attributes:
        fps: pictures a second, at most.
        bitrate: bits a second, for a codec that can be told; for JPEG what its quality comes to.
        quality: of JPEG, 1 to 100.
        scale: 1 for the whole picture, 2 for half its width and height.
        key_every: seconds between two key frames of H.264. The default is for one viewer who
            misses nothing, where they are only a safety net.
    """

    fps: float
    bitrate: float
    quality: int = 70
    scale: int = 1
    key_every: float = 5.0

    @property
    def picture_bytes(self) -> float:
        """The share of one picture."""
        return self.bitrate / self.fps / 8


def ladder(
    codec: str,
    width: int,
    height: int,
    fps: float,
    *,
    quality: int = 70,
    most: float = 4 * MBIT,
    least: float = 0.4 * MBIT,
) -> tuple[Setting, ...]:
    """The settings that the adaptive controller moves along, the best one first.

    First the packing gets coarser, then JPEG gets smaller and at last slower; H.264 slower and at
    last smaller. H.264 keeps its detail at a rate where JPEG has to give up its size.

    Args:
        codec: ``"jpeg"`` or ``"h264"``.
        width, height: pixels of the camera.
        fps: pictures a second that the camera gives.
        quality: of the best JPEG, 30 to 95.
        most, least: bits a second of H.264 at full size and rate.
    """
    slower = max(min(fps, LEAST_FPS), fps / 2)
    if codec == "jpeg":
        return _jpeg_ladder(width * height, fps, slower, quality)
    least = min(least, most)
    count = max(1, math.ceil(math.log(least / most) / math.log(H264_STEP)))
    rates = [most * (least / most) ** (i / count) for i in range(count + 1)]
    steps = [Setting(fps, rate) for rate in rates]
    if slower < fps:
        steps.append(Setting((fps + slower) / 2, 0.85 * least))
        steps.append(Setting(slower, 0.7 * least))
    steps.append(replace(steps[-1], bitrate=0.5 * least, scale=2))
    return tuple(steps)


def _jpeg_ladder(pixels: int, fps: float, slower: float, best: int) -> tuple[Setting, ...]:
    def bits(quality: int, scale: int) -> float:
        near = JPEG_BYTES.get(quality, 1.0 + 0.05 * (quality - 80) if quality > 80 else 0.45)
        return pixels * JPEG_WHOLE * near * (JPEG_HALF if scale == 2 else 1.0)

    qualities = [best, *(quality for quality in (70, 60, 50, 40, 30) if quality < best)]
    shapes = [(quality, 1) for quality in qualities]
    shapes += [(quality, 2) for quality in (70, 50, 30) if quality <= best]
    steps = [Setting(fps, fps * bits(*shape), *shape) for shape in shapes]
    if slower < fps:
        last = steps[-1]
        steps.append(replace(last, fps=slower, bitrate=last.bitrate * slower / fps))
    return tuple(steps)
