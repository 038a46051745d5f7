"""Clocks that differ by hours, that are others after a restart, and a wall clock that jumps."""

from __future__ import annotations

import ast
import functools
import itertools
import json
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

import pytest

import pynet
from pynet import Controller, Gateway, Incoming, ItemInfo
from pynet.swarm.client import SwarmClient
from pynet.swarm.feed import SwarmFeed
from pynet.testing import CuttableLink

ROOT = Path(pynet.__file__).parent
DAY = 86_400
HALF_ITS_LIFE = -(int(time.monotonic()) // 2)
"""Seconds; a clock cannot be set back to before its machine was started."""

DELAY = 0.05
MAX_AGE = 0.3
SOME = 60.0
"""Seconds: more than anything takes here, and much less than clocks differ."""

CAR = """
import itertools, json, sys, time
import pynet
from pynet import Gateway

taken = []

def count():
    for number in itertools.count():
        yield number, time.monotonic()
        pynet.sleep(0.01)

def drive(commands):
    for command in commands:
        taken.append((command, commands.info.age))

with Gateway(port=int(sys.argv[1]), pool_size=20, heartbeat=0.1) as gateway:
    gateway.stream(count, policy="latest")
    gateway.sink(drive, policy="latest")
    gateway.sink(drive, name="strict", policy=pynet.keep_last(50), max_age=float(sys.argv[2]))
    print(json.dumps([gateway.port, time.monotonic()]), flush=True)
    for _ in sys.stdin:
        print(json.dumps(taken), flush=True)
"""


def in_another_time(seconds: int) -> list[str]:
    """The beginning of a command whose monotonic clocks are ahead of ours by so much."""
    shift = ["--monotonic", str(seconds), "--boottime", str(seconds)]
    return ["unshare", "--time", *shift, "--fork", "--kill-child"]


@functools.cache
def why_not() -> str | None:
    """Why nobody can be sent to another time here, or None."""
    if shutil.which("unshare") is None:
        return "another time needs the program unshare (package util-linux)"
    trial = subprocess.run(
        [*in_another_time(DAY), "true"], check=False, capture_output=True, text=True
    )
    return None if trial.returncode == 0 else f"another time needs root: {trial.stderr.strip()}"


@pytest.fixture
def time_travel() -> None:
    if reason := why_not():
        pytest.skip(reason)


class Car:
    """A Gateway in a process whose clock is ahead of ours."""

    def __init__(self, ahead: int, port: int = 0) -> None:
        self.ahead = ahead
        before = time.monotonic()
        self._process = subprocess.Popen(
            [*in_another_time(ahead), sys.executable, "-c", CAR, str(port), str(MAX_AGE)],
            cwd=ROOT.parent,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.port, its_time = self._answer()
        assert before + ahead <= its_time <= time.monotonic() + ahead

    def _answer(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the car has ended; its message is above"
        return json.loads(line)

    def taken(self) -> list[tuple[Any, float]]:
        """The commands it got, with their ages when it got them."""
        assert self._process.stdin is not None
        self._process.stdin.write("what?\n")
        self._process.stdin.flush()
        return [(command, age) for command, age in self._answer()]

    def __enter__(self) -> Car:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._process:
            assert self._process.stdin is not None
            self._process.stdin.close()
            self._process.wait(10)


class Watch:
    """Takes what a car counts, and what it is told of the age of that."""

    def __init__(self) -> None:
        self.seen: list[tuple[int, float, ItemInfo]] = []

    def on_item(self, item: list[Any], info: ItemInfo) -> None:
        number, made = item
        self.seen.append((number, made, info))

    def check(self, ahead: int, client: SwarmClient) -> None:
        """The newest ages were true, as exactly as a clock can be read over a link."""
        error = estimate(client, ahead)
        for _, made, info in self.seen[-10:]:
            true = info.received - (made - ahead)
            assert DELAY - error <= info.age <= true + error
            assert info.local_time(made) == pytest.approx(made - ahead, abs=error)


def estimate(swarm: SwarmClient | SwarmFeed, ahead: int) -> float:
    """Check what is known of a car's clock; return by how much it may be wrong.

    That is half the round trip (RFC 5905); all of it, for the best one may be of later.
    """
    clock = swarm._clock
    assert clock.rtt_min is not None
    error = clock.rtt_min + 0.001
    assert error < SOME
    assert swarm.stats.clock_offset == pytest.approx(ahead, abs=error)
    return error


@pytest.mark.usefixtures("time_travel")
@pytest.mark.parametrize("ahead", [DAY, HALF_ITS_LIFE], ids=["ahead", "behind"])
def test_clocks_that_differ_by_hours(
    controller: Controller, ahead: int, until: Callable[..., None]
) -> None:
    with Car(ahead) as car, CuttableLink(car.port, delay=DELAY) as link:
        far = controller.connect(link.address, timeout=10)
        watch = Watch()
        with (
            far.stream("count", watch.on_item, lanes=4) as client,
            far.feed("drive", lanes=4) as feed,
        ):
            assert isinstance(client, SwarmClient)
            assert isinstance(feed, SwarmFeed)
            until(lambda: client.lanes == feed.lanes == 4)
            for number in range(5):
                feed.send(number)
                until(lambda: [number] == [c for c, _ in car.taken()][-1:])  # noqa: B023
            until(lambda: len(watch.seen) > 50)
            watch.check(ahead, client)
            error = estimate(feed, ahead)
            assert all(DELAY - error <= age < SOME for _, age in car.taken())
            until(lambda: feed.stats.round_trip is not None)
            assert feed.stats.round_trip is not None
            assert 2 * DELAY <= feed.stats.round_trip < SOME
        controller.close()


@pytest.mark.usefixtures("time_travel")
@pytest.mark.parametrize("ahead", [DAY, HALF_ITS_LIFE], ids=["ahead", "behind"])
def test_what_is_too_old_is_not_obeyed_and_what_is_fresh_is(
    controller: Controller, ahead: int, until: Callable[..., None]
) -> None:
    with Car(ahead) as car, CuttableLink(car.port) as link:
        far = controller.connect(link.address, timeout=10)
        with far.feed("strict", lanes=4) as feed:
            until(lambda: feed.lanes == 4)

            def arrives(word: str) -> bool:
                feed.send(word)
                return word in [command for command, _ in car.taken()]

            until(lambda: arrives("before"))
            link.freeze()
            feed.send("stale")
            threading.Event().wait(MAX_AGE + 0.1)  # it grows old on its way
            link.thaw()
            until(lambda: arrives("fresh"))
            assert "stale" not in [command for command, _ in car.taken()]
            assert max(age for _, age in car.taken()) <= MAX_AGE
        controller.close()


@pytest.mark.usefixtures("time_travel")
@pytest.mark.parametrize(
    ("before", "after"),
    [(DAY, 0), (0, DAY), (DAY, HALF_ITS_LIFE)],
    ids=["back", "ahead", "far back"],
)
def test_a_car_that_comes_back_with_another_clock(
    controller: Controller, before: int, after: int, until: Callable[..., None]
) -> None:
    watch = Watch()
    with Car(before) as car, CuttableLink(car.port, delay=DELAY) as link:
        far = controller.connect(link.address, timeout=10)
        client = far.stream("count", watch.on_item, lanes=4)
        assert isinstance(client, SwarmClient)
        feed = far.feed("drive", lanes=4)
        until(lambda: len(watch.seen) > 20)
        watch.check(before, client)
        port = car.port
        car.__exit__(None, None, None)
        until(lambda: client.state == feed.state == "reconnecting")
        watch.seen.clear()
        with Car(after, port) as other:
            until(lambda: client.state == feed.state == "live" and len(watch.seen) > 20)
            watch.check(after, client)
            feed.send("on")
            until(lambda: [command for command, _ in other.taken()] == ["on"])
            assert DELAY / 2 <= other.taken()[0][1] < SOME
            controller.close()


# ---- the wall clock ---------------------------------------------------------------------


def test_a_wall_clock_that_jumps_is_nobodys_business(
    gateway: Gateway,
    controller: Controller,
    until: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    commands: list[tuple[int, float]] = []

    @gateway.stream(policy="latest")
    def count() -> Iterator[int]:
        for number in itertools.count():
            yield number
            pynet.sleep(0.005)

    @gateway.sink(policy="latest", silence=SOME)
    def drive(items: Incoming) -> None:
        for item in items:
            assert items.info is not None
            commands.append((item, items.info.age))

    jumps = itertools.cycle([DAY, -DAY, 0, 40 * 365 * DAY])
    now, now_ns = time.time, time.time_ns
    monkeypatch.setattr(time, "time", lambda: now() + next(jumps))
    monkeypatch.setattr(time, "time_ns", lambda: now_ns() + next(jumps) * 10**9)
    ages: list[float] = []
    states: list[str] = []
    with CuttableLink(gateway.address) as link:
        far = controller.connect(link.address, timeout=10)
        with (
            far.stream("count", lambda _, info: ages.append(info.age), lanes=4) as client,
            far.feed("drive", lanes=4, on_state=states.append) as feed,
        ):
            until(lambda: client.lanes == feed.lanes == 4)
            for number in range(50):
                if number == 25:
                    link.cut(3)
                feed.send(number)
                until(lambda: commands and commands[-1][0] == number)  # noqa: B023
            until(lambda: len(ages) > 50 and client.lanes == feed.lanes == 4)
            assert states == ["connecting", "live"]
        controller.close()
    assert all(0 <= age < SOME for _, age in commands)
    assert all(0 <= age < SOME for age in ages)


WALL_CLOCKS = {
    "time": {"time", "time_ns", "localtime", "gmtime", "ctime", "asctime", "CLOCK_REALTIME"},
    "datetime": {"now", "utcnow", "today"},
}


def uses_of_the_wall_clock(source: str) -> list[str]:
    """Where a module reads it, as far as its text tells."""
    tree = ast.parse(source)
    modules: dict[str, str] = {}
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = {alias.asname or alias.name: alias.name for alias in node.names}
            modules |= {name: of for name, of in names.items() if of in WALL_CLOCKS}
        elif isinstance(node, ast.ImportFrom) and node.module in WALL_CLOCKS:
            for alias in node.names:
                if alias.name in WALL_CLOCKS[node.module]:
                    found.append(f"{node.lineno}: from {node.module} import {alias.name}")
                modules[alias.asname or alias.name] = node.module
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            base = node.value
            while isinstance(base, ast.Attribute):  # datetime.datetime.now
                base = base.value
            module = modules.get(base.id) if isinstance(base, ast.Name) else None
            if module is not None and node.attr in WALL_CLOCKS[module]:
                found.append(f"{node.lineno}: {ast.unparse(node)}")
    return found


@pytest.mark.parametrize(
    ("source", "uses"),
    [
        ("import time\nt = time.monotonic()", 0),
        ("import time\nt = time.time()", 1),
        ("import time as t\nclock = t.time_ns", 1),
        ("import time\nt = time.clock_gettime(time.CLOCK_REALTIME)", 1),
        ("from time import time", 1),
        ("import datetime as dt\nkind = dt.time", 0),
        ("import datetime as dt\nt = dt.datetime.now()", 1),
        ("from datetime import datetime\nt = datetime.utcnow()", 1),
        ("from datetime import date\nt = date.today()", 1),
    ],
)
def test_such_uses_are_found(source: str, uses: int) -> None:
    assert len(uses_of_the_wall_clock(source)) == uses


@pytest.mark.parametrize("part", [".", "swarm", "io", "wire", "bulk"])
def test_nothing_that_measures_time_reads_the_wall_clock(part: str) -> None:
    modules = sorted((ROOT / part).glob("*.py"))
    assert modules
    uses = {module.name: uses_of_the_wall_clock(module.read_text()) for module in modules}
    assert not {name: found for name, found in uses.items() if found}


@pytest.mark.usefixtures("time_travel")
def test_a_feed_forgets_the_clock_of_a_car_that_is_another(
    controller: Controller, until: Callable[..., None]
) -> None:
    with Car(DAY) as car, CuttableLink(car.port) as link:
        feed = controller.connect(link.address, timeout=10).feed("drive", lanes=4)
        assert isinstance(feed, SwarmFeed)
        until(lambda: feed.lanes == 4)
        estimate(feed, DAY)
        port = car.port
        car.__exit__(None, None, None)
        until(lambda: feed.state == "reconnecting")
        link.delay = DELAY  # so that what was learnt before seems to be the best
        with Car(0, port):
            until(lambda: feed.state == "live" and feed.lanes == 4)
            estimate(feed, 0)
            controller.close()
