"""The list of cars: what announces itself, what was used before, and how each stands."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import pynet
from pynet.trust.peers import Peer, Role
from pynet.trust.store import Trust
from rcapp.core import cars
from rcapp.core.acquaintances import Acquaintances
from rcapp.core.car_finder import CarFinder
from rcapp.core.cars import Answer, Bond, CarEntry, KnownCar, Reach, list_cars, remember

ID = "ABCDEFG-HIJKLMN-OPQRSTU-VWXYZ23-ABCDEFG-HIJKLMN-OPQRSTU-VWXYZ23"


@dataclass(frozen=True)
class Announced:
    name: str
    host: str
    port: int = 1857
    id_prefix: str = ""


def test_ids_are_the_same_from_seven_letters_on() -> None:
    assert cars.same_id(ID, "abcdefg")
    assert cars.same_id("ABCDEFG", ID.replace("-", ""))
    assert not cars.same_id(ID, "ABCDEF")
    assert not cars.same_id("", "")
    assert not cars.same_id(ID, "ABCDEFH")


def test_a_car_that_moved_is_remembered_once() -> None:
    known = remember((), KnownCar("10.0.0.5:1857", "Rover", ID, "driver", 100.0))
    known = remember(known, KnownCar("10.0.0.9:1857"))
    known = remember(known, KnownCar("10.0.0.7:1857", "", ID, "", 200.0))
    assert [car.address for car in known] == ["10.0.0.7:1857", "10.0.0.9:1857"]
    assert known[0] == KnownCar("10.0.0.7:1857", "Rover", ID, "driver", 200.0)
    another = remember(known, KnownCar("10.0.0.7:1857", "Other", "ZZZZZZZ"))
    assert another[0].role == "", "nothing is taken over from another car at the same address"
    assert cars.forget(known, "10.0.0.7:1857") == (KnownCar("10.0.0.9:1857"),)


def test_found_cars_come_first_and_are_joined_with_what_is_known() -> None:
    known = (
        KnownCar("10.0.0.1:1857", "Old name", ID, "driver", 50.0),
        KnownCar("away.local:1857", "Away", "ZZZZZZZ", "owner", 60.0),
        KnownCar("typed.local:1857"),
    )
    found = (
        Announced("Zebra", "10.0.0.3"),
        Announced("Rover", "10.0.0.2", 1900, "ABCDEFG"),
        Announced("", "fe80::1"),
    )
    entries = list_cars(found, known, (ID,), {}, now=1000.0)
    assert [entry.name for entry in entries] == [
        *["[fe80::1]:1857", "Rover", "Zebra", "Away", "typed.local:1857"],
    ]
    rover = entries[1]
    assert rover.address == "10.0.0.2:1900"
    assert (rover.found, rover.remembered, rover.reach) == (True, True, Reach.HERE)
    assert (rover.bond, rover.role, rover.id, rover.seen) == (Bond.PAIRED, "driver", ID, 1000.0)
    assert entries[3].needs_pairing
    assert (entries[3].reach, entries[3].seen) == (Reach.UNKNOWN, 60.0)
    assert entries[4].bond is Bond.UNKNOWN
    assert not entries[4].needs_pairing


def test_what_a_car_says_counts_more_than_what_is_guessed() -> None:
    known = (KnownCar("car:1857", "Car", ID, "driver", 50.0),)

    def one(answer: Answer, *found: Announced) -> CarEntry:
        (entry,) = list_cars(found, known, (ID,), {"car:1857": answer}, now=1000.0)
        return entry

    here = one(Answer(Reach.HERE, Bond.PAIRED, "owner", "Rover", 900.0))
    assert (here.role, here.name, here.seen, here.bond) == ("owner", "Rover", 900.0, Bond.PAIRED)
    revoked = one(Answer(Reach.HERE, Bond.UNPAIRED, at=900.0))
    assert revoked.needs_pairing
    silent = one(Answer(Reach.SILENT, at=900.0))
    assert (silent.reach, silent.bond, silent.seen) == (Reach.SILENT, Bond.PAIRED, 50.0)
    busy = one(Answer(Reach.SILENT, at=900.0), Announced("Car", "car", 1857, "ABCDEFG"))
    assert busy.reach is Reach.HERE, "it announces itself, so it is there"


class Air:
    """What announces itself, in a test's hands."""

    problem = ""

    def __init__(self) -> None:
        self.tell: Callable[[tuple[Any, ...]], None] | None = None
        self.opened, self.closed = threading.Event(), threading.Event()

    def __call__(self, on_change: Callable[[tuple[Any, ...]], None]) -> Air:
        self.tell = on_change
        self.opened.set()
        return self

    def close(self) -> None:
        self.closed.set()


@pytest.fixture
def ours(tmp_path: Path) -> Acquaintances:
    made = Acquaintances(lambda: Trust(tmp_path / "laptop"))
    made.trust()
    return made


