"""Drawings of the round things beside the track, and of the text on flat ones.

Each is painted once, large, and kept with its transparency. A frame asks for it
at a height in pixels; small sizes are kept because they come back every frame.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from pi_agent.sim.view import Picture

TALL = 384
"""Rows of the large drawings."""
KEPT = 110
"""Sizes up to this many rows are kept."""

Mask = npt.NDArray[np.uint8]
Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Sprite:
    """A picture with transparency.

    Attributes:
        colour: premultiplied, shape (rows, columns, 3).
        clear: 255 where the background shows through, same shape.
    """

    colour: Picture
    clear: Picture


@dataclass(slots=True)
class Sprites:
    """All drawings of round things, by kind and look.

    Args:
        trees: how many different trees to paint.
        seed: of their shapes.
    """

    trees: int = 6
    seed: int = 1
    _large: dict[tuple[str, int], list[Sprite]] = field(default_factory=dict)
    _small: dict[tuple[str, int, int], Sprite] = field(default_factory=dict)

    def __post_init__(self) -> None:
        rng = np.random.default_rng(self.seed + 3)
        self._large["cone", 0] = _halves(_cone())
        self._large["post", 0] = _halves(_post())
        self._large["tyres", 0] = _halves(_tyres((60, 60, 208)))
        self._large["tyres", 1] = _halves(_tyres((230, 234, 236)))
        for look in range(self.trees):
            drawing = _fir(rng) if look % 3 == 2 else _leafy_tree(rng)
            self._large["tree", look] = _halves(drawing)

    def get(self, kind: str, look: int, rows: int) -> Sprite:
        """The drawing of ``kind`` with this many rows (its columns follow)."""
        look %= {"cone": 1, "post": 1, "tyres": 2, "tree": self.trees}[kind]
        small = self._small.get((kind, look, rows))
        if small is not None:
            return small
        sizes = self._large[kind, look]
        near = next((s for s in reversed(sizes) if len(s.colour) >= rows), sizes[0])
        sprite = _resized(near, rows)
        if rows <= KEPT:
            self._small[kind, look, rows] = sprite
        return sprite


def text_panel(text: str, columns: int, rows: int, checks: bool) -> Picture:
    """A flat panel with large text, and a checkered band at both ends if asked for."""
    import cv2

    panel: Picture = np.full((rows, columns, 3), (58, 44, 32), dtype=np.uint8)
    border = max(2, rows // 24)
    cv2.rectangle(panel, (0, 0), (columns - 1, rows - 1), (240, 240, 238), border)
    if checks:
        side = rows // 4
        for row in range(4):
            for number in range(4):
                for left in (number * side, columns - (4 - number) * side):
                    shade = 236 if (row + number) % 2 else 28
                    panel[row * side : (row + 1) * side, left : left + side] = shade
    font, thick = cv2.FONT_HERSHEY_DUPLEX, max(2, rows // 16)
    (width, height), _ = cv2.getTextSize(text, font, 1.0, thick)
    scale = min(0.46 * rows / height, 0.62 * columns / max(width, 1))
    (width, height), _ = cv2.getTextSize(text, font, scale, thick)
    foot = ((columns - width) // 2, (rows + height) // 2)
    cv2.putText(panel, text, foot, font, scale, (242, 244, 244), thick, cv2.LINE_AA)
    return panel


def _halves(large: Sprite) -> list[Sprite]:
    """The drawing and copies of half the size, a quarter ..."""
    sizes = [large]
    while len(sizes[-1].colour) > 24:
        sizes.append(_resized(sizes[-1], len(sizes[-1].colour) // 2))
    return sizes


def _resized(sprite: Sprite, rows: int) -> Sprite:
    import cv2

    columns = max(1, round(sprite.colour.shape[1] * rows / len(sprite.colour)))
    # Averaging areas is exact but slow; less than a halving does not need it.
    way = cv2.INTER_AREA if 2 * rows <= len(sprite.colour) + 1 else cv2.INTER_LINEAR
    colour = cv2.resize(sprite.colour, (columns, rows), interpolation=way)
    clear = cv2.resize(sprite.clear[:, :, 0], (columns, rows), interpolation=way)
    return Sprite(
        np.asarray(colour, dtype=np.uint8),
        np.asarray(cv2.cvtColor(clear, cv2.COLOR_GRAY2BGR), dtype=np.uint8),
    )


def _sprite(colour: npt.NDArray[np.float32], mask: Mask) -> Sprite:
    share = mask[:, :, None].astype(np.float32) / 255
    premultiplied: Picture = np.clip(colour * share, 0, 255).astype(np.uint8)
    clear: Picture = np.repeat(255 - mask[:, :, None], 3, axis=2)
    return Sprite(premultiplied, clear)


def _polygon(mask: Mask, points: list[Point], value: int = 255) -> None:
    import cv2

    pixels = np.round(np.array(points) * 16).astype(np.int32)
    cv2.fillPoly(mask, [pixels], value, cv2.LINE_AA, 4)


def _paint(colour: npt.NDArray[np.float32], mask: Mask, paint: tuple[int, int, int]) -> None:
    share = mask[:, :, None].astype(np.float32) / 255
    colour += (np.array(paint, dtype=np.float32) - colour) * share


def _round_light(columns: int) -> npt.NDArray[np.float32]:
    """How bright an upright cylinder is across its width, lit from the upper left."""
    across = np.linspace(-1, 1, columns)
    light: npt.NDArray[np.float32] = (0.62 + 0.5 * np.exp(-(((across + 0.35) / 0.5) ** 2))).astype(
        np.float32
    )
    return light[None, :, None]


def _cone() -> Sprite:
    rows, columns = TALL, 250
    middle = columns / 2
    mask, base = np.zeros((2, rows, columns), dtype=np.uint8)

    def half_width(row: float) -> float:
        return 12 + (row - 8) * 0.222

    body = [
        (middle - half_width(8), 8.0),
        (middle + half_width(8), 8.0),
        (middle + half_width(350), 350.0),
        (middle - half_width(350), 350.0),
    ]
    _polygon(mask, body)
    _polygon(base, [(6, 352), (columns - 6, 352), (columns - 2, 380), (2, 380)])
    colour = np.full((rows, columns, 3), (28, 104, 240), dtype=np.float32)
    for top, bottom in ((96, 164), (226, 290)):
        band = np.zeros((rows, columns), dtype=np.uint8)
        _polygon(band, [(0, top), (columns, top), (columns, bottom), (0, bottom)])
        _paint(colour, band, (238, 240, 242))
    centre_light = np.ones((rows, columns, 1), dtype=np.float32)
    for row in range(rows):
        reach = round(half_width(row))
        left = max(0, columns // 2 - reach)
        width = min(columns, columns // 2 + reach) - left
        if width > 1:
            centre_light[row, left : left + width] = _round_light(width)[0]
    colour *= centre_light
    _paint(colour, base, (24, 84, 206))
    return _sprite(colour, np.maximum(mask, base))


def _post() -> Sprite:
    rows, columns = TALL, 58
    mask = np.zeros((rows, columns), dtype=np.uint8)
    _polygon(mask, [(5, 4), (columns - 6, 4), (columns - 6, rows), (5, rows)])
    colour = np.full((rows, columns, 3), (238, 242, 242), dtype=np.float32)
    band = np.zeros((rows, columns), dtype=np.uint8)
    _polygon(band, [(0, 52), (columns, 52), (columns, 122), (0, 122)])
    _paint(colour, band, (52, 52, 214))
    return _sprite(colour * _round_light(columns), mask)


def _tyres(top: tuple[int, int, int]) -> Sprite:
    import cv2

    rows, columns = TALL, 400
    mask = np.zeros((rows, columns), dtype=np.uint8)
    colour = np.full((rows, columns, 3), (46, 44, 42), dtype=np.float32)
    for number in range(4):
        low = rows - 6 - number * 92
        tyre = np.zeros((rows, columns), dtype=np.uint8)
        for centre in (26, columns - 27):
            cv2.ellipse(tyre, (centre, low - 45), (22, 45), 0, 0, 360, 255, -1, cv2.LINE_AA)
        cv2.rectangle(tyre, (26, low - 90), (columns - 27, low), 255, -1)
        np.maximum(mask, tyre, out=mask)
        shade = (52, 50, 48) if number % 2 else (62, 60, 58)
        _paint(colour, tyre, top if number == 2 else shade)
        groove = np.zeros((rows, columns), dtype=np.uint8)
        cv2.line(groove, (14, low - 1), (columns - 14, low - 1), 200, 9, cv2.LINE_AA)
        _paint(colour, groove, (20, 19, 18))
    lid = np.zeros((rows, columns), dtype=np.uint8)
    cv2.ellipse(lid, (columns // 2, 14), (columns // 2 - 30, 13), 0, 0, 360, 255, -1, cv2.LINE_AA)
    colour *= _round_light(columns)
    _paint(colour, lid, (34, 32, 30))
    return _sprite(colour, np.maximum(mask, lid))


def _leafy_tree(rng: np.random.Generator) -> Sprite:
    import cv2

    rows, columns = TALL, round(TALL * float(rng.uniform(0.66, 0.86)))
    mask = np.zeros((rows, columns), dtype=np.uint8)
    colour = np.zeros((rows, columns, 3), dtype=np.float32)
    middle = columns / 2
    trunk = [
        (middle - 7, 200.0),
        (middle + 7, 200.0),
        (middle + 14, rows - 2.0),
        (middle - 14, rows - 2.0),
    ]
    _polygon(mask, trunk)
    colour[:] = np.array([52, 72, 92]) * _round_light(columns)
    warm = float(rng.uniform(-8, 14))
    # Leaves from dark and low to bright and high on the side of the sun.
    for layer in range(4):
        for _ in range(75):
            angle = rng.uniform(0, math.tau)
            reach = math.sqrt(rng.uniform(0, 1)) * (1.0 - 0.13 * layer)
            x = middle + math.cos(angle) * reach * columns * 0.38 - layer * columns * 0.028
            y = 142 + math.sin(angle) * reach * 108 - layer * 13
            size = round(float(rng.uniform(0.045, 0.105)) * columns * (1 - 0.13 * layer))
            leaf = float(rng.uniform(-9, 9)) + layer * 20 - (y - 142) * 0.09
            paint = (34 + 0.45 * leaf, 76 + leaf, 48 + warm + 0.85 * leaf)
            spot = (round(x), round(max(size + 2.0, y)))
            cv2.circle(colour, spot, size, paint, -1, cv2.LINE_AA)
            cv2.circle(mask, spot, size, 255, -1, cv2.LINE_AA)
    return _sprite(colour, mask)


def _fir(rng: np.random.Generator) -> Sprite:
    rows, columns = TALL, 190
    mask = np.zeros((rows, columns), dtype=np.uint8)
    colour = np.zeros((rows, columns, 3), dtype=np.float32)
    middle = columns / 2
    _polygon(mask, [(middle - 9, 300), (middle + 9, 300), (middle + 9, 382), (middle - 9, 382)])
    colour[:] = (44, 58, 74)
    layers = 7
    for layer in range(layers):
        low = 345 - layer * 44
        reach = (layers - layer) / layers * (columns / 2 - 6) + 8
        for part, light in ((1.0, 0), (0.52, 16)):
            fringe: list[Point] = [(middle - 6 * (1 - part) * 4, low - 96.0)]
            for tooth in range(11):
                share = tooth / 10 * 2 - 1
                dip = 13 * (tooth % 2) - 10 * share * share + float(rng.uniform(-3, 3))
                x = middle + share * reach * part - (1 - part) * reach * 0.42
                fringe.append((x, low + dip - 4 * (1 - part)))
            needles = np.zeros((rows, columns), dtype=np.uint8)
            _polygon(needles, fringe)
            tone = light + layer * 4
            _paint(colour, needles, (42 + tone // 2, 72 + tone, 44 + tone // 2))
            np.maximum(mask, needles, out=mask)
    return _sprite(colour, mask)
