"""The geometry of the simulated camera.

A pinhole that looks level along the car: the horizon lies on one row of the
picture and a point on the ground ``ahead`` metres away is ``focal * height /
ahead`` rows below it. Body pitch shifts the rows; it does not tilt the axis.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pi_agent.sim.track import FloatArray

Picture = npt.NDArray[np.uint8]
"""Shape (rows, columns, 3), blue green red."""

HEIGHT = 0.40
"""Metres of the lens above the road."""
FIELD_OF_VIEW = math.radians(76)
"""Horizontal."""
HORIZON = 0.345
"""Share of the picture above the horizon."""


@dataclass(frozen=True, slots=True)
class View:
    """A camera at one place.

    Attributes:
        width, rows: size of the picture, pixels.
        x, y, heading: of the lens, metres and radians.
        horizon: row of the horizon.
        focal: focal length in pixels.
    """

    width: int
    rows: int
    x: float
    y: float
    heading: float
    horizon: float
    focal: float

    def local(self, points: FloatArray) -> FloatArray:
        """Points on the map, shape (n, 2), as metres ahead and to the left, shape (n, 2)."""
        cos, sin = math.cos(self.heading), math.sin(self.heading)
        dx = points[:, 0] - self.x
        dy = points[:, 1] - self.y
        return np.column_stack([dx * cos + dy * sin, dy * cos - dx * sin])

    def project(self, local: FloatArray, height: float | FloatArray = 0.0) -> FloatArray:
        """Column and row of local points ``height`` metres above the ground, shape (n, 2)."""
        scale = self.focal / local[:, 0]
        return np.column_stack(
            [
                self.width / 2 - local[:, 1] * scale,
                self.horizon + (HEIGHT - height) * scale,
            ]
        )

    def ground_matrix(
        self, origin: tuple[float, float], per_metre: float, first_row: float, per_row: int
    ) -> FloatArray:
        """Homography from pixels of a band of the picture to pixels of a map.

        Args:
            origin: map position (metres) of the map picture's upper left corner.
            per_metre: map pixels per metre.
            first_row: the band's first row, counted from the horizon.
            per_row: rows of the band for each row of the picture.
        """
        cos, sin = math.cos(self.heading), math.sin(self.heading)
        middle, focal = self.width / 2 - 0.5, self.focal
        # Homogeneous ground position for (column, rows below the horizon, 1).
        east = (sin * HEIGHT, self.x, focal * HEIGHT * cos - sin * HEIGHT * middle)
        north = (-cos * HEIGHT, self.y, focal * HEIGHT * sin + cos * HEIGHT * middle)
        right = (
            per_metre * east[0],
            per_metre * (east[1] - origin[0]) - 0.5,
            per_metre * east[2],
        )
        down = (
            -per_metre * north[0],
            per_metre * (origin[1] - north[1]) - 0.5,
            -per_metre * north[2],
        )
        below = first_row + 0.5 / per_row
        return np.array(
            [
                [line[0], line[1] / per_row, line[1] * below + line[2]]
                for line in (right, down, (0.0, 1.0, 0.0))
            ]
        )


def focal_length(width: int) -> float:
    """Focal length in pixels of a picture of this width."""
    return width / 2 / math.tan(FIELD_OF_VIEW / 2)