@pytest.fixture
def car(tmp_path: Path, ours: Acquaintances) -> Iterator[pynet.Gateway]:
    """A car that knows this computer as a driver."""
    trust = Trust(tmp_path / "car")
    trust.peers.add(Peer("laptop", Role.DRIVER, ours.trust().identity.certificate, 1.0))
    with pynet.Gateway(port=0, name="Rover", trust=trust) as gateway:
        yield gateway


def until(
    finder: CarFinder, true: Callable[[tuple[CarEntry, ...]], object]
) -> tuple[CarEntry, ...]:
    deadline = time.monotonic() + 20
    while True:
        entries = finder.entries()
        if true(entries):
            return entries
        assert time.monotonic() < deadline, entries
        threading.Event().wait(0.02)


def test_cars_are_asked_how_they_stand(
    ours: Acquaintances, car: pynet.Gateway, tmp_path: Path
) -> None:
    address = f"127.0.0.1:{car.port}"
    assert car.trust is not None
    with CarFinder(ours, Air()) as finder:
        finder.look((KnownCar(address, "Rover"), KnownCar("127.0.0.1:9", "Off")))
        until(finder, lambda now: now[0].needs_pairing and now[1].reach is Reach.SILENT)
        ours.trust().peers.add(
            Peer("Rover", Role.NONE, car.trust.identity.certificate, 1.0, granted=Role.DRIVER)
        )
        finder.ask_again()
        ready = until(finder, lambda now: now[0].bond is Bond.PAIRED)[0]
        assert (ready.reach, ready.role, ready.name) == (Reach.HERE, "driver", "Rover")
        assert ready.seen > 0


def test_another_machine_in_a_cars_place_is_noticed(
    ours: Acquaintances, car: pynet.Gateway, tmp_path: Path
) -> None:
    address = f"127.0.0.1:{car.port}"
    real = Trust(tmp_path / "real-car").identity
    ours.trust().peers.add(Peer("Rover", Role.NONE, real.certificate, 1.0, address=address))
    with CarFinder(ours, Air()) as finder:
        finder.look((KnownCar(address, "Rover", real.id, "driver"),))
        changed = until(finder, lambda now: now[0].bond is Bond.CHANGED)[0]
        assert changed.needs_pairing


def test_cars_paired_by_another_program_are_listed(ours: Acquaintances, tmp_path: Path) -> None:
    other = Trust(tmp_path / "other").identity
    ours.trust().peers.add(
        Peer("Club car", Role.NONE, other.certificate, 1.0, Role.OWNER, "club.local:1857")
    )
    with CarFinder(ours, Air()) as finder:
        (entry,) = finder.entries()
        assert (entry.name, entry.address, entry.role) == ("Club car", "club.local:1857", "owner")
        assert entry.bond is Bond.PAIRED
        finder.look((KnownCar("else:1857", "Mine", other.id),))
        assert [one.name for one in finder.entries()] == ["Mine"]


def test_the_radio_is_left_alone_while_nobody_sees_the_list(ours: Acquaintances) -> None:
    air = Air()
    with CarFinder(ours, air) as finder:
        assert finder.silence == ""
        finder.look(())
        assert air.opened.wait(10)
        assert air.tell is not None
        air.tell((Announced("Rover", "10.0.0.2", 1857, "ABCDEFG"),))
        until(finder, lambda now: [one.name for one in now] == ["Rover"])
        finder.rest()
        assert air.closed.wait(10)
        until(finder, lambda now: now == ())
    finder.close()


def test_a_silent_network_is_said_honestly(
    ours: Acquaintances, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rcapp.core.car_finder.SETTLE", 0.0)
    air = Air()
    with CarFinder(ours, air) as finder:
        finder.look(())
        assert "may block multicast" in finder.silence
        assert "type its address" in finder.silence
    air.problem = "zeroconf is not installed."
    with CarFinder(ours, air) as finder:
        finder.look(())
        deadline = time.monotonic() + 10
        while "zeroconf is not installed. Type" not in finder.silence:
            assert time.monotonic() < deadline, finder.silence
            threading.Event().wait(0.02)


def test_a_key_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    broken = Acquaintances(lambda: Trust(tmp_path / "file" / "deeper"))
    with pytest.raises(pynet.ConfigurationError):
        broken.trust()
    assert "cannot be kept" in broken.error
    assert not broken.opened
    assert (broken.own_id, broken.peers(), broken.ids()) == ("", (), ())
    broken.refresh()
    with CarFinder(broken, Air()) as finder:
        finder.look(())
        deadline = time.monotonic() + 10
        while "cannot be kept" not in finder.silence:
            assert time.monotonic() < deadline
            threading.Event().wait(0.02)


def test_machines_are_renamed_and_forgotten(ours: Acquaintances, tmp_path: Path) -> None:
    other = Trust(tmp_path / "other").identity
    peer = Peer("Rover", Role.NONE, other.certificate, 1.0)
    ours.trust().peers.add(peer)
    assert ours.peer_with(other.id[:7]) == peer
    ours.rename(peer, "Blitz")
    (renamed,) = ours.peers()
    assert renamed.name == "Blitz"
    assert ours.ids() == (ours.own_id, other.id)
    ours.forget(renamed)
    assert ours.peers() == ()
    assert ours.peer_with(other.id) is None
