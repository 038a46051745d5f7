"""Policies are made, named, sent and read back within sane bounds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pynet
from pynet.errors import ConfigurationError
from pynet.policy import Policy, as_policy, unpack_policy
from pynet.testing import travelled


def test_their_words() -> None:
    assert as_policy("latest") is pynet.latest
    assert as_policy("reliable") is pynet.reliable
    assert as_policy(pynet.latest) is pynet.latest


@pytest.mark.parametrize("word", ["newest", "keep_last", "", "LATEST", 5, None, ["latest"]])
def test_other_words_are_refused_with_those_that_exist(word: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"latest, pynet\.keep_last\(n\), pynet"):
        as_policy(word)


def test_what_is_live() -> None:
    assert pynet.latest.live
    assert pynet.keep_last(5).live
    assert not pynet.reliable.live


@pytest.mark.parametrize("depth", [1, 2, 100, 100_000])
def test_depths(depth: int) -> None:
    policy = pynet.keep_last(depth)
    assert policy.depth == depth
    assert policy.window >= 2


@pytest.mark.parametrize("depth", [0, -1, 100_001, 2.5, float("nan"), "5", None, True])
def test_depths_that_make_no_sense(depth: Any) -> None:
    with pytest.raises(ConfigurationError, match="depth must be"):
        pynet.keep_last(depth)


@pytest.mark.parametrize("policy", [pynet.latest, pynet.reliable, pynet.keep_last(7)])
def test_they_travel(policy: Policy) -> None:
    assert unpack_policy(travelled(policy.pack())) == policy


BAD_NOTES = [
    None,
    5,
    "late",
    [],
    ["latest", 1, 2],
    ["latest", 1, 2, "items", 5],
    ["newest", 1, 2, "items"],
    ["latest", 0, 2, "items"],
    ["latest", 100_001, 2, "items"],
    ["latest", 1, 0, "items"],
    ["latest", 1, 2**40, "items"],
    ["latest", 1, 2, "apples"],
    ["latest", "1", 2, "items"],
    ["latest", 1, "2", "items"],
    ["latest", 1.5, 2, "items"],
    ["latest", 1, float("inf"), "items"],
    ["latest", float("nan"), 2, "items"],
    ["latest", True, 2, "items"],
    [["latest"], 1, 2, "items"],
    [{}, 1, 2, "items"],
    [np.zeros(3), 1, 2, "items"],
    ["latest", np.ones(1), 2, "items"],
    ["latest", 1, 2, np.zeros(2)],
    {"kind": "latest", "depth": 1, "window": 2, "unit": "items"},
]


@pytest.mark.parametrize("note", BAD_NOTES, ids=repr)
def test_impossible_ones_are_refused(note: Any) -> None:
    with pytest.raises(ConfigurationError, match="impossible policy"):
        unpack_policy(note)


numbers = st.integers() | st.floats() | st.booleans() | st.none()


@settings(max_examples=200, deadline=None)
@given(
    kind=st.sampled_from(["latest", "keep_last", "reliable"]) | st.text(max_size=9),
    depth=st.integers(0, 10) | numbers,
    window=st.integers(0, 10) | numbers,
    unit=st.sampled_from(["items", "bytes"]) | st.text(max_size=5),
)
def test_whatever_comes_is_sane_or_refused(kind: str, depth: Any, window: Any, unit: str) -> None:
    try:
        policy = unpack_policy([kind, depth, window, unit])
    except ConfigurationError:
        return
    assert policy.pack() == [kind, depth, window, unit]
    assert 1 <= policy.depth <= 100_000
    assert 1 <= policy.window <= 1 << 32
