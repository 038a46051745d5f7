"""Distance by ray casting: how far a beam reaches before a kerb or an obstacle."""

from __future__ import annotations

import numpy as np

from pi_agent.sim.track import FloatArray, Track

REACH = 4.0
"""Metres that the sensor sees; beyond that it reports this value."""


class Rays:
    """Beams against the two kerbs of a track and the solid circles of its scenery."""

    def __init__(self, track: Track, circles: FloatArray) -> None:
        starts, ends = [], []
        for side in (-1, 1):
            line = track.line(side * track.half_width)[::2]
            starts.append(line)
            ends.append(np.roll(line, -1, axis=0))
        self._start: FloatArray = np.vstack(starts)
        self._along: FloatArray = np.vstack(ends) - self._start
        self._circles = circles

    def cast(self, x: float, y: float, angle: float) -> float:
        """Metres from (x, y) in direction ``angle`` (radians) to the first hit, at most REACH."""
        direction = np.array([np.cos(angle), np.sin(angle)])
        here = np.array([x, y])
        return min(REACH, self._kerb(here, direction), self._circle(here, direction))

    def _kerb(self, here: FloatArray, direction: FloatArray) -> float:
        between = self._start - here
        cross = direction[0] * self._along[:, 1] - direction[1] * self._along[:, 0]
        # Parallel pieces are never hit; dividing by infinity puts them at distance 0 of part 0,
        # so they are masked together with the misses.
        safe = np.where(np.abs(cross) < 1e-12, np.inf, cross)
        reach = (between[:, 0] * self._along[:, 1] - between[:, 1] * self._along[:, 0]) / safe
        part = (between[:, 0] * direction[1] - between[:, 1] * direction[0]) / safe
        hits = reach[(reach > 0) & (part >= 0) & (part <= 1)]
        return float(hits.min()) if len(hits) else REACH

    def _circle(self, here: FloatArray, direction: FloatArray) -> float:
        if not len(self._circles):
            return REACH
        between = self._circles[:, :2] - here
        middle = between @ direction
        aside = (between**2).sum(axis=1) - middle**2
        inside = self._circles[:, 2] ** 2 - aside
        reach = middle - np.sqrt(np.maximum(inside, 0))
        hits = reach[(inside > 0) & (reach > 0)]
        return float(hits.min()) if len(hits) else REACH
