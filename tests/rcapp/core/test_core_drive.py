"""Which input drives, and what is sent."""

from __future__ import annotations

import threading
import time

from hypothesis import given
from hypothesis import strategies as st

from rcapp.core.drive import SAMPLE_LIMIT, DriveInput


class Sink:
    """Takes what is sent; can refuse."""

    def __init__(self) -> None:
        self.commands: list[tuple[int, float, float, float]] = []
        self.epochs: list[int] = []
        self.takes = True
        self.got = threading.Condition()

    def __call__(self, seq: int, steer: float, throttle: float, read_at: float, epoch: int) -> bool:
        with self.got:
            if self.takes:
                self.commands.append((seq, steer, throttle, read_at))
                self.epochs.append(epoch)
            self.got.notify_all()
            return self.takes

    def wait_for(self, count: int) -> None:
        with self.got:
            assert self.got.wait_for(lambda: len(self.commands) >= count, 10)


class Stick:
    """A gamepad whose position a test sets."""

    name = "Stick"

    def __init__(self) -> None:
        self.at: tuple[float, float] | None = (0.0, 0.0)
        self.polls = 0

    def poll(self) -> None:
        self.polls += 1

    def sample(self) -> tuple[float, float] | None:
        return self.at


EPOCH = 7


def leased(sink: Sink, stick: Stick | None = None) -> DriveInput:
    """With the wheel, and the throttle let go since then."""
    drive = DriveInput(sink, stick)
    drive.set_epoch(EPOCH)
    drive.set_keyboard_active(True)
    drive.tick(0.0)
    return drive


def keyboard_drive() -> tuple[DriveInput, Sink]:
    sink = Sink()
    return leased(sink), sink


def test_nothing_is_sent_without_the_wheel() -> None:
    sink = Sink()
    drive = DriveInput(sink)
    drive.set_keyboard_active(True)
    drive.keyboard.press("up")
    assert drive.tick(1.0) is not None
    assert not drive.send_due(1.0)
    assert not drive.wants(1.0)
    drive.set_epoch(3)
    drive.tick(1.02)
    assert drive.send_due(1.02)
    assert sink.epochs == [3]
    assert sink.commands[-1][2] == 0.0, "who has just got the wheel lets go of the throttle first"
    drive.set_epoch(0)
    assert not drive.send_due(1.04)


def test_a_keyboard_that_has_the_focus_is_alive_before_a_key_is_pressed() -> None:
    drive, sink = keyboard_drive()
    assert drive.source == "keyboard"
    assert drive.send_due(0.0)
    assert sink.commands == [(1, 0.0, 0.0, 0.0)], "arming needs commands with the throttle let go"
    blurred = DriveInput(sink)
    blurred.set_epoch(EPOCH)
    assert blurred.tick(0.0) is None
    assert not blurred.send_due(0.0)


def test_a_key_drives_and_goes_on_sending_neutral_when_let_go() -> None:
    drive, sink = keyboard_drive()
    drive.tick(1.0)
    drive.keyboard.press("up")
    sample = drive.tick(1.1)
    assert sample is not None
    assert sample.throttle > 0
    assert drive.send_due(1.11)
    drive.keyboard.release("up")
    for step in range(30):
        drive.tick(1.2 + step * 0.02)
    assert drive.send_due(1.8)
    assert [seq for seq, *_ in sink.commands] == [1, 2]
    assert sink.commands[1][1:3] == (0.0, 0.0)
    assert drive.source == "keyboard"
    assert drive.current(1.8) == (0.0, 0.0, True)


def test_a_sample_is_sent_again_until_it_is_too_old() -> None:
    drive, sink = keyboard_drive()
    drive.keyboard.press("up")
    drive.tick(1.0)
    assert drive.send_due(1.02)
    assert drive.send_due(1.0 + SAMPLE_LIMIT - 0.001)
    assert not drive.send_due(1.0 + SAMPLE_LIMIT + 0.001)
    assert [read_at for *_, read_at in sink.commands] == [1.0, 1.0]
    assert not drive.wants(1.2)
    assert drive.current(1.3) == (0.0, 0.0, False)


