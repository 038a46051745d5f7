"""Contenders for real, over loopback and for moments only; how fast they are is for benchmarks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.__main__ import numbers, words
from benchmarks.harness import Peer, Report, Target
from benchmarks.link import Link, LinkError
from benchmarks.links import comparison, course
from benchmarks.links.comparison import Goal, compare
from benchmarks.links.contenders import (
    AGES,
    DELIVERY,
    LOCAL,
    OPTIONS,
    OUTAGE,
    PYNET_1,
    TCP,
    UDP,
    Contender,
    chosen,
)
from benchmarks.links.course import LOOPBACK, Course, drain, ends
from benchmarks.security.viewers import driver

UDP_TWICE = next(contender for contender in AGES if contender.name == "udp-twice")
NOBODY = Contender("nobody", "nobody")


@pytest.fixture(autouse=True)
def own_results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(course, "RESULTS", tmp_path)
    return tmp_path


def quiet_report(**settings: object) -> Report:
    return Report("links.x", busy_before=0.0, **settings)


@pytest.mark.parametrize(
    "contender", [UDP, UDP_TWICE, TCP, PYNET_1, driver(1)], ids=lambda one: one.name
)
def test_commands_reach_the_car(contender: Contender) -> None:
    with ends(None, contender) as (car, laptop):
        outcome = laptop.ask("go 20 200 1")
        drain(car, 20, 20.0)
        taken = car.ask("taken")
    assert [number for number, _ in outcome["sent"]] == list(range(20))
    copies = contender.laptop.get("copies", 1)
    by_number = dict(reversed(taken))
    assert len(taken) <= 20 * copies
    if contender in (UDP, UDP_TWICE, TCP):
        # What a feed with the policy "latest" leaves out is no fault.
        assert set(by_number) == set(range(20))
    assert all(by_number[number] >= made for number, made in outcome["sent"] if number in by_number)


def test_a_car_may_be_kept_busy() -> None:
    with ends(None, UDP) as (car, laptop):
        assert car.ask("compute 0.001") == 0.001
        laptop.ask("go 5 200 1")
        drain(car, 5, 20.0)
        assert car.ask("count") == 5
        assert car.ask("cpu") > 0


def test_who_fails_is_reported_and_ends_nothing(
    capsys: pytest.CaptureFixture[str], own_results: Path
) -> None:
    report = quiet_report(seeds=(1, 2))
    short = Course(report, LOOPBACK, 0.2)
    goals = [
        Goal("udp", "worst_lost", Target(100.0, of_ratio=False)),
        Goal("udp", "delivery_max", Target(1e9, of_ratio=False)),
    ]
    compare(short, [UDP, NOBODY, TCP], goals, metrics=("age_p50",))
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert "ModuleNotFoundError" in lines[0]["missing"]
    assert lines[0]["of"].startswith("nobody")
    told = [(line["of"], line["metric"], line["ok"]) for line in lines[1:]]
    assert told == [
        ("udp", "loopback runs", None),
        ("udp", "loopback age_p50", None),
        ("udp", "loopback worst_lost", True),
        ("udp", "loopback delivery_max", True),
        ("tcp", "loopback runs", None),
        ("tcp", "loopback age_p50", None),
    ]
    assert len(report.samples["loopback"]["figures"]["tcp"]) == 2
    assert len(list(own_results.rglob("*.json"))) == 4


def test_what_was_measured_is_not_measured_again(
    monkeypatch: pytest.MonkeyPatch, own_results: Path
) -> None:
    first = Course(quiet_report(seeds=(1,)), LOOPBACK, 0.1).runs([UDP])

    def must_not(*_: object) -> None:
        raise AssertionError("it was measured again")

    monkeypatch.setattr(Course, "_measure", must_not)
    again = Course(quiet_report(seeds=(1,), resume=True), LOOPBACK, 0.1).runs([UDP])
    assert again[1] == first[1] == {}
    assert again[0]["udp"][0].figures() == first[0]["udp"][0].figures()
    with pytest.raises(AssertionError, match="again"):
        Course(quiet_report(seeds=(1,), resume=True), LOOPBACK, 0.3).runs([UDP])


def test_what_is_kept_can_be_told_without_measuring() -> None:
    Course(quiet_report(seeds=(1,)), LOOPBACK, 0.1).runs([UDP])
    report = quiet_report(kept=True)
    runs, failed = Course(report, LOOPBACK, 0.1).runs([UDP, TCP])
    assert ({name: len(some) for name, some in runs.items()}, failed) == ({"udp": 1}, {})
    assert report.path().name == "links.x.partial.json"


def test_where_there_can_be_no_link_nobody_is_to_blame(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise LinkError("Emulated links need root.")

    monkeypatch.setattr(Link, "open", refuse)
    with pytest.raises(LinkError, match="need root"):
        Course(quiet_report(seeds=(1,)), "lan", 0.1).runs([UDP])


def test_contenders_are_chosen_by_name() -> None:
    assert chosen(AGES, quiet_report(only=("udp", "tcp", "else"))) == (UDP, TCP)
    assert chosen(AGES, quiet_report()) == AGES
    with pytest.raises(ValueError, match="nobody takes part"):
        chosen(AGES, quiet_report(only=("nobody",)))
    for some in (AGES, DELIVERY, OPTIONS, OUTAGE, LOCAL):
        assert len({contender.name for contender in some}) == len(some)


def test_who_is_not_installed_does_not_run() -> None:
    with pytest.raises(RuntimeError, match="pynet-dreams is not installed"):
        Contender("dream", "udp", "pynet-dreams").version()


def test_medians_and_the_worst_are_over_seeds() -> None:
    figures = comparison.medians_of([{"age_p99": 3.0}, {"age_p99": 9.0}, {"age_p99": 4.0}])
    assert figures == {"runs": 3.0, "age_p99": 4.0, "worst_age_p99": 9.0}
    assert comparison.unit_of("worst_lost") == "%"


def test_a_peer_that_cannot_begin_says_why() -> None:
    with pytest.raises(RuntimeError, match="ModuleNotFoundError"):
        Peer("command_car", "nobody", "127.0.0.1", "{}")


def test_a_peer_that_does_not_answer_is_not_waited_for() -> None:
    with (
        Peer("command_car", "udp", "127.0.0.1", "{}") as car,
        pytest.raises(RuntimeError, match="no answer within"),
    ):
        car.answer(0.01)


def test_lists_on_the_command_line() -> None:
    assert words("udp, tcp,") == ("udp", "tcp")
    assert numbers("1,2") == (1, 2)


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({}, "links.x.json"),
        ({"quick": True}, "links.x.quick.json"),
        ({"seeds": (1,)}, "links.x.partial.json"),
        ({"congestion": "cubic"}, "links.x.cubic.json"),
    ],
)
def test_a_look_does_not_replace_a_measurement(settings: dict[str, object], name: str) -> None:
    report = quiet_report(**settings)
    assert report.path().name == name


def test_a_report_knows_what_was_measured_before(tmp_path: Path) -> None:
    report = quiet_report()
    assert not report.is_there(tmp_path)
    report.save(tmp_path)
    assert report.is_there(tmp_path)
    look = quiet_report(seeds=(1,))
    look.save(tmp_path)
    assert not look.is_there(tmp_path)
    stored = json.loads(report.path(tmp_path).read_text())
    report.path(tmp_path).write_text(json.dumps({**stored, "version": "older"}))
    assert not report.is_there(tmp_path)
