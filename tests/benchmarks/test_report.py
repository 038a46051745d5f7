"""A page of stored results: what was measured is on it, with its targets, pictures and samples."""

from __future__ import annotations

import gzip
import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.harness import ROOT, Report, Target
from benchmarks.links.ages import Run
from benchmarks.report import tables
from benchmarks.report.results import Result, packed, results_of, runs_of, thinned

MS = 1_000_000


def stored(folder: Path, part: str, **settings: Any) -> Report:
    report = Report(part, busy_before=0.0, **settings)
    target = Target(1.05)
    report.figure("wifi-bad age_p99", 23.0, "ms", baseline=22.0, target=target, of="pynet-8")
    report.figure("wifi-bad age_p99", 22.0, "ms", of="udp")
    report.figure("wifi-bad lost", math.nan, "%", of="udp")
    report.figure("all_in_all", 1234.0, "us", baseline=1000.0, target=Target(2000, of_ratio=False))
    report.missing("zmq (wifi-bad)", "it is not installed")
    names = ("udp", "tcp", "pynet-8")
    report.keep(
        "wifi-bad",
        {
            "seeds": [1],
            "versions": dict.fromkeys(names, "7"),
            "figures": {name: [] for name in names},
        },
    )
    report.save(folder)
    return report


def run_file(folder: Path, part: str, contender: str, version: str = "7") -> None:
    made = [[number, 10 * number * MS] for number in range(1200)]
    taken = [[number, (10 * number + 5) * MS] for number in range(1200) if number % 30]
    content = {
        "key": [1, version],
        "start": 0,
        "length": 12_000.0,
        "sent": made,
        "taken": taken,
        "cpu": [0.01, 0.02],
    }
    path = folder / "runs" / part / f"wifi-bad.{contender}.1.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))


def written(bench: Path, docs: Path) -> str:
    # In a process of its own: matplotlib keeps its fonts open.
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.report", "--results", bench, "--docs", docs],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
        timeout=50,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return Path(done.stdout.strip()).read_text()


def test_the_page_has_tables_pictures_and_samples(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    bench, docs = tmp_path / "bench", tmp_path / "docs"
    stored(bench, "links.wifi_bad")
    for name in ("udp", "tcp", "pynet-8"):
        run_file(bench, "links.wifi_bad", name)
    text = written(bench, docs)
    assert "| pynet-8 | **23** (≤ 1.05x, is 1.04 ✓) |  |" in text
    assert "| links.wifi_bad | wifi-bad age p99, pynet-8 | 23 ms | ≤ 1.05x, is 1.04 ✓ |" in text
    assert "| all in all | 1234 | us | 1000 | ≤ 2000 ✓ |" in text
    assert "- zmq (wifi-bad) did not run: it is not installed" in text
    assert "## Method" in text
    for name in ("commands-wifi_bad", "commands-wifi_bad-timeline"):
        assert f"(images/bench-{name}.svg)" in text
        assert "<svg" in (docs / "images" / f"bench-{name}.svg").read_text()
    kept = np.load(docs / "benchmarks" / "links.wifi_bad.npz")
    assert set(kept.files) == {"udp.1", "tcp.1", "pynet-8.1"}
    kept.close()
    figures = json.loads((docs / "benchmarks" / "figures.json").read_text())
    assert figures["links.wifi_bad"]["figures"][0]["value"] == 23.0
    samples = json.loads(gzip.decompress((docs / "benchmarks" / "samples.json.gz").read_bytes()))
    assert samples["links.wifi_bad"]["wifi-bad"]["seeds"] == [1]


def test_the_same_results_give_the_same_files(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    bench = tmp_path / "bench"
    stored(bench, "links.wifi_bad")
    for name in ("udp", "tcp", "pynet-8"):
        run_file(bench, "links.wifi_bad", name)
    contents = []
    for folder in (tmp_path / "one", tmp_path / "two"):
        written(bench, folder)
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        contents.append({path.relative_to(folder): path.read_bytes() for path in files})
    assert contents[0] == contents[1]


def test_what_was_measured_elsewhere_stays_on_the_page(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    first, second, docs = tmp_path / "first", tmp_path / "second", tmp_path / "docs"
    stored(first, "links.wifi_bad")
    for name in ("udp", "tcp", "pynet-8"):
        run_file(first, "links.wifi_bad", name)
    before = written(first, docs)
    stored(second, "links.lan")
    text = written(second, docs)
    assert "### A cable" in text
    section = before[before.index("### Wi-Fi two walls away") : before.index("## Method")]
    assert section in text
    stored(second, "links.wifi_bad")
    assert "images/" not in written(second, tmp_path / "new")


def test_without_results_there_is_no_page(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.report", "--results", tmp_path, "--docs", tmp_path],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
        timeout=50,
    )
    assert done.returncode == 1
    assert "Nothing was measured yet" in done.stderr


def test_a_part_measured_in_full_counts_more_than_a_look_at_it(tmp_path: Path) -> None:
    stored(tmp_path, "links.lan", seeds=(1,))
    stored(tmp_path, "links.lan", quick=True)
    assert [one.name for one in results_of(["links.lan"], tmp_path)] == ["links.lan.partial"]
    stored(tmp_path, "links.lan")
    stored(tmp_path, "links.lan", congestion="cubic")
    found = results_of(["links.lan"], tmp_path)
    assert [(one.name, one.congestion) for one in found] == [
        ("links.lan", None),
        ("links.lan.cubic", "cubic"),
    ]
    assert [one.name for one in results_of(["links.lan"], tmp_path, quick=True)] == [
        "links.lan.quick"
    ]


def test_runs_of_another_version_are_not_shown_as_those_of_this(tmp_path: Path) -> None:
    stored(tmp_path, "links.wifi_bad")
    run_file(tmp_path, "links.wifi_bad", "udp")
    run_file(tmp_path, "links.wifi_bad", "pynet-8", version="8")
    (result,) = results_of(["links.wifi_bad"], tmp_path)
    assert set(runs_of(result, "wifi-bad", tmp_path)) == {"udp"}


def test_packed_samples_hold_what_happened() -> None:
    nothing = float("nan")
    run = Run(40.0, np.array([0.0, 10.2, nothing]), np.array([5.04, nothing, nothing]), (0.0, 0.0))
    (array,) = packed({"udp": {3: run}}).values()
    assert array.tolist() == [[0, 2, 65535], [50, 65535, 65535]]


def test_thinned_samples_are_few_and_short() -> None:
    value = {"a": [float(number) / 3 for number in range(1001)], "b": [[1.23456, None]], "c": "x"}
    thin = thinned(value)
    assert len(thin["a"]) == 334
    assert thin["a"][1] == 1.0
    assert thin["b"] == [[1.235, None]]
    assert thin["c"] == "x"


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, ""), (math.nan, ""), (3.0, "3"), (0.126, "0.13"), (12.34, "12.3"), (1234.5, "1234")],
)
def test_numbers(value: float | None, text: str) -> None:
    assert tables.number(value) == text


def test_settings_have_a_table_each() -> None:
    lines = [
        {"metric": f"{place} age_p99", "value": 1.0, "target": None, "of": "udp"}
        for place in ("wifi-bad", "wifi-edge")
    ]
    result = Result("links.options", "links.options", {"figures": lines, "samples": {}})
    assert [setting for setting, _ in tables.of_contenders(result)] == ["wifi-bad", "wifi-edge"]
    assert tables.of_figures(result) is None
