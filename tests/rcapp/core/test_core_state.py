"""How the state of the link follows from times."""

from __future__ import annotations

import pytest

from rcapp.core.state import LIVE_LIMIT, LOST_LIMIT, Link, LinkFacts, link_state

NOW = 1000.0


def facts(**changes: object) -> LinkFacts:
    known = {
        "wanted": True,
        "connected": True,
        "ever_connected": True,
        "connected_at": NOW - 60,
        "picture_at": NOW - 0.03,
        "status_at": NOW - 0.03,
    }
    return LinkFacts(**(known | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({"wanted": False}, Link.IDLE),
        ({"connected": False, "ever_connected": False}, Link.CONNECTING),
        ({"connected": False}, Link.LOST),
        ({"connected": False, "tries_since_loss": 1}, Link.RECONNECTING),
        ({}, Link.LIVE),
        ({"picture_at": NOW - 0.51}, Link.STALE),
        ({"picture_at": NOW - 0.51, "status_at": None}, Link.STALE),
        ({"picture_at": NOW - 2.1}, Link.STALE),
        ({"picture_at": NOW - 2.1, "status_at": NOW - 2.1}, Link.LOST),
        ({"picture_at": None}, Link.STALE),
        ({"picture_at": None, "status_at": None}, Link.LOST),
        ({"picture_at": None, "connected_at": NOW - 1}, Link.CONNECTING),
        (
            {"picture_at": None, "connected_at": NOW - 1, "tries_since_loss": 2},
            Link.RECONNECTING,
        ),
        ({"has_camera": False, "picture_at": None}, Link.LIVE),
        ({"has_camera": False, "picture_at": None, "status_at": NOW - 0.6}, Link.STALE),
        ({"has_camera": False, "picture_at": None, "status_at": NOW - 2.6}, Link.LOST),
    ],
)
def test_state_follows_from_the_times(changes: dict[str, object], state: Link) -> None:
    assert link_state(facts(**changes), NOW) is state


def test_a_picture_is_live_for_half_a_second_and_never_longer() -> None:
    seen = facts(picture_at=NOW, status_at=NOW)
    assert link_state(seen, NOW + LIVE_LIMIT) is Link.LIVE
    assert link_state(seen, NOW + LIVE_LIMIT + 0.001) is Link.STALE
    assert link_state(seen, NOW + LOST_LIMIT + 0.001) is Link.LOST


def test_values_are_the_words_in_lower_case() -> None:
    assert [link.value for link in Link] == [link.name.lower() for link in Link]
