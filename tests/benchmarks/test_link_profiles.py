"""Emulated links as values: profiles, what changes them, the command line and its statistics."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest

from benchmarks.link import PROFILES, Burst, Link, Outage, Profile, Statistics, Way
from benchmarks.link.cli import changes_of, main, parser

WAY = Way(delay=5.0, jitter=2.5, loss=1.5, rate=12.0)


@pytest.mark.parametrize(
    ("name", "rtt", "jitter", "loss", "rate", "queue"),
    [
        ("lan", 1, 0, 0, 1000, 20),
        ("wifi-good", 4, 2, 0.1, 60, 100),
        ("wifi-bad", 10, 5, 3, 12, 200),
        ("wifi-edge", 30, 10, 8, 4, 300),
        ("longfat", 80, 0, 0.5, 200, 100),
        ("outage", 4, 2, 0.1, 60, 100),
    ],
)
def test_profiles_are_what_figures_were_published_for(
    name: str, rtt: float, jitter: float, loss: float, rate: float, queue: float
) -> None:
    profile = PROFILES[name]
    assert profile.up == profile.down
    assert profile.up.delay + profile.down.delay == rtt
    assert profile.up.jitter + profile.down.jitter == jitter
    assert (profile.up.rate, profile.up.queue) == (rate, queue)
    # Two causes that meet in one packet lose it once.
    assert profile.up.total_loss == pytest.approx(loss, rel=0.02)


def test_bursts_and_outages_of_profiles() -> None:
    assert PROFILES["wifi-bad"].up.burst == Burst(every=600.0, length=15.0, inside=60.0)
    assert PROFILES["wifi-edge"].up.burst == Burst(every=375.0, length=30.0, inside=75.0)
    assert PROFILES["outage"].down.outages == (Outage(at=5.0, length=3.0),)
    assert set(PROFILES) == {"lan", "wifi-good", "wifi-bad", "wifi-edge", "longfat", "outage"}


def test_a_profile_cannot_be_altered_by_accident() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        PROFILES["lan"].up.rate = 1.0  # type: ignore[misc]


def test_settings_reach_the_forwarder_in_its_order() -> None:
    way = dataclasses.replace(
        WAY, burst=Burst(600.0, 15.0, 60.0), outages=(Outage(5.0, 3.0), Outage(20.0, 0.5))
    )
    assert way.settings() == "5,2.5,1.5,585,15,60,12,100,5,3,20,0.5"
    assert WAY.settings() == "5,2.5,1.5,0,0,0,12,100"


@pytest.mark.parametrize(
    "make",
    [
        lambda: Way(delay=-1.0),
        lambda: Way(delay=float("nan")),
        lambda: Way(rate=float("inf")),
        lambda: Way(delay=1.0, jitter=1.5),
        lambda: Way(loss=101.0),
        lambda: Burst(every=15.0, length=15.0, inside=60.0),
        lambda: Burst(every=600.0, length=0.0, inside=60.0),
        lambda: Burst(every=600.0, length=15.0, inside=160.0),
        lambda: Outage(at=-1.0, length=3.0),
    ],
)
def test_what_cannot_be_is_refused(make: Any) -> None:
    with pytest.raises(ValueError, match=r"cannot be|do not fit|is more than"):
        make()


def test_a_change_of_one_direction_outlasts_one_of_both() -> None:
    profile = Profile("x", "x", WAY, WAY).changed(up_rate=1.0, rate=3.0, down_loss=9.0, delay=7.0)
    assert (profile.up.rate, profile.down.rate) == (1.0, 3.0)
    assert (profile.up.loss, profile.down.loss) == (1.5, 9.0)
    assert (profile.up.delay, profile.down.delay) == (7.0, 7.0)


@pytest.mark.parametrize("key", ["speed", "up", "up_", "sideways_rate", "up_up_rate"])
def test_an_unknown_change_is_refused_with_the_known_ones(key: str) -> None:
    with pytest.raises(ValueError, match="burst, delay, jitter"):
        PROFILES["lan"].changed(**{key: 1.0})


def test_an_unknown_profile_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match="lan, wifi-good"):
        Link("wifi")


def test_the_command_line_changes_a_profile() -> None:
    words = "wifi-bad --rate 6 --up-loss 3 --burst 100,10,50 --down-outage 1+2 --down-outage 7+0.5"
    changes = changes_of(parser().parse_args(words.split()))
    assert changes == {
        "rate": 6.0,
        "up_loss": 3.0,
        "burst": Burst(100.0, 10.0, 50.0),
        "down_outages": (Outage(1.0, 2.0), Outage(7.0, 0.5)),
    }
    profile = PROFILES["wifi-bad"].changed(**changes)
    assert (profile.up.loss, profile.down.loss) == (3.0, 1.5)
    assert profile.up.outages == ()


def test_the_command_line_lists_the_profiles(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--list"]) == 0
    printed = capsys.readouterr().out
    assert [line.split()[0] for line in printed.splitlines()[1:]] == list(PROFILES)
    assert "12 Mbit/s" in printed


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ([], "give a profile"),
        (["wifi-bad"], "give a profile"),
        (["wifi-bad", "--"], "give a profile"),
        (["wifi", "--", "true"], "no link is called 'wifi'"),
        (["lan", "--jitter", "9", "--", "true"], "jitter 9 ms is more than the delay"),
        (["lan", "--burst", "15,600,60", "--", "true"], "is no burst such as"),
        (["lan", "--outage", "5", "--", "true"], "is no outage such as 5+3"),
    ],
)
def test_a_mistake_on_the_command_line_is_named(
    words: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(words)
    assert complaint in capsys.readouterr().err


def counted(**lost: int) -> dict[str, Any]:
    causes = {"queue": 0, "outage": 0, "random": 0, "burst": 0, "device": 0}
    return {
        "sent": 1000,
        "sent_bytes": 64000,
        "passed": 1000 - sum(lost.values()),
        "passed_bytes": 60000,
        "under_way": 0,
        "lost": causes | lost,
        "queue_max_ms": 1.25,
        "late_us": {"p50": 15.0, "p90": 30.0, "p99": 60.0, "max": 99.0},
    }


def test_statistics_are_read_and_written() -> None:
    content = {
        "seconds": 2.5,
        "up": counted(queue=100, outage=400, random=10, burst=40),
        "down": counted(),
    }
    statistics = Statistics.parse(json.dumps(content))
    assert statistics.as_json() == content
    assert statistics.up.total_lost == 550
    assert statistics.up.air_loss == 10.0
    assert statistics.down.air_loss == 0.0
    assert "550 lost (100 queue, 400 outage, 10 random, 40 burst)" in str(statistics.up)


@pytest.mark.parametrize("line", ["", "ready", "{}", "[1]", '{"seconds": 1, "up": {}, "down": {}}'])
def test_what_is_no_statistics_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match=r"statistics|Expecting"):
        Statistics.parse(line)
