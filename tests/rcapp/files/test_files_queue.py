from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pynet.errors import ConnectionLost, NoSpace
from rcapp.core.files.jobs import JobView, Kind, Order
from rcapp.core.files.queue import TransferQueue
from tests.rcapp.files.local_engine import LocalEngine
from tests.rcapp.files.scene import write
from tests.rcapp.files.waiting import Woken

SIZE = 10 * 64 * 1024


@pytest.fixture
def woken() -> Woken:
    return Woken()


@pytest.fixture
def queue(woken: Woken) -> Iterator[TransferQueue]:
    made = TransferQueue(woken)
    yield made
    made.close()


@pytest.fixture
def car(tmp_path: Path) -> Iterator[LocalEngine]:
    for name in "abc":
        write(tmp_path / "car" / "recordings" / f"{name}.mcap", SIZE, 3)
    made = LocalEngine(tmp_path / "car")
    yield made
    made.close()


@pytest.fixture
def laptop(tmp_path: Path) -> Path:
    folder = tmp_path / "laptop"
    folder.mkdir()
    return folder


def fetch(name: str, to: Path) -> Order:
    return Order(
        Kind.GET,
        name,
        lambda engine: engine.get([f"recordings/{name}.mcap"], str(to)),
        "ROVER-1",
        "Rover-1",
        1,
        SIZE,
    )


def job(queue: TransferQueue, number: int) -> JobView:
    return next(one for one in queue.view().jobs if one.id == number)


def test_a_job_waits_for_its_car_and_is_done(
    queue: TransferQueue, woken: Woken, car: LocalEngine, laptop: Path
) -> None:
    number = queue.add(fetch("a", laptop))
    assert job(queue, number).sentence() == "waits for Rover-1"
    queue.use(car)
    woken.until(lambda: job(queue, number).over)
    done = job(queue, number)
    assert done.state == "done"
    assert done.fraction == 1.0
    assert done.sentence() == "done · BLAKE3 verified"
    assert (laptop / "a.mcap").stat().st_size == SIZE
    assert [one.id for one in queue.take_news()] == [number]
    assert queue.take_news() == []


def test_a_job_for_another_car_waits(
    queue: TransferQueue, woken: Woken, car: LocalEngine, laptop: Path, tmp_path: Path
) -> None:
    write(tmp_path / "other" / "recordings" / "x", 1)
    queue.use(LocalEngine(tmp_path / "other", car_id="OTHER", car_name="Other"))
    number = queue.add(fetch("a", laptop))
    assert job(queue, number).absent
    assert queue.view().headline() == "waits for Rover-1 · 1 job"
    queue.use(car)
    woken.until(lambda: job(queue, number).over)


def test_one_after_the_other(
    queue: TransferQueue, woken: Woken, car: LocalEngine, laptop: Path
) -> None:
    car.gate.hold_after(3)
    queue.use(car)
    first, second = queue.add(fetch("a", laptop)), queue.add(fetch("b", laptop))
    woken.until(lambda: job(queue, first).progress.bytes == 3 * 64 * 1024)
    assert job(queue, second).state == "waiting"
    running = job(queue, first)
    assert running.amount() == "0.2 of 0.7 MB" or "of" in running.amount()
    assert 0 < running.fraction < 1
    assert len(running.progress.lanes) == 4
    assert queue.view().headline().startswith("4 pairs · ")
    eta = queue.view().eta()
    assert eta is not None
    assert eta > 0
    car.gate.open()
    woken.until(lambda: job(queue, second).over)
    # Newest first, so that what has just ended is where one looks.
    assert [one.id for one in queue.view().jobs] == [second, first]


def test_pause_and_resume(
    queue: TransferQueue, woken: Woken, car: LocalEngine, laptop: Path
) -> None:
    car.gate.hold_after(2)
    queue.use(car)
    number = queue.add(fetch("a", laptop))
    woken.until(lambda: car.gate.passed >= 2)
    queue.pause(number)
    woken.until(lambda: job(queue, number).state == "paused")
    assert job(queue, number).actions() == ("resume", "cancel")
    assert queue.view().headline() == "paused"
    car.gate.open()
    queue.resume(number)
    woken.until(lambda: job(queue, number).state == "done")