def test_focus_loss_sends_nothing_not_even_neutral() -> None:
    drive, sink = keyboard_drive()
    drive.keyboard.press("up")
    drive.tick(1.0)
    drive.send_due(1.0)
    drive.set_keyboard_active(False)
    assert not drive.send_due(1.01)
    assert drive.tick(1.015) is None
    assert not drive.send_due(1.02)
    assert len(sink.commands) == 1
    drive.set_keyboard_active(True)
    sample = drive.tick(2.0)
    assert sample is not None
    assert sample.throttle == 0.0, "what was held is forgotten"


def test_touching_an_input_takes_over() -> None:
    drive, _ = keyboard_drive()
    stick = Stick()
    drive.set_gamepad(stick)
    drive.tick(1.0)
    drive.keyboard.press("left")
    drive.tick(1.1)
    assert drive.source == "keyboard"
    stick.at = (0.5, 0.2)
    sample = drive.tick(1.2)
    assert drive.source == "gamepad"
    assert sample is not None
    assert (sample.steer, sample.throttle) == (0.5, 0.2)
    drive.keyboard.press("right")
    drive.tick(1.3)
    assert drive.source == "keyboard"
    stick.at = (0.52, 0.2)
    drive.tick(1.4)
    assert drive.source == "keyboard", "a resting stick that trembles does not take over"
    assert stick.polls == 5


def test_a_pad_that_is_plugged_in_deflected_does_not_drive() -> None:
    drive = DriveInput(Sink())
    drive.set_epoch(EPOCH)
    stick = Stick()
    stick.at = None
    drive.set_gamepad(stick)
    drive.tick(1.0)
    stick.at = (0.0, 1.0)
    assert drive.tick(1.1) is None
    stick.at = (0.0, 0.5)
    assert drive.tick(1.2) is not None


def test_unplugging_the_pad_sends_nothing_at_all() -> None:
    drive, sink = keyboard_drive()
    stick = Stick()
    drive.set_gamepad(stick)
    drive.tick(1.0)
    stick.at = (0.0, 1.0)
    drive.tick(1.02)
    assert drive.send_due(1.02)
    stick.at = None
    assert drive.tick(1.04) is None
    assert not drive.send_due(1.04)
    assert len(sink.commands) == 1
    assert drive.source == ""
    assert drive.tick(1.06) is None, "the keyboard does not make a lost pad look let go"
    drive.keyboard.press("left")
    assert drive.tick(1.08) is not None, "a key that is pressed takes over"


def test_the_pad_drives_on_without_focus() -> None:
    drive, sink = keyboard_drive()
    stick = Stick()
    drive.set_gamepad(stick)
    drive.tick(1.0)
    stick.at = (0.3, 0.0)
    drive.tick(1.02)
    drive.set_keyboard_active(False)
    assert drive.tick(1.04) is not None
    assert drive.send_due(1.04)
    assert sink.commands[-1][1] == 0.3


def test_stop_sends_neutral_until_the_throttle_was_let_go() -> None:
    drive, sink = keyboard_drive()
    drive.keyboard.press("up")
    drive.keyboard.press("left")
    for step in range(10):
        drive.tick(1.0 + step * 0.02)
    drive.hold_neutral(True)
    drive.send_due(1.2)
    assert sink.commands[-1][1:3] == (0.0, 0.0), "at once, before the next tick"
    drive.tick(1.22)
    drive.send_due(1.22)
    assert sink.commands[-1][1:3] == (0.0, 0.0)
    drive.hold_neutral(False)
    drive.tick(1.24)
    drive.send_due(1.24)
    assert sink.commands[-1][2] == 0.0, "the key is still held"
    drive.keyboard.release("up")
    for step in range(20):
        drive.tick(1.26 + step * 0.02)
    drive.keyboard.press("up")
    drive.tick(1.7)
    drive.send_due(1.7)
    assert sink.commands[-1][2] > 0


def test_a_key_held_through_a_loss_does_not_move_the_car_that_comes_back() -> None:
    drive, sink = keyboard_drive()
    drive.keyboard.press("up")
    for step in range(10):
        drive.tick(1.0 + step * 0.02)
    drive.send_due(1.18)
    assert sink.commands[-1][2] > 0
    drive.let_go_first()
    for step in range(20):
        drive.tick(1.2 + step * 0.02)
        drive.send_due(1.2 + step * 0.02)
        assert sink.commands[-1][2] == 0.0
    assert drive.must_let_go
    drive.keyboard.release("up")
    for step in range(20):
        drive.tick(1.7 + step * 0.02)
    assert not drive.must_let_go
    drive.keyboard.press("up")
    drive.tick(2.3)
    drive.tick(2.4)
    drive.send_due(2.4)
    assert sink.commands[-1][2] > 0


