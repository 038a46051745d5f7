from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rcapp.core.files.engine import UNKNOWN, Entry
from rcapp.core.files.listing import (
    CHANGED,
    SIZE,
    Filter,
    Order,
    arrange,
    natural,
    parse_filter,
    selected_bytes,
    selected_files,
)

NOW = 1_000_000_000.0
DAY = 86400.0


def named(*names: str) -> list[Entry]:
    return [Entry(name, size=len(name), mtime=NOW) for name in names]


def shown(entries: list[Entry], text: str) -> list[str]:
    made = arrange(entries, parse_filter(text), Order(), NOW)
    return [entry.name for entry in made.rows]


ALBUM = [
    Entry("old.jpg", size=3_000_000, mtime=NOW - 8 * DAY),
    Entry("new.jpg", size=2_000_000, mtime=NOW - 6 * DAY),
    Entry("OLD.PNG", size=500, mtime=NOW - 400 * DAY),
    Entry("lap practice", "folder", UNKNOWN, NOW - 19 * DAY),
]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", ["lap practice", "new.jpg", "old.jpg", "OLD.PNG"]),
        ("*.jpg > 7 d", ["old.jpg"]),
        ("*.jpg >7d", ["old.jpg"]),
        ("*.JPG", ["new.jpg", "old.jpg"]),
        ("*.jpg *.png", ["new.jpg", "old.jpg", "OLD.PNG"]),
        ("old", ["old.jpg", "OLD.PNG"]),
        ("old > 1 MB", ["old.jpg"]),
        ("> 1 y", ["OLD.PNG"]),
        ("< 1 w", ["new.jpg"]),
        ("practice lap", ["lap practice"]),
        ("n?w*", ["new.jpg"]),
        ("nothing", []),
    ],
)
def test_filters(text: str, names: list[str]) -> None:
    assert shown(ALBUM, text) == names


@pytest.mark.parametrize("text", [">", "*.jpg >", "> 7 x", "< many d", "> 7"])
def test_what_cannot_be_understood_leaves_nothing_out(text: str) -> None:
    made = parse_filter(text)
    assert made.error
    assert made.empty
    assert len(shown(ALBUM, text)) == len(ALBUM)


@given(st.text(max_size=20))
def test_any_text_is_a_filter(text: str) -> None:
    arrange(ALBUM, parse_filter(text), Order(), NOW)


def test_folders_come_first_whatever_the_order() -> None:
    for order in (Order(), Order(descending=True), Order(SIZE, True), Order(CHANGED)):
        assert arrange(ALBUM, Filter(), order, NOW).rows[0].is_folder


def test_orders() -> None:
    by_size = arrange(ALBUM, Filter(), Order(SIZE, True), NOW).rows
    assert [entry.name for entry in by_size[1:]] == ["old.jpg", "new.jpg", "OLD.PNG"]
    by_age = arrange(ALBUM, Filter(), Order(CHANGED), NOW).rows
    assert [entry.name for entry in by_age[1:]] == ["OLD.PNG", "old.jpg", "new.jpg"]


def test_numbers_in_names_count() -> None:
    assert shown(named("lap 10", "lap 9", "Lap 2"), "") == ["Lap 2", "lap 9", "lap 10"]


@given(st.lists(st.text(max_size=12), max_size=12))
def test_all_names_can_be_compared(names: list[str]) -> None:
    assert sorted(names, key=natural) is not None


def test_hidden_names_are_hidden() -> None:
    entries = named("a", ".pynet-incoming")
    assert shown(entries, "") == ["a"]
    made = arrange(entries, Filter(), Order(), NOW, hidden=True)
    assert made.total == 2


def test_rows_are_found_by_name() -> None:
    made = arrange(ALBUM, Filter(), Order(), NOW)
    assert [made.rows[made.rows_of[entry.name]] for entry in ALBUM] == ALBUM


def test_totals_of_a_selection() -> None:
    assert selected_bytes(ALBUM) is None
    assert selected_files(ALBUM) is None
    counted = [*ALBUM[:3], Entry("lap practice", "folder", 1_000, NOW, 61)]
    assert selected_bytes(counted) == 5_001_500
    assert selected_files(counted) == 64
