"""Everything above the horizon: sky, clouds, the sun's glow, hills and a far wood.

Painted once as a cylinder around the car; a frame takes the part it sees.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from pi_agent.sim.track import FloatArray
from pi_agent.sim.view import FIELD_OF_VIEW, Picture, focal_length

SUN = (math.radians(118), math.radians(24))
"""Where the sun stands: direction on the map and height above the horizon."""

ZENITH = np.array([196.0, 152.0, 112.0])
HAZE = np.array([232.0, 224.0, 214.0])
CLOUD = np.array([246.0, 244.0, 242.0])


class Sky:
    """The far background for a camera of ``width`` columns.

    Args:
        width: columns of the picture.
        above: rows above the horizon that can be asked for.
        seed: of clouds and hills.
    """

    def __init__(self, width: int, above: int, seed: int) -> None:
        self._focal = focal_length(width)
        self._around = round(math.tau * self._focal)
        self._above = above
        rng = np.random.default_rng(seed + 7)
        panorama = self._paint(rng)
        reach = math.ceil(FIELD_OF_VIEW / 2 * self._focal) + 2
        self._panorama: Picture = np.ascontiguousarray(
            np.concatenate([panorama[:, -reach:], panorama, panorama[:, :reach]], axis=1)
        )
        self._reach = reach
        # A flat picture sees a cylinder squeezed towards its middle.
        column = np.arange(width) - width / 2 + 0.5
        bent = np.round(reach + np.arctan(column / self._focal) * self._focal).astype(np.int16)
        rows, columns = np.mgrid[0:above, 0:width]
        self._lookup = np.dstack([bent[columns], rows.astype(np.int16)])

    def look(self, heading: float) -> Picture:
        """The picture above the horizon for a camera that looks along ``heading``, radians."""
        import cv2

        # Headings grow to the left, columns to the right.
        first = round((-heading % math.tau) * self._focal)
        part = self._panorama[:, first : first + 2 * self._reach]
        nothing = np.empty(0, dtype=np.uint16)
        seen = cv2.remap(
            part, self._lookup, nothing, cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE
        )
        return np.asarray(seen, dtype=np.uint8)

    def _paint(self, rng: np.random.Generator) -> Picture:
        azimuth: FloatArray = -np.arange(self._around, dtype=np.float64) / self._focal
        row = np.arange(self._above, dtype=np.float64)
        height: FloatArray = (self._above - row - 0.5) / self._focal
        share = np.clip(height / height[0], 0, 1)[:, None, None] ** 0.75
        sky = HAZE + (ZENITH - HAZE) * share
        sky = np.repeat(sky, self._around, axis=1)
        sky += self._glow(azimuth, height)[:, :, None] * np.array([28.0, 40.0, 46.0])
        cloud = self._clouds(rng, azimuth, height)[:, :, None]
        sky += (CLOUD - sky) * cloud
        picture: Picture = np.clip(sky, 0, 255).astype(np.uint8)
        self._ridge(picture, rng, azimuth, (0.016, 0.062), (190, 174, 146), 9)
        self._ridge(picture, rng, azimuth, (0.01, 0.036), (146, 150, 118), 23)
        self._ridge(picture, rng, azimuth, (0.004, 0.021), (84, 112, 84), 140)
        return picture

    def _glow(self, azimuth: FloatArray, height: FloatArray) -> FloatArray:
        aside = np.remainder(azimuth - SUN[0] + math.pi, math.tau) - math.pi
        gap = np.hypot(aside[None, :], 1.4 * (height[:, None] - math.tan(SUN[1])))
        glow: FloatArray = np.exp(-((gap / 0.55) ** 2))
        return glow

    def _clouds(
        self, rng: np.random.Generator, azimuth: FloatArray, height: FloatArray
    ) -> FloatArray:
        """How much cloud covers each pixel, 0 to 1: a flat layer seen in perspective."""
        import cv2

        layer = _wrapping_noise(rng, 1024)
        away = 190 / np.maximum(height, 0.03)[:, None] ** 0.9
        east = (away * np.cos(azimuth)[None, :]) % 1023
        north = (away * np.sin(azimuth)[None, :]) % 1023
        seen = cv2.remap(layer, east.astype(np.float32), north.astype(np.float32), cv2.INTER_LINEAR)
        amount = np.clip((np.asarray(seen, dtype=np.float64) - 0.35) / 1.5, 0, 1)
        cover: FloatArray = amount * np.clip(height / 0.1, 0, 1)[:, None] * 0.8
        return cover

    def _ridge(
        self,
        picture: Picture,
        rng: np.random.Generator,
        azimuth: FloatArray,
        span: tuple[float, float],
        colour: tuple[int, int, int],
        finest: int,
    ) -> None:
        """Paints a line of hills whose height (tangent of the elevation) stays in ``span``."""
        waves = np.unique(np.geomspace(3, finest, 14).astype(int))
        profile = sum(
            np.cos(azimuth * int(wave) + rng.uniform(0, math.tau)) / wave**0.45 for wave in waves
        )
        profile = (profile - profile.min()) / np.ptp(profile)
        top = self._above - (span[0] + (span[1] - span[0]) * profile) * self._focal
        first = int(top.min())
        row = np.arange(first, self._above)[:, None]
        cover = np.clip(row + 1 - top[None, :], 0, 1)[:, :, None]
        low = picture[first:]
        low[:] = np.round(low * (1 - cover) + np.array(colour) * cover).astype(np.uint8)


def _wrapping_noise(rng: np.random.Generator, size: int) -> npt.NDArray[np.float32]:
    """Cloud-like noise of unit variance that repeats: power falls with frequency."""
    wave = np.hypot(np.fft.fftfreq(size)[:, None], np.fft.rfftfreq(size)[None, :])
    wave[0, 0] = np.inf
    power = rng.standard_normal(wave.shape) + 1j * rng.standard_normal(wave.shape)
    field = np.fft.irfft2(power / wave**1.55, s=(size, size))
    noise: npt.NDArray[np.float32] = (field / field.std()).astype(np.float32)
    return noise
