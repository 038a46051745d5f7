"""Both sides, the queue and the backup's desk together, over two real folders."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from pynet.errors import Forbidden
from pynet.files.info import Usage
from rcapp.core.files.desk_view import StayGroup, grouped_stays
from rcapp.core.files.engine import Plan, Stay
from rcapp.core.files.jobs import Kind
from rcapp.core.files.policy import BackupPolicy
from rcapp.core.files.station import FileStation
from tests.rcapp.files.local_engine import LocalEngine
from tests.rcapp.files.scene import write
from tests.rcapp.files.waiting import Woken

KB = 1000


@pytest.fixture
def woken() -> Woken:
    return Woken()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("USERPROFILE", str(home))
    return home


@pytest.fixture
def car(tmp_path: Path) -> LocalEngine:
    """80 % full with eight files, one of them young."""
    for number in range(7):
        write(tmp_path / "car" / "recordings" / f"{number}.mcap", 100 * KB, 30 - number)
    write(tmp_path / "car" / "recordings" / "young.mcap", 100 * KB)
    return LocalEngine(tmp_path / "car", capacity=1000 * KB)


@pytest.fixture
def station(woken: Woken, tmp_path: Path, home: Path) -> Iterator[FileStation]:
    made = FileStation(woken, tmp_path / "kept")
    yield made
    made.close()


@pytest.fixture
def joined(station: FileStation, car: LocalEngine, woken: Woken) -> FileStation:
    station.use(car)
    woken.until(lambda: station.desk.view.policy.destination)
    station.tend(0.0, seen=True)
    woken.until(lambda: station.car.view.shown.rows)
    woken.until(lambda: station.desk.view.plan is not None)
    woken.until(lambda: station.desk.view.storage.usage is not None)
    return station


def settle(station: FileStation, woken: Woken) -> None:
    """Until every job is over and what it changed is known."""
    woken.until(lambda: not station.queue.view().open)
    station.take_news()
    woken.until(lambda: not station.desk.view.planning)


def test_a_car_fills_both_sides(joined: FileStation, home: Path) -> None:
    desk = joined.desk.view
    assert desk.car_name == "Rover-1"
    assert desk.storage.usage == Usage(800 * KB, 200 * KB)
    assert desk.policy.destination == str(home / "Car backup")
    assert joined.laptop.view.folder in ("", str(home))


def test_copying_to_the_laptop(joined: FileStation, woken: Woken, home: Path) -> None:
    woken.until(lambda: joined.laptop.view.folder)
    rows = joined.car.view.shown.rows[:2]
    number = joined.copy_to_laptop(rows)
    settle(joined, woken)
    job = joined.queue.view().jobs[0]
    assert (job.id, job.state, job.order.title) == (number, "done", "0.mcap and 1 more")
    assert (home / "0.mcap").read_bytes() == (
        joined.engine.folder / "recordings/0.mcap"
    ).read_bytes()  # type: ignore[union-attr]
    woken.until(lambda: "0.mcap" in joined.laptop.view.shown.rows_of)


def test_copying_to_the_car(joined: FileStation, woken: Woken, home: Path) -> None:
    woken.until(lambda: joined.laptop.view.folder)
    write(home / "map.png", 10 * KB)
    joined.copy_to_car([str(home / "map.png")])
    settle(joined, woken)
    woken.until(lambda: "map.png" in joined.car.view.shown.rows_of)
    # Whatever is put there, the backup thinks anew.
    woken.until(lambda: joined.desk.view.plan.usage.used == 810 * KB)  # type: ignore[union-attr]


def test_a_car_that_nobody_looks_at_is_left_alone(
    station: FileStation, woken: Woken, car: LocalEngine
) -> None:
    station.use(car)
    woken.until(lambda: station.desk.view.policy.destination)
    for second in range(9):
        station.tend(float(second), seen=False)
    assert car.calls == []
    station.tend(10.0, seen=False)
    woken.until(lambda: station.desk.view.storage.usage)
    assert set(car.calls) == {"roots", "suggestion"}
    # It is full, which a person should know wherever they look.
    assert station.desk.take_notes() == [
        ("warn", "Rover-1 is 80.0 % full: Files shows which files the backup would move")
    ]
    station.tend(11.0, seen=True)
    woken.until(lambda: station.car.view.shown.rows and station.desk.view.plan)


def test_a_plan_that_is_read_does_not_change(
    joined: FileStation, woken: Woken, car: LocalEngine
) -> None:
    plan = joined.desk.view.plan
    joined.tend(1000.0, seen=True, reading=True)
    assert not joined.desk.view.planning
    joined.tend(1000.0, seen=True)
    woken.until(lambda: not joined.desk.view.planning)
    assert joined.desk.view.plan is not plan


def test_without_a_car_nothing_is_copied(station: FileStation) -> None:
    assert station.copy_to_car(["/tmp/x"]) is None
    assert station.copy_to_laptop([]) is None
    assert station.copy_from_laptop([]) is None


def test_the_plan_takes_the_oldest_and_just_enough(joined: FileStation) -> None:
    plan = joined.desk.view.plan
    assert plan is not None
    assert [row.name for row in plan.rows] == [f"recordings/{n}.mcap" for n in range(6)]
    assert plan.end_share == pytest.approx(0.2)
    assert plan.reaches
    assert joined.desk.view.stays == (
        StayGroup("young", "changed moments ago", 1, 100 * KB, ("recordings/young.mcap",)),
    )


def test_the_first_run_is_a_rehearsal(joined: FileStation, woken: Woken, car: LocalEngine) -> None:
    desk = joined.desk
    assert not desk.view.may_run
    desk.agree_and_run()
    assert joined.queue.view().jobs == (), "nothing moves before a rehearsal"
    desk.rehearse()
    settle(joined, woken)
    assert desk.view.may_run
    assert not desk.view.agreed
    assert len(list((car.folder / "recordings").iterdir())) == 8


def rehearsed(station: FileStation, woken: Woken) -> None:
    station.desk.rehearse()
    settle(station, woken)


def test_a_run_moves_what_was_planned(
    joined: FileStation, woken: Woken, car: LocalEngine, home: Path, tmp_path: Path
) -> None:
    rehearsed(joined, woken)
    joined.desk.agree_and_run()
    settle(joined, woken)
    left = sorted(path.name for path in (car.folder / "recordings").iterdir())
    assert left == ["6.mcap", "young.mcap"]
    moved = home / "Car backup" / "recordings"
    assert sorted(path.name for path in moved.iterdir()) == [f"{n}.mcap" for n in range(6)]
    job = joined.queue.view().jobs[0]
    assert job.order.kind is Kind.MOVE
    assert "6 removed" in job.sentence()
    woken.until(lambda: joined.desk.view.plan is not None and not joined.desk.view.plan.needed)
    woken.until(lambda: joined.desk.view.history)
    assert "ROVER-1.toml" in [path.name for path in (tmp_path / "kept").iterdir()]


def test_the_consent_is_remembered(
    joined: FileStation, woken: Woken, car: LocalEngine, tmp_path: Path
) -> None:
    rehearsed(joined, woken)
    joined.desk.agree_and_run()
    settle(joined, woken)
    joined.close()
    with FileStation(woken, tmp_path / "kept") as again:
        car.closed = False
        again.use(car)
        woken.until(lambda: again.desk.view.policy.destination)
        again.tend(0.0, seen=True)
        woken.until(lambda: again.desk.view.agreed)


def test_history_and_restore(joined: FileStation, woken: Woken, car: LocalEngine) -> None:
    rehearsed(joined, woken)
    joined.desk.agree_and_run()
    settle(joined, woken)
    woken.until(lambda: joined.desk.view.history)
    past = joined.desk.view.history[0]  # type: ignore[index]
    assert [file.name for file in past.files] == [f"recordings/{n}.mcap" for n in range(6)]
    assert all(len(file.root) == 64 for file in past.files)
    assert past.bytes == 600 * KB
    joined.desk.restore(past, ["recordings/3.mcap"])
    settle(joined, woken)
    back = car.folder / "recordings" / "3.mcap"
    assert back.stat().st_size == 100 * KB
    joined.desk.restore(past, [])
    settle(joined, woken)
    assert len(list((car.folder / "recordings").iterdir())) == 8


def test_another_policy_is_planned_and_needs_a_rehearsal(
    joined: FileStation, woken: Woken, home: Path
) -> None:
    rehearsed(joined, woken)
    policy = BackupPolicy(low=0.5, destination=str(home / "elsewhere"))
    joined.desk.set_policy(policy)
    assert not joined.desk.view.may_run
    woken.until(lambda: joined.desk.view.plan and len(joined.desk.view.plan.rows) == 3)
    assert joined.desk.view.storage.low == 0.5


def test_the_car_suggests_until_a_person_decides(
    station: FileStation, woken: Woken, car: LocalEngine, home: Path, tmp_path: Path
) -> None:
    car.suggests = {"low": 0.5, "keep_newest": 1, "destination": "/elsewhere", "urgent": 0.9}
    station.use(car)
    woken.until(lambda: station.desk.view.policy.destination)
    station.tend(0.0, seen=True)
    woken.until(lambda: station.desk.view.plan)
    policy = station.desk.view.policy
    assert (policy.low, policy.keep_newest) == (0.5, 1)
    assert policy.destination == str(home / "Car backup"), "where files go is this laptop's matter"
    assert station.desk.view.storage.low == 0.5
    assert not station.desk.view.kept.own
    station.desk.set_policy(BackupPolicy(low=0.4, destination=policy.destination))
    station.close()
    with FileStation(woken, tmp_path / "kept") as again:
        car.closed = False
        again.use(car)
        woken.until(lambda: again.desk.view.policy.destination)
        again.tend(0.0, seen=True)
        woken.until(lambda: again.desk.view.plan)
        assert again.desk.view.policy.low == 0.4


def test_a_suggestion_that_cannot_be_is_left_out(
    station: FileStation, woken: Woken, car: LocalEngine
) -> None:
    car.suggests = {"low": 0.9, "high": 0.5}
    station.use(car)
    woken.until(lambda: station.desk.view.policy.destination)
    station.tend(0.0, seen=True)
    woken.until(lambda: station.desk.view.plan)
    assert station.desk.view.policy.low == 0.25


def test_a_plan_by_rules_that_have_changed_is_not_shown(
    joined: FileStation, woken: Woken, car: LocalEngine, home: Path
) -> None:
    begun, go_on = threading.Event(), threading.Event()
    scan = car.plan

    def slow(policy: BackupPolicy) -> Plan:
        begun.set()
        go_on.wait()
        return scan(policy)

    car.plan = slow  # type: ignore[method-assign]
    joined.desk.make_plan()
    begun.wait()
    joined.desk.set_policy(BackupPolicy(low=0.5, destination=str(home / "elsewhere")))
    go_on.set()
    woken.until(lambda: not joined.desk.view.planning)
    assert joined.desk.view.plan is not None
    assert len(joined.desk.view.plan.rows) == 3


def test_a_car_that_shows_its_files_to_others_only(
    station: FileStation, woken: Woken, car: LocalEngine
) -> None:
    car.failures["plan"] = Forbidden("no")
    station.use(car)
    woken.until(lambda: station.desk.view.policy.destination)
    station.tend(0.0, seen=True)
    woken.until(lambda: station.desk.view.plan_error)
    assert "owners only" in station.desk.view.plan_error
    station.desk.make_plan()
    woken.until(lambda: station.desk.view.plan)
    assert station.desk.view.plan_error == ""


def test_how_full_it_is_does_not_wait_for_a_long_scan(
    station: FileStation, woken: Woken, car: LocalEngine
) -> None:
    begun, go_on = threading.Event(), threading.Event()
    scan = car.plan

    def slow(policy: BackupPolicy) -> Plan:
        begun.set()
        go_on.wait()
        return scan(policy)

    car.plan = slow  # type: ignore[method-assign]
    station.use(car)
    woken.until(lambda: station.desk.view.policy.destination)
    station.tend(0.0, seen=True)
    begun.wait()
    woken.until(lambda: station.desk.view.storage.usage)
    assert station.desk.view.planning
    go_on.set()
    woken.until(lambda: station.desk.view.plan)


def test_the_same_car_over_another_connection_keeps_its_place(
    joined: FileStation, woken: Woken, car: LocalEngine, tmp_path: Path
) -> None:
    write(car.folder / "recordings" / "2026-11" / "x", 1)
    joined.car.open("recordings/2026-11")
    woken.until(lambda: joined.car.view.folder == "recordings/2026-11")
    plan = joined.desk.view.plan
    again = LocalEngine(tmp_path / "car", capacity=1000 * KB)
    joined.use(again)
    joined.tend(1.0, seen=True)
    woken.until(lambda: joined.car.view.shown.rows and not joined.car.view.opening)
    assert joined.car.view.folder == "recordings/2026-11"
    assert joined.desk.view.plan is plan
    woken.until(lambda: car.closed)


def test_leaving_the_car(joined: FileStation, woken: Woken, car: LocalEngine) -> None:
    joined.use(None)
    assert joined.desk.view.car_id == ""
    woken.until(lambda: car.closed)


def test_reasons_are_grouped_by_what_they_keep() -> None:
    stays = (
        Stay("a", 5, 0.0, "young", "changed moments ago"),
        Stay("b", 100, 0.0, "protected", "protected by your list"),
        Stay("c", 7, 0.0, "young", "changed moments ago"),
    )
    plan = Plan((), stays, Usage(1, 1), 0.0, True, True)
    assert [(g.code, g.files, g.bytes, g.names) for g in grouped_stays(plan)] == [
        ("protected", 1, 100, ("b",)),
        ("young", 2, 12, ("c", "a")),
    ]
