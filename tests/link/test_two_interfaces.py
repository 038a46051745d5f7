"""A laptop with two ways to the car, the radio and a cable: one of them goes, and comes back."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks.link import CAR, LAPTOP, Link

pytestmark = pytest.mark.link

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = Path(__file__).with_name("programs")
LIMIT = 15.0
LANES = 8
MOST_LOST = 25
"""Commands, of 50 in a second, that may be missing when a way is lost."""

ADDRESSES = {"radio": LAPTOP, "cable": "10.87.0.1"}


class Program:
    """One that answers a line with a line."""

    def __init__(self, link: Link, place: str, name: str) -> None:
        self._process: subprocess.Popen[str] = link.popen(
            place,
            [sys.executable, str(PROGRAMS / name)],
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def line(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the program has ended; its message is above"
        return line

    def ask(self) -> Any:
        assert self._process.stdin is not None
        self._process.stdin.write("how are you?\n")
        self._process.stdin.flush()
        return json.loads(self.line())

    def close(self) -> None:
        """End it."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with self._process.stdin, self._process.stdout:
            self._process.stdin.close()
            self._process.wait(LIMIT)


class Course:
    """A car that is driven over both ways.

    The cable has addresses of its own; the car's over the radio is the one the laptop knows, as
    if both ways led through one access point.
    """

    def __init__(self, link: Link) -> None:
        self._link = link
        spaces = link.spaces
        ends = ["netns", spaces["laptop"], "type", "veth", "peer", "name", "cable"]
        self._run("ip", "link", "add", "cable", *ends, "netns", spaces["car"])
        for place, address in (("laptop", ADDRESSES["cable"]), ("car", "10.87.0.2")):
            self._run("ip", "-n", spaces[place], "addr", "add", f"{address}/30", "dev", "cable")
            self._run("ip", "-n", spaces[place], "link", "set", "cable", "up")
        self.up("cable")
        self.car = Program(link, "car", "steered_car.py")
        try:
            assert self.car.line() == "ready\n"
            self.laptop = Program(link, "laptop", "steering_laptop.py")
        except BaseException:
            self.car.close()
            raise

    def close(self) -> None:
        self.laptop.close()
        self.car.close()

    def down(self, *ways: str) -> None:
        """The laptop loses them."""
        for way in ways:
            self._run("ip", "-n", self._link.spaces["laptop"], "link", "set", way, "down")

    def up(self, *ways: str) -> None:
        """The laptop has them again."""
        laptop = self._link.spaces["laptop"]
        for way in ways:
            self._run("ip", "-n", laptop, "link", "set", way, "up")
        self._run(
            "ip", "-n", laptop, "route", "replace", f"{CAR}/32", "dev", "cable", "metric", "500"
        )

    @staticmethod
    def _run(*command: str) -> None:
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL)

    # ---- what can be seen ---------------------------------------------------------------

    def until(self, condition: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
        """Wait until what the laptop tells fulfils a condition."""
        deadline = time.monotonic() + LIMIT
        pause = threading.Event()
        while not condition(now := self.laptop.ask()):
            assert time.monotonic() < deadline, now
            pause.wait(0.05)
        return dict(now)

    def until_all_lanes(self, *ways: str, share: int = 1) -> dict[str, Any]:
        """Wait until there are all lanes, over these ways, so many at least over each."""
        addresses = {ADDRESSES[way] for way in ways}
        return self.until(
            lambda now: (
                now["lanes"] == LANES
                and now["live"] == [True] * LANES
                and set(now["ways"]) == addresses
                and min(now["ways"].values()) >= share
            )
        )

    def until_commands(self, count: int) -> list[int]:
        """Wait for so many of those that are sent from now on; return all that the car took."""
        first = self.laptop.ask()["sent"]
        deadline = time.monotonic() + LIMIT
        pause = threading.Event()
        while True:
            taken: list[int] = self.car.ask()
            if sum(number >= first for number in taken) >= count:
                return taken
            assert time.monotonic() < deadline, taken[-5:]
            pause.wait(0.05)


@pytest.fixture
def course() -> Iterator[Course]:
    with Link("wifi-good") as link:
        course = Course(link)
        try:
            yield course
        finally:
            course.close()


@pytest.mark.parametrize("way", ["radio", "cable"])
def test_commands_go_on_when_one_way_is_lost(course: Course, way: str) -> None:
    other = {"radio": "cable", "cable": "radio"}[way]
    course.until_all_lanes("radio", "cable")
    course.until_commands(50)
    before = course.laptop.ask()["sent"]
    course.down(way)
    taken = course.until_commands(50)
    now = course.until_all_lanes(other)
    # There was always a lane that lived, and nobody was told otherwise.
    assert now["states"] == ["connecting", "live"]
    assert taken == sorted(set(taken)), "the newest came last, each once"
    missing = set(range(before, taken[-1])) - set(taken)
    assert len(missing) <= MOST_LOST
    course.up(way)
    course.until_commands(50)
    assert course.laptop.ask()["states"] == ["connecting", "live"]


def test_without_any_way_the_feed_says_so_and_one_is_enough_to_be_back(course: Course) -> None:
    course.until_all_lanes("radio", "cable")
    course.down("radio", "cable")
    lost = course.until(lambda now: now["state"] == "reconnecting")
    assert lost["lanes"] == 0
    assert lost["live"] == []
    assert lost["ways"] == {}
    course.up("cable")
    course.until_commands(10)
    now = course.until_all_lanes("cable")
    assert now["states"] == ["connecting", "live", "reconnecting", "live"]


@pytest.mark.parametrize("way", ["radio", "cable"])
def test_lanes_are_spread_evenly_and_come_back_to_a_way_that_is_back(
    course: Course, way: str
) -> None:
    other = {"radio": "cable", "cable": "radio"}[way]
    course.until_all_lanes("radio", "cable", share=3)
    course.down(way)
    course.until_all_lanes(other)
    course.up(way)
    course.until_all_lanes("radio", "cable", share=2)
    assert course.laptop.ask()["states"] == ["connecting", "live"]
    taken = course.until_commands(50)
    assert taken == sorted(set(taken))
