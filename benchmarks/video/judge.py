"""What reached the laptop, held against what the car sent, once the window is over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from benchmarks.harness import quantile
from benchmarks.video.source import FPS, HEIGHT, WIDTH, Picture, index_of, read_stamp, stamp

Luma = npt.NDArray[np.uint8]

SIDE = 40
FARTHEST = 24
"""A block of 40 x 40 whose mean luma is further off than this is visibly wrong."""

LATE = 0.25
TICK = 0.001


@dataclass(frozen=True)
class Arrival:
    """One picture as it came.

    Attributes:
        at: seconds after picture 0 existed, taken when it was decoded.
        number: of the picture; None if its barcode is unreadable.
        psnr: of its luma in dB, beside the source; None if it is not whole.
    """

    at: float
    number: int | None
    psnr: float | None

    @property
    def age(self) -> float:
        """Seconds since it existed; only of one that can be read."""
        assert self.number is not None
        return self.at - self.number / FPS


class Judge:
    """Knows all pictures, and tells what became of one.

    Args:
        clip: what the car sent, forth and back, without numbers.
    """

    def __init__(self, clip: Sequence[Picture] | Picture) -> None:
        self._lumas = [_luma(picture) for picture in clip]

    def judge(self, at: float, luma: Luma) -> Arrival:
        """Look at one picture.

        Args:
            at: when it came.
            luma: its grey values; a smaller one is scaled up first.
        """
        import cv2

        if luma.shape != (HEIGHT, WIDTH):
            luma = cv2.resize(luma, (WIDTH, HEIGHT)).astype(np.uint8, copy=False)
        number = read_stamp(luma)
        if number is None:
            return Arrival(at, None, None)
        true = self._lumas[index_of(number, len(self._lumas))].copy()
        stamp(true, number)
        whole = np.abs(_blocks(luma) - _blocks(true)).max() <= FARTHEST
        return Arrival(at, number, round(cv2.PSNR(luma, true), 2) if whole else None)


def _luma(picture: Picture) -> Luma:
    import cv2

    return cv2.cvtColor(np.ascontiguousarray(picture), cv2.COLOR_BGR2GRAY).astype(
        np.uint8, copy=False
    )


def _blocks(luma: Luma) -> npt.NDArray[np.float32]:
    parts = luma.reshape(HEIGHT // SIDE, SIDE, WIDTH // SIDE, SIDE)
    means: npt.NDArray[np.float32] = parts.mean(axis=(1, 3), dtype=np.float32)
    return means


@dataclass(frozen=True)
class Verdict:
    """One window of one contender. Times in ms.

    Attributes:
        age_p50, age_p95, age_p99, age_max: of what is on display.
        way_p50, way_p99: of pictures when they came.
        late: share of the time with something on display that is older than 250 ms.
        fps: whole new pictures a second.
        broken: pictures that came and were not whole.
        psnr: of the whole ones, mean, in dB.
    """

    age_p50: float
    age_p95: float
    age_p99: float
    age_max: float
    way_p50: float
    way_p99: float
    late: float
    fps: float
    broken: int
    psnr: float


def newer_ones(arrivals: Sequence[Arrival]) -> list[Arrival]:
    """Return what a display shows: whole pictures, each newer than the one before it."""
    shown: list[Arrival] = []
    newest = -1
    for arrival in sorted(arrivals, key=lambda arrival: arrival.at):
        if arrival.psnr is not None and arrival.number is not None and arrival.number > newest:
            newest = arrival.number
            shown.append(arrival)
    return shown


def ages_on_display(shown: Sequence[Arrival], begin: float, end: float) -> npt.NDArray[np.float64]:
    """Return the age of what is on display, every millisecond of a window, in seconds.

    Before the first picture came, the age is that of an imagined one at time 0.
    """
    times = begin + TICK * np.arange(round((end - begin) / TICK))
    born = np.array([0.0, *((arrival.number or 0) / FPS for arrival in shown)])
    index = np.searchsorted([arrival.at for arrival in shown], times, side="right")
    ages: npt.NDArray[np.float64] = times - born[index]
    return ages


def verdict(arrivals: Sequence[Arrival], begin: float, end: float) -> Verdict:
    """Sum up the window from `begin` to `end`, seconds after picture 0 existed."""
    shown = newer_ones(arrivals)
    display = ages_on_display(shown, begin, end) * 1e3
    within = [arrival for arrival in arrivals if begin <= arrival.at < end]
    whole = [arrival for arrival in shown if begin <= arrival.at < end]
    ways = [arrival.age * 1e3 for arrival in whole] or [float("inf")]
    p50, p95, p99 = (float(value) for value in np.quantile(display, (0.5, 0.95, 0.99)))
    return Verdict(
        age_p50=p50,
        age_p95=p95,
        age_p99=p99,
        age_max=float(display.max()),
        way_p50=quantile(ways, 0.5),
        way_p99=quantile(ways, 0.99),
        late=float((display > LATE * 1e3).mean()),
        fps=len(whole) / (end - begin),
        broken=sum(arrival.psnr is None for arrival in within),
        psnr=float(np.mean([arrival.psnr for arrival in whole])) if whole else 0.0,
    )


def back_after(arrivals: Sequence[Arrival], ends: Sequence[float], limit: float) -> list[float]:
    """Return how long after the end of each outage the first fresh picture came, in ms.

    Fresh is one of at most 250 ms: what was under way when the link went is no picture of now.

    Args:
        arrivals: of the whole run.
        ends: of the outages, seconds after picture 0 existed.
        limit: seconds; if nothing came until then, that is the answer.
    """
    fresh = [arrival.at for arrival in newer_ones(arrivals) if arrival.age <= LATE]
    found = []
    for end in ends:
        first = next((at for at in fresh if at >= end), end + limit)
        found.append(min(first - end, limit) * 1e3)
    return found
