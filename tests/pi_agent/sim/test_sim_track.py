from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from pi_agent.sim.track import SPACING, Track, TrackError, builtin_tracks, load_track


def ring(radius: float = 5.0, **options: float) -> Track:
    angles = np.linspace(0, math.tau, 16, endpoint=False)
    return Track(radius * np.column_stack([np.cos(angles), np.sin(angles)]), **options)


def test_a_ring_has_the_length_and_the_headings_of_a_circle() -> None:
    track = ring(5.0)
    assert track.length == pytest.approx(math.tau * 5, rel=0.02)
    assert track.step == pytest.approx(SPACING, rel=0.02)
    x, y, heading = track.at(0.0)
    assert math.hypot(x, y) == pytest.approx(5, rel=0.02)
    assert heading == pytest.approx(math.pi / 2, abs=0.03)


def test_a_place_is_found_again() -> None:
    track = ring()
    for along, offset in ((0.0, 0.0), (7.3, 0.4), (20.0, -0.5)):
        x, y, heading = track.at(along, offset)
        place = track.locate(x, y)
        assert place.along == pytest.approx(along, abs=SPACING)
        assert place.offset == pytest.approx(offset, abs=0.01)
        assert place.heading == pytest.approx(heading, abs=0.02)


def test_every_builtin_track_is_drivable() -> None:
    assert "meadow" in builtin_tracks()
    for name in builtin_tracks():
        track = load_track(name)
        bend = np.abs(np.diff(np.unwrap(track.heading))) / track.step
        # The car turns within half a metre; a road this wide needs more than its own half.
        assert 1 / bend.max() > track.edge + 0.2
        far = [track.locate(*point).offset for point in track.line(track.half_width)[::20]]
        assert far == pytest.approx([track.half_width] * len(far), abs=0.02)


def test_the_start_is_straight_enough_to_see_the_road() -> None:
    track = load_track("meadow")
    ahead = [abs(track.at(along)[2] - track.at(0.0)[2]) for along in (1.0, 2.0, 4.0)]
    assert max(ahead) < math.radians(25)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("points = [[0, 0], [1, 0], [1, 1]]", "at least four pairs"),
        ("points = [[0, 0], [1, 0], [1, 1], [0, inf]]", "within 200 m"),
        ("width = 1.0", "points"),
        ("points = [[0, 0], [9, 0], [9, 9], [0, 9]]\nwidth = 50", "width must be"),
        (
            'points = [[0, 0], [9, 0], [9, 9], [0, 9]]\nobjects = [{kind="cow",along=1,offset=1}]',
            "kind 'cow' is none of cone",
        ),
        (
            'points = [[0, 0], [9, 0], [9, 9], [0, 9]]\nobjects = [{kind="cone"}]',
            "missing",
        ),
        ("points = ", "cannot be used"),
    ],
)
def test_a_track_file_that_is_wrong_is_told(tmp_path: Path, text: str, what: str) -> None:
    file = tmp_path / "track.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(TrackError, match=what) as caught:
        load_track(str(file))
    assert "track.toml" in str(caught.value)


def test_a_track_that_is_not_there_is_told() -> None:
    with pytest.raises(TrackError, match=r"There is no track 'moon'.*meadow"):
        load_track("moon")
