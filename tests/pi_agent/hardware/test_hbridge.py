from __future__ import annotations

import atexit
from collections.abc import Iterator
from typing import Any

import pytest

from pi_agent.config import HBridgeConfig
from pi_agent.hardware.hbridge import HBridge, mix
from pi_agent.hardware.protocols import HardwareError

gpiozero = pytest.importorskip("gpiozero")

LEFT_FORWARD, LEFT_BACKWARD, RIGHT_FORWARD, RIGHT_BACKWARD = 9, 10, 17, 27
ALL = (LEFT_FORWARD, LEFT_BACKWARD, RIGHT_FORWARD, RIGHT_BACKWARD)


@pytest.fixture
def factory() -> Iterator[Any]:
    from gpiozero.pins.mock import MockFactory, MockPWMPin

    before = gpiozero.Device.pin_factory
    gpiozero.Device.pin_factory = MockFactory(pin_class=MockPWMPin)
    yield gpiozero.Device.pin_factory
    gpiozero.Device.pin_factory.reset()
    gpiozero.Device.pin_factory = before


def waves(factory: Any) -> list[list[float]]:
    """The duty cycles that each of the four pins went through."""
    return [[round(state.state, 6) for state in factory.pin(pin).states] for pin in ALL]


@pytest.mark.parametrize(
    ("steer", "throttle", "expected"),
    [
        (0, 0, (0, 0)),
        (0, 0.5, (0.5, 0.5)),
        (0, -1, (-1, -1)),
        (0.25, 0.5, (0.75, 0.25)),
        (-0.25, 0.5, (0.25, 0.75)),
        (1, 0, (1, -1)),
        (1, 1, (1, 0)),
        (-1, 1, (0, 1)),
        (0.5, 1, (1, 1 / 3)),
        (1, -1, (0, -1)),
    ],
)
def test_mixing(steer: float, throttle: float, expected: tuple[float, float]) -> None:
    assert mix(steer, throttle) == pytest.approx(expected)


def test_the_pins_follow_a_drive(factory: Any) -> None:
    with HBridge(HBridgeConfig()) as motors:
        assert [factory.pin(pin).frequency for pin in ALL] == [200] * 4
        motors.drive(0.0, 0.5)
        motors.drive(0.0, 0.5)
        motors.drive(0.25, 0.5)
        motors.drive(0.0, -1.0)
        motors.neutral()
    assert waves(factory) == [
        [0, 0.5, 0.75, 0],
        [0, 1, 0],
        [0, 0.5, 0.25, 0],
        [0, 1, 0],
    ]


def test_a_side_is_never_driven_both_ways(factory: Any) -> None:
    with HBridge(HBridgeConfig()) as motors:
        for steer, throttle in ((0, 1), (0, -1), (1, 0), (-1, 0), (0, 1)):
            motors.drive(steer, throttle)
            state = [factory.pin(pin).state for pin in ALL]
            assert 0 in state[:2]
            assert 0 in state[2:]


def test_inversion_limit_and_trim(factory: Any) -> None:
    config = HBridgeConfig(invert_right=True, limit=0.5, trim=0.2)
    with HBridge(config) as motors:
        motors.drive(0.0, 1.0)
        assert [factory.pin(pin).state for pin in ALL] == pytest.approx([0.5, 0, 0, 0.4])
    config = HBridgeConfig(invert_left=True, trim=-0.2)
    with HBridge(config) as motors:
        motors.drive(0.0, 1.0)
        assert [factory.pin(pin).state for pin in ALL] == pytest.approx([0, 0.8, 1, 0])


def test_neutral_gives_no_power_whatever_the_steering(factory: Any) -> None:
    with HBridge(HBridgeConfig()) as motors:
        motors.drive(0.5, 0.5)
        motors.neutral(steer=0.5)
        assert [factory.pin(pin).state for pin in ALL] == [0, 0, 0, 0]


def test_an_exception_leaves_the_motors_neutral(factory: Any) -> None:
    def drive_and_fail() -> None:
        with HBridge(HBridgeConfig()) as motors:
            motors.drive(0.0, 1.0)
            assert factory.pin(LEFT_FORWARD).state == 1.0
            raise RuntimeError

    with pytest.raises(RuntimeError):
        drive_and_fail()
    assert [factory.pin(pin).state for pin in ALL] == [0, 0, 0, 0]
    assert [wave[-1] for wave in waves(factory)] == [0, 0, 0, 0]


def test_the_end_of_the_interpreter_leaves_the_motors_neutral(
    factory: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    hooks: set[Any] = set()
    monkeypatch.setattr(atexit, "register", hooks.add)
    monkeypatch.setattr(atexit, "unregister", hooks.discard)
    motors = HBridge(HBridgeConfig())
    motors.drive(0.0, 1.0)
    next(iter(hooks))()
    assert [factory.pin(pin).state for pin in ALL] == [0, 0, 0, 0]
    assert not hooks
    motors.close()
    motors.drive(0.0, 1.0)
    assert [factory.pin(pin).state for pin in ALL] == [0, 0, 0, 0]


def test_one_side_that_fails_does_not_keep_the_other_running(
    factory: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    motors = HBridge(HBridgeConfig())
    motors.drive(0.0, 1.0)
    left = factory.pin(LEFT_FORWARD)

    def refuse(value: float) -> None:
        raise OSError(value)

    monkeypatch.setattr(left, "_set_state", refuse)
    motors.close()
    assert [factory.pin(pin).state for pin in (RIGHT_FORWARD, RIGHT_BACKWARD)] == [0, 0]


def test_a_pin_in_use_is_told(factory: Any) -> None:
    with (
        gpiozero.LED(17),
        pytest.raises(HardwareError, match="The pins 9, 10, 17, 27 of the H-bridge"),
    ):
        HBridge(HBridgeConfig())
    with HBridge(HBridgeConfig()):
        pass


def test_pins_that_cannot_pulse_are_told(factory: Any) -> None:
    from gpiozero.pins.mock import MockPin

    factory.pin_class = MockPin
    with pytest.raises(HardwareError, match="cannot be used"):
        HBridge(HBridgeConfig())


def test_the_enable_line_is_down_first_and_last(factory: Any) -> None:
    with HBridge(HBridgeConfig(enable=22)) as motors:
        line = factory.pin(22)
        assert [state.state for state in line.states] == [0]
        motors.power(True)
        motors.power(True)
        motors.drive(0.0, 0.5)
        motors.power(False)
        motors.power(True)
    assert [state.state for state in line.states] == [0, 1, 0, 1, 0]


def test_without_an_enable_line_power_changes_nothing(factory: Any) -> None:
    with HBridge(HBridgeConfig()) as motors:
        motors.power(True)
        motors.power(False)
    assert waves(factory) == [[0.0]] * 4
