from __future__ import annotations

import fnmatch
import time
from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pynet.errors import BadName
from pynet.files.info import FileInfo, Problem
from pynet.files.selection import Selection
from pynet.files.tree import Tree

Write = Callable[..., FileInfo]

NAMES = [
    b"a.txt",
    b".hidden",
    b"logs/a.txt",
    b"logs/b.csv",
    b"logs/2026/c.txt",
    b"logs/2026/11/d.txt",
    b"logs/2026/11/.e",
    b"other/c.txt",
]


@pytest.fixture
def found(source: Tree, write: Write) -> Callable[..., list[str]]:
    for name in NAMES:
        write(source, name)

    def names(pattern: str, **filters: object) -> list[str]:
        selection = Selection.parse(pattern, **filters)  # type: ignore[arg-type]
        things = list(source.scan(selection))
        assert not [thing for thing in things if isinstance(thing, Problem)]
        return [selection.below(thing.name).decode() for thing in things]

    return names


@pytest.mark.parametrize(
    ("pattern", "base", "expected"),
    [
        ("logs/a.txt", "logs", ["a.txt"]),
        ("logs/2026", "logs", ["2026", "2026/11", "2026/11/.e", "2026/11/d.txt", "2026/c.txt"]),
        ("logs/2026/", "logs/2026", ["11", "11/.e", "11/d.txt", "c.txt"]),
        ("logs/2026/**", "logs/2026", ["11", "11/.e", "11/d.txt", "c.txt"]),
        ("logs/*.txt", "logs", ["a.txt"]),
        ("logs/?.[ct]*", "logs", ["a.txt", "b.csv"]),
        ("logs/[!a]*.csv", "logs", ["b.csv"]),
        ("**/c.txt", "", ["logs/2026/c.txt", "other/c.txt"]),
        ("**/*.txt", "", ["a.txt", "logs/2026/11/d.txt", "logs/2026/c.txt", "logs/a.txt",
                          "other/c.txt"]),
        ("logs/**/d.txt", "logs", ["2026/11/d.txt"]),
        ("*/2026", "", ["logs/2026", "logs/2026/11", "logs/2026/11/.e", "logs/2026/11/d.txt",
                        "logs/2026/c.txt"]),
        (".*", "", [".hidden"]),
        ("./logs/b.csv", "logs", ["b.csv"]),
        ("nothing*", "", []),
    ],
)  # fmt: skip
def test_what_a_pattern_takes(
    found: Callable[..., list[str]], pattern: str, base: str, expected: list[str]
) -> None:
    assert Selection.parse(pattern).base.decode() == base
    assert sorted(found(pattern)) == expected


@pytest.mark.parametrize("pattern", ["", "**", "*", ".", "**/"])
def test_everything(found: Callable[..., list[str]], pattern: str) -> None:
    folders = ["logs", "logs/2026", "logs/2026/11", "other"]
    assert sorted(found(pattern)) == sorted(folders + [name.decode() for name in NAMES])


def test_a_regular_expression_searches_the_name_below(found: Callable[..., list[str]]) -> None:
    assert found("logs/", match=r"^2026/.*\.txt$") == ["2026/11/d.txt", "2026/c.txt"]
    with pytest.raises(BadName, match="regular expression"):
        Selection.parse("logs", match="(")


def test_young_files_are_left_out(
    source: Tree, write: Write, found: Callable[..., list[str]]
) -> None:
    write(source, b"young", mtime_ns=time.time_ns())
    write(source, b"future", mtime_ns=time.time_ns() + 10**12)
    assert "young" in found("**")
    assert not {"young", "future"} & set(found("**", min_age=600))
    assert "a.txt" in found("**", min_age=600)


def test_unfinished_files_are_never_offered(
    source: Tree, write: Write, found: Callable[..., list[str]]
) -> None:
    (source.path / ".pynet-incoming").mkdir()
    (source.path / ".pynet-incoming" / "x").touch()
    write(source, b"logs/c.pynet-part")
    assert not [name for name in found("**") if "pynet" in name]
    assert found("logs/*part") == []


def test_signs_can_be_part_of_a_name(source: Tree, write: Write) -> None:
    write(source, b"a[1].txt")
    write(source, b"a1.txt")
    (taken,) = source.scan(Selection.exactly(b"a[1].txt"))
    assert taken.name == b"a[1].txt"
    (taken,) = source.scan(Selection.parse("a[[]1].txt"))
    assert taken.name == b"a[1].txt"


@pytest.mark.parametrize("pattern", ["/etc", "../x", "a/../b*", "**/../x", "C:\\x"])
def test_patterns_do_not_lead_out(pattern: str) -> None:
    with pytest.raises(BadName):
        Selection.parse(pattern)


def reference(pattern: list[str], name: list[str]) -> bool:
    """Whether a name, or what it lies in, is matched; as simple as can be."""
    if not pattern or pattern == ["**"]:
        return True
    if pattern[0] == "**":
        rest = pattern[1:]
        return any(reference(rest, name[at:]) for at in range(len(name) + 1))
    if not name:
        return False
    return fnmatch.fnmatchcase(name[0], pattern[0]) and reference(pattern[1:], name[1:])


PARTS = st.sampled_from(["a", "b", "ab", "*", "a*", "?", "[ab]", "**", "[!a]*"])
TEXTS = st.sampled_from(["a", "b", "ab", "ba", ".a"])


@given(st.lists(PARTS, min_size=1, max_size=5), st.lists(TEXTS, min_size=1, max_size=5))
@example(["**", "**", "b"], ["b"])
@example(["a", "**"], ["a", "b"])
@example(["**", "a", "**", "**"], ["a"])
def test_patterns_match_as_a_simple_matcher_says(pattern: list[str], name: list[str]) -> None:
    selection = Selection.parse("/".join(pattern))
    text = "/".join(name).encode()
    if text == selection.base:
        return  # what a pattern ends in `**` of is not itself in it
    assert selection.matches(text) == reference(pattern, name)
