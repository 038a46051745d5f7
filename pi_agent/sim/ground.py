"""Paints the track as seen from above, once, with smaller copies of itself.

The renderer looks this map up in perspective. Each copy has half the pixels of
the one before (area-averaged), so that the distance is calm instead of a shimmer.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pi_agent.sim.scenery import Scenery
from pi_agent.sim.sky import SUN
from pi_agent.sim.track import FloatArray, Track
from pi_agent.sim.view import Picture

PER_METRE = 80
"""Pixels of the finest map per metre."""
STRIPE = 0.26
"""Metres of kerb of one colour."""
DASH = (0.34, 0.84)
"""Metres of a dash of the centre line, and from one dash to the next."""
DASH_WIDTH = 0.06
CHECK = 0.1
"""Metres of one square of the start line."""

GRASS = (74, 124, 92)
ASPHALT = (112, 109, 107)
RED = (52, 52, 198)
WHITE = (226, 236, 238)
PAINT = (188, 208, 212)

FloatImage = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class GroundMap:
    """The painted ground.

    Attributes:
        origin: position (metres) of the upper left corner of the picture.
        levels: pictures with :data:`PER_METRE`, half, a quarter ... pixels per metre; shape
            (rows, columns, 4), as OpenCV looks up four channels twice as fast as three.
        grain: one period of fine texture around 128, shape (n, n), for the near ground.
    """

    origin: tuple[float, float]
    levels: tuple[Picture, ...]
    grain: npt.NDArray[np.uint8]


def paint_ground(track: Track, scenery: Scenery, seed: int, margin: float) -> GroundMap:
    """Paints grass, road, kerbs, lines and the shadows of the scenery."""
    import cv2

    low_x, low_y, high_x, high_y = track.bounds(margin)
    columns = math.ceil((high_x - low_x) * PER_METRE)
    rows = math.ceil((high_y - low_y) * PER_METRE)
    origin = (low_x, high_y)
    rng = np.random.default_rng(seed)

    picture = _grass(rng, rows, columns)
    _blend(picture, _asphalt(rng, rows, columns), _road_mask(track, origin, rows, columns))
    # A little smaller than the polygons of the near view, which cover them and their soft edges.
    for polygons, colour in marks(track, 0.6 / PER_METRE):
        pixels = [_to_map(polygon, origin) for polygon in polygons]
        cv2.fillPoly(picture, pixels, colour, lineType=cv2.LINE_AA, shift=4)
    _shade(picture, scenery, origin)
    levels = [_as_picture(cv2.cvtColor(picture, cv2.COLOR_BGR2BGRA))]
    while min(levels[-1].shape[:2]) > 64:
        half = (levels[-1].shape[1] // 2, levels[-1].shape[0] // 2)
        levels.append(_as_picture(cv2.resize(levels[-1], half, interpolation=cv2.INTER_AREA)))
    return GroundMap(origin, tuple(levels), _grain(rng))


def marks(track: Track, inset: float = 0.0) -> list[tuple[list[FloatArray], tuple[int, int, int]]]:
    """Everything painted on the ground with sharp edges: (polygons, colour), in order.

    Each polygon is an (n, 2) array of positions in metres. The dashes of the
    centre line are ``inset`` metres smaller on each side.
    """
    whites: list[FloatArray] = []
    reds: list[FloatArray] = []
    inner, outer = track.half_width - 0.01, track.edge
    stripes = 2 * round(track.length / STRIPE / 2)
    edges = np.linspace(0, track.length, stripes + 1)
    for side in (-1, 1):
        for number in range(stripes):
            quad = _patch(track, edges[number], edges[number + 1], side * inner, side * outer)
            (reds if number % 2 else whites).append(quad)
    dashes = []
    for number in range(int(track.length / DASH[1])):
        start = 1.2 + number * DASH[1]
        half = DASH_WIDTH / 2 - inset
        dashes.append(_patch(track, start + inset, start + DASH[0] - inset, -half, half))
    return [(whites, WHITE), (reds, RED), (dashes, PAINT), *_start_line(track)]


def _start_line(track: Track) -> list[tuple[list[FloatArray], tuple[int, int, int]]]:
    gantries = [entry for entry in track.objects if entry.kind == "gantry"]
    along = gantries[0].along if gantries else 1.0
    light: list[FloatArray] = []
    dark: list[FloatArray] = []
    across = int(2 * track.half_width / CHECK)
    for row in range(3):
        for column in range(across):
            left = -track.half_width + column * CHECK
            start = along + row * CHECK
            square = _patch(track, start, start + CHECK, left, left + CHECK)
            (dark if (row + column) % 2 else light).append(square)
    return [(light, WHITE), (dark, (44, 44, 46))]


def _patch(track: Track, start: float, end: float, one: float, other: float) -> FloatArray:
    """A piece of road between two distances and two offsets, with a bent middle."""
    along = np.array([start, (start + end) / 2, end])
    place = (along / track.step) % len(track.centre)
    index = place.astype(int)
    share = (place - index)[:, None]
    after = (index + 1) % len(track.centre)
    centre = track.centre[index] * (1 - share) + track.centre[after] * share
    left = track.left[index] * (1 - share) + track.left[after] * share
    return np.vstack([centre + one * left, (centre + other * left)[::-1]])


def _to_map(points: FloatArray, origin: tuple[float, float]) -> npt.NDArray[np.int32]:
    """Positions in metres as map pixels with four fractional bits, as OpenCV draws them."""
    pixels = (points - origin) * (PER_METRE, -PER_METRE) - 0.5
    return np.round(pixels * 16).astype(np.int32)


def _noise(rng: np.random.Generator, rows: int, columns: int, metres: float) -> FloatImage:
    """Smooth noise of unit amplitude with lumps of about ``metres``."""
    import cv2

    cell = max(1.0, metres * PER_METRE)
    coarse = rng.standard_normal(
        (math.ceil(rows / cell) + 3, math.ceil(columns / cell) + 3), dtype=np.float32
    )
    if cell <= 1:
        return coarse[:rows, :columns]
    smooth = cv2.resize(coarse, (columns, rows), interpolation=cv2.INTER_CUBIC)
    return np.asarray(smooth, dtype=np.float32)


def _tint(base: tuple[int, int, int], light: FloatImage, weight: FloatArray) -> Picture:
    """A picture of one colour, lit by a field; ``weight`` says how each channel follows."""
    import cv2

    channels = [
        cv2.addWeighted(light, float(share), light, 0, level, dtype=cv2.CV_8U)
        for level, share in zip(base, weight, strict=True)
    ]
    return _as_picture(cv2.merge(channels))


def _grass(rng: np.random.Generator, rows: int, columns: int) -> Picture:
    light = 7.0 * _noise(rng, rows, columns, 0.011)
    light += 5.0 * _noise(rng, rows, columns, 0.035)
    light += 4.5 * _noise(rng, rows, columns, 0.2)
    light += 7.0 * _noise(rng, rows, columns, 1.3)
    light += 3.2 * _mown(rows, columns)
    light *= _fade(rows, columns)
    picture = _tint(GRASS, light, np.array([0.75, 1.0, 0.95]))
    flowers = rng.integers(0, [rows, columns], (rows * columns // 5200, 2))
    colours = np.array([[232, 240, 242], [96, 214, 236], [226, 214, 236]], dtype=np.uint8)
    picture[flowers[:, 0], flowers[:, 1]] = colours[rng.integers(0, 3, len(flowers))]
    return picture


def _mown(rows: int, columns: int) -> FloatImage:
    """Stripes a metre wide, 1 and -1, as a mower leaves them."""
    across = np.arange(columns, dtype=np.float32) * np.float32(math.pi / PER_METRE)
    down = np.arange(rows, dtype=np.float32) * np.float32(0.6 * math.pi / PER_METRE)
    wave = np.outer(np.cos(down), np.sin(across)) + np.outer(np.sin(down), np.cos(across))
    stripes: FloatImage = np.clip(4 * wave, -1, 1).astype(np.float32)
    return stripes


def _fade(rows: int, columns: int) -> FloatImage:
    """1 inside, falling to 0 at the border, where the ground goes on in one colour."""
    width = 1.5 * PER_METRE
    down = np.clip(np.minimum(np.arange(rows), np.arange(rows)[::-1]) / width, 0, 1)
    across = np.clip(np.minimum(np.arange(columns), np.arange(columns)[::-1]) / width, 0, 1)
    faded: FloatImage = np.outer(down, across).astype(np.float32)
    return faded


def _asphalt(rng: np.random.Generator, rows: int, columns: int) -> Picture:
    light = 5.0 * _noise(rng, rows, columns, 0.0)
    light += 2.5 * _noise(rng, rows, columns, 0.03)
    light += 3.0 * _noise(rng, rows, columns, 0.5)
    return _tint(ASPHALT, light, np.array([1.0, 1.0, 1.0]))


def _road_mask(
    track: Track, origin: tuple[float, float], rows: int, columns: int
) -> npt.NDArray[np.uint8]:
    """255 on the asphalt, soft at its outer edge as grass grows over it."""
    import cv2

    mask: npt.NDArray[np.uint8] = np.zeros((rows, columns), dtype=np.uint8)
    width = round(2 * (track.edge + 0.02) * PER_METRE)
    line = _to_map(track.centre, origin)
    cv2.polylines(mask, [line], True, 255, width, cv2.LINE_AA, shift=4)
    return np.asarray(cv2.GaussianBlur(mask, (0, 0), 1.6), dtype=np.uint8)


def _blend(picture: Picture, over: Picture, mask: npt.NDArray[np.uint8]) -> None:
    """Lays ``over`` on the picture where the mask says, in place."""
    import cv2

    share = cv2.merge([mask, mask, mask])
    kept = cv2.multiply(picture, cv2.bitwise_not(share), scale=1 / 255)
    cv2.add(kept, cv2.multiply(over, share, scale=1 / 255), dst=picture)


def _shade(picture: Picture, scenery: Scenery, origin: tuple[float, float]) -> None:
    """Darkens the ground where the scenery keeps the sun out, and under each thing."""
    import cv2

    shade = np.zeros(picture.shape[:2], dtype=np.uint8)
    away = np.array([-math.cos(SUN[0]), math.sin(SUN[0])])
    for prop in scenery.props:
        foot = (np.array([prop.x, prop.y]) - origin) * (PER_METRE, -PER_METRE)
        reach = {"tree": 0.62, "gantry": 0.0, "board": 0.25}.get(prop.kind, 0.55) * prop.height
        girth = {"tree": 0.3 * prop.height, "post": 0.02, "gantry": 0.0}.get(prop.kind, 0.13)
        middle = foot + away * reach * (0.75 if prop.kind == "tree" else 0.5) * PER_METRE
        axes = (round((reach * 0.5 + girth * 0.4) * PER_METRE), round(girth * PER_METRE))
        angle = math.degrees(math.atan2(away[1], away[0]))
        strength = 92 if prop.kind == "tree" else 110
        centre = (round(float(middle[0])), round(float(middle[1])))
        if min(axes) > 0:
            cv2.ellipse(shade, centre, axes, angle, 0, 360, strength, -1, cv2.LINE_AA)
    shade = np.asarray(cv2.GaussianBlur(shade, (0, 0), 5), dtype=np.uint8)
    light = cv2.bitwise_not(shade)
    cv2.multiply(picture, cv2.merge([light, light, light]), dst=picture, scale=1 / 255)


def _grain(rng: np.random.Generator, size: int = 1024) -> npt.NDArray[np.uint8]:
    """A square of fine texture that repeats without a seam."""
    import cv2

    raw = rng.standard_normal((size, size), dtype=np.float32)
    wrapped = np.pad(raw, 16, mode="wrap")
    lumps = 0.8 * wrapped + 3.2 * cv2.GaussianBlur(wrapped, (0, 0), 1.2)
    inner = lumps[16:-16, 16:-16]
    grain: npt.NDArray[np.uint8] = np.clip(128 + 26 * inner, 0, 255).astype(np.uint8)
    return grain


def _as_picture(array: object) -> Picture:
    return np.asarray(array, dtype=np.uint8)
