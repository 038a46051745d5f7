from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from pynet.errors import ConnectionLost
from rcapp.core.files.folders import CarFolders, LocalFolders
from rcapp.core.files.listing import SIZE, Order
from rcapp.core.files.pane import Pane, PaneState
from tests.rcapp.files.local_engine import LocalEngine
from tests.rcapp.files.scene import write
from tests.rcapp.files.waiting import Woken


@pytest.fixture
def woken() -> Woken:
    return Woken()


@pytest.fixture
def pane(woken: Woken) -> Iterator[Pane]:
    made = Pane("rcapp-test-pane", woken)
    yield made
    made.close()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    home = tmp_path / "home"
    write(home / "b.txt", 20)
    write(home / "a.txt", 10)
    write(home / "photos" / "one.jpg", 100)
    write(home / "photos" / "two.jpg", 200)
    return home


def names(pane: Pane) -> list[str]:
    return [entry.name for entry in pane.view.shown.rows]


def ready(pane: Pane) -> bool:
    return pane.view.state is PaneState.READY and not pane.view.opening


def test_without_folders_there_is_no_car(pane: Pane) -> None:
    assert pane.view.state is PaneState.NO_CAR
    pane.open("anything")
    pane.refresh()
    pane.up()
    assert pane.view.state is PaneState.NO_CAR


def test_a_folder_is_listed_and_its_folders_are_counted(
    pane: Pane, woken: Woken, home: Path
) -> None:
    pane.use(LocalFolders(str(home)))
    woken.until(lambda: ready(pane))
    assert names(pane) == ["photos", "a.txt", "b.txt"]
    woken.until(lambda: pane.view.shown.rows[0].size == 300)
    assert pane.view.shown.rows[0].files == 2
    assert pane.view.writable


def test_into_a_folder_and_up_again(pane: Pane, woken: Woken, home: Path) -> None:
    pane.use(LocalFolders(str(home)))
    woken.until(lambda: ready(pane))
    pane.open(str(home / "photos"))
    assert pane.view.crumbs[-1] == ("photos", str(home / "photos"))
    woken.until(lambda: names(pane) == ["one.jpg", "two.jpg"])
    pane.up()
    woken.until(lambda: "photos" in names(pane))
    assert pane.view.folder == str(home)


def test_of_several_wishes_the_newest_counts(pane: Pane, woken: Woken, home: Path) -> None:
    pane.use(LocalFolders(str(home)))
    for _ in range(20):
        pane.open(str(home / "photos"))
        pane.open(str(home))
    woken.until(lambda: ready(pane) and pane.view.folder == str(home))
    assert "photos" in names(pane)


def test_filter_and_order(pane: Pane, woken: Woken, home: Path) -> None:
    pane.use(LocalFolders(str(home)))
    pane.set_order(Order(SIZE, True))
    woken.until(lambda: names(pane) == ["photos", "b.txt", "a.txt"])
    pane.set_filter("a*")
    woken.until(lambda: names(pane) == ["a.txt"])
    assert pane.view.shown.total == 3
    pane.set_filter("")
    woken.until(lambda: len(names(pane)) == 3)


def test_hidden_files_are_shown_on_demand(pane: Pane, woken: Woken, home: Path) -> None:
    write(home / ".secret", 1)
    pane.use(LocalFolders(str(home)))
    woken.until(lambda: ready(pane))
    assert ".secret" not in names(pane)
    pane.show_hidden(True)
    woken.until(lambda: ".secret" in names(pane))


def test_a_change_of_the_folder_is_seen(pane: Pane, woken: Woken, home: Path) -> None:
    pane.use(LocalFolders(str(home)))
    woken.until(lambda: ready(pane) and pane.view.shown.rows[0].size == 300)
    write(home / "c.txt", 5)
    os.utime(home, (1, 1))  # a file system that notes times coarsely must not hide it
    pane.tend(1e9)
    woken.until(lambda: "c.txt" in names(pane))
    assert pane.view.shown.rows[0].size == 300, "what was counted stays while it is counted again"


def test_a_folder_that_is_gone_is_explained(pane: Pane, woken: Woken, home: Path) -> None:
    pane.use(LocalFolders(str(home)))
    woken.until(lambda: ready(pane))
    pane.open(str(home / "nowhere"))
    woken.until(lambda: pane.view.state is PaneState.ERROR)
    assert "not there any more" in pane.view.error
    write(home / "nowhere" / "x", 1)
    pane.refresh()
    woken.until(lambda: names(pane) == ["x"])


def test_the_car_lists_its_shares(pane: Pane, woken: Woken, tmp_path: Path) -> None:
    write(tmp_path / "car" / "recordings" / "2026-11" / "a.mcap", 10)
    write(tmp_path / "car" / "maps" / "b.png", 10)
    car = LocalEngine(tmp_path / "car", read_only=("maps",))
    pane.use(CarFolders(car))
    woken.until(lambda: names(pane) == ["maps", "recordings"])
    assert pane.view.parent is None
    assert not pane.view.writable
    pane.open("recordings")
    woken.until(lambda: names(pane) == ["2026-11"] and pane.view.shown.rows[0].files == 1)
    assert pane.view.crumbs == (("Shared folders", ""), ("recordings", "recordings"))
    assert pane.view.writable
    pane.open("maps")
    woken.until(lambda: names(pane) == ["b.png"])
    assert not pane.view.writable


def test_a_lone_share_is_the_top(pane: Pane, woken: Woken, tmp_path: Path) -> None:
    write(tmp_path / "car" / "recordings" / "2026-11" / "a.mcap", 10)
    pane.use(CarFolders(LocalEngine(tmp_path / "car")))
    woken.until(lambda: names(pane) == ["2026-11"])
    assert pane.view.crumbs == (("recordings", "recordings"),)
    assert pane.view.parent is None


def test_nothing_waits_for_a_silent_car(pane: Pane, woken: Woken, tmp_path: Path) -> None:
    write(tmp_path / "car" / "recordings" / "a.mcap", 10)
    car = LocalEngine(tmp_path / "car")
    car.held.clear()
    pane.use(CarFolders(car))
    pane.open("recordings")
    assert pane.view.state is PaneState.LOADING
    pane.set_filter("*.mcap")
    car.held.set()
    woken.until(lambda: names(pane) == ["a.mcap"])


def test_a_lost_car_is_explained(pane: Pane, woken: Woken, tmp_path: Path) -> None:
    write(tmp_path / "car" / "recordings" / "a.mcap", 10)
    car = LocalEngine(tmp_path / "car")
    car.failures["look"] = ConnectionLost("gone")
    pane.use(CarFolders(car))
    woken.until(lambda: pane.view.state is PaneState.ERROR)
    assert "does not answer" in pane.view.error
    pane.refresh()
    woken.until(lambda: names(pane) == ["a.mcap"])


def test_another_car_takes_the_place(pane: Pane, woken: Woken, tmp_path: Path) -> None:
    write(tmp_path / "one" / "recordings" / "a.mcap", 10)
    write(tmp_path / "two" / "recordings" / "b.mcap", 10)
    pane.use(CarFolders(LocalEngine(tmp_path / "one")))
    pane.use(CarFolders(LocalEngine(tmp_path / "two")))
    woken.until(lambda: names(pane) == ["b.mcap"])
    pane.use(None)
    assert pane.view.state is PaneState.NO_CAR
    assert names(pane) == []
