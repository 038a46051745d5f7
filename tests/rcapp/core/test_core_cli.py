"""The rcapp command, as far as it goes before Qt."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from rcapp import __version__, cli
from rcapp.core import settings


@pytest.mark.parametrize(
    ("installed", "python", "told"),
    [
        ("6.11.3", (3, 11), ""),
        ("6.12.0", (3, 12), ""),
        ("6.12.0", (3, 11), "crashes on Python 3.11"),
        ("7.0.1", (3, 11), "PySide6-Essentials<6.12"),
        (None, (3, 13), "pip install 'pynet-rc[app]'"),
        ("unknown", (3, 11), ""),
    ],
)
def test_a_qt_that_would_crash_is_refused_with_the_remedy(
    installed: str | None, python: tuple[int, int], told: str
) -> None:
    refusal = cli.qt_refusal(installed, python)
    assert told in refusal
    assert bool(told) == bool(refusal)


@pytest.mark.parametrize(
    ("platform", "environment", "shown"),
    [
        ("linux", {}, False),
        ("linux", {"DISPLAY": ""}, False),
        ("linux", {"DISPLAY": ":0"}, True),
        ("linux", {"WAYLAND_DISPLAY": "wayland-0"}, True),
        ("linux", {"DISPLAY": ":0", "QT_QPA_PLATFORM": "offscreen"}, False),
        ("darwin", {}, True),
        ("win32", {}, True),
        ("win32", {"QT_QPA_PLATFORM": "offscreen:config"}, False),
    ],
)
def test_a_display_is_noticed(platform: str, environment: dict[str, str], shown: bool) -> None:
    assert cli.has_display(platform, environment) is shown


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "rcapp", *arguments],
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )


def test_version() -> None:
    done = command("--version")
    assert (done.returncode, done.stdout.strip()) == (0, f"rcapp {__version__}")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--connect", "my car"], "is no address"),
        (["--demo", "--connect", "car"], "not allowed with"),
        (["--offscreen-seconds", "0"], "from 1 to 3600"),
        (["--offscreen-seconds", "soon"], "from 1 to 3600"),
        (["--log-level", "loud"], "invalid choice"),
    ],
)
def test_wrong_arguments_are_said(arguments: list[str], told: str) -> None:
    done = command(*arguments)
    assert done.returncode == 2
    assert told in done.stderr
    assert "Traceback" not in done.stderr


def test_reset_says_where_the_old_settings_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "config.toml"
    cli._reset_settings(path)
    assert "no settings" in capsys.readouterr().out
    settings.save(settings.Settings(theme="light"), path)
    cli._reset_settings(path)
    assert str(path) + ".old-" in capsys.readouterr().out
    assert not path.exists()
