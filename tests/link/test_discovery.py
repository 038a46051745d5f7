"""A laptop finds cars over a network of its own: multicast as it really goes."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks.link import CAR, LAPTOP, Link
from benchmarks.link.link import DEVICE

pytestmark = pytest.mark.link

ROOT = Path(__file__).resolve().parents[2]
NEIGHBOUR = Path(__file__).with_name("programs") / "neighbour.py"
LIMIT = 20.0

DEVICE_CODE = """
import pynet

gateway = pynet.Gateway(name="Köhlers Rover")
"""


class Neighbour:
    """The program, at one end of the link."""

    def __init__(self, link: Link, place: str, *words: str) -> None:
        self._process: subprocess.Popen[str] = link.popen(
            place,
            [sys.executable, str(NEIGHBOUR), *words],
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._lines: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read, name="neighbour")
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(json.loads(line))

    def until(self, condition: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
        """Wait for a line."""
        while True:
            line = self._lines.get(timeout=LIMIT)
            if condition(line):
                return line

    def close(self) -> None:
        """End it."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with self._process.stdin, self._process.stdout:
            self._process.stdin.close()
            assert self._process.wait(LIMIT) == 0
            self._reader.join()


@pytest.fixture
def link() -> Iterator[Link]:
    with Link("lan") as link:
        yield link


@pytest.fixture
def start(link: Link) -> Iterator[Callable[..., Neighbour]]:
    started: list[Neighbour] = []

    def start(place: str, *words: str) -> Neighbour:
        started.append(Neighbour(link, place, *words))
        return started[-1]

    yield start
    for neighbour in started:
        neighbour.close()


def ip(link: Link, place: str, *words: str) -> None:
    subprocess.run(["ip", "-n", link.spaces[place], *words], check=True, stdin=subprocess.DEVNULL)


def test_cars_are_found_and_go(link: Link, start: Callable[..., Neighbour]) -> None:
    long = "Das überaus lange Auto der Familie Köhler aus der Gasse hinter dem Haus"
    start("car", "announce", long, "1857", "ABCDEFG")
    start("car", "announce", "Rover", "1858", "ABCDEFG")
    second = Neighbour(link, "car", "announce", "Rover", "1859", "HIJKLMN")
    laptop = start("laptop", "look")
    found = laptop.until(lambda line: len(line.get("found", ())) == 3)["found"]
    assert [(one["name"], one["host"], one["port"], one["id_prefix"]) for one in found] == [
        (long[:64].strip(), CAR, 1857, "ABCDEFG"),
        ("Rover", CAR, 1858, "ABCDEFG"),
        ("Rover", CAR, 1859, "HIJKLMN"),
    ]
    second.close()
    found = laptop.until(lambda line: len(line.get("found", ())) == 2)["found"]
    assert [one["port"] for one in found] == [1857, 1858]


@pytest.mark.parametrize("late", ["laptop", "car"])
def test_a_network_that_comes_later(link: Link, start: Callable[..., Neighbour], late: str) -> None:
    address = {"laptop": LAPTOP, "car": CAR}[late]
    ip(link, late, "addr", "del", f"{address}/30", "dev", DEVICE)
    car = start("car", "announce", "Rover", "1857", "ABCDEFG")
    laptop = start("laptop", "look")
    told = {"laptop": laptop, "car": car}[late].until(lambda line: "problem" in line)
    assert "has no network" in told["problem"]
    ip(link, late, "addr", "add", f"{address}/30", "dev", DEVICE)
    (found,) = laptop.until(lambda line: line.get("found"))["found"]
    assert found["host"] == CAR


def test_from_the_list_to_the_car_by_the_command(link: Link, tmp_path: Path) -> None:
    (tmp_path / "device.py").write_text(DEVICE_CODE, encoding="utf-8")
    options = {"cwd": tmp_path, "env": os.environ | {"PYTHONPATH": str(ROOT)}, "text": True}
    pynet = [sys.executable, "-m", "pynet"]
    device = link.popen(
        "car",
        [*pynet, "serve", "device", "--host", "0.0.0.0", "--port", "1860", "--announce"],
        stdout=subprocess.PIPE,
        **options,
    )
    with device.stdout:
        assert "listens on" in device.stdout.readline()
        done = link.run(
            "laptop", [*pynet, "discover", "--json", "--seconds", "5"], capture_output=True,
            **options,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        (found,) = json.loads(done.stdout)
        assert (found["name"], found["host"], found["port"]) == ("Köhlers Rover", CAR, 1860)
        done = link.run(
            "laptop", [*pynet, "ls", f"{found['host']}:{found['port']}"], capture_output=True,
            **options,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert f"Köhlers Rover at {CAR}:1860" in done.stdout
        device.terminate()
        device.wait(LIMIT)
