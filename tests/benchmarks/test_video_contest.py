"""The contest of pictures: what is asked of whom, what is kept, and one window for real."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from benchmarks.harness import Report
from benchmarks.video.contenders import CONTENDERS
from benchmarks.video.contest import Setting, Window, chosen, compete, seconds_of, seeds_of
from benchmarks.video.figures import Goals, Result, best_peer, results_of, table, tell
from benchmarks.video.judge import Arrival
from benchmarks.video.outage import LENGTH, back_times, outages


def quiet_report(**options: object) -> Report:
    return Report("video.x", busy_before=0.0, **options)  # type: ignore[arg-type]


def window(delay: float, *, bulk: float | None = None) -> Window:
    arrivals = tuple(Arrival(n / 30 + delay, n, 35.0) for n in range(180))
    return Window(arrivals, 1.0, 5.0, 10.0, 5.0, 2.0, bulk, 90.0, 400.0, outage_ends=(3.0,))


def test_a_person_chooses_contenders_and_seeds() -> None:
    report = quiet_report(only=("netgear", "pynet-h264"), seeds=(7, 8))
    assert chosen(report, list(CONTENDERS)) == ["netgear", "pynet-h264"]
    assert seeds_of(report) == (7, 8)
    assert len(seeds_of(quiet_report())) >= 5
    assert seconds_of(quiet_report(quick=True)) < seconds_of(quiet_report())


def test_a_window_is_the_same_when_it_was_in_a_file() -> None:
    before = window(0.02, bulk=40.0)
    assert Window.of_raw(json.loads(json.dumps(before.raw()))) == before


def test_of_what_is_not_kept_nothing_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("benchmarks.video.contest.RESULTS", tmp_path)
    report = quiet_report(kept=True, seeds=(1,))
    assert compete(report, ["tcp-jpeg"], lambda _: Setting("lan", 5.0)) == {}
    assert report.partial


def test_a_window_with_one_very_late_packet_shows_the_machine() -> None:
    good = window(0.02)
    assert not good.disturbed
    assert replace(good, late_us=1500.0).disturbed
    assert replace(good, worst_us=30_000.0).disturbed


def test_the_best_of_the_peers_is_the_baseline() -> None:
    windows = {"netgear": [window(0.05)], "tcp-jpeg": [window(0.03)], "pynet-h264": [window(0.01)]}
    results = results_of(windows)
    assert best_peer(results, "age_p50") == results["tcp-jpeg"].median("age_p50")
    assert best_peer({"pynet-h264": results["pynet-h264"]}, "age_p50") is None


def test_each_figure_says_whose_it_is_and_what_was_wanted(
    capsys: pytest.CaptureFixture[str],
) -> None:
    results = results_of({"tcp-jpeg": [window(0.03)], "pynet-h264": [window(0.01), window(0.02)]})
    tell(quiet_report(), results, {"pynet-h264": Goals(35.0, 30.0, late=0.0, psnr=40.0)})
    said = capsys.readouterr()
    lines = [json.loads(line) for line in said.out.splitlines()]
    judged = {line["metric"]: line["ok"] for line in lines if line["of"] == "pynet-h264"}
    assert judged["age_p50"] is True
    assert judged["age_p99"] is False
    assert judged["older_than_250_ms"] is True
    assert judged["psnr"] is False
    assert judged["intact_fps"] is None
    assert not any(line["ok"] for line in lines if line["of"] == "tcp-jpeg")
    assert "35/30" in said.err


def test_the_table_has_the_best_first_and_the_copy_beside() -> None:
    results = results_of(
        {"netgear": [window(0.05, bulk=40.0)], "tcp-jpeg": [window(0.03, bulk=41.0)]}
    )
    _, _, first, second = table("video.x", results, {}).splitlines()
    assert first.startswith("tcp-jpeg")
    assert second.startswith("netgear")
    assert "(40.0 of them the copy)" in second


def test_medians_are_of_seeds_and_the_worst_is_of_all() -> None:
    result = results_of({"tcp-jpeg": [window(0.03), window(0.3), window(0.04)]})["tcp-jpeg"]
    assert isinstance(result, Result)
    assert result.median("way_p50") == pytest.approx(40.0)
    assert result.worst > 300
    assert result.late == pytest.approx(100 / 3, abs=1)


def test_outages_follow_the_seed_and_leave_time_to_come_back() -> None:
    assert outages(3, 4) == outages(3, 4) != outages(4, 4)
    planned = outages(3, 4)
    gaps = [after.at - before.at - LENGTH for before, after in pairwise(planned)]
    assert min(gaps) >= 4.0


def test_all_outages_of_all_windows_count() -> None:
    assert back_times([window(0.01), window(0.02)]) == pytest.approx([10.0, 20.0], abs=0.1)


def test_a_contender_whose_package_is_missing_says_so() -> None:
    from benchmarks.video.contenders import Contender

    with pytest.raises(RuntimeError, match="no-such-package is not installed"):
        Contender("x", "no-such-package").version()
    assert Contender("x").version() == "sockets"
    assert Contender("x", "pynet").ours
