"""A whole drive over the profile `outage`: neutral in time, and no old command is ever followed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from benchmarks.link import CAR, PROFILES, Link

pytest.importorskip("cv2")

pytestmark = pytest.mark.link

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = Path(__file__).with_name("programs")
OUTAGE = PROFILES["outage"].up.outages[0]
TIMEOUT = 0.25
MAX_AGE = 0.2
READ_BEFORE = 0.1
"""Seconds that an input may be old when its command is sent."""
CLOCKS = 0.05
"""Seconds by which both ends may be wrong about each other's clock."""
MARGIN = 0.15
"""Seconds for what was on its way when the link went, and for a busy machine."""

CONFIG = f"""\
name = "Car"

[gateway]
host = "{CAR}"
allow_network = true

[camera]
width = 320
height = 240

[failsafe]
command_timeout = {TIMEOUT}
"""


def start(link: Link, place: str, program: str, *arguments: str) -> subprocess.Popen[str]:
    return link.popen(
        place,
        [sys.executable, str(PROGRAMS / program), *arguments],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    )


def line_of(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    line = str(process.stdout.readline())
    assert line, "the program has ended; its message is above"
    return line


@pytest.fixture(scope="module")
def drive(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """One drive: what car and driver noted, and when the link was away."""
    folder = tmp_path_factory.mktemp("drive")
    config, notes, report = (folder / name for name in ("car.toml", "notes.json", "report.json"))
    config.write_text(CONFIG)
    with Link("outage", seed=3) as link:
        car = start(
            link, "car", "driven_car.py", str(notes),
            "--sim", "--config", str(config), "--report", str(report),
        )  # fmt: skip
        pipes = [car.stdout]
        try:
            assert "ready" in line_of(car)
            driver = start(link, "laptop", "driver.py")
            pipes.append(driver.stdout)
            assert line_of(driver) == "driving\n"
            before = time.monotonic()
            link.restart_clock()
            after = time.monotonic()
            seen = json.loads(line_of(driver))
            assert driver.wait(15) == 0
            car.terminate()
            assert car.wait(15) == 0
        finally:
            for pipe in pipes:
                assert pipe is not None
                pipe.close()
    return {
        "away": after + OUTAGE.at,
        "back": before + OUTAGE.at + OUTAGE.length,
        "report": json.loads(report.read_text()),
        **seen,
        **json.loads(notes.read_text()),
    }


def executed(drive: dict[str, Any]) -> list[dict[str, Any]]:
    return [command for command in drive["commands"] if not command["refusal"]]


def test_the_throttle_is_neutral_in_time_and_stays_so(drive: dict[str, Any]) -> None:
    begin, end = drive["away"] + TIMEOUT + MARGIN, drive["back"]
    assert any(throttle > 0 for at, throttle in drive["motors"] if at < drive["away"])
    before = [throttle for at, throttle in drive["motors"] if at < begin]
    assert before[-1] == 0.0
    assert {throttle for at, throttle in drive["motors"] if begin <= at <= end} == {0.0}
    assert drive["report"]["failsafe_trips"] >= 1


def test_no_old_command_is_ever_executed(drive: dict[str, Any]) -> None:
    assert len(executed(drive)) > 200
    oldest = max(command["at"] - command["made"] for command in executed(drive))
    assert oldest < MAX_AGE + READ_BEFORE + CLOCKS
    numbers = [command["seq"] for command in executed(drive)]
    assert numbers == sorted(set(numbers)), "each once, in order"
    away, back = drive["away"] + MARGIN, drive["back"]
    assert not [command for command in executed(drive) if away < command["at"] < back]


def test_a_key_that_is_still_held_moves_nothing_when_the_link_is_back(
    drive: dict[str, Any],
) -> None:
    held = [c for c in executed(drive) if drive["away"] + MARGIN < c["at"] < drive["let_go"]]
    assert {command["throttle"] for command in held} <= {0.0}
    later = [c["throttle"] for c in executed(drive) if c["at"] > drive["let_go"]]
    assert max(later) > 0.0


def test_the_app_and_the_report_tell_the_truth(drive: dict[str, Any]) -> None:
    assert drive["links"][0] == "connecting"
    live = drive["links"].index("live")
    assert drive["links"][live : live + 2] == ["live", "stale"]
    assert {"lost", "reconnecting"} & set(drive["links"])
    assert drive["links"][-1] == "live"
    report = drive["report"]
    assert report["accepted"] == len(executed(drive))
    assert report["last_seq"] == executed(drive)[-1]["seq"]
    assert report["throttle"] == 0.0
