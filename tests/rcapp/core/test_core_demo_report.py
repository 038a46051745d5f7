"""The figures of a scripted drive against the car's own account."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from rcapp.core import demo_report
from rcapp.core.demo_report import Effort
from rcapp.core.state import Snapshot

AGENT = {"accepted": 950, "failsafe_trips": 0, "distance_m": 22.41}


def figures(**changes: Any) -> dict[str, Any]:
    status: Any = SimpleNamespace(distance=22.4, failsafe_trips=0)
    snapshot = Snapshot(
        status=status,
        frames_painted=598,
        commands_sent=951,
        commands_accepted=948,
        codec="h264",
        camera_lanes=8,
        drive_lanes=7,
    )
    found = demo_report.figures(
        snapshot,
        np.linspace(0.005, 0.025, 598),
        np.linspace(0.005, 0.065, 18_000),
        seconds=20.004,
        to_first_picture=1.234,
        status_before=None,
        before=Effort(wall=100.0, app=1.0, agent_wall=2.0, agent=1.0),
        after=Effort(wall=120.0, app=5.0, agent_wall=22.0, agent=10.0),
    )
    return found | changes


def test_the_figures() -> None:
    assert figures() == {
        "seconds": 20.0,
        "frames_painted": 598,
        "frame_age_ms_p50": 15.0,
        "frame_age_ms_p99": 24.8,
        "picture_age_ms_p50": 35.0,
        "picture_age_ms_p99": 64.4,
        "codec": "h264",
        "camera_lanes": 8,
        "drive_lanes": 7,
        "distance_m": 22.4,
        "commands_sent": 951,
        "commands_accepted": 948,
        "failsafe_trips": 0,
        "seconds_to_first_picture": 1.23,
        "agent_cpu_percent": 45.0,
        "app_cpu_percent": 20.0,
    }


def test_a_drive_that_never_began_still_has_figures(tmp_path: Path) -> None:
    found = demo_report.figures(
        Snapshot(),
        np.array([]),
        np.array([]),
        seconds=0,
        to_first_picture=None,
        status_before=None,
        before=Effort(),
        after=Effort(),
    )
    assert found["frame_age_ms_p50"] is None
    assert found["picture_age_ms_p99"] is None
    assert found["agent_cpu_percent"] is None
    demo_report.write(tmp_path / "build" / "demo.json", found)
    assert json.loads((tmp_path / "build" / "demo.json").read_text()) == found
    assert [file.name for file in (tmp_path / "build").iterdir()] == ["demo.json"]
    code, sentence = demo_report.verdict(found, demo_report.complaints(found, {}), tmp_path)
    assert code == 1
    assert "No picture was painted." in sentence
    assert "no report" in sentence


def test_agreement_is_exit_code_0() -> None:
    assert demo_report.complaints(figures(), AGENT) == []
    code, sentence = demo_report.verdict(figures(), [], Path("build"))
    assert code == 0
    assert "22.4 m" in sentence
    assert "598 pictures" in sentence
    assert "own figures agree" in sentence


def test_a_car_elsewhere_gives_no_account_and_has_driven_before() -> None:
    status: Any = SimpleNamespace(distance=122.4, failsafe_trips=5)
    before: Any = SimpleNamespace(distance=100.0, failsafe_trips=3)
    found = demo_report.figures(
        Snapshot(status=status),
        np.array([0.02]),
        np.array([0.03]),
        seconds=20.0,
        to_first_picture=1.0,
        status_before=before,
        before=Effort.now(None),
        after=Effort.now(None),
    )
    assert (found["distance_m"], found["failsafe_trips"]) == (22.4, 2)
    assert found["agent_cpu_percent"] is None
    assert demo_report.complaints(figures(), None) == []
    sentence = demo_report.verdict(figures(), [], Path("build"), compared=False)[1]
    assert "agree" not in sentence


def test_a_link_may_leave_more_commands_on_their_way() -> None:
    agent = AGENT | {"accepted": 990}
    assert demo_report.complaints(figures(), agent)
    assert demo_report.complaints(figures(), agent, accepted_slack=50) == []


@pytest.mark.parametrize(
    ("app", "agent", "told"),
    [
        ({"frames_painted": 0}, {}, "No picture"),
        ({"distance_m": 0.2}, {"distance_m": 0.2}, "moved only 0.20 m"),
        ({"commands_accepted": 0}, {"accepted": 0}, "accepted no drive command"),
        ({}, {"accepted": 900}, "948 accepted commands, the agent 900"),
        ({}, {"accepted": 1000}, "948 accepted commands, the agent 1000"),
        ({"commands_sent": 940}, {}, "sent 940 commands, fewer than the 948"),
        ({}, {"distance_m": 21.9}, "22.40 m driven, the agent 21.90 m"),
        ({}, {"failsafe_trips": 1}, "0 failsafe trips, the agent 1"),
    ],
)
def test_what_differs_is_said(app: dict[str, Any], agent: dict[str, Any], told: str) -> None:
    assert told in " ".join(demo_report.complaints(figures(**app), AGENT | agent))