def test_cancel_ends_what_runs_and_what_waits(
    queue: TransferQueue, woken: Woken, car: LocalEngine, laptop: Path
) -> None:
    car.gate.hold_after(2)
    queue.use(car)
    first, second = queue.add(fetch("a", laptop)), queue.add(fetch("b", laptop))
    woken.until(lambda: car.gate.passed >= 2)
    queue.cancel(second)
    assert job(queue, second).state == "cancelled"
    queue.cancel(first)
    woken.until(lambda: job(queue, first).state == "cancelled")
    assert list(laptop.iterdir()) == []
    assert queue.view().finished == 2
    queue.clear_finished()
    assert queue.view().jobs == ()


def test_what_waits_can_be_put_in_another_order(queue: TransferQueue, laptop: Path) -> None:
    a, b, c = (queue.add(fetch(name, laptop)) for name in "abc")
    assert job(queue, a).actions() == ("down", "cancel")
    assert job(queue, b).actions() == ("up", "down", "cancel")
    assert job(queue, c).actions() == ("up", "cancel")
    queue.move(c, -1)
    assert [one.id for one in queue.view().jobs] == [a, c, b]
    queue.move(a, 1)
    assert [one.id for one in queue.view().jobs] == [c, a, b]
    queue.move(c, -1)
    queue.move(99, 1)
    assert [one.id for one in queue.view().jobs] == [c, a, b]


def test_what_failed_says_why_and_can_be_tried_again(
    queue: TransferQueue, woken: Woken, car: LocalEngine, laptop: Path
) -> None:
    car.failures["transfer"] = NoSpace("This laptop has no room. Free some, and try again.")
    queue.use(car)
    number = queue.add(fetch("a", laptop))
    woken.until(lambda: job(queue, number).state == "failed")
    assert job(queue, number).sentence() == "This laptop has no room. Free some, and try again."
    assert job(queue, number).actions() == ("retry", "remove")
    assert queue.take_news()[0].news()[0] == "bad"
    queue.retry(number)
    woken.until(lambda: job(queue, number).state == "done")
    queue.remove(number)
    assert queue.view().jobs == ()


def test_a_lost_car_puts_its_job_back(
    queue: TransferQueue, woken: Woken, car: LocalEngine, laptop: Path
) -> None:
    car.failures["transfer"] = ConnectionLost("gone")
    queue.use(car)
    number = queue.add(fetch("a", laptop))
    woken.until(lambda: job(queue, number).absent)
    assert job(queue, number).state == "waiting"
    assert queue.take_news() == []
    queue.use(car)
    woken.until(lambda: job(queue, number).state == "done")


def test_what_cannot_begin_is_explained(
    queue: TransferQueue, woken: Woken, car: LocalEngine, laptop: Path
) -> None:
    car.failures["get"] = PermissionError(13, "Permission denied")
    queue.use(car)
    number = queue.add(fetch("a", laptop))
    woken.until(lambda: job(queue, number).state == "failed")
    assert "not yours to read" in job(queue, number).error


def test_closing_ends_what_runs(woken: Woken, car: LocalEngine, laptop: Path) -> None:
    car.gate.hold_after(2)
    with TransferQueue(woken) as queue:
        queue.use(car)
        queue.add(fetch("a", laptop))
        woken.until(lambda: car.gate.passed >= 2)
    assert list(laptop.iterdir()) == []
    queue.close()


def test_two_at_once(woken: Woken, car: LocalEngine, laptop: Path) -> None:
    car.gate.hold_after(0)
    with TransferQueue(woken, at_once=2) as queue:
        queue.use(car)
        numbers = [queue.add(fetch(name, laptop)) for name in "abc"]
        woken.until(lambda: sum(job(queue, n).state == "running" for n in numbers) == 2)
        assert job(queue, numbers[2]).state == "waiting"
        car.gate.open()
        woken.until(lambda: all(job(queue, n).over for n in numbers))


def test_only_the_newest_ended_jobs_are_kept(queue: TransferQueue, laptop: Path) -> None:
    numbers = [queue.add(fetch("a", laptop)) for _ in range(60)]
    for number in numbers:
        queue.cancel(number)
    assert [one.id for one in queue.view().jobs] == numbers[:9:-1]
