from __future__ import annotations

import pytest

from rcapp.core.files import words


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (499, "499 B"),
        (500, "1 kB"),
        (1000, "1 kB"),
        (64_000, "64 kB"),
        (999_499, "999 kB"),
        (999_500, "1.0 MB"),
        (3_200_000, "3.2 MB"),
        (9_949_999, "9.9 MB"),
        (612_000_000, "612 MB"),
        (999_500_000, "1.0 GB"),
        (2_100_000_000, "2.1 GB"),
        (11_800_000_000, "11.8 GB"),
        (999_960_000_000, "1.0 TB"),
    ],
)
def test_sizes_are_those_of_file_managers(count: int, text: str) -> None:
    assert words.size(count) == text


@pytest.mark.parametrize(
    ("done", "whole", "text"),
    [
        (1_300_000_000, 2_100_000_000, "1.30 of 2.10 GB"),
        (0, 64_000, "0 B of 64 kB"),
        (64_000, 64_000, "64 kB of 64 kB"),
        (500_000, 12_000_000, "0.5 of 12.0 MB"),
        (1e9, 250e9, "1 of 250 GB"),
    ],
)
def test_progress_is_fine_enough_to_be_seen(done: float, whole: float, text: str) -> None:
    assert words.part(done, whole) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-120, "in the future"),
        (-30, "today"),
        (0, "today"),
        (86_399, "today"),
        (86_400, "1 day"),
        (19.4 * 86400, "19 days"),
        (29.9 * 86400, "29 days"),
        (32 * 86400, "1 month"),
        (75 * 86400, "2 months"),
        (364 * 86400, "11 months"),
        (366 * 86400, "1 year"),
        (1000 * 86400, "2 years"),
    ],
)
def test_ages(seconds: float, text: str) -> None:
    assert words.age(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.2, "1 s"),
        (45, "45 s"),
        (58, "1 min"),
        (430, "7 min"),
        (9.2 * 3600, "9 h"),
        (60 * 3600, "2 days"),
        (70 * 86400, "2 months"),
    ],
)
def test_times_to_come_are_rounded(seconds: float, text: str) -> None:
    assert words.span(seconds) == text


def test_time_left_counts_down_in_steps_that_can_be_read() -> None:
    assert words.left(45.9) == "45 s"
    assert words.left(134) == "2 min 10 s"
    assert words.left(1500) == "25 min"
    assert words.left(4800) == "1 h 20 min"


def test_a_share_never_reaches_a_mark_before_it_does() -> None:
    assert words.share(0.7499999) == "74.9 %"
    assert words.share(0.75) == "75.0 %"
    assert words.share(0.784) == "78.4 %"
    assert words.mark(0.75) == "75 %"
    assert words.mark(0.725) == "72.5 %"


def test_titles_name_the_first_and_count_the_rest() -> None:
    assert words.title(["recordings/2026-11/a.mcap"]) == "a.mcap"
    assert words.title(["a/b/", "c", "d"]) == "b and 2 more"
    assert words.title([]) == "Nothing"
    assert words.plural(20_000, "file") == "20\u202f000 files"
