"""Ring buffers behind the plots."""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from rcapp.core.series import SeriesBuffer


def info(hz: float = 10.0, *series: str) -> Any:
    return SimpleNamespace(name="distance", hz=hz, series=series or ("L", "F", "R"), unit="m")


def test_empty() -> None:
    buffer = SeriesBuffer(info())
    times, values = buffer.view(30)
    assert times.shape == (0,)
    assert values.shape == (3, 0)
    assert buffer.last is None
    assert buffer.last_time is None


def test_samples_come_back_in_order() -> None:
    buffer = SeriesBuffer(info())
    for step in range(5):
        buffer.append(step * 0.1, (step, step + 10, step + 20))
    times, values = buffer.view(60)
    assert times.tolist() == pytest.approx([0, 0.1, 0.2, 0.3, 0.4])
    assert values[2].tolist() == [20, 21, 22, 23, 24]
    assert values.flags.c_contiguous
    assert buffer.last == (4.0, 14.0, 24.0)
    assert buffer.last_time == pytest.approx(0.4)


def test_view_reaches_back_as_far_as_asked() -> None:
    buffer = SeriesBuffer(info())
    for step in range(300):
        buffer.append(step * 0.1, (0, 0, 0))
    assert len(buffer.view(1.0)[0]) == 11
    assert len(buffer.view(1.0, now=30.0)[0]) == 10
    assert len(buffer.view(1.0, now=60.0)[0]) == 0


def test_old_samples_are_overwritten() -> None:
    buffer = SeriesBuffer(info(hz=10), seconds=2)
    for step in range(1000):
        buffer.append(step * 0.1, (step, 0, 0))
    times, values = buffer.view(2)
    assert len(times) == 21
    assert np.all(np.diff(times) > 0)
    assert values[0, -1] == 999
    assert buffer.count == 1000


def test_views_are_copies() -> None:
    buffer = SeriesBuffer(info())
    buffer.append(1.0, (1, 2, 3))
    times, values = buffer.view()
    times[:] = values[:] = 0
    assert buffer.last == (1.0, 2.0, 3.0)


def test_a_sample_out_of_order_is_dropped() -> None:
    buffer = SeriesBuffer(info())
    buffer.append(2.0, (1, 1, 1))
    buffer.append(1.0, (2, 2, 2))
    assert buffer.count == 1


def test_wrong_number_of_values_is_refused() -> None:
    with pytest.raises(ValueError, match="announced 3 values, got 2"):
        SeriesBuffer(info()).append(0.0, (1, 2))


def test_reading_while_writing_sees_whole_samples() -> None:
    buffer = SeriesBuffer(info(hz=50), seconds=1)
    done = threading.Event()

    def write() -> None:
        for step in range(5000):
            buffer.append(step * 0.02, (step, step, step))
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        while not done.is_set():
            times, values = buffer.view()
            assert np.all(values == values[0])
            assert np.all(np.diff(times) > 0)
    finally:
        writer.join()
