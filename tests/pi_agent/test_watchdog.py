from __future__ import annotations

import threading
from collections.abc import Callable
from types import SimpleNamespace

import pytest

from pi_agent.drive import DriveGate
from pi_agent.watchdog import Watchdog


class Recorder:
    """A drivetrain that notes what it was told; it can be made to fail."""

    def __init__(self) -> None:
        self.told: list[tuple[str, float, float]] = []
        self.error: Exception | None = None
        self._changed = threading.Condition()

    def drive(self, steer: float, throttle: float) -> None:
        self._note("drive", steer, throttle)
        if self.error:
            raise self.error

    def neutral(self, steer: float = 0.0) -> None:
        self._note("neutral", steer, 0.0)

    def close(self) -> None:
        self.neutral()

    def wait_for(self, wanted: Callable[[list[tuple[str, float, float]]], bool]) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: wanted(self.told), 10)

    def _note(self, what: str, steer: float, throttle: float) -> None:
        with self._changed:
            self.told.append((what, steer, throttle))
            self._changed.notify_all()


def command(seq: int, steer: float, throttle: float) -> SimpleNamespace:
    return SimpleNamespace(seq=seq, steer=steer, throttle=throttle)


def test_commands_reach_the_motors_and_silence_stops_them() -> None:
    motors = Recorder()
    with Watchdog(DriveGate(0.15), motors) as watchdog:
        lease = watchdog.claim("Ann")
        assert watchdog.offer(lease, command(1, 0.25, 0.5)) == ""
        assert motors.wait_for(lambda told: ("drive", 0.25, 0.5) in told)
        assert motors.wait_for(lambda told: told[-1] == ("neutral", 0.25, 0.0))
        assert motors.wait_for(lambda told: told[-1] == ("neutral", 0.0, 0.0))
        assert watchdog.status().failsafe_trips == 1


def test_stop_is_neutral_at_once() -> None:
    motors = Recorder()
    with Watchdog(DriveGate(), motors) as watchdog:
        lease = watchdog.claim("Ann")
        watchdog.offer(lease, command(1, 0.0, 0.5))
        watchdog.stop("test")
        assert motors.wait_for(lambda told: told[-1:] == [("neutral", 0.0, 0.0)])
        assert watchdog.offer(lease, command(2, 0.0, 0.0)) == "The car is stopped: test"
        watchdog.clear_stop()
        watchdog.release(lease)
        assert watchdog.status().driver == ""


def test_closing_is_neutral_whatever_was_driven() -> None:
    motors = Recorder()
    watchdog = Watchdog(DriveGate(), motors)
    watchdog.start()
    lease = watchdog.claim("Ann")
    watchdog.offer(lease, command(1, 0.0, 0.5))
    assert motors.wait_for(lambda told: ("drive", 0.0, 0.5) in told)
    watchdog.close()
    assert motors.told[-1] == ("neutral", 0.0, 0.0)
    watchdog.close()


def test_motors_that_do_not_obey_latch_stop(caplog: pytest.LogCaptureFixture) -> None:
    motors = Recorder()
    motors.error = OSError("the bus is gone")
    with Watchdog(DriveGate(), motors) as watchdog:
        lease = watchdog.claim("Ann")
        watchdog.offer(lease, command(1, 0.0, 0.5))
        assert motors.wait_for(lambda told: len(told) > 3 and told[-1] == ("neutral", 0.0, 0.0))
        assert watchdog.status().state == "stopped"
        assert "the bus is gone" in watchdog.status().reason
    assert caplog.text.count("The motors do not obey; STOP is latched") == 1
