"""The mailbox of one picture, and frame ages."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

from rcapp.core.pictures import Mailbox, PaintStats
from rcapp.core.state import Frame


def frame(seq: int, captured: float = 0.0) -> Frame:
    return Frame(np.zeros((2, 3, 4), np.uint8), seq, captured, 3, 2)


def test_the_newest_picture_wins() -> None:
    box = Mailbox()
    assert box.take() is None
    box.put(frame(1))
    box.put(frame(2))
    taken = box.take()
    assert taken is not None
    assert taken.seq == 2
    assert box.take() is None
    assert box.replaced == 1


def test_a_picture_counts_once_however_often_it_is_painted() -> None:
    stats = PaintStats()
    shown = frame(1, captured=10.0)
    assert stats.painted(shown, 10.02)
    assert not stats.painted(shown, 10.04)
    figures = stats.figures(10.05)
    assert figures.painted == 1
    assert figures.age == pytest.approx(0.02)
    assert figures.captured == 10.0


def test_percentiles_and_rate() -> None:
    stats = PaintStats()
    for number in range(90):
        at = number / 30
        stats.painted(frame(number, captured=at - 0.010 - 0.0001 * number), at)
    figures = stats.figures(89 / 30)
    assert figures.painted == 90
    assert figures.fps in (30.0, 31.0)
    assert figures.p50 == pytest.approx(0.01445)
    assert figures.p99 is not None
    assert 0.0187 < figures.p99 < 0.0190
    assert len(stats.ages()) == 90
    assert stats.figures(60.0).fps == 0.0
    stats.clear()
    assert stats.figures(61.0).painted == 0


def test_importing_opencv_leaves_the_environment_of_qt_alone() -> None:
    code = (
        "import os; os.environ['QT_QPA_FONTDIR'] = '/here'; import rcapp.core._cv; "
        "print(os.environ.get('QT_QPA_PLATFORM_PLUGIN_PATH'), os.environ['QT_QPA_FONTDIR'])"
    )
    env = {k: v for k, v in os.environ.items() if k != "QT_QPA_PLATFORM_PLUGIN_PATH"}
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=env, check=True
    )
    assert run.stdout.split() == ["None", "/here"]