def test_a_loss_while_nothing_is_held_costs_no_key_press() -> None:
    drive, sink = keyboard_drive()
    drive.let_go_first()
    drive.tick(1.0)
    drive.keyboard.press("up")
    drive.tick(1.1)
    drive.tick(1.2)
    drive.send_due(1.2)
    assert sink.commands[-1][2] > 0


def test_refused_commands_are_not_counted() -> None:
    drive, sink = keyboard_drive()
    sink.takes = False
    drive.keyboard.press("up")
    drive.tick(1.0)
    assert not drive.send_due(1.0)
    assert drive.commands_sent == 0
    assert drive.wants(1.0)
    sink.takes = True
    assert drive.send_due(1.02)
    assert drive.commands_sent == 1
    drive.reset_counts()
    assert drive.commands_sent == 0
    assert drive.send_due(1.04)
    assert sink.commands[-1][0] > sink.commands[0][0], "numbers go on growing"


def test_the_thread_sends_while_ticked_and_stops_when_closed() -> None:
    sink = Sink()
    drive = leased(sink)
    drive.keyboard.press("up")
    drive.start()
    drive.start()
    try:
        deadline = time.monotonic() + 10
        while len(sink.commands) < 5 and time.monotonic() < deadline:
            drive.tick()
            with sink.got:
                sink.got.wait(0.02)
        sink.wait_for(5)
        assert any(thread.name == "rcapp-drive" for thread in threading.enumerate())
    finally:
        drive.close()
    assert not any(thread.name == "rcapp-drive" for thread in threading.enumerate())
    drive.close()


def test_who_holds_the_throttle_is_known_though_it_does_not_count() -> None:
    drive, _ = keyboard_drive()
    drive.hold_neutral(True)
    assert not drive.throttle_held
    drive.keyboard.press("up")
    drive.tick(1.0)
    sample = drive.tick(1.1)
    assert sample is not None
    assert sample.throttle == 0.0
    assert drive.throttle_held


OPERATIONS = st.lists(
    st.sampled_from(
        [
            *["press", "release", "focus", "blur", "plug", "unplug", "move", "stop", "clear"],
            *["tick", "tick", "tick", "stall", "lease", "lose"],
        ]
    ),
    max_size=60,
)


@given(operations=OPERATIONS)
def test_whatever_happens_only_a_live_input_drives_and_a_stopped_car_stays(
    operations: list[str],
) -> None:
    sink, stick = Sink(), Stick()
    drive = DriveInput(sink, stick)
    now, focused, stopped, ticked_at, epoch = 0.0, False, False, -1.0, 0
    stick.at = None
    for operation in operations:
        now += 0.5 if operation == "stall" else 0.02
        if operation in ("press", "release") and focused:
            getattr(drive.keyboard, operation)("up")
        elif operation in ("focus", "blur"):
            focused = operation == "focus"
            drive.set_keyboard_active(focused)
        elif operation in ("plug", "unplug", "move"):
            stick.at = {"plug": (0.0, 0.0), "unplug": None, "move": (0.5, now % 1)}[operation]
        elif operation in ("stop", "clear"):
            stopped = operation == "stop"
            drive.hold_neutral(stopped)
        elif operation in ("lease", "lose"):
            epoch = epoch + 1 if operation == "lease" else 0
            drive.set_epoch(epoch)
        elif operation == "tick":
            drive.tick(now)
            ticked_at = now
        before = len(sink.commands)
        drive.send_due(now)
        for _, steer, throttle, read_at in sink.commands[before:]:
            assert epoch > 0
            assert sink.epochs[-1] == epoch
            assert now - read_at <= SAMPLE_LIMIT
            assert now - ticked_at <= SAMPLE_LIMIT
            assert drive.source, "nothing alive to read means nothing is sent"
            assert focused or drive.source == "gamepad"
            if stopped:
                assert (steer, throttle) == (0.0, 0.0)
