"""A call whose first packets are lost is answered before TCP would send them again."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.link import Link, Outage

pytestmark = pytest.mark.link

ROOT = Path(__file__).resolve().parents[2]
OUTAGE = Outage(at=0.0, length=0.4)
TCP_WAITS = 1.0
"""Seconds after which the kernel sends the first packet of a connection again."""

SERVE = """
import os, sys
import pynet
with pynet.Gateway(os.environ["LINK_CAR"], 1857):
    print("ready", flush=True)
    sys.stdin.read()
"""
CALL = """
import os, sys, time
import pynet
with pynet.Controller() as controller:
    print("calling", flush=True)
    sys.stdin.readline()
    begin = time.monotonic()
    controller.connect(os.environ["LINK_CAR"] + ":1857", timeout=5.0).close()
    print(time.monotonic() - begin)
"""


def start(link: Link, place: str, program: str) -> subprocess.Popen[str]:
    return link.popen(
        place,
        [sys.executable, "-c", program],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_a_lost_first_packet_costs_less_than_the_second_that_tcp_waits() -> None:
    with Link("wifi-good", outages=(OUTAGE,)) as link:
        car = start(link, "car", SERVE)
        assert car.stdin is not None
        assert car.stdout is not None
        with car.stdin, car.stdout:
            assert car.stdout.readline() == "ready\n"
            laptop = start(link, "laptop", CALL)
            assert laptop.stdout is not None
            assert laptop.stdout.readline() == "calling\n"
            link.restart_clock()
            took = float(laptop.communicate("now\n", timeout=20)[0])
            assert laptop.returncode == 0
        assert link.statistics.up.lost["outage"] >= 2, "one call was not enough"
    assert OUTAGE.length - 0.1 < took < TCP_WAITS
