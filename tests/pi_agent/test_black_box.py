from __future__ import annotations

import json
from pathlib import Path

import pytest

from pi_agent import black_box
from pi_agent.black_box import BlackBox
from pi_agent.checks import LEAST_FREE, Checks
from pi_agent.failsafe import rules
from pynet.rc.messages import Transition


def transition(time: float) -> Transition:
    return Transition(time, "ready", "neutral", ("It is silent.",), 3, 0.25, ((1, 0.0, 0.5, 9.0),))


def test_it_remembers_the_last_ones_and_writes_all(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "box.jsonl"
    box = BlackBox(file)
    box.start()
    for number in range(5):
        box.add(transition(float(number)))
    assert [kept.time for kept in box.read(2)] == [3.0, 4.0]
    assert box.read(0) == ()
    assert len(box.read()) == 5
    box.close()
    box.close()
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    assert [row["time"] for row in rows] == [0.0, 1.0, 2.0, 3.0, 4.0]
    assert rows[0]["causes"] == ["It is silent."]
    assert rows[0]["commands"] == [[1, 0.0, 0.5, 9.0]]
    assert rows[0]["at"].endswith("+00:00")


def test_it_stays_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(black_box, "LARGEST_FILE", 1000)
    file = tmp_path / "box.jsonl"
    for number in range(30):
        box = BlackBox(file)
        box.start()
        box.add(transition(float(number)))
        box.close()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["box.jsonl", "box.jsonl.1"]
    assert all(path.stat().st_size < 1400 for path in tmp_path.iterdir())
    assert json.loads(file.read_text().splitlines()[-1])["time"] == 29.0


def test_a_file_that_cannot_be_written_stops_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "box").write_text("no folder")
    box = BlackBox(tmp_path / "box" / "box.jsonl")
    box.start()
    box.add(transition(1.0))
    box.add(transition(2.0))
    box.close()
    assert len(box.read()) == 2
    assert caplog.text.count("The black box cannot be written") >= 1


def test_memory_alone_has_no_thread() -> None:
    box = BlackBox()
    box.start()
    box.add(transition(1.0))
    box.close()
    assert len(box.read()) == 1


def test_battery_disk_and_heat_speak_against_arming(tmp_path: Path) -> None:
    zone, now, volts = tmp_path / "temp", [0.0], [7.4]
    checks = Checks(lambda: volts[0], 7.0, tmp_path, zone, lambda: now[0])
    assert checks.refusals() == 0
    volts[0] = 6.9
    zone.write_text("86000\n")
    assert checks.refusals() == 0  # it looks now and then only
    now[0] = 2.0
    assert checks.refusals() == rules.BATTERY | rules.HEAT
    zone.write_text("rubbish")
    now[0] = 4.0
    assert checks.refusals() == rules.BATTERY


def test_a_full_disk_speaks_against_arming(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    zone = tmp_path / "none"
    assert Checks(lambda: None, 7.0, tmp_path / "gone", zone).refusals() == rules.DISK
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": LEAST_FREE - 1}))
    assert Checks(lambda: None, 0.0, tmp_path, zone).refusals() == rules.DISK
