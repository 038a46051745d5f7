"""The figures that others compare by are what they say."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.harness import Report, Target, interleave, median_of, quantile


def quiet_report(bench: str = "core.x") -> Report:
    return Report(bench, busy_before=0.0)


def test_a_figure_is_one_line_of_json(capsys: pytest.CaptureFixture[str]) -> None:
    quiet_report().figure("call_p50", 98.7654, "us", baseline=65.0, target=Target(1.3))
    line = json.loads(capsys.readouterr().out)
    assert line == {
        "bench": "core.x",
        "metric": "call_p50",
        "value": 98.77,
        "unit": "us",
        "baseline": 65.0,
        "ratio": 1.519,
        "target": "<= 1.3 x baseline",
        "ok": False,
    }


def test_a_figure_without_a_target_is_neither_good_nor_bad(
    capsys: pytest.CaptureFixture[str],
) -> None:
    quiet_report().figure("age_p99", 3.0, "us")
    line = json.loads(capsys.readouterr().out)
    assert (line["baseline"], line["ratio"], line["target"], line["ok"]) == (None,) * 4


@pytest.mark.parametrize(
    ("target", "value", "ratio", "met"),
    [
        (Target(1.3), 99.0, 1.3, True),
        (Target(1.3), 99.0, 1.31, False),
        (Target(1.3), 99.0, None, False),
        (Target(0.6, at_least=True), 99.0, 0.6, True),
        (Target(0.6, at_least=True), 99.0, 0.59, False),
        (Target(150, of_ratio=False), 150.0, 9.0, True),
        (Target(150, of_ratio=False), 151.0, 0.1, False),
        (Target(200, at_least=True, of_ratio=False), 199.0, None, False),
    ],
)
def test_targets(target: Target, value: float, ratio: float | None, met: bool) -> None:
    assert target.is_met(value, ratio) is met


def test_rounds_are_interleaved_and_turn_back() -> None:
    order: list[str] = []

    def peer(name: str) -> str:
        order.append(name)
        return f"{name}{len(order)}"

    results = interleave(3, {"a": lambda: peer("a"), "b": lambda: peer("b")})
    assert order == ["a", "b", "b", "a", "a", "b"]
    assert results == {"a": ["a1", "a4", "a5"], "b": ["b2", "b3", "b6"]}


def test_quantiles() -> None:
    samples = list(range(100, 0, -1))
    assert (quantile(samples, 0.0), quantile(samples, 0.5), quantile(samples, 1.0)) == (1, 51, 100)
    assert median_of([[1.0, 2.0, 3.0], [7.0, 8.0, 9.0], [4.0, 5.0, 6.0]], 0.5) == 5.0


def test_samples_are_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = quiet_report()
    report.figure("n", 1.0, "s")
    report.keep("times", [1, 2, 3])
    content = json.loads(report.save(tmp_path).read_text())
    assert content["samples"] == {"times": [1, 2, 3]}
    assert content["figures"] == [json.loads(capsys.readouterr().out)]
