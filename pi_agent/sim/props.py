"""Draws the things that stand beside the track into a camera picture."""

from __future__ import annotations

import math

import numpy as np

from pi_agent.sim.scenery import GANTRY_LEG, Prop, Scenery
from pi_agent.sim.sprites import Sprites, text_panel
from pi_agent.sim.track import FloatArray, Track
from pi_agent.sim.view import HEIGHT, Picture, View

FARTHEST = 18.0
"""Metres beyond which things are left out; the painted wood stands there."""
FARTHEST_SMALL = 13.0
"""The same for everything lower than a tree or a gantry."""
NEAREST = 0.22
WIDEST = 0.55
"""Half the width of the widest drawing, as a share of its height."""
BOX = 0.3
"""Length of a box's side, metres."""
BORDER = (236, 236, 234)
CARDBOARD = (104, 148, 184)


class PropPainter:
    """Draws all props of a scenery, far ones first."""

    def __init__(self, scenery: Scenery, track: Track, seed: int) -> None:
        self._props = scenery.props
        self._feet: FloatArray = np.array([[p.x, p.y] for p in self._props]).reshape(-1, 2)
        self._sprites = Sprites(seed=seed)
        self._reach: FloatArray = np.array(
            [
                FARTHEST if prop.kind in ("tree", "gantry") else FARTHEST_SMALL
                for prop in scenery.props
            ]
        )
        self._span = track.edge + 0.2
        self._panels = {
            (prop.kind, prop.text): _panel_sizes(prop)
            for prop in self._props
            if prop.kind in ("board", "gantry")
        }

    def draw(self, frame: Picture, view: View) -> None:
        """Draws everything in sight into the frame, in place."""
        if not len(self._feet):
            return
        local = view.local(self._feet)
        ahead, aside = local[:, 0], local[:, 1]
        limit = ahead * (view.width / 2 / view.focal) + 1.2
        seen = np.flatnonzero((ahead > NEAREST) & (ahead < self._reach) & (np.abs(aside) < limit))
        for index in seen[np.argsort(-ahead[seen])]:
            prop = self._props[index]
            foot = (float(ahead[index]), float(aside[index]))
            if prop.kind in ("cone", "tyres", "tree", "post"):
                self._draw_sprite(frame, view, prop, foot)
            elif prop.kind == "box":
                _draw_box(frame, view, prop)
            else:
                self._draw_panel(frame, view, prop)

    def _draw_sprite(
        self, frame: Picture, view: View, prop: Prop, foot: tuple[float, float]
    ) -> None:
        scale = view.focal / foot[0]
        rows = round(prop.height * scale)
        column = view.width / 2 - foot[1] * scale
        half = WIDEST * rows
        small = rows < (8 if prop.kind == "post" else 4)
        if small or column + half < 0 or column - half > view.width:
            return
        sprite = self._sprites.get(prop.kind, prop.look, rows)
        low = round(view.horizon + HEIGHT * scale)
        left = round(column - sprite.colour.shape[1] / 2)
        _lay(frame, sprite.colour, sprite.clear, low - rows, left)

    def _draw_panel(self, frame: Picture, view: View, prop: Prop) -> None:
        """A board along the road, or the banner of a gantry across it, on two legs."""
        along = np.array([math.cos(prop.heading), math.sin(prop.heading)])
        across = np.array([-along[1], along[0]])
        if prop.kind == "gantry":
            half, low, leg = across * self._span, prop.height - 0.27, GANTRY_LEG / 2
        else:
            half, low, leg = along * 0.62, 0.2, 0.02
        middle = np.array([prop.x, prop.y])
        ends = view.local(np.array([middle + half, middle - half]))
        if (ends[:, 0] < NEAREST).any():
            return
        legs = ends * 0.985 + ends.mean(axis=0) * 0.015
        for end in legs:
            _draw_leg(frame, view, end, leg, prop.height if prop.kind == "gantry" else low + 0.02)
        top, foot = view.project(ends, prop.height), view.project(ends, low)
        corners = np.array([top[0], top[1], foot[1], foot[0]])
        if corners[0, 0] > corners[1, 0]:
            corners = corners[[1, 0, 3, 2]]
        width = float(np.ptp(corners[:, 0]))
        if width < 3:
            return
        sizes = self._panels[prop.kind, prop.text]
        panel = next((p for p in reversed(sizes) if p.shape[1] >= width), sizes[0])
        _warp(frame, panel, corners)


