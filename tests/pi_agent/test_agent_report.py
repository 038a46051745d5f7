from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest

from pi_agent.report import Reporter, write_report


def test_the_file_is_replaced_at_once(tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    write_report(file, {"state": "idle", "neutral_at": None})
    write_report(file, {"state": "driving", "neutral_at": 1.5})
    assert json.loads(file.read_text()) == {"state": "driving", "neutral_at": 1.5}
    assert list(tmp_path.iterdir()) == [file]


def test_it_is_written_at_the_start_again_and_again_and_at_the_end(tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    versions = 0
    third = threading.Event()

    def collect() -> dict[str, int]:
        nonlocal versions
        versions += 1
        if versions == 3:
            third.set()
        return {"version": versions}

    reporter = Reporter(file, collect)
    reporter.start()
    assert json.loads(file.read_text())["version"] >= 1
    assert third.wait(10)
    reporter.close()
    assert json.loads(file.read_text())["version"] == versions
    reporter.close()


def test_a_folder_that_is_missing_is_told_at_the_start(tmp_path: Path) -> None:
    reporter = Reporter(tmp_path / "no" / "report.json", dict)
    with pytest.raises(FileNotFoundError):
        reporter.start()
    reporter.close()


def test_a_folder_that_vanishes_does_not_end_the_thread(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "gone"
    folder.mkdir()
    calls = 0
    later = threading.Event()

    def collect() -> dict[str, int]:
        nonlocal calls
        calls += 1
        if calls == 4:
            later.set()
        return {}

    reporter = Reporter(folder / "report.json", collect)
    reporter.start()
    (folder / "report.json").unlink()
    folder.rmdir()
    assert later.wait(10)
    reporter.close()
    assert caplog.text.count("The report cannot be written") == 1
