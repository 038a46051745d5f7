"""What a run comes to: how fresh the newest command was, and how long each one took."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Times = npt.NDArray[np.float64]
STEP = 0.1
SHARES = {"p50": 50.0, "p99": 99.0, "p999": 99.9, "max": 100.0}


@dataclass(frozen=True)
class Run:
    """The commands of one window; times in ms since its beginning.

    Attributes:
        length: of the window, in ms.
        sent: when each command was made, by its number; NaN for a tick that was missed.
        taken: when its first copy was taken at the other end; NaN for never.
        cpu: share of a core that the laptop's and the car's process used in the window.
    """

    length: float
    sent: Times
    taken: Times
    cpu: tuple[float, float]

    @classmethod
    def of_log(
        cls,
        start: int,
        length: float,
        sent: Sequence[Sequence[int]],
        taken: Sequence[Sequence[int]],
        cpu: tuple[float, float],
    ) -> Run:
        """Make one of pairs of number and nanoseconds, as both ends noted them."""
        count = 1 + max((number for number, _ in sent), default=-1)
        times = [np.full(count, np.nan) for _ in range(2)]
        for log, by_number in zip((sent, taken), times, strict=True):
            for number, when in log:
                # The first copy counts.
                if number < count and np.isnan(by_number[number]):
                    by_number[number] = (when - start) / 1e6
        return cls(length, times[0], times[1], cpu)

    @property
    def latencies(self) -> Times:
        """How long those that arrived took, first copies, in ms."""
        latencies = self.taken - self.sent
        return latencies[~np.isnan(latencies)]

    @property
    def lost(self) -> float:
        """% of those sent that never came, or that the receiver left out as too old."""
        return float(100.0 - 100.0 * len(self.latencies) / max(1, self.count))

    @property
    def count(self) -> int:
        """How many were sent."""
        return int(np.count_nonzero(~np.isnan(self.sent)))

    @property
    def superseded(self) -> int:
        """How many were taken after a newer one."""
        arrived = np.flatnonzero(~np.isnan(self.taken))
        order = arrived[np.argsort(self.taken[arrived], kind="stable")]
        return int(np.count_nonzero(order < np.maximum.accumulate(order)))

    def ages(self) -> Times:
        """Return the age in ms of the newest command taken so far, ten times in each ms.

        From the first one that was taken on: before, there is none that could be old.
        """
        arrived = np.flatnonzero(~np.isnan(self.taken))
        if not len(arrived):
            return np.array([self.length])
        order = arrived[np.argsort(self.taken[arrived], kind="stable")]
        when = self.taken[order]
        newest = np.maximum.accumulate(self.sent[order])
        moments = np.arange(when[0], self.length, STEP)
        return moments - newest[np.searchsorted(when, moments, side="right") - 1]

    def figures(self) -> dict[str, float]:
        """Return what it comes to: ages and delivery in ms, shares in %."""
        ages, latencies = self.ages(), self.latencies
        figures: dict[str, float] = {}
        for word, share in SHARES.items():
            figures[f"age_{word}"] = percentile(ages, share)
            figures[f"delivery_{word}"] = percentile(latencies, share)
        figures["age_over_50"] = 100.0 * float(np.mean(ages > 50.0))
        figures["age_over_100"] = 100.0 * float(np.mean(ages > 100.0))
        figures["lost"] = self.lost
        figures["superseded"] = float(self.superseded)
        figures["sent_per_second"] = self.count / self.length * 1e3
        figures["cpu_laptop"], figures["cpu_car"] = (100.0 * share for share in self.cpu)
        return figures


def percentile(samples: Times, share: float) -> float:
    """Return the sample that `share` % do not exceed; NaN of none."""
    if not len(samples):
        return float("nan")
    ordered = np.sort(samples)
    return float(ordered[min(len(ordered) - 1, int(share / 100.0 * len(ordered)))])
