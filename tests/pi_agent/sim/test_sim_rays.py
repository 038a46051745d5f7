from __future__ import annotations

import math

import numpy as np
import pytest

from pi_agent.sim.rays import REACH, Rays
from pi_agent.sim.track import Track

NOTHING = np.empty((0, 3))


@pytest.fixture
def track() -> Track:
    """A ring of 6 m radius; its kerbs lie at 5.4 and 6.6 m."""
    angles = np.linspace(0, math.tau, 24, endpoint=False)
    return Track(6 * np.column_stack([np.cos(angles), np.sin(angles)]), width=1.2)


def test_beams_reach_the_kerbs(track: Track) -> None:
    rays = Rays(track, NOTHING)
    assert rays.cast(6.0, 0.0, 0.0) == pytest.approx(0.6, abs=0.03)
    assert rays.cast(6.0, 0.0, math.pi) == pytest.approx(0.6, abs=0.03)
    # Along the tangent the outer kerb is a chord away.
    chord = math.sqrt(6.6**2 - 6.0**2)
    assert rays.cast(6.0, 0.0, math.pi / 2) == pytest.approx(chord, abs=0.1)


def test_nothing_near_is_the_reach(track: Track) -> None:
    assert Rays(track, NOTHING).cast(0.0, 0.0, 1.0) == REACH


def test_an_obstacle_is_nearer_than_the_kerb(track: Track) -> None:
    rays = Rays(track, np.array([[6.0, 1.0, 0.2]]))
    assert rays.cast(6.0, 0.0, math.pi / 2) == pytest.approx(0.8, abs=0.001)
    # Behind the car it is not seen.
    assert rays.cast(6.0, 0.0, -math.pi / 2) > 2.0
