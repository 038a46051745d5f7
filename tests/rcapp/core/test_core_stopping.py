"""STOP is pressed until the car has acknowledged it."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from rcapp.core.stopping import StopButton


class Car:
    """Answers, or does not, as a test says; notes everything."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.calls = 0
        self.failures = 0
        self.stopped: list[float] = []
        self.troubles: list[str] = []
        self.hold: threading.Event | None = None

    def call(self, timeout: float) -> object:
        assert 0 < timeout <= 1.0
        with self.changed:
            self.calls += 1
            self.changed.notify_all()
            fails = self.failures > 0
            self.failures -= 1
        if self.hold is not None:
            assert self.hold.wait(10)
        if fails:
            raise ConnectionError("no answer")
        return None

    def on_stopped(self, took: float) -> None:
        with self.changed:
            self.stopped.append(took)
            self.changed.notify_all()

    def on_trouble(self, error: Exception) -> None:
        with self.changed:
            self.troubles.append(str(error))
            self.changed.notify_all()

    def wait(self, what: object) -> None:
        with self.changed:
            assert self.changed.wait_for(what, 10)  # type: ignore[arg-type]


@pytest.fixture
def car() -> Car:
    return Car()


@pytest.fixture
def button(car: Car) -> Iterator[StopButton]:
    made = StopButton(car.call, on_stopped=car.on_stopped, on_trouble=car.on_trouble)
    yield made
    made.close()


def test_one_press_one_call(car: Car, button: StopButton) -> None:
    assert not button.pending
    button.press("pressed Esc")
    car.wait(lambda: car.stopped)
    assert not button.pending
    assert car.calls == 1


def test_it_goes_on_until_acknowledged(car: Car, button: StopButton) -> None:
    car.failures = 4
    button.press("pressed Esc")
    car.wait(lambda: car.stopped)
    assert car.calls == 5
    assert car.troubles == ["no answer"] * 4
    assert car.stopped[0] > 0


def test_pending_until_the_car_answered(car: Car, button: StopButton) -> None:
    car.hold = threading.Event()
    button.press("pressed Esc")
    car.wait(lambda: car.calls)
    assert button.pending
    car.hold.set()
    car.wait(lambda: car.stopped)
    assert not button.pending


def test_giving_up_ends_the_attempts(car: Car, button: StopButton) -> None:
    car.failures = 10**9
    button.press("pressed Esc")
    car.wait(lambda: car.calls >= 2)
    button.give_up()
    assert not button.pending
    car.failures = 0
    button.press("another car")
    car.wait(lambda: car.stopped)
    assert len(car.stopped) == 1


def test_closing_while_the_car_is_silent(car: Car, button: StopButton) -> None:
    car.failures = 10**9
    button.press("pressed Esc")
    car.wait(lambda: car.calls)
    button.close()
    assert not any(thread.name == "rcapp-stop" for thread in threading.enumerate())
    button.press("too late")
    assert not any(thread.name == "rcapp-stop" for thread in threading.enumerate())
