"""The ``rcapp`` command: what must be right before Qt is imported, then the window."""

from __future__ import annotations

import argparse
import logging
import os
import re
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from importlib import metadata
from pathlib import Path

from rcapp import __version__
from rcapp.core import crash, settings
from rcapp.core.options import Options
from rcapp.core.sentences import AddressError, parse_address

logger = logging.getLogger("rcapp.cli")

SCRIPTED_SECONDS = 20.0
"""How long the demo drives by itself where there is no display."""

USAGE_ERROR = 2


def main(argv: Sequence[str] | None = None) -> int:
    """Run the app; returns its exit code."""
    started = time.monotonic()
    arguments = _parser().parse_args(argv)
    refusal = qt_refusal(_installed_qt(), sys.version_info[:2])
    if refusal:
        print(refusal, file=sys.stderr)
        return USAGE_ERROR
    try:
        connect = None if arguments.connect is None else parse_address(arguments.connect)
    except AddressError as error:
        print(error, file=sys.stderr)
        return USAGE_ERROR
    seconds = arguments.offscreen_seconds
    demo = arguments.demo or (seconds is not None and connect is None)
    if demo and seconds is None and not has_display(sys.platform, os.environ):
        seconds = SCRIPTED_SECONDS
        print(f"There is no display: the demo drives itself off screen for {seconds:.0f} s.")
    if seconds is not None:
        os.environ["QT_QPA_PLATFORM"] = "offscreen"
    if arguments.reset_settings:
        _reset_settings(arguments.config)
    with ExitStack() as stack:
        note = _start_crash_log(stack, arguments.log_level)
        options = Options(
            demo=demo,
            connect=connect,
            insecure=arguments.insecure,
            config=arguments.config,
            log_level=arguments.log_level,
            scripted_seconds=seconds,
            output=arguments.output,
            crash_note=note,
            started=started,
        )
        from rcapp.views.app import run

        return run(options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="rcapp", description="See a car live on this desktop, and drive it."
    )
    parser.add_argument("--version", action="version", version=f"rcapp {__version__}")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--demo", action="store_true", help="drive a simulated car")
    where.add_argument("--connect", metavar="HOST:PORT", help="connect to this car at once")
    parser.add_argument(
        "--insecure",
        action="store_true",
        help="connect without encryption, to cars that run so: anyone in the network can watch "
        "and drive them",
    )
    parser.add_argument("--config", type=Path, metavar="FILE", help="settings file to use")
    parser.add_argument(
        "--reset-settings", action="store_true", help="start from defaults; the old file is kept"
    )
    parser.add_argument("--log-level", choices=crash.LEVELS, default="info")
    parser.add_argument(
        "--offscreen-seconds",
        type=_seconds,
        metavar="N",
        help="drive a simulated car, or the one of --connect, by script for N seconds without a "
        "display, then report",
    )
    parser.add_argument(
        "--output",
        type=Path,
        default=Path("build"),
        metavar="DIR",
        help="where demo.json and the pictures demo*.png go (default: build)",
    )
    return parser


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 1.0 <= seconds <= 3600.0:
        raise argparse.ArgumentTypeError("must be a number of seconds from 1 to 3600")
    return seconds


def _installed_qt() -> str | None:
    for name in ("PySide6-Essentials", "PySide6"):
        try:
            return metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return None


def qt_refusal(installed: str | None, python: tuple[int, ...]) -> str:
    """Why the app cannot run with this PySide6, with the remedy; empty when it can.

    Args:
        installed: version of PySide6, None when it is missing.
        python: (major, minor) of the interpreter.
    """
    if installed is None:
        return "The app needs PySide6. Install it with: python -m pip install 'pynet-rc[app]'"
    numbers = re.match(r"(\d+)\.(\d+)", installed)
    version = (int(numbers[1]), int(numbers[2])) if numbers else (0, 0)
    if version >= (6, 12) and python < (3, 12):
        # PYSIDE-3474: it drops references to True and None, which only later Pythons survive.
        return (
            f"PySide6 {installed} crashes on Python {python[0]}.{python[1]}. "
            "Install an earlier one with: python -m pip install 'PySide6-Essentials<6.12', "
            "or use Python 3.12 or later."
        )
    return ""


def has_display(platform: str, environment: Mapping[str, str]) -> bool:
    """Tell whether a window can be shown."""
    if environment.get("QT_QPA_PLATFORM", "").startswith("offscreen"):
        return False
    if platform in ("win32", "darwin"):
        return True
    return bool(environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY"))


def _reset_settings(config: Path | None) -> None:
    kept = settings.reset(config or settings.default_path())
    if kept is None:
        print("There were no settings to reset.")
    else:
        print(f"Settings are back to their defaults. The old ones are kept as {kept}.")


def _start_crash_log(stack: ExitStack, level: str) -> str:
    """Start logging; returns the note about the last run. An app without a log still drives."""
    try:
        guard = stack.enter_context(
            crash.CrashGuard(crash.default_folder(), level=level, version=__version__)
        )
    except OSError as error:
        print(f"No log is kept: {error}", file=sys.stderr)
        return ""
    logger.info("rcapp %s starts", __version__)
    return guard.note
