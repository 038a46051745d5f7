"""What a run comes to, from logs that are easy to reckon."""

from __future__ import annotations

import math

import numpy as np
import pytest

from benchmarks.links.ages import Run, percentile

MS = 1_000_000


def run_of(
    sent: list[tuple[int, float]], taken: list[tuple[int, float]], length: float = 100.0
) -> Run:
    start = 5_000 * MS
    logs = [[(number, start + round(ms * MS)) for number, ms in log] for log in (sent, taken)]
    return Run.of_log(start, length, logs[0], logs[1], (0.01, 0.02))


def test_a_perfect_link_is_as_old_as_its_commands_are_apart() -> None:
    ticks = [(number, 10.0 * number) for number in range(10)]
    figures = run_of(ticks, ticks).figures()
    assert figures["age_p50"] == pytest.approx(5.0, abs=0.2)
    assert figures["age_max"] == pytest.approx(9.9)
    assert (figures["delivery_max"], figures["lost"], figures["superseded"]) == (0.0, 0.0, 0.0)
    assert figures["sent_per_second"] == 100.0
    assert (figures["cpu_laptop"], figures["cpu_car"]) == (1.0, 2.0)


def test_age_counts_from_the_making_of_the_newest_that_was_taken() -> None:
    # The second comes 30 ms late, and the third in time.
    run = run_of([(0, 0.0), (1, 10.0), (2, 20.0)], [(0, 5.0), (2, 25.0), (1, 40.0)], 60.0)
    ages = run.ages()
    assert len(ages) == 550
    assert ages[0] == pytest.approx(5.0)
    assert ages[198] == pytest.approx(24.8)
    assert ages[201] == pytest.approx(5.1)
    assert ages[-1] == pytest.approx(39.9)
    assert run.superseded == 1
    assert sorted(run.latencies) == pytest.approx([5.0, 5.0, 30.0])


def test_of_copies_the_first_counts() -> None:
    run = run_of([(0, 0.0), (1, 10.0)], [(0, 3.0), (1, 14.0), (0, 16.0), (1, 17.0)])
    assert list(run.latencies) == pytest.approx([3.0, 4.0])
    assert run.superseded == 0


def test_what_never_came_is_lost_and_what_was_not_sent_is_not() -> None:
    # Tick 1 was missed; command 2 was lost.
    run = run_of([(0, 0.0), (2, 20.0), (3, 30.0)], [(0, 1.0), (3, 31.0)])
    assert run.count == 3
    assert run.lost == pytest.approx(100.0 / 3)


def test_late_ones_count_for_delivery_but_not_for_the_window() -> None:
    run = run_of([(0, 0.0), (1, 10.0)], [(0, 2.0), (1, 500.0)], 50.0)
    assert run.figures()["delivery_max"] == pytest.approx(490.0)
    assert run.ages()[-1] == pytest.approx(49.9)


def test_a_contender_that_delivers_nothing_is_as_old_as_the_window() -> None:
    figures = run_of([(0, 0.0)], [], 80.0).figures()
    assert figures["age_p50"] == 80.0
    assert figures["lost"] == 100.0
    assert math.isnan(figures["delivery_p50"])


def test_percentiles_are_samples() -> None:
    samples = np.arange(1000.0)
    assert percentile(samples, 50.0) == 500.0
    assert percentile(samples, 99.9) == 999.0
    assert percentile(samples, 100.0) == 999.0
