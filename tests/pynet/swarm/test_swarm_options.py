"""What a Client asks of a swarm, as it travels."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pynet.errors import ConfigurationError
from pynet.swarm.options import MOST_COPIES, SwarmOptions


@given(st.integers(0, (1 << 32) - 1), st.integers(1, MOST_COPIES), st.booleans())
def test_round_trip(lane: int, copies: int, settled: bool) -> None:
    options = SwarmOptions(lane, copies, settled)
    assert SwarmOptions.unpack(options.pack()) == options


@pytest.mark.parametrize(
    "note",
    [
        None,
        3,
        "abc",
        [],
        [0, 1],
        [0, 1, False, 1],
        [-1, 1, False],
        [1 << 32, 1, False],
        [0, 0, False],
        [0, 5, False],
        [0, 1, 0],
        [True, 1, False],
        [0.0, 1, False],
        {"lane": 1},
    ],
)
def test_impossible_swarms(note: Any) -> None:
    with pytest.raises(ConfigurationError):
        SwarmOptions.unpack(note)
