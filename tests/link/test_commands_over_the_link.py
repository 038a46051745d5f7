"""The benchmark of commands runs over a real link, and notes what the link did."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.harness import Report
from benchmarks.links import course
from benchmarks.links.contenders import PYNET_8, TCP, UDP
from benchmarks.links.course import Course
from benchmarks.links.outage import figures

pytestmark = pytest.mark.link


def test_contenders_meet_the_same_link(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(course, "RESULTS", tmp_path)
    # How busy the machine is does not matter here.
    monkeypatch.setattr(course, "ATTEMPTS", 1)
    report = Report("links.x", seeds=(3,), congestion="reno", busy_before=0.0)
    runs, failed = Course(report, "wifi-good", 1.0).runs([UDP, TCP, PYNET_8])
    assert failed == {}
    assert {name: len(some) for name, some in runs.items()} == {"udp": 1, "tcp": 1, "pynet-8": 1}
    assert runs["tcp"][0].lost == 0.0
    assert all(some[0].latencies.min() > 1.0 for some in runs.values())
    for path in tmp_path.rglob("*.json"):
        content = json.loads(path.read_text())
        assert content["link"]["up"]["sent"] > 0
        assert content["key"][-1] == "reno"


def test_an_outage_is_seen_in_the_figures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(course, "RESULTS", tmp_path)
    monkeypatch.setattr(course, "ATTEMPTS", 1)
    report = Report("links.x", seeds=(1,), busy_before=0.0)
    runs, failed = Course(report, "outage", 8.5).runs([UDP, TCP])
    assert failed == {}
    udp, tcp = (figures(runs[name][0]) for name in ("udp", "tcp"))
    # Datagrams of the outage are gone; a TCP connection delivers all of it, and late.
    assert udp["old"] == 0
    assert tcp["old"] > 100
    assert udp["back"] >= 0
