"""The Files tab's core over a real Gateway and its file process."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from pynet import Controller, Gateway, RemoteGateway
from pynet.errors import FilesError
from rcapp.core.files.pane import PaneState
from rcapp.core.files.policy import BackupPolicy
from rcapp.core.files.pynet_engine import PynetEngine
from rcapp.core.files.station import FileStation
from tests.rcapp.files.scene import write
from tests.rcapp.files.waiting import Woken

KB = 1000


@pytest.fixture
def there(tmp_path: Path) -> Path:
    """The folder that the car shares."""
    folder = tmp_path / "there"
    for number in range(3):
        write(folder / "2026-11" / f"{number}.mcap", 300 * KB, 30 - number)
    write(folder / "2026-11" / "young.mcap", 10 * KB)
    write(folder / "what?.txt", 5, 1)
    return folder


@pytest.fixture
def gateway(there: Path) -> Iterator[Gateway]:
    with Gateway(port=0, name="Rover-1", heartbeat=0.1) as made:
        yield made


@pytest.fixture
def car(gateway: Gateway) -> Iterator[RemoteGateway]:
    with Controller(name="desk", heartbeat=0.1) as controller:
        yield controller.connect(gateway.address, timeout=5)


@pytest.fixture
def engine(gateway: Gateway, there: Path, car: RemoteGateway) -> PynetEngine:
    gateway.share("recordings", there, write=True)
    return PynetEngine(car, "ROVER-1", "Rover-1")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("USERPROFILE", str(home))
    return home


@pytest.fixture
def woken() -> Woken:
    return Woken()


@pytest.fixture
def station(woken: Woken, tmp_path: Path, home: Path, engine: PynetEngine) -> Iterator[FileStation]:
    with FileStation(woken, tmp_path / "kept") as made:
        made.use(engine)
        made.begin(str(home))
        woken.until(lambda: made.desk.view.policy.destination)
        made.tend(0.0, seen=True)
        woken.until(lambda: made.car.view.state is PaneState.READY)
        woken.until(lambda: made.desk.view.policy.destination and made.laptop.view.folder)
        yield made


def settle(station: FileStation, woken: Woken) -> None:
    woken.until(lambda: not station.queue.view().open)
    station.take_news()
    woken.until(lambda: not station.desk.view.planning)


def everything_goes(destination: Path) -> BackupPolicy:
    """This computer's disk is fuller than that, so all that is old moves."""
    return BackupPolicy(
        high=0.05, low=0.01, destination=str(destination), floor_share=0.0, floor_bytes=0
    )


def test_a_car_without_shares(car: RemoteGateway) -> None:
    assert PynetEngine(car, "X", "X").roots() == []


def test_looking_around(engine: PynetEngine, station: FileStation, woken: Woken) -> None:
    (root,) = engine.roots()
    assert (root.name, root.writable) == ("recordings", True)
    assert root.usage.capacity > 0
    rows = station.car.view.shown.rows
    assert [row.name for row in rows] == ["2026-11", "what?.txt"]
    woken.until(lambda: station.car.view.shown.rows[0].files == 4)
    assert station.car.view.shown.rows[0].size == 910 * KB
    assert station.car.view.writable


def test_copying_both_ways(station: FileStation, woken: Woken, home: Path, there: Path) -> None:
    station.copy_to_laptop(station.car.view.shown.rows)
    settle(station, woken)
    job = station.queue.view().jobs[0]
    assert job.state == "done", job.error
    assert job.report is not None
    assert (job.report.files, job.report.bytes) == (5, 910 * KB + 5)
    assert (home / "2026-11" / "0.mcap").read_bytes() == (there / "2026-11/0.mcap").read_bytes()
    assert (home / "what?.txt").exists(), "a name is no pattern"
    write(home / "maps [new]" / "a.png", 7)
    station.copy_to_car([str(home / "maps [new]")], into="recordings/maps")
    settle(station, woken)
    assert (there / "maps" / "maps [new]" / "a.png").stat().st_size == 7


