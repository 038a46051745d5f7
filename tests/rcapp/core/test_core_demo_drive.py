"""Scripted driving, by rule and with the real simulated car."""

from __future__ import annotations

import json
import math
import threading
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from rcapp.core.demo_car import DemoCar
from rcapp.core.demo_drive import DemoRun, ScriptedDriver, sides
from rcapp.core.series import SeriesBuffer
from rcapp.core.session import CarSession
from rcapp.core.state import Link, Snapshot
from rcapp.core.wheel import Holder, Wheel


def sensor(
    values: tuple[float, ...] | None, *labels: str, unit: str = "m"
) -> dict[str, SeriesBuffer]:
    info: Any = SimpleNamespace(name="ranger", series=labels, unit=unit, hz=20.0)
    buffer = SeriesBuffer(info)
    if values is not None:
        buffer.append(1.0, values)
    return {"ranger": buffer}


class Keys:
    """Notes which keys are down."""

    def __init__(self) -> None:
        self.down: set[str] = set()
        self.taps: list[str] = []
        self.driver = ScriptedDriver(self.press, self.release)

    def press(self, key: str) -> None:
        assert key not in self.down
        if key in ("wheel", "arm"):
            self.taps.append(key)
        self.down.add(key)

    def release(self, key: str) -> None:
        self.down.remove(key)


def at(speed: float, steer: float = 0.0) -> Snapshot:
    status: Any = SimpleNamespace(speed=speed, stage="ready", armed=True, refusals=())
    return Snapshot(
        link=Link.LIVE, status=status, status_age=0.0, steer=steer, wheel=Wheel(Holder.YOU)
    )


def test_the_distance_sensor_is_found_whatever_it_is_called() -> None:
    assert sides(sensor((1.0, 2.0, 3.0), "L", "F", "R")) == (1.0, 2.0, 3.0)
    assert sides(sensor((3.0, 1.0), "right", "left")) == (1.0, math.inf, 3.0)
    assert sides(sensor((1.0, 2.0), "L", "R", unit="V")) is None
    assert sides(sensor((1.0, 2.0), "X", "Y")) is None
    assert sides(sensor(None, "L", "R")) is None


@pytest.mark.parametrize(
    ("room", "speed", "steer", "keys"),
    [
        ((1.0, 4.0, 1.0), 0.0, 0.0, {"up"}),
        ((0.5, 4.0, 1.5), 1.3, 0.0, {"right"}),
        ((1.5, 4.0, 0.5), 0.5, 0.0, {"left", "up"}),
        ((1.0, 4.0, 1.0), 1.3, 0.5, {"left"}),
        ((0.8, 4.0, 1.2), 1.3, 1.0, {"left"}),
        ((1.0, 0.6, 1.0), 0.9, 0.0, set()),
        ((1.0, 0.6, 1.0), 2.4, 0.0, {"down"}),
    ],
)
def test_away_from_the_nearer_side(
    room: tuple[float, float, float], speed: float, steer: float, keys: set[str]
) -> None:
    held = Keys()
    held.driver.tick(at(speed, steer), sensor(room, "L", "F", "R"))
    assert held.down == keys
    held.driver.release_all()
    assert held.down == set()


def test_without_a_sensor_it_drives_straight() -> None:
    held = Keys()
    held.driver.tick(at(0.0), {})
    assert held.down == {"up"}


def test_it_takes_the_wheel_and_arms_before_it_drives() -> None:
    held = Keys()
    nobodys = replace(at(0.0), wheel=Wheel(Holder.NOBODY))
    held.driver.tick(nobodys, {}, 1.0)
    held.driver.tick(nobodys, {}, 1.1)
    assert held.taps == ["wheel"], "a person does not hammer on the key"
    disarmed: Any = SimpleNamespace(speed=0.0, stage="disarmed", armed=False, refusals=("no",))
    mine = replace(at(0.0), status=disarmed)
    held.driver.tick(mine, {}, 2.0)
    assert held.taps == ["wheel"], "it would be refused"
    disarmed.refusals = ()
    held.driver.tick(mine, {}, 3.0)
    held.driver.tick(replace(mine, ordering="arm"), {}, 4.0)
    assert held.taps == ["wheel", "arm"]
    assert held.down == set()
    held.driver.tick(at(0.0), {}, 5.0)
    assert held.down == {"up"}


def test_nothing_is_held_while_the_picture_is_not_live() -> None:
    held = Keys()
    room = sensor((0.5, 4.0, 1.5), "L", "F", "R")
    held.driver.tick(at(0.5), room)
    assert held.down == {"right", "up"}
    held.driver.tick(replace(at(0.5), link=Link.STALE), room)
    assert held.down == set()


def test_parking_brakes_and_then_lets_go() -> None:
    held = Keys()
    held.driver.tick(at(0.0), sensor((0.5, 4.0, 1.5), "L", "F", "R"))
    held.driver.park(at(1.2))
    assert held.down == {"down"}
    held.driver.park(at(0.1))
    assert held.down == set()
    held.driver.park(at(-0.5))
    assert held.down == {"up"}


@pytest.mark.programs
def test_a_whole_demo_drive_agrees_with_the_car(tmp_path: Path) -> None:
    """The demo without its window: real process, real sockets, keys straight into the driver."""
    woken = threading.Event()
    saved: list[Path] = []
    with DemoCar() as car, CarSession(on_wake=woken.set) as session:
        session.connect(car.wait_ready())
        session.drive.set_keyboard_active(True)
        keys, seat = session.drive.keyboard, session.seat
        wishes = {"wheel": seat.ask_for_wheel, "arm": seat.arm}

        def press(key: str) -> None:
            wishes.get(key, lambda: keys.press(key))()

        def release(key: str) -> None:
            keys.release(key)

        run = DemoRun(
            session,
            car,
            press,
            release,
            seconds=8.0,
            output=tmp_path,
            save_picture=saved.append,
        )
        while not run.tick():
            session.drive.tick()
            frame = session.take_frame()
            if frame is not None:
                session.painted(frame)
            woken.wait(0.016)
            woken.clear()
        code, sentence = run.finish()
        assert code == 0, sentence
    figures = json.loads((tmp_path / "demo.json").read_text())
    assert figures["frames_painted"] > 0
    assert figures["distance_m"] > 1.0
    assert 0 < figures["commands_accepted"] <= figures["commands_sent"]
    # Beside other tests a picture may come late once, which is worth one of its own.
    assert saved[-1] == tmp_path / "demo.png"
    assert {path.name for path in saved} <= {"demo.png", "demo-stale.png"}


def test_a_demo_whose_car_dies_says_so(tmp_path: Path) -> None:
    with DemoCar(arguments=("--no-such-option",)) as car, CarSession() as session:
        run = DemoRun(session, car, print, print, seconds=5.0, output=tmp_path)
        with pytest.raises(Exception, match="did not start"):
            car.wait_ready()
        assert run.tick()
        assert run.tick()
        code, sentence = run.finish()
    assert code == 1
    assert "did not start" in sentence
    assert "No picture was painted" in sentence
    assert (tmp_path / "demo.json").exists()
