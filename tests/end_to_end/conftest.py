"""A real X screen in memory, real key presses, and the two programs as processes."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.security.pin_log import PinLog

LIMIT = 60.0
"""Seconds for anything to happen; generous, because a busy machine starts programs slowly."""


def until(condition: Callable[[], Any], what: str) -> Any:
    """Wait for a condition and return what it gave."""
    deadline = time.monotonic() + LIMIT
    pause = threading.Event()
    while True:
        found = condition()
        if found:
            return found
        assert time.monotonic() < deadline, f"waited {LIMIT:.0f} s in vain for {what}"
        pause.wait(0.02)


class Screen:
    """An Xvfb of its own: what is on it, and a hand for its keyboard."""

    def __init__(self, folder: Path) -> None:
        self._framebuffer = folder / "Xvfb_screen0"
        receiver, sender = os.pipe()
        self._process = subprocess.Popen(
            ["Xvfb", "-displayfd", str(sender), "-screen", "0", "1280x800x24",
             "-fbdir", str(folder), "-nolisten", "tcp", "-noreset"],
            pass_fds=(sender,),
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
        os.close(sender)
        with os.fdopen(receiver) as answer:
            self.display = f":{answer.readline().strip()}"

    def picture(self) -> NDArray[np.uint8]:
        """What the screen shows: height x width x 3, blue first. The file is an XWD dump."""
        raw = np.fromfile(self._framebuffer, np.uint8)
        fields = raw[:100].view(">u4")
        header, width, height, stride, colours = (int(fields[i]) for i in (0, 4, 5, 12, 19))
        start = header + colours * 12
        rows = raw[start : start + height * stride].reshape(height, stride)
        return rows[:, : width * 4].reshape(height, width, 4)[:, :, :3].copy()

    def do(self, *arguments: str) -> str:
        """Run xdotool on this screen."""
        done = subprocess.run(
            ["xdotool", *arguments],
            env=os.environ | {"DISPLAY": self.display},
            capture_output=True,
            text=True,
            check=False,
            timeout=30,
        )
        return done.stdout.strip()

    def close(self) -> None:
        self._process.terminate()
        self._process.wait()


class Programs:
    """Starts agents and apps, and ends what is left of them."""

    def __init__(self, folder: Path, screen: Screen) -> None:
        self._folder = folder
        self._screen = screen
        self._running: list[subprocess.Popen[str]] = []
        self.report_file = folder / "report.json"

    def agent(self, *arguments: str, pins: PinLog | None = None) -> tuple[Any, str]:
        """An agent and its address; with a log what its pins do is noted there."""
        process = self._start(
            ["-m", "pi_agent", "--port", "0", "--report", str(self.report_file), *arguments],
            **({} if pins is None else pins.environment()),
        )
        assert process.stdout is not None
        ready = re.fullmatch(r"pi-agent ready on (\S+)\n", process.stdout.readline())
        assert ready, "the agent did not get ready"
        return process, ready[1]

    def app(self, *arguments: str) -> subprocess.Popen[str]:
        """The app in a real window with the keyboard on it, in an empty home."""
        home = self._folder / "home"
        home.mkdir(exist_ok=True)
        process = self._start(
            ["-m", "rcapp", *arguments],
            DISPLAY=self._screen.display,
            QT_QPA_PLATFORM="xcb",
            HOME=str(home),
            XDG_CONFIG_HOME=str(home / "config"),
            XDG_STATE_HOME=str(home / "state"),
            XDG_DATA_HOME=str(home / "data"),
            XDG_CACHE_HOME=str(home / "cache"),
        )
        window = until(
            lambda: self._screen.do("search", "--onlyvisible", "--pid", str(process.pid)),
            "the window",
        ).split()[0]
        self._screen.do("windowfocus", window)
        return process

    def take_and_arm(self) -> None:
        """As a person does with a car at rest: T for the wheel, Return to arm it."""
        self._tap_until("t", lambda: self.report()["driver"], "somebody to have the wheel")
        self._tap_until("Return", lambda: self.report()["stage"] == "ready", "the car to be armed")

    def _tap_until(self, key: str, condition: Callable[[], Any], what: str) -> None:
        """Press a key once in a while; quick repetitions are taken for a key that is held."""
        tapped_at = float("-inf")

        def tap() -> Any:
            nonlocal tapped_at
            if condition():
                return True
            if time.monotonic() - tapped_at > 1.5:
                tapped_at = time.monotonic()
                self._screen.do("key", key)
            return False

        until(tap, what)

    def report(self) -> dict[str, Any]:
        """What the agent wrote about itself last."""
        try:
            return dict(json.loads(self.report_file.read_text()))
        except FileNotFoundError:
            return {}

    def close(self) -> None:
        for process in self._running:
            process.kill()
            process.communicate()

    def _start(self, arguments: list[str], **environment: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, *arguments],
            env=os.environ | environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._running.append(process)
        return process


@pytest.fixture
def screen() -> Iterator[Screen]:
    """Skips where there is no Xvfb or xdotool (Windows, macOS, a Linux without them)."""
    for program in ("Xvfb", "xdotool"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed; on Debian: apt-get install xvfb xdotool")
    with tempfile.TemporaryDirectory() as folder:
        screen = Screen(Path(folder))
        yield screen
        screen.close()


@pytest.fixture
def programs(tmp_path: Path, screen: Screen) -> Iterator[Programs]:
    programs = Programs(tmp_path, screen)
    yield programs
    programs.close()