def test_the_backup_from_plan_to_restore(
    station: FileStation, woken: Woken, there: Path, home: Path
) -> None:
    station.desk.set_policy(everything_goes(home / "Car backup"))
    woken.until(lambda: station.desk.view.plan or station.desk.view.plan_error)
    plan = station.desk.view.plan
    assert plan is not None, station.desk.view.plan_error
    assert [row.name for row in plan.rows] == [
        *(f"recordings/2026-11/{number}.mcap" for number in range(3)),
        "recordings/what?.txt",
    ]
    assert not plan.reaches
    assert plan.needed
    assert [stay.code for stay in plan.stays] == ["young"]
    assert plan.room is not None
    station.desk.rehearse()
    settle(station, woken)
    assert len(list((there / "2026-11").iterdir())) == 4
    station.desk.agree_and_run()
    settle(station, woken)
    job = station.queue.view().jobs[0]
    assert job.state == "done", job.error
    assert job.report is not None
    assert job.report.removed == 4
    assert "not reached" in job.report.note
    assert [path.name for path in (there / "2026-11").iterdir()] == ["young.mcap"]
    moved = home / "Car backup" / "Rover-1" / "recordings" / "2026-11"
    assert sorted(path.name for path in moved.iterdir()) == ["0.mcap", "1.mcap", "2.mcap"]
    woken.until(lambda: station.desk.view.history)
    history = station.desk.view.history
    assert history is not None
    assert history[0].state == "done"
    assert {file.algorithm for file in history[0].files} == {"BLAKE3"}
    station.desk.restore(history[0], ["recordings/2026-11/1.mcap", "recordings/2026-11/2.mcap"])
    settle(station, woken)
    back = sorted(path.name for path in (there / "2026-11").iterdir())
    assert back == ["1.mcap", "2.mcap", "young.mcap"]
    station.desk.restore(history[0], [])
    settle(station, woken)
    assert (there / "2026-11" / "0.mcap").stat().st_size == 300 * KB


def test_a_share_for_reading_only_has_no_backup(
    gateway: Gateway, car: RemoteGateway, tmp_path: Path, woken: Woken, home: Path
) -> None:
    (tmp_path / "maps").mkdir()
    gateway.share("maps", tmp_path / "maps")
    with FileStation(woken, tmp_path / "kept") as station:
        station.use(PynetEngine(car, "ROVER-1", "Rover-1"))
        woken.until(lambda: station.desk.view.policy.destination)
        station.tend(0.0, seen=True)
        woken.until(lambda: station.desk.view.plan_error)
        assert "no folder for writing" in station.desk.view.plan_error


def test_names_that_are_no_text(
    station: FileStation, woken: Woken, there: Path, home: Path
) -> None:
    raw = os.fsencode(there) + b"/no\xff\xfeutf8"
    with open(raw, "wb") as file:
        file.write(b"raw")
    station.car.refresh()
    woken.until(lambda: any("utf8" in row.name for row in station.car.view.shown.rows))
    row = next(row for row in station.car.view.shown.rows if "utf8" in row.name)
    station.copy_to_laptop([row])
    settle(station, woken)
    job = station.queue.view().jobs[0]
    assert job.state == "done", job.error
    assert os.path.exists(os.fsencode(home) + b"/no\xff\xfeutf8")


def test_an_error_of_the_car_is_raised(engine: PynetEngine, home: Path) -> None:
    with pytest.raises(FilesError):
        engine.restore(BackupPolicy(root="recordings", destination=str(home)), "", ["x/y"]).report()


def test_a_backup_goes_on_over_another_connection_to_the_same_car(
    station: FileStation,
    woken: Woken,
    home: Path,
    there: Path,
    gateway: Gateway,
    car: RemoteGateway,
) -> None:
    """The app connects anew when a car was away; nobody cancelled what was on its way."""
    desk = station.desk
    desk.set_policy(everything_goes(home / "Car backup"))
    settle(station, woken)
    desk.rehearse()
    settle(station, woken)
    desk.agree_and_run()
    number = desk.view.job
    station.queue.pause(number)
    woken.until(lambda: station.queue.view().jobs[0].state in ("paused", "done"))
    with Controller(name="desk", heartbeat=0.1) as controller:
        again = controller.connect(gateway.address, timeout=5)
        station.use(PynetEngine(again, "ROVER-1", "Rover-1"))
        car.close()
        settle(station, woken)
        job = station.queue.view().jobs[0]
        assert (job.state, job.error) == ("done", "")
        assert not list(there.rglob("[0-9].mcap"))
        assert len(list((home / "Car backup").rglob("[0-9].mcap"))) == 3


def test_a_plan_that_a_lost_car_spoilt_is_made_when_it_is_back(
    station: FileStation, woken: Woken, home: Path, there: Path, gateway: Gateway
) -> None:
    desk = station.desk
    desk.set_policy(everything_goes(home / "Car backup"))
    settle(station, woken)
    port = gateway.port
    gateway.close()
    desk.make_plan()
    woken.until(lambda: desk.view.plan_error)
    assert "goes on by itself" in desk.view.plan_error
    with (
        Gateway(port=port, name="Rover-1", heartbeat=0.1) as back,
        Controller(name="desk", heartbeat=0.1) as controller,
    ):
        back.share("recordings", there, write=True)
        again = controller.connect(back.start().address, timeout=5)
        station.use(PynetEngine(again, "ROVER-1", "Rover-1"))
        station.tend(1.0, seen=True, reading=True)
        woken.until(lambda: desk.view.plan is not None)
        assert desk.view.plan_error == ""
        settle(station, woken)
