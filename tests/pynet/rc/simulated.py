"""A link with a clock of its own, for the adaptive controller."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from pynet.rc.video import AdaptiveController, Setting

PART = 1400
WINDOW = 4


@dataclass
class Known:
    """What the sender knows of the stream."""

    age: float | None = None
    round_trip: float | None = None
    smallest_round_trip: float | None = None
    rescued: int = 0
    parts: int = 0


@dataclass
class Link:
    """Pictures go one after the other; a part that is lost is sent again half a trip later.

    Attributes:
        rate: bits a second, by time.
        delay: seconds one way.
        loss: share of the parts that are lost.
        jitter: seconds that a picture may take longer.
    """

    rate: Callable[[float], float]
    delay: float = 0.005
    loss: float = 0.0
    jitter: float = 0.001
    seed: int = 1
    ages: list[tuple[float, float]] = field(default_factory=list)
    settings: list[tuple[float, int, Setting]] = field(default_factory=list)

    def run(self, controller: AdaptiveController, seconds: float, fps: float = 30.0) -> None:
        rng = random.Random(self.seed)
        known = Known()
        free = 0.0
        arrived = 0.0
        last_sent = float("-inf")
        newest: deque[float] = deque(maxlen=64)
        reports: list[tuple[float, float, float]] = []
        for tick in range(int(seconds * fps)):
            now = tick / fps
            while reports and reports[0][0] <= now:
                _, known.age, known.round_trip = reports.pop(0)
                newest.append(known.round_trip)
                known.smallest_round_trip = min(newest)
            if len(reports) >= WINDOW or now - last_sent < 0.99 / controller.setting.fps:
                continue
            setting = controller.update(now, known)
            self.settings.append((now, controller.step, setting))
            size = int(setting.picture_bytes * rng.uniform(0.6, 1.3))
            controller.sent(size)
            last_sent = now
            parts = -(-size // PART)
            lost = sum(rng.random() < self.loss for _ in range(parts))
            known.parts += parts + lost
            known.rescued += lost
            free = max(free, now) + size * 8 / self.rate(now)
            late = (3 * self.delay + 0.004) if lost else 0.0
            arrived = max(arrived, free + self.delay + late + rng.uniform(0, self.jitter))
            self.ages.append((now, arrived - now))
            reports.append((arrived + self.delay, arrived - now, arrived + self.delay - now))

    def steps(self, start: float = 0.0, end: float = float("inf")) -> list[int]:
        """The controller's step at each picture of that time."""
        return [step for at, step, _ in self.settings if start <= at < end]

    def between(self, start: float, end: float) -> list[float]:
        """The ages of the pictures of that time, smallest first."""
        return sorted(age for at, age in self.ages if start <= at < end)
