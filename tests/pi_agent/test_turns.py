"""One packer at a time, the driver's first."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from pi_agent import turns
from pi_agent.turns import Turns


def started(run: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=run, name="packer")
    thread.start()
    return thread


def test_one_at_a_time() -> None:
    both, inside, most = Turns(), 0, 0
    begin = threading.Barrier(4)

    def pack(turn: Callable[[int], object]) -> None:
        nonlocal inside, most
        begin.wait(20)
        for seq in range(300):
            with turn(seq):  # type: ignore[attr-defined]
                inside += 1
                most = max(most, inside)
                time.sleep(0)  # whoever is let in wrongly comes in now
                inside -= 1

    packers = [started(lambda turn=turn: pack(turn)) for turn in (both.driver, *[both.others] * 3)]
    for packer in packers:
        packer.join(20)
    assert most == 1


def test_others_wait_for_the_drivers_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "PATIENCE", 20.0)
    both, order = Turns(), []
    with both.driver(1):
        pass

    def viewers() -> None:
        with both.others(2):
            order.append("viewers")

    waiting = started(viewers)
    with both.driver(2):
        order.append("driver")
    waiting.join(20)
    assert order == ["driver", "viewers"]


def test_a_driver_whose_link_is_full_is_not_waited_for_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(turns, "PATIENCE", 0.001)
    both = Turns()
    with both.driver(1):
        pass
    with both.others(2), pytest.raises(AssertionError):
        raise AssertionError("a packer that fails lets the next one in")
    with both.driver(3):
        pass


def test_without_a_driver_nobody_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "PATIENCE", 1000.0)
    both = Turns()
    with both.others(1):
        pass
    with both.driver(1):
        pass

    def viewers() -> None:
        with both.others(2):
            pass

    waiting = started(viewers)
    both.nobody_drives()
    waiting.join(20)
    assert not waiting.is_alive()
