"""Pairing with a real Gateway: the code as people type it, and everything that may come of it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import pynet
from pynet.trust.peers import Role
from pynet.trust.store import Trust
from rcapp.core.acquaintances import Acquaintances
from rcapp.core.pairing import (
    Invitation,
    PairingFacts,
    PairingState,
    PairingTask,
    own_name,
    read_invitation,
)


@pytest.mark.parametrize(
    ("typed", "code", "grouped"),
    [
        ("", "", ""),
        ("12", "12", "12"),
        ("1234", "1234", "1234"),
        ("12345", "12345", "1234 5"),
        ("1234 5678", "12345678", "1234 5678"),
        (" 1234-5678\n", "12345678", "1234 5678"),
        ("123456789", "12345678", "1234 5678"),
        ("code: 1234 5678.", "12345678", "1234 5678"),
        ("\N{ARABIC-INDIC DIGIT ONE}234", "234", "234"),
    ],
)
def test_a_code_is_read_as_people_type_it(typed: str, code: str, grouped: str) -> None:
    read = read_invitation(typed)
    assert (read.code, read.grouped, read.address) == (code, grouped, "")
    assert read.whole == (len(code) == 8)


def test_a_link_says_where_the_car_is() -> None:
    read = read_invitation("pynet://car.local:1900?code=12345678")
    assert read == Invitation("12345678", "car.local:1900")
    six = read_invitation("12 pynet://[fe80::1]:1857?code=12345678")
    assert six == Invitation("12345678", "[fe80::1]:1857")
    for broken in ("pynet://", "pynet://car.local:1857?code=12", "pynet://car:1857?id=nonsense"):
        assert read_invitation(broken) == Invitation()


class Watched(PairingTask):
    """A task that a test can wait for."""

    def __init__(self, acquaintances: Acquaintances, **options: Any) -> None:
        self.changed = threading.Condition()
        super().__init__(acquaintances, self._woke, **options)

    def _woke(self) -> None:
        with self.changed:
            self.changed.notify_all()

    def ended(self) -> PairingFacts:
        with self.changed:
            over = (PairingState.DONE, PairingState.FAILED)
            assert self.changed.wait_for(lambda: self.facts.state in over, 20)
        return self.facts


@pytest.fixture
def ours(tmp_path: Path) -> Acquaintances:
    return Acquaintances(lambda: Trust(tmp_path / "laptop"))


@pytest.fixture
def car(tmp_path: Path) -> Iterator[pynet.Gateway]:
    with pynet.Gateway(port=0, name="Rover", trust=Trust(tmp_path / "car")) as gateway:
        yield gateway


def test_two_machines_become_acquainted(ours: Acquaintances, car: pynet.Gateway) -> None:
    address = f"127.0.0.1:{car.port}"
    with Watched(ours) as task, car.open_pairing(role=Role.DRIVER) as window:
        assert task.facts == PairingFacts()
        wrong = f"{(int(window.code) + 1) % 10**8:08d}"
        task.begin(address, wrong, "Anna's laptop")
        failed = task.ended()
        assert failed.state is PairingState.FAILED
        assert "There are 2 more tries." in failed.sentence
        assert failed.again
        task.reset()
        assert task.facts == PairingFacts()
        task.begin(address, window.code, "Anna's laptop")
        done = task.ended()
        assert done.state is PairingState.DONE, done.sentence
        assert done.peer is not None
        assert car.trust is not None
        assert (done.peer.name, done.peer.id) == ("Rover", car.trust.identity.id)
        assert done.peer.granted is Role.DRIVER
        assert [peer.name for peer in car.trust.peers.all()] == ["Anna's laptop"]
        assert [peer.name for peer in ours.peers()] == ["Rover"]
    task.close()


def test_a_closed_window_is_said(ours: Acquaintances, car: pynet.Gateway) -> None:
    with Watched(ours) as task:
        task.begin(f"127.0.0.1:{car.port}", "12345678", "")
        failed = task.ended()
        assert "pi-agent pair" in failed.sentence
        assert not failed.again


def test_a_car_that_is_not_there_and_an_address_that_is_none(ours: Acquaintances) -> None:
    with Watched(ours) as task:
        task.begin("127.0.0.1:9", "12345678", "")
        assert "Nothing listens" in task.ended().sentence
        task.begin("my car", "12345678", "")
        assert "is no address" in task.ended().sentence


def test_another_car_than_the_link_names_is_not_trusted(
    ours: Acquaintances, car: pynet.Gateway, tmp_path: Path
) -> None:
    other = Trust(tmp_path / "other").identity.id
    with Watched(ours) as task, car.open_pairing() as window:
        task.begin(f"127.0.0.1:{car.port}", window.code, "", other)
        assert "do not trust it" in task.ended().sentence
        assert ours.peers() == ()


def test_one_attempt_at_a_time_and_nothing_is_told_after_closing(ours: Acquaintances) -> None:
    calls: list[str] = []
    held, begun = threading.Event(), threading.Event()

    def pair(host: str, port: int, code: str, **options: Any) -> Any:
        calls.append(options["name"])
        begun.set()
        assert held.wait(20)
        raise pynet.PairingError("too late")

    task = Watched(ours, pair=pair)
    task.begin("car:1857", "12345678", "")
    assert begun.wait(20)
    task.begin("car:1857", "87654321", "")
    task.reset()
    assert task.facts.state is PairingState.ASKING
    assert calls == [own_name()]
    held.set()
    task.close()
    assert task.facts.state is PairingState.ASKING, "nobody is told any more"
