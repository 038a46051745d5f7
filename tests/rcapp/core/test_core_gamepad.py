"""Gamepads, driven through SDL's own virtual joystick."""

from __future__ import annotations

import ctypes
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rcapp.core.drive import DriveInput
from rcapp.core.gamepad import Gamepad, expo, load_sdl, radial, trigger

FULL = 32767
STICK_X, STICK_Y, LEFT_TRIGGER, RIGHT_TRIGGER = 0, 1, 4, 5


class VirtualPad:
    """A gamepad that exists in SDL only, plugged in and out by a test."""

    def __init__(self) -> None:
        self.sdl: Any = load_sdl()
        self.index = -1
        self._joystick: Any = None

    def plug_in(self) -> None:
        self.index = self.sdl.SDL_JoystickAttachVirtual(
            self.sdl.SDL_JOYSTICK_TYPE_GAMECONTROLLER, 6, 15, 0
        )
        assert self.index >= 0, self.sdl.SDL_GetError()
        self._joystick = self.sdl.SDL_JoystickOpen(self.index)
        for axis in (LEFT_TRIGGER, RIGHT_TRIGGER):
            self.move(axis, -1.0)

    def move(self, axis: int, to: float) -> None:
        """Put an axis to -1..1 (triggers rest at -1)."""
        raw = ctypes.c_int16(max(-32768, int(to * FULL)))
        assert self.sdl.SDL_JoystickSetVirtualAxis(self._joystick, axis, raw) == 0

    def unplug(self) -> None:
        if self.index >= 0:
            assert self.sdl.SDL_JoystickDetachVirtual(self.index) == 0
            self.sdl.SDL_JoystickClose(self._joystick)
            self.index = -1


@pytest.fixture
def gamepad() -> Iterator[Gamepad]:
    made = Gamepad(dead_zone=0.1, expo=0.0)
    if not made.open():
        pytest.skip(made.reason)
    yield made
    made.close()


@pytest.fixture
def pad(gamepad: Gamepad) -> Iterator[VirtualPad]:
    made = VirtualPad()
    yield made
    made.unplug()


def test_no_pad_is_none(gamepad: Gamepad) -> None:
    gamepad.poll()
    assert gamepad.sample() is None
    assert not gamepad.connected
    assert gamepad.name == ""


def test_plugging_in_steering_and_unplugging(gamepad: Gamepad, pad: VirtualPad) -> None:
    pad.plug_in()
    gamepad.poll()
    assert gamepad.connected
    assert gamepad.name
    assert gamepad.sample() == (0.0, 0.0)
    pad.move(STICK_X, 1.0)
    pad.move(RIGHT_TRIGGER, 1.0)
    gamepad.poll()
    assert gamepad.sample() == (1.0, 1.0)
    pad.move(STICK_X, -0.55)
    pad.move(RIGHT_TRIGGER, -1.0)
    pad.move(LEFT_TRIGGER, 1.0)
    gamepad.poll()
    sample = gamepad.sample()
    assert sample is not None
    assert sample[0] == pytest.approx(-0.5, abs=0.01)
    assert sample[1] == -1.0
    pad.unplug()
    assert gamepad.sample() is None, "even before the next poll"
    gamepad.poll()
    assert not gamepad.connected
    assert gamepad.name == ""
    pad.plug_in()
    gamepad.poll()
    assert gamepad.sample() == (0.0, 0.0)


def test_a_pad_that_was_there_before_is_found(pad: VirtualPad) -> None:
    pad.plug_in()
    late = Gamepad()
    try:
        late.poll()
        assert late.connected
    finally:
        late.close()


def test_both_triggers_cancel(gamepad: Gamepad, pad: VirtualPad) -> None:
    pad.plug_in()
    pad.move(LEFT_TRIGGER, 1.0)
    pad.move(RIGHT_TRIGGER, 1.0)
    gamepad.poll()
    assert gamepad.sample() == (0.0, 0.0)


def test_the_dead_zone_is_round(gamepad: Gamepad, pad: VirtualPad) -> None:
    pad.plug_in()
    pad.move(STICK_X, 0.09)
    gamepad.poll()
    assert gamepad.sample() == (0.0, 0.0)
    pad.move(STICK_Y, 0.09)
    gamepad.poll()
    sample = gamepad.sample()
    assert sample is not None
    assert 0 < sample[0] < 0.05, "together they leave the circle"


def test_driving_with_it_and_pulling_the_plug(gamepad: Gamepad, pad: VirtualPad) -> None:
    sent: list[tuple[int, float, float, float]] = []

    def send(*command: Any) -> bool:
        sent.append(command)
        return True

    drive = DriveInput(send, gamepad)
    drive.set_epoch(1)
    pad.plug_in()
    drive.tick(1.0)
    assert not drive.send_due(1.0), "nobody touched it"
    pad.move(RIGHT_TRIGGER, -1.0)
    pad.move(STICK_X, 0.5)
    drive.tick(1.01)
    pad.move(RIGHT_TRIGGER, 0.0)
    drive.tick(1.02)
    assert drive.send_due(1.02)
    assert sent[-1][2] == pytest.approx(0.5, abs=0.05)
    assert drive.source == "gamepad"
    pad.unplug()
    assert drive.tick(1.04) is None
    assert not drive.send_due(1.04)
    assert len(sent) == 1


def test_closing_twice_and_polling_after() -> None:
    gamepad = Gamepad()
    gamepad.open()
    gamepad.close()
    gamepad.close()
    gamepad.poll()
    assert gamepad.sample() is None


def test_without_sdl_there_is_a_reason_and_no_error() -> None:
    code = (
        "import sys; sys.modules['sdl2'] = None\n"
        "from rcapp.core.gamepad import Gamepad\n"
        "pad = Gamepad(); pad.poll(); pad.poll()\n"
        "assert pad.sample() is None and not pad.connected\n"
        "print(pad.reason)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "SDL2" in run.stdout


@given(x=st.floats(-1, 1), y=st.floats(-1, 1), zone=st.floats(0, 0.5))
def test_dead_zone_keeps_direction_and_range(x: float, y: float, zone: float) -> None:
    out_x, out_y = radial(x, y, zone)
    assert out_x**2 + out_y**2 <= 1.0 + 1e-9 or out_x**2 + out_y**2 <= x**2 + y**2
    assert out_x * x >= 0
    assert out_y * y >= 0
    assert abs(out_x) <= 1.0 + 1e-9


@given(value=st.floats(-1, 1), share=st.floats(0, 1))
def test_expo_is_softer_inside_and_the_same_at_the_ends(value: float, share: float) -> None:
    assert abs(expo(value, share)) <= abs(value) + 1e-12
    assert expo(1.0, share) == pytest.approx(1.0)
    assert expo(-value, share) == pytest.approx(-expo(value, share))


def test_trigger_range() -> None:
    assert trigger(0.02) == 0.0
    assert trigger(1.0) == 1.0
    assert 0 < trigger(0.1) < 0.1
