"""The demo over a link leaves true figures and pictures of its window."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("PySide6")
pytest.importorskip("cv2")

pytestmark = pytest.mark.link

ROOT = Path(__file__).resolve().parents[2]


def test_the_app_drives_a_car_over_bad_wifi(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "benchmarks.demo", "wifi-bad", "--seconds", "5"]
    done = subprocess.run(
        [*command, "--output", str(tmp_path)],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if name != "DISPLAY"},
        capture_output=True,
        text=True,
        timeout=55,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    figures = json.loads((tmp_path / "demo.json").read_text())
    assert figures["picture_age_ms_p50"] > figures["frame_age_ms_p50"] > 5.0, "the link is there"
    assert figures["camera_lanes"] > 1
    assert figures["drive_lanes"] > 1
    facts = json.loads((tmp_path / "link.json").read_text())
    assert facts["agent"]["accepted"] >= figures["commands_accepted"] > 0
    assert sum(facts["link"]["down"]["lost"].values()) > 0
    assert (tmp_path / "demo.png").stat().st_size > 50_000


def test_an_unknown_profile_is_refused_with_those_that_there_are() -> None:
    command = [sys.executable, "-m", "benchmarks.demo", "wifi-awful"]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=50, check=False
    )
    assert done.returncode == 2
    assert "wifi-edge" in done.stderr
