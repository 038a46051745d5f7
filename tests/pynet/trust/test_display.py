"""A program of the person's own shows the code, and takes it away again."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pynet import Gateway
from pynet.trust import display
from pynet.trust.display import CodeCommand

SHOW = """
import os, sys, time
with open(sys.argv[1], "a") as file:
    file.write(f"{sys.argv[2]} {os.environ['PYNET_CODE']} {os.environ['PYNET_CODE_SECONDS']}\\n")
time.sleep(60 if sys.argv[2] == STAYS else 0)
"""


def command(log: Path, stays: str = "never") -> list[str]:
    return [sys.executable, "-c", SHOW.replace("STAYS", repr(stays)), str(log)]


def test_it_runs_with_the_code_and_then_without(
    rover: Gateway, tmp_path: Path, until: Callable[..., None]
) -> None:
    log = tmp_path / "log"
    rover.on_pairing = CodeCommand(command(log))
    with rover.open_pairing(seconds=30) as window:
        until(lambda: log.exists() and log.read_text().endswith("\n"), 20)
        code, told, seconds = log.read_text().split()
        assert code == told == window.code
        assert 0 < int(seconds) <= 30
    assert log.read_text().endswith("\n  0\n")


def test_it_is_ended_when_the_window_is_over(tmp_path: Path, until: Callable[..., None]) -> None:
    log = tmp_path / "log"
    shown = CodeCommand(command(log, stays="12345678"))
    shown.show("12345678", 10)
    until(lambda: log.exists() and log.read_text().endswith("\n"), 20)
    shown.clear()
    assert log.read_text().splitlines() == ["12345678 12345678 10", "  0"]


def test_one_that_does_not_want_to_end_is_made_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(display, "PATIENCE", 0.3)
    deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)"
    shown = CodeCommand([sys.executable, "-c", deaf])
    shown.show("12345678", 10)
    shown.clear()


def test_one_that_is_not_there_is_a_line_in_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    shown = CodeCommand([str(tmp_path / "nowhere")])
    shown.show("12345678", 10)
    shown.clear()
    assert caplog.text.count("the program that shows the code cannot run") == 2
