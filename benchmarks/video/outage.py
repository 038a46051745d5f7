"""How soon the first picture is back after the link was away for 3 s."""

from __future__ import annotations

import sys

import numpy as np

from benchmarks.harness import Report, Target
from benchmarks.link import Outage
from benchmarks.video.contenders import CONTENDERS
from benchmarks.video.contest import Setting, Window, compete
from benchmarks.video.judge import back_after

LENGTH = 3.0
COUNT, QUICK_COUNT = 4, 1
"""In one window; five seeds make 20."""
FIRST = 2.0
"""Seconds of pictures before the first outage may begin."""
EVERY = 8.0
BACK_LIMIT = 4.0
"""Seconds after an outage in which a picture must be back, or counts as this late."""
PHASES = EVERY - LENGTH - BACK_LIMIT

GOALS = {0.5: ("p50", 300.0), 0.95: ("p95", 800.0)}


def outages(seed: int, count: int) -> tuple[Outage, ...]:
    """Return when the link is away: at phases of all timers that chance decides."""
    luck = np.random.default_rng(seed)
    return tuple(
        Outage(FIRST + number * EVERY + float(luck.uniform(0.0, PHASES)), LENGTH)
        for number in range(count)
    )


def measure(report: Report) -> None:
    """Time from the end of an outage to the first picture that is fresh again."""
    count = QUICK_COUNT if report.quick else COUNT

    def setting_of(seed: int) -> Setting:
        changes = {"outages": outages(seed, count)}
        return Setting("wifi-good", FIRST + count * EVERY, changes)

    windows = compete(report, list(CONTENDERS), setting_of)
    times = {name: back_times(those) for name, those in windows.items()}
    report.keep("back_ms", times)
    best = {
        share: min(
            (float(np.quantile(t, share)) for n, t in times.items() if not ours(n)), default=None
        )
        for share in GOALS
    }
    lines = ["video.outage: ms until a fresh picture is back, p50/p95/max, and how many outages"]
    for name, found in times.items():
        for share, (word, limit) in GOALS.items():
            report.figure(
                f"back_{word}",
                float(np.quantile(found, share)),
                "ms",
                baseline=best[share] if ours(name) else None,
                target=Target(limit, of_ratio=False) if ours(name) else None,
                of=name,
            )
        p50, p95 = np.quantile(found, (0.5, 0.95))
        lines.append(f"{name:18} {p50:.0f}/{p95:.0f}/{max(found):.0f}  {len(found)}")
    print("\n".join(lines), file=sys.stderr)


def ours(name: str) -> bool:
    """Tell whether a contender is pynet."""
    return CONTENDERS[name].ours


def back_times(windows: list[Window]) -> list[float]:
    """Return the times of all outages in all windows of one contender, in ms."""
    found = []
    for window in windows:
        found += back_after(window.arrivals, window.outage_ends, BACK_LIMIT)
    return found
