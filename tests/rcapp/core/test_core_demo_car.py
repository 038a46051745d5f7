"""The simulated car as a child process: the real agent, the real protocol."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from pynet import Controller
from pynet.backup import Backup, Policy
from pynet.backup.plan import Status
from rcapp.core.demo_car import DemoCar, DemoCarError
from rcapp.core.demo_files import write_demo_files
from rcapp.core.session import CarSession, Link

PATIENCE = 25.0


def until(true: Callable[[], object]) -> None:
    """Wait for something in another process, which cannot notify."""
    deadline = time.monotonic() + PATIENCE
    pause = threading.Event()
    while not true():
        assert time.monotonic() < deadline, "never came true"
        pause.wait(0.02)


def is_gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


@pytest.fixture
def car() -> Iterator[DemoCar]:
    with DemoCar(name="Rover") as made:
        yield made


def test_it_starts_answers_and_leaves_a_report(car: DemoCar) -> None:
    assert car.error == ""
    address = car.wait_ready()
    assert car.address == address
    with CarSession() as session:
        session.connect(address)
        until(lambda: session.snapshot().link is Link.LIVE)
        described = session.snapshot().car
        assert described is not None
        assert described.name == "Rover"
        assert described.simulated
        assert {sensor.name for sensor in described.sensors} < set(session.series)
    until(car.report)
    assert car.report()["accepted"] == 0
    assert car.leave() == 0
    car.close()
    car.close()
    assert car.error == ""
    assert car.report()["frames"] > 0, "the last report outlives the car"


def test_a_car_that_cannot_start_says_why() -> None:
    with DemoCar(arguments=("--no-such-option",)) as car:
        with pytest.raises(DemoCarError, match="did not start") as caught:
            car.wait_ready()
        assert "no-such-option" in str(caught.value)
        assert "exit code 2" in car.error
        assert car.address is None


def test_a_car_that_takes_too_long_is_said() -> None:
    with DemoCar(start_limit=0.0) as car:
        assert "not ready within 0 s" in car.error
        with pytest.raises(DemoCarError, match="not ready within"):
            car.wait_ready()


def test_waiting_ends_when_the_car_is_closed() -> None:
    car = DemoCar()
    caught: list[str] = []

    def wait() -> None:
        try:
            car.wait_ready()
        except DemoCarError as error:
            caught.append(str(error))

    waiter = threading.Thread(target=wait)
    waiter.start()
    car.close()
    waiter.join()
    assert is_gone(car.pid)


def test_a_killed_car_is_lost(car: DemoCar) -> None:
    with CarSession() as session:
        session.connect(car.wait_ready())
        until(lambda: session.snapshot().link is Link.LIVE)
        car.kill()
        until(lambda: session.snapshot().link in (Link.LOST, Link.RECONNECTING))
        snapshot = session.snapshot()
        assert snapshot.lost_since is not None
        assert "The car stops by itself" in snapshot.error
        until(lambda: car.error)
        assert "ended by itself" in car.error


@pytest.mark.skipif(sys.platform == "win32", reason="pauses a process by a signal of POSIX")
def test_a_car_that_hangs_is_stale_then_lost_then_live_again(car: DemoCar) -> None:
    with CarSession() as session:
        session.connect(car.wait_ready())
        until(lambda: session.snapshot().link is Link.LIVE)
        os.kill(car.pid, signal.SIGSTOP)
        try:
            until(lambda: session.snapshot().link is Link.STALE)
            until(lambda: session.snapshot().link in (Link.LOST, Link.RECONNECTING))
        finally:
            os.kill(car.pid, signal.SIGCONT)
        until(lambda: session.snapshot().link is Link.LIVE)


@pytest.mark.skipif(sys.platform == "win32", reason="kills a process by a signal of POSIX")
def test_the_car_leaves_when_its_app_is_killed() -> None:
    code = (
        "import time; from rcapp.core.demo_car import DemoCar; car = DemoCar()\n"
        "car.wait_ready(); print(car.pid, flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as app:
        assert app.stdout is not None
        pid = int(app.stdout.readline())
        assert not is_gone(pid)
        app.kill()
        app.wait()
        until(lambda: is_gone(pid))


def test_its_recordings_nearly_fill_its_small_disk(car: DemoCar) -> None:
    with Controller() as controller:
        remote = controller.connect(car.wait_ready(), timeout=10)
        roots = {row["name"]: row for row in remote.files.roots()}
        assert set(roots) == {"recordings", "exchange"}
        assert all(row["write"] for row in roots.values())
        usage = remote.files.usage("recordings")
        assert usage.capacity == 32_000_000
        policy = Policy.from_dict(remote.call("backup_policy", "recordings"))
        with tempfile.TemporaryDirectory() as laptop:
            until(lambda: remote.files.usage("recordings").share > policy.high)
            # However full the disk is that the tests run on.
            policy = replace(policy, floor_bytes=0, floor_share=0.0)
            plan = Backup(remote, "recordings", laptop, policy).plan()
    assert plan.status is Status.READY
    assert {step.unit.group for step in plan.steps} == {True, False}
    assert {"protected", "newest"} <= {skip.code for skip in plan.skipped}


def test_its_recordings_are_the_same_each_time(tmp_path: Path) -> None:
    now = 1_800_000_000.0
    for name in ("one", "other"):
        write_demo_files(tmp_path / name, now)
    one, other = (
        {
            path.relative_to(tmp_path / name): (path.stat().st_mtime, path.read_bytes())
            for path in (tmp_path / name).rglob("*.*")
        }
        for name in ("one", "other")
    )
    assert one == other
    assert sum(len(data) for _, data in one.values()) < 30_000_000
    assert all(now - 60 * 86400 < mtime < now - 86400 for mtime, _ in one.values())
    picture = next(data for path, (_, data) in one.items() if path.suffix == ".png")
    decoded = cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_COLOR)
    assert decoded.shape == (270, 576, 3)
