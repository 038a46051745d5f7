"""Brings a failsafe into each of its stages, for tests."""

from __future__ import annotations

from pi_agent.failsafe import rules
from pi_agent.failsafe.machine import Command, Failsafe

PERIOD = 0.02


class Story:
    """A failsafe with its time and a driver who sends 50 commands a second."""

    def __init__(self, timeout: float = 0.25) -> None:
        self.failsafe = Failsafe(timeout)
        self.now = 100.0
        self.epoch = 7
        self.seq = 0

    def command(self, throttle: float = 0.0, steer: float = 0.0, **changes: float) -> Command:
        """The next command, changed as told; it is not sent."""
        self.seq += 1
        values = {
            "epoch": self.epoch,
            "seq": self.seq,
            "heard": self.now,
            "age": 0.01,
            "steer": steer,
            "throttle": throttle,
        }
        return Command(**(values | changes))  # type: ignore[arg-type]

    def send(self, throttle: float = 0.0, steer: float = 0.0, **changes: float) -> int:
        """Sends one command now; returns the verdict."""
        return self.failsafe.command(self.command(throttle, steer, **changes), self.now)

    def drive(self, seconds: float, throttle: float = 0.0, steer: float = 0.0, **changes: float):
        """Sends commands for some time, the first one period from now; returns the verdicts."""
        verdicts = []
        for _ in range(round(seconds / PERIOD)):
            self.now += PERIOD
            self.failsafe.tick(self.now)
            verdicts.append(self.send(throttle, steer, **changes))
        return verdicts

    def wait(self, seconds: float) -> None:
        """Nothing comes for some time; the clock is looked at every 10 ms."""
        end = self.now + seconds
        while self.now < end - 1e-9:
            self.now = min(self.now + 0.01, end)
            self.failsafe.tick(self.now)

    def arm(self) -> int:
        return self.failsafe.arm(self.epoch, self.now)

    def lease(self) -> Story:
        """A driver has the lease and sends neutral for long enough."""
        self.epoch += 1
        assert self.failsafe.set_epoch(self.epoch, self.now)
        self.drive(0.6)
        return self

    @property
    def stage(self) -> str:
        return rules.STAGES[self.failsafe.stage]

    @property
    def throttle(self) -> float:
        return self.failsafe.output()[1]

    @property
    def steer(self) -> float:
        return self.failsafe.output()[0]


def in_stage(stage: str, throttle: float = 0.6) -> Story:
    """A car in this stage, which was driven at ``throttle`` before unless it is disarmed."""
    story = Story().lease()
    if stage == "disarmed":
        return story
    assert story.arm() == 0
    story.drive(0.1, throttle, 0.5)
    if stage == "degraded":
        story.wait(0.11)
    elif stage == "neutral":
        story.wait(0.26)
    elif stage == "stopped":
        story.failsafe.stop(story.now)
    assert story.stage == stage
    return story
