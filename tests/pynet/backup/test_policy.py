"""Rules come from files that people write; what cannot be is explained."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pynet.backup.globs import Globs
from pynet.backup.policy import GIB, Policy
from pynet.errors import ConfigurationError


def test_the_defaults_are_those_of_the_words_75_and_25() -> None:
    policy = Policy()
    assert (policy.high, policy.low, policy.min_age) == (0.75, 0.25, 600)


def test_it_survives_a_settings_file() -> None:
    policy = Policy(high=0.8, protect=("*.keep",), groups=("tub*",), keep_newest=3)
    assert Policy.from_dict(json.loads(json.dumps(policy.to_dict()))) == policy
    assert Policy.from_dict({}) == Policy()


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"high": 75}, ["high", "75", "0.01 to 1", "0.75"]),
        ({"low": 0.8}, ["low", "0.8", "below high = 0.75", "0.25"]),
        ({"high": 0.2, "low": 0.2}, ["low", "below high"]),
        ({"high": "0.75"}, ["high", "'0.75'"]),
        ({"high": True}, ["high", "True"]),
        ({"high": float("nan")}, ["high", "nan"]),
        ({"min_age": -1}, ["min_age", "-1", "seconds"]),
        ({"keep_newest": 1.5}, ["keep_newest", "whole number"]),
        ({"keep_days": 1e9}, ["keep_days", "days"]),
        ({"floor_share": 1.0}, ["floor_share", "0.1"]),
        ({"floor_bytes": "5 GB"}, ["floor_bytes", "bytes"]),
        ({"protect": "*.db"}, ["protect", "list"]),
        ({"protect": [1]}, ["protect", "list"]),
        ({"protect": ["../x"]}, ["protect", "../x", "fits nothing"]),
        ({"groups": [""]}, ["groups", "fits nothing"]),
        ({"protect": ["[z-a]"]}, ["protect", "[z-a]"]),
        ({"hihg": 0.7}, ["hihg", "did you mean high"]),
        ({"colour": 1}, ["colour", "there are high, low"]),
    ],
)
def test_what_cannot_be_is_named_with_its_limit_and_what_to_do(
    values: dict[str, Any], words: list[str]
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Policy.from_dict(values)
    for word in ["backup: ", *words]:
        assert word in str(caught.value)


def test_the_destination_s_floor_is_the_greater_of_both() -> None:
    assert Policy().floor(10 * GIB) == 5 * GIB
    assert Policy().floor(1000 * GIB) == 100 * GIB


@pytest.mark.parametrize(
    ("pattern", "fits", "not_"),
    [
        ("*.db*", [b"a.db", b"x/a.db-wal", b"a.db/inside"], [b"adb", b"a.d/b"]),
        (".git/**", [b".git/config", b"x/.git/a/b"], [b".git", b"x.git/a", b".gitx/a"]),
        ("/top", [b"top", b"top/below"], [b"x/top"]),
        ("a/*/c", [b"a/b/c", b"x/a/b/c/d"], [b"a/c", b"a/b/b/c"]),
        ("a/**/c", [b"a/c", b"a/b/c", b"a/b/b/c"], [b"ac", b"a/bc"]),
        ("f?", [b"f1", b"x/f2"], [b"f", b"f/1", b"f12"]),
        ("[ab]x", [b"ax", b"bx"], [b"cx", b"/x"]),
        ("[!ab]x", [b"cx"], [b"ax", b"y/x"]),
        ("[a", [b"[a"], [b"a"]),
        ("[]]x", [b"]x"], [b"x"]),
        ("a+b", [b"a+b"], [b"aab"]),
        ("*.part", [b"\xff.part", b"new\nline.part"], [b"part"]),
        ("**", [b"a", b"a/b"], []),
        ("keep/", [b"keep", b"keep/x"], [b"keeper"]),
    ],
)
def test_patterns(pattern: str, fits: list[bytes], not_: list[bytes]) -> None:
    globs = Globs(["never", pattern])
    assert [name for name in fits if globs.find(name) != pattern] == []
    assert [name for name in not_ if globs.find(name)] == []


def test_no_patterns_fit_nothing() -> None:
    assert Globs([]).find(b"a") == ""
