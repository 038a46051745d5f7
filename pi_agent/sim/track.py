"""The geometry of a closed track and the file that describes it."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

SPACING = 0.06
"""Metres between two points of the centre line."""

OBJECT_KINDS = ("cone", "box", "tyres", "board", "gantry", "tree", "post")


class TrackError(ValueError):
    """A track file that cannot be used; the text says what to change."""


@dataclass(frozen=True, slots=True)
class TrackObject:
    """A thing that a track file puts beside the road.

    Attributes:
        kind: one of :data:`OBJECT_KINDS`.
        along: metres along the centre line from the start.
        offset: metres to the left of the centre line, negative to the right.
        text: what a board says.
    """

    kind: str
    along: float
    offset: float
    text: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a point lies relative to the road.

    Attributes:
        along: metres along the centre line, 0 to :attr:`Track.length`.
        offset: metres to the left of the centre line, negative to the right.
        heading: direction of the road there, radians, counter-clockwise from east.
    """

    along: float
    offset: float
    heading: float


class Track:
    """A closed road of constant width.

    Args:
        points: shape (n, 2), n >= 4; the centre line passes through them in order.
        width: of the asphalt, metres.
        kerb: width of each kerb outside of the asphalt, metres.
        objects: what stands beside it.
        trees: how many trees the landscape gets.
        posts: metres between two roadside posts, 0 for none.
    """

    def __init__(
        self,
        points: FloatArray,
        width: float = 1.2,
        kerb: float = 0.13,
        *,
        title: str = "",
        objects: tuple[TrackObject, ...] = (),
        trees: int = 0,
        posts: float = 0.0,
    ) -> None:
        self.title = title
        self.half_width = width / 2
        self.kerb = kerb
        self.objects = objects
        self.trees = trees
        self.posts = posts
        rough, _ = _resample(_spline(points))
        self.centre, self.length = _resample(_smooth(rough))
        ahead = np.roll(self.centre, -1, axis=0) - np.roll(self.centre, 1, axis=0)
        self.heading: FloatArray = np.arctan2(ahead[:, 1], ahead[:, 0])
        self.left: FloatArray = np.column_stack([-np.sin(self.heading), np.cos(self.heading)])
        self.step = self.length / len(self.centre)

    @property
    def edge(self) -> float:
        """Metres from the centre line to the outer side of a kerb."""
        return self.half_width + self.kerb

    def line(self, offset: float) -> FloatArray:
        """The closed line at ``offset`` metres to the left of the centre, shape (n, 2)."""
        return self.centre + offset * self.left

    def at(self, along: float, offset: float = 0.0) -> tuple[float, float, float]:
        """Position and heading (x, y, radians) of a place beside the centre line."""
        index = round(along / self.step) % len(self.centre)
        x, y = self.centre[index] + offset * self.left[index]
        return float(x), float(y), float(self.heading[index])

    def locate(self, x: float, y: float) -> Place:
        """The place of the point (x, y) relative to the nearest piece of road."""
        dx = x - self.centre[:, 0]
        dy = y - self.centre[:, 1]
        index = int(np.argmin(dx * dx + dy * dy))
        left = self.left[index]
        offset = float(dx[index] * left[0] + dy[index] * left[1])
        return Place(index * self.step, offset, float(self.heading[index]))

    def clearance(self, points: FloatArray) -> FloatArray:
        """Distance of each of the points, shape (m, 2), from the centre line, shape (m,)."""
        between = points[:, None, :] - self.centre[None, ::4, :]
        nearest: FloatArray = np.sqrt((between**2).sum(axis=2).min(axis=1))
        return nearest

    def bounds(self, margin: float) -> tuple[float, float, float, float]:
        """(x low, y low, x high, y high) of the road with ``margin`` metres around it."""
        low = self.centre.min(axis=0) - margin
        high = self.centre.max(axis=0) + margin
        return float(low[0]), float(low[1]), float(high[0]), float(high[1])


def builtin_tracks() -> tuple[str, ...]:
    """The names of the tracks that come with the program."""
    files = (file.name for file in resources.files("pi_agent").joinpath("data").iterdir())
    return tuple(sorted(name[6:-5] for name in files if re.fullmatch(r"track-.+\.toml", name)))


