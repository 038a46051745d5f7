"""pynet over bad Wi-Fi, between two programs that share nothing but a clock to check them by."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from benchmarks.link import Link, Outage

pytestmark = pytest.mark.link

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = Path(__file__).with_name("programs")
OUTAGE = Outage(at=0.5, length=3.0)
LIMIT = 15.0


def start(link: Link, place: str) -> subprocess.Popen[str]:
    return link.popen(
        place,
        [sys.executable, str(PROGRAMS / f"{place}.py")],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def line_of(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    line = str(process.stdout.readline())
    assert line, "the program has ended; its message is above"
    return line


def wait_past_the_outage(link: Link) -> None:
    deadline = time.monotonic() + LIMIT
    pause = threading.Event()
    while link.statistics.seconds < OUTAGE.at + OUTAGE.length:
        assert time.monotonic() < deadline
        pause.wait(0.05)


def assert_ages_are_true(seen: list[tuple[int, float, float]]) -> None:
    numbers = [number for number, _, _ in seen]
    assert numbers == sorted(set(numbers)), "the newest item came last, each once"
    true = [age for _, age, _ in seen]
    told = [age for _, _, age in seen]
    assert min(true) >= 0.0025, "nothing is faster than the link"
    assert statistics.median(true) < 0.1
    # The clocks of both ends are compared over a link that is off by up to 5 ms.
    assert statistics.median(told) == pytest.approx(statistics.median(true), abs=0.02)


def test_stream_and_feed_survive_an_outage() -> None:
    with Link("wifi-bad", seed=11, outages=(OUTAGE,)) as link:
        wait_past_the_outage(link)
        car = start(link, "car")
        pipes = [car.stdin, car.stdout]
        try:
            assert line_of(car) == "ready\n"
            laptop = start(link, "laptop")
            pipes += [laptop.stdin, laptop.stdout]
            before: dict[str, Any] = json.loads(line_of(laptop))
            link.restart_clock()
            assert laptop.stdin is not None
            laptop.stdin.write("the outage comes\n")
            laptop.stdin.flush()
            after: dict[str, Any] = json.loads(line_of(laptop))
            assert laptop.wait(LIMIT) == 0
            lost = link.statistics
        finally:
            for pipe in pipes:
                assert pipe is not None
                pipe.close()
    assert_ages_are_true(before["seen"])
    assert_ages_are_true(after["seen"])
    assert before["round_trip"] >= 0.005
    assert lost.up.lost["outage"] + lost.down.lost["outage"] > 0
    for states in after["states"].values():
        assert states[:2] == ["connecting", "live"]
        assert states[-2:] == ["reconnecting", "live"]
    # The car noticed the silence, and no command of before the outage moved it afterwards: the
    # limit of 0.2 s holds but for what the clocks of both ends differ by.
    assert after["car"]["silences"] >= 1
    assert after["car"]["backwards"] == 0
    assert after["car"]["oldest"] < 0.25
    assert after["car"]["commands"] > 50
