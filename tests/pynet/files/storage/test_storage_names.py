from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pynet.errors import BadName
from pynet.files.names import check, numbered, portable, temporary

HOSTILE = [
    b"",
    b"/",
    b"/etc/passwd",
    b"..",
    b"../x",
    b"a/../../x",
    b"a/..",
    b".",
    b"./a",
    b"a/./b",
    b"a//b",
    b"a/",
    b"a\0b",
    b"C:\\x",
    b"c:/x",
    b"\\\\server\\share",
    b"x" * 256,
    b"a/" + b"x" * 300,
    b"/".join([b"x" * 200] * 21),
    b".pynet-incoming",
    b".pynet-incoming/x",
    b"a/.PYNET-incoming/b",
]
FINE = [
    b"a",
    b"a/b.txt",
    b"...",
    b"..a",
    b".hidden/..b",
    b"-rf",
    b"new\nline",
    b"\xff\xfe",
    "日本/é".encode(),
    b"x" * 255,
    b"a:b",
    b"back\\slash",
    b".pynet-incoming2",
    b"CON",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_names_that_lead_elsewhere_are_refused(name: bytes) -> None:
    with pytest.raises(BadName):
        check(name)


@pytest.mark.parametrize("name", FINE)
def test_odd_names_are_names(name: bytes) -> None:
    assert check(name) == name


@given(st.lists(st.binary(max_size=5) | st.sampled_from([b"..", b".", b"a", b"\xff"]), max_size=6))
def test_what_passes_lies_below_the_root(parts: list[bytes]) -> None:
    name = b"/".join(parts)
    try:
        check(name)
    except BadName:
        clean = all(part not in (b"", b".", b"..") and b"\0" not in part for part in parts)
        drive = name[1:2] == b":" or name.startswith(b"\\\\")
        assert not parts or not clean or drive or any(b"/" in part for part in parts)
        return
    root = b"/some/root"
    assert os.path.normpath(os.path.join(root, name)) == root + b"/" + name


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        (b"fine name.txt", b"fine name.txt"),
        (b"a:b*c?.txt", b"a_b_c_.txt"),
        (b"line\nbreak", b"line_break"),
        (b"dot.", b"dot_"),
        (b"space ", b"space_"),
        (b"con", b"_con"),
        (b"COM1.txt", b"_COM1.txt"),
        (b"console", b"console"),
        ("e\u0301".encode(), "\u00e9".encode()),
        (b"\xffx", b"%ffx"),
    ],
)
def test_names_for_pickier_file_systems(part: bytes, expected: bytes) -> None:
    assert portable(part) == expected


@given(st.binary(min_size=1, max_size=255).filter(lambda part: b"/" not in part))
def test_portable_names_are_short_valid_and_stay(part: bytes) -> None:
    once = portable(part)
    assert 0 < len(once) <= 255
    once.decode()
    assert b"/" not in once
    assert portable(once) == once


@pytest.mark.parametrize(
    ("part", "number", "expected"),
    [
        (b"a.txt", 2, b"a (2).txt"),
        (b"a", 3, b"a (3)"),
        (b".profile", 2, b".profile (2)"),
        (b"x" * 251 + b".txt", 12, b"x" * 246 + b" (12).txt"),
    ],
)
def test_numbers_come_before_the_extension(part: bytes, number: int, expected: bytes) -> None:
    assert numbered(part, number) == expected


def test_a_number_does_not_cut_a_character() -> None:
    name = numbered("é".encode() * 127 + b"x", 2)
    assert len(name) <= 255
    name.decode()


def test_temporary_names_are_short(tmp_path: Path) -> None:
    assert len(temporary("0" * 32)) < 60
