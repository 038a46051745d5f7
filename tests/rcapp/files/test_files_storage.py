from __future__ import annotations

from dataclasses import replace

from pynet.files.info import Usage
from rcapp.core.files.storage import Sample, Storage, fill_rate, with_sample

GB = 1_000_000_000
HOUR = 3600.0
USAGE = Usage(int(23.1 * GB), int(6.4 * GB))


def test_amounts_and_levels() -> None:
    storage = Storage(USAGE)
    assert storage.amount() == "23.1 of 29.5 GB"
    assert storage.level == "warn"
    assert Storage(Usage(GB, 9 * GB)).level == "good"
    assert Storage(Usage(97 * GB, 3 * GB)).level == "bad"
    assert Storage().level == "secondary"
    assert Storage().amount() == ""


def test_the_forecast_says_when_it_is_full() -> None:
    rate = 6.4 * GB / (9.2 * HOUR)
    assert Storage(USAGE, rate=rate).forecast() == "full in about 9 h at today's rate"


def test_below_the_mark_the_forecast_is_of_the_mark() -> None:
    storage = Storage(Usage(20 * GB, 20 * GB), rate=GB / HOUR)
    assert storage.forecast() == "75 % in about 10 h at today's rate"


def test_nothing_is_foretold_from_nothing() -> None:
    assert Storage(USAGE).forecast() == ""
    assert Storage(USAGE, rate=0.0).forecast() == "not filling today"
    assert Storage(USAGE, rate=1.0).forecast() == "hardly filling today"
    assert Storage(Usage(GB, 0), rate=1.0).forecast() == "nothing more can be written"


def test_the_rate_counts_what_was_added() -> None:
    samples = ((0.0, 10 * GB), (HOUR, 12 * GB), (2 * HOUR, 5 * GB), (4 * HOUR, 7 * GB))
    assert fill_rate(samples) == 4 * GB / (4 * HOUR)
    assert fill_rate(samples[:1]) is None
    assert fill_rate(((0.0, 1), (60.0, 2))) is None


def test_samples_of_a_day_are_kept() -> None:
    samples: tuple[Sample, ...] = ()
    for minute in range(0, 60 * 30, 1):
        samples = with_sample(samples, minute * 60.0, minute)
    assert 280 <= len(samples) <= 290
    assert samples[-1][0] - samples[0][0] <= 24 * HOUR


def test_a_clock_that_is_set_back_begins_anew() -> None:
    samples = with_sample(((1000.0, 5), (2000.0, 6)), 100.0, 7)
    assert samples == ((100.0, 7),)


def test_marks_may_be_anything() -> None:
    assert replace(Storage(USAGE), high=0.5, low=0.1).level == "warn"
    assert replace(Storage(USAGE), high=0.9).level == "good"
