"""Whether a car stops in time, whatever dies; and whether anything wrong reaches its motors."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from typing import Any

from benchmarks.harness import ROOT, Report, Target, quantile
from benchmarks.security.failsafe_fuzz import fuzz
from benchmarks.security.failsafe_kill import kill_agents

CARS = 6
"""Cars at once: a thousand cuts one after the other would take half an hour."""
LATE = 280.0


def measure(report: Report) -> None:
    """All of it, the cuts over several cars at once."""
    cuts, kills, commands = (3, 2, 20_000) if report.quick else (170, 10, 1_000_000)
    with busy(0 if report.quick else os.cpu_count() or 1):
        tell_cuts(report, in_parallel(CARS, lambda number: cut_off(number, cuts)))
        # A user without rights: one car, as there is one on a Raspberry Pi.
        tell_ordinary(report, cut_off(CARS, max(3, cuts // 3), ordinary=True))
        killed = [ms for part in in_parallel(CARS, lambda _: kill_agents(kills)) for ms in part]
    report.keep("kill_ms", killed)
    report.figure(
        "kill_9_of_the_agent_to_neutral_worst",
        max(killed),
        "ms",
        target=Target(500.0, of_ratio=False),
    )
    tell_fuzz(report, fuzz(commands))


def tell_cuts(report: Report, found: list[dict[str, Any]]) -> None:
    """Report the times of all cars together."""
    times = [1000 * seconds for one in found for seconds in one["times"]]
    report.keep("cut_ms", times)
    report.keep("cars", found)
    cuts = sum(one["cuts"] for one in found)
    least = Target(0 if report.quick else 1000, True, of_ratio=False)
    report.figure("cuts", len(times), "cuts", target=least)
    for word, share in (("p50", 0.5), ("p99", 0.99)):
        target = Target(265.0, of_ratio=False) if word == "p99" else None
        value = quantile(times, share)
        report.figure(f"last_command_to_neutral_{word}", value, "ms", target=target)
    report.figure("last_command_to_neutral_worst", max(times), "ms")
    late = 1000 * sum(ms > LATE for ms in times) / len(times)
    report.figure("later_than_280_ms", late, "of 1000", target=Target(2.0, of_ratio=False))
    moved = sum(one["moved"] for one in found)
    report.figure(
        "moved_under_a_held_stick_after_a_cut",
        moved,
        f"of {cuts}",
        target=Target(0.0, of_ratio=False),
    )
    report.figure("pictures_sent_meanwhile", sum(one["frames"] for one in found), "pictures")


def tell_ordinary(report: Report, found: dict[str, Any]) -> None:
    """Report what the motors' process does without real-time priority."""
    times = [1000 * seconds for seconds in found["times"]]
    report.keep("ordinary_ms", times)
    for word, value in (
        ("p50", quantile(times, 0.5)),
        ("p99", quantile(times, 0.99)),
        ("worst", max(times)),
    ):
        report.figure(f"last_command_to_neutral_without_priority_{word}", value, "ms")


def tell_fuzz(report: Report, found: dict[str, int]) -> None:
    """Report what became of the fuzzed commands."""
    report.keep("fuzz", found)
    report.figure(
        "wrong_commands_that_reached_the_motors",
        found["reached"],
        f"of {found['wrong']}",
        target=Target(0.0, of_ratio=False),
    )
    report.figure("right_commands_among_them", found["accepted"], f"of {found['right']}")


def cut_off(number: int, cuts: int, ordinary: bool = False) -> dict[str, Any]:
    """One car, its driver, and so many cuts; ``ordinary`` is without real-time priority."""
    with tempfile.TemporaryDirectory(prefix="failsafe-") as folder:
        environment = os.environ | {"PYNET_CONFIG": folder}
        car = start("failsafe_car", *["ordinary"] * ordinary, environment=environment)
        try:
            assert car.stdout is not None
            facts = json.loads(car.stdout.readline().partition(" ")[2])
            address = f"127.0.0.1:{facts['port']}"
            driver = start("failsafe_driver", address, cuts, number, environment=environment)
            said, _ = driver.communicate()
            noted, _ = car.communicate()
        finally:
            car.kill()
            car.wait()
    driven: dict[str, Any] = json.loads(said)
    notes = json.loads(noted)
    return driven | {"times": notes["cuts"], "frames": notes["frames"]}


def start(module: str, *arguments: object, environment: dict[str, str]) -> subprocess.Popen[str]:
    """Start a program of this package."""
    return subprocess.Popen(
        [sys.executable, "-m", f"benchmarks.security.{module}", *map(str, arguments)],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def in_parallel(count: int, work: Any) -> list[Any]:
    """Do the work ``count`` times at once; raises what one of them raised."""
    results: dict[int, Any] = {}
    errors: list[BaseException] = []

    def run(number: int) -> None:
        try:
            results[number] = work(number)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return [results[number] for number in range(count)]


@contextlib.contextmanager
def busy(cores: int) -> Iterator[None]:
    """Keep as many cores busy with other processes."""
    program = "while True: sum(range(100000))"
    hogs = [subprocess.Popen([sys.executable, "-c", program]) for _ in range(cores)]
    try:
        yield
    finally:
        for hog in hogs:
            hog.kill()
            hog.wait()


__all__ = ["measure"]