def _panel_sizes(prop: Prop) -> list[Picture]:
    import cv2

    columns, rows = (1024, 176) if prop.kind == "gantry" else (640, 216)
    sizes = [text_panel(prop.text or "START", columns, rows, prop.kind == "gantry")]
    while sizes[-1].shape[1] > 40:
        half = (sizes[-1].shape[1] // 2, sizes[-1].shape[0] // 2)
        smaller = cv2.resize(sizes[-1], half, interpolation=cv2.INTER_AREA)
        sizes.append(np.asarray(smaller, dtype=np.uint8))
    return sizes


def _lay(frame: Picture, colour: Picture, clear: Picture, top: int, left: int) -> None:
    """Lays a premultiplied picture on the frame, cut at its borders."""
    import cv2

    rows, columns = colour.shape[:2]
    y0, y1 = max(top, 0), min(top + rows, frame.shape[0])
    x0, x1 = max(left, 0), min(left + columns, frame.shape[1])
    if y0 >= y1 or x0 >= x1:
        return
    part = frame[y0:y1, x0:x1]
    inside = np.s_[y0 - top : y1 - top, x0 - left : x1 - left]
    cv2.multiply(part, clear[inside], dst=part, scale=1 / 255)
    cv2.add(part, colour[inside], dst=part)


def _warp(frame: Picture, panel: Picture, corners: FloatArray) -> None:
    """Draws a panel into four corners (upper left, upper right, lower right, lower left)."""
    import cv2

    low = np.maximum(np.floor(corners.min(axis=0)).astype(int) - 1, 0)
    high = np.minimum(np.ceil(corners.max(axis=0)).astype(int) + 2, frame.shape[1::-1])
    if (high <= low).any():
        return
    rows, columns = panel.shape[:2]
    source = np.array([[0, 0], [columns, 0], [columns, rows], [0, rows]], dtype=np.float32)
    target = (corners - low).astype(np.float32)
    matrix = cv2.getPerspectiveTransform(source, target)
    size = (int(high[0] - low[0]), int(high[1] - low[1]))
    part = frame[low[1] : high[1], low[0] : high[0]]
    cv2.warpPerspective(
        panel, matrix, size, dst=part, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_TRANSPARENT
    )
    # The border of the panel, drawn smoothly over its jagged edge.
    outline = np.round(target * 16).astype(np.int32)
    cv2.polylines(part, [outline], True, BORDER, 1, cv2.LINE_AA, 4)


def _fill(frame: Picture, points: FloatArray, colour: tuple[int, int, int]) -> None:
    import cv2

    pixels = (points * 16 + 0.5).astype(np.int32)
    cv2.fillConvexPoly(frame, pixels, colour, cv2.LINE_AA, 4)


def _upright(
    view: View, foot: tuple[float, float], half: float, z: tuple[float, float]
) -> FloatArray:
    """The corners of a flat upright thing that faces the camera, between two heights."""
    scale = view.focal / foot[0]
    column = view.width / 2 - foot[1] * scale
    high, low = (view.horizon + (HEIGHT - height) * scale for height in (z[1], z[0]))
    reach = half * scale
    return np.array(
        [
            [column - reach, high],
            [column + reach, high],
            [column + reach, low],
            [column - reach, low],
        ]
    )


def _draw_leg(frame: Picture, view: View, end: FloatArray, half: float, height: float) -> None:
    foot = (float(end[0]), float(end[1]))
    _fill(frame, _upright(view, foot, half, (0.0, height)), (72, 66, 60))
    _fill(frame, _upright(view, foot, half * 0.4, (0.0, height)), (128, 120, 112))


def _draw_box(frame: Picture, view: View, prop: Prop) -> None:
    """A cardboard box: the two or three of its faces that look at the camera."""
    turn = prop.heading + 0.5 + prop.look
    along = np.array([math.cos(turn), math.sin(turn)]) * BOX / 2
    across = np.array([-along[1], along[0]])
    middle = np.array([prop.x, prop.y])
    corners = [middle + a * along + b * across for a, b in ((1, 1), (1, -1), (-1, -1), (-1, 1))]
    local = view.local(np.array(corners))
    if (local[:, 0] < NEAREST).any():
        return
    top, foot = view.project(local, prop.height), view.project(local, 0.0)
    for side in range(4):
        other = (side + 1) % 4
        if top[side, 0] >= top[other, 0]:
            continue
        edge = local[other] - local[side]
        light = 0.62 + 0.38 * abs(float(edge[0])) / BOX
        face = np.array([top[side], top[other], foot[other], foot[side]])
        _fill(frame, face, _lit(light))
        tape = np.array([0.47, 0.53])[:, None]
        high = top[side] * (1 - tape) + top[other] * tape
        low = foot[side] * (1 - tape) + foot[other] * tape
        strip = np.array([high[0], high[1], *(high + 0.3 * (low - high))[::-1]])
        _fill(frame, strip, _lit(light * 1.16))
    if prop.height < HEIGHT:
        _fill(frame, top, _lit(1.12))


def _lit(light: float) -> tuple[int, int, int]:
    blue, green, red = (min(255, round(channel * light)) for channel in CARDBOARD)
    return blue, green, red
