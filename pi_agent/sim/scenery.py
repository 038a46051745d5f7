"""What stands around the track, for the eye, the distance sensor and the bumper."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from pi_agent.sim.track import FloatArray, Track

SIZES = {
    "cone": (0.085, 0.27),
    "box": (0.17, 0.26),
    "tyres": (0.2, 0.34),
    "tree": (0.09, 1.7),
    "post": (0.0, 0.22),
    "board": (0.0, 0.62),
    "gantry": (0.0, 1.15),
}
"""Radius for collisions (0: none) and height of each kind, metres."""

GANTRY_LEG = 0.06
"""Radius of each leg of a gantry, metres."""


@dataclass(frozen=True, slots=True)
class Prop:
    """One thing in the landscape.

    Attributes:
        kind: one of :data:`pi_agent.sim.track.OBJECT_KINDS`.
        x, y: where its foot stands, metres.
        heading: direction of the road beside it, radians.
        height: metres.
        look: which of the drawings of its kind, any number.
        text: what a board says.
    """

    kind: str
    x: float
    y: float
    heading: float
    height: float
    look: int = 0
    text: str = ""


class Scenery:
    """All props of a track, and the circles that a car or a beam can hit.

    Attributes:
        props: everything that is drawn.
        circles: shape (n, 3): x, y and radius of everything solid.
    """

    def __init__(self, track: Track, seed: int, margin: float) -> None:
        rng = np.random.default_rng(seed)
        props = [_from_track(track, index) for index in range(len(track.objects))]
        props += _posts(track)
        props += _trees(track, rng, margin, props)
        self.props: tuple[Prop, ...] = tuple(props)
        circles = [circle for prop in props for circle in _solid(prop, track)]
        self.circles: FloatArray = np.array(circles, dtype=np.float64).reshape(-1, 3)

    def touching(self, x: float, y: float, radius: float) -> tuple[float, float, float] | None:
        """The deepest overlap of a circle with something solid.

        Returns:
            Unit direction that leads out (x, y) and how far, metres; None without an overlap.
        """
        if not len(self.circles):
            return None
        dx = x - self.circles[:, 0]
        dy = y - self.circles[:, 1]
        gap = np.sqrt(dx * dx + dy * dy)
        depth = self.circles[:, 2] + radius - gap
        index = int(np.argmax(depth))
        if depth[index] <= 0:
            return None
        if gap[index] < 1e-6:
            return 1.0, 0.0, float(depth[index])
        return (
            float(dx[index] / gap[index]),
            float(dy[index] / gap[index]),
            float(depth[index]),
        )


def _from_track(track: Track, index: int) -> Prop:
    entry = track.objects[index]
    x, y, heading = track.at(entry.along, entry.offset)
    return Prop(entry.kind, x, y, heading, SIZES[entry.kind][1], index, entry.text)


def _posts(track: Track) -> list[Prop]:
    if track.posts <= 0:
        return []
    posts = []
    for number in range(int(track.length / track.posts)):
        for side in (-1, 1):
            x, y, heading = track.at(number * track.posts, side * (track.edge + 0.22))
            if abs(track.locate(x, y).offset) > track.edge + 0.15:
                posts.append(Prop("post", x, y, heading, SIZES["post"][1]))
    return posts


def _trees(track: Track, rng: np.random.Generator, margin: float, others: list[Prop]) -> list[Prop]:
    low_x, low_y, high_x, high_y = track.bounds(margin + 5.0)
    trees: list[Prop] = []
    for _ in range(track.trees * 30):
        if len(trees) == track.trees:
            break
        x, y = rng.uniform(low_x, high_x), rng.uniform(low_y, high_y)
        height = float(rng.uniform(0.9, 2.1))
        here = np.array([[x, y]])
        if track.clearance(here)[0] < track.edge + 0.7 + 0.4 * height:
            continue
        if all(math.hypot(x - prop.x, y - prop.y) > 1.0 for prop in [*trees, *others]):
            trees.append(Prop("tree", x, y, 0.0, height, int(rng.integers(1000))))
    return trees


def _solid(prop: Prop, track: Track) -> list[tuple[float, float, float]]:
    if prop.kind == "gantry":
        reach = track.edge + 0.2
        left = (-math.sin(prop.heading) * reach, math.cos(prop.heading) * reach)
        return [(prop.x + s * left[0], prop.y + s * left[1], GANTRY_LEG) for s in (-1, 1)]
    if prop.kind == "board":
        along = (math.cos(prop.heading), math.sin(prop.heading))
        return [
            (prop.x + s * along[1] * 0.3, prop.y - s * along[0] * 0.3, 0.3)
            for s in (-1.0, 0.0, 1.0)
        ]
    radius = SIZES[prop.kind][0]
    return [(prop.x, prop.y, radius)] if radius else []