def load_track(name: str) -> Track:
    """A track by the name of a builtin one or by the path of a TOML file.

    Raises:
        TrackError: no such track, or a file that does not describe one.
    """
    if name in builtin_tracks():
        text = (
            resources.files("pi_agent")
            .joinpath("data", f"track-{name}.toml")
            .read_text(encoding="utf-8")
        )
    else:
        try:
            text = Path(name).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            known = ", ".join(builtin_tracks())
            raise TrackError(
                f"There is no track {name!r} ({error}). Use one of {known}, or the path of a file."
            ) from error
    try:
        return _from_table(tomllib.loads(text))
    except (tomllib.TOMLDecodeError, KeyError, TypeError, ValueError) as error:
        raise TrackError(f"The track file {name!r} cannot be used: {error}") from error


def _from_table(table: dict[str, Any]) -> Track:
    points = np.array(table["points"], dtype=np.float64)
    if points.ndim != 2 or points.shape[1] != 2 or len(points) < 4:
        raise ValueError("points needs at least four pairs [x, y]")
    if not np.isfinite(points).all() or not (np.abs(points) < 200).all():
        raise ValueError("points must lie within 200 m of the origin")
    width, kerb = float(table.get("width", 1.2)), float(table.get("kerb", 0.13))
    if not 0.5 <= width <= 10 or not 0 <= kerb <= width:
        raise ValueError("width must be 0.5 to 10 m and kerb not wider than the road")
    objects = tuple(TrackObject(**entry) for entry in table.get("objects", ()))
    for entry in objects:
        if entry.kind not in OBJECT_KINDS:
            raise ValueError(f"kind {entry.kind!r} is none of {', '.join(OBJECT_KINDS)}")
    landscape = table.get("landscape", {})
    return Track(
        points,
        width,
        kerb,
        title=str(table.get("title", "")),
        objects=objects,
        trees=int(landscape.get("trees", 0)),
        posts=float(landscape.get("posts", 0.0)),
    )


def _spline(points: FloatArray, per_segment: int = 64) -> FloatArray:
    """Closed centripetal Catmull-Rom curve (Barry and Goldman's pyramid), which never loops."""
    before, after, beyond = (np.roll(points, shift, axis=0) for shift in (1, -1, -2))
    knots = [np.zeros(len(points))]
    for one, other in ((before, points), (points, after), (after, beyond)):
        knots.append(knots[-1] + np.sqrt(np.hypot(*(other - one).T)))
    t0, t1, t2, t3 = (k[:, None, None] for k in knots)
    t = t1 + (t2 - t1) * np.linspace(0, 1, per_segment, endpoint=False)[None, :, None]
    p0, p1, p2, p3 = (p[:, None, :] for p in (before, points, after, beyond))
    a1 = (t1 - t) / (t1 - t0) * p0 + (t - t0) / (t1 - t0) * p1
    a2 = (t2 - t) / (t2 - t1) * p1 + (t - t1) / (t2 - t1) * p2
    a3 = (t3 - t) / (t3 - t2) * p2 + (t - t2) / (t3 - t2) * p3
    b1 = (t2 - t) / (t2 - t0) * a1 + (t - t0) / (t2 - t0) * a2
    b2 = (t3 - t) / (t3 - t1) * a2 + (t - t1) / (t3 - t1) * a3
    curve: FloatArray = ((t2 - t) / (t2 - t1) * b1 + (t - t1) / (t2 - t1) * b2).reshape(-1, 2)
    return curve


def _smooth(curve: FloatArray, sigma: float = 0.4) -> FloatArray:
    """The closed curve without kinks in its curvature, which a driver would feel as jerks."""
    wave = np.fft.fftfreq(len(curve), d=SPACING)
    low_pass = np.exp(-2 * (np.pi * wave * sigma) ** 2)
    smooth: FloatArray = np.fft.ifft(np.fft.fft(curve, axis=0) * low_pass[:, None], axis=0).real
    return smooth


def _resample(curve: FloatArray) -> tuple[FloatArray, float]:
    """The closed curve with points at equal distances, and its length."""
    closed = np.vstack([curve, curve[:1]])
    distance = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(closed, axis=0).T))])
    length = float(distance[-1])
    where = np.linspace(0, length, round(length / SPACING), endpoint=False)
    even = np.column_stack([np.interp(where, distance, closed[:, axis]) for axis in (0, 1)])
    return even, length
