"""Links for tests, and what measures them; without root and TUN all of them are skipped."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmarks.link import CAR, Link, why_not

ROOT = Path(__file__).resolve().parents[2]
PROBE = [sys.executable, "-m", "benchmarks.link.probe"]


@pytest.fixture(scope="session", autouse=True)
def able() -> None:
    """Skip where no link can be made."""
    if (reason := why_not()) is not None:
        pytest.skip(reason)


class Probe:
    """The two ends of :mod:`benchmarks.link.probe` on a link."""

    def __init__(self, link: Link) -> None:
        self._link = link
        server = link.popen(
            "car",
            [*PROBE, "serve", "--host", CAR],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert server.stdout is not None
        with server.stdout:
            assert server.stdout.readline() == "ready\n"

    def __call__(self, role: str, **options: float) -> dict[str, Any]:
        """Measure from the laptop."""
        words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
        done = self._link.run(
            "laptop",
            [*PROBE, role, *words],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=50,
        )
        assert done.returncode == 0, done.stderr
        return dict(json.loads(done.stdout))


@pytest.fixture
def probe() -> Callable[[Link], Probe]:
    """Make a probe for a link that is open."""
    return Probe
