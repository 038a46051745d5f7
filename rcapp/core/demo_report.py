"""The figures of a scripted drive, and whether the car's own account agrees with them."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from rcapp.core.state import Snapshot

if TYPE_CHECKING:
    from pynet.rc.messages import CarStatus
    from rcapp.core.demo_car import DemoCar

ACCEPTED_SLACK = 15
"""Commands that may reach the car after the last status did: 50 a second, for 0.3 s."""

DISTANCE_SLACK = 0.25
"""Metres that a parked car may still roll."""

MOVED_AT_LEAST = 1.0
"""Metres that count as having driven."""


@dataclass(frozen=True, slots=True)
class Effort:
    """Processor time spent by both programs up to one moment, seconds.

    Attributes:
        wall, app: of this process.
        agent_wall, agent: as the agent reports them.
    """

    wall: float = 0.0
    app: float = 0.0
    agent_wall: float = 0.0
    agent: float = 0.0

    @classmethod
    def now(cls, car: DemoCar | None) -> Effort:
        """Look at the clocks; those of a car that is not ours cannot be seen."""
        report = {} if car is None else car.report()
        return cls(
            wall=time.monotonic(),
            app=time.process_time(),
            agent_wall=float(report.get("wall_seconds", 0.0)),
            agent=float(report.get("cpu_seconds", 0.0)),
        )


def _percent(cpu: float, wall: float) -> float | None:
    return round(100 * cpu / wall, 1) if wall > 0 else None


def _quantiles(name: str, ages: npt.NDArray[np.float64]) -> dict[str, float | None]:
    """Percentiles in ms, None where there is nothing to take them of."""
    if not len(ages):
        return {f"{name}_ms_p50": None, f"{name}_ms_p99": None}
    p50, p99 = np.percentile(ages, (50, 99)) * 1000
    return {f"{name}_ms_p50": round(float(p50), 1), f"{name}_ms_p99": round(float(p99), 1)}


def figures(
    snapshot: Snapshot,
    frame_ages: npt.NDArray[np.float64],
    display_ages: npt.NDArray[np.float64],
    *,
    seconds: float,
    to_first_picture: float | None,
    status_before: CarStatus | None,
    before: Effort,
    after: Effort,
) -> dict[str, Any]:
    """What ``demo.json`` holds.

    ``frame_age`` is capture to painted, once per picture, as the window's figures have it.
    ``picture_age`` is the age of what is on display, at every millisecond: it grows until the
    next picture comes, as that of ``benchmarks video`` does.
    """
    status = snapshot.status
    distance = trips = 0.0
    if status is not None:
        distance, trips = status.distance, status.failsafe_trips
    if status_before is not None:
        distance, trips = distance - status_before.distance, trips - status_before.failsafe_trips
    return {
        "seconds": round(seconds, 2),
        "frames_painted": snapshot.frames_painted,
        **_quantiles("frame_age", frame_ages),
        **_quantiles("picture_age", display_ages),
        "codec": snapshot.codec,
        "camera_lanes": snapshot.camera_lanes,
        "drive_lanes": snapshot.drive_lanes,
        "distance_m": round(distance, 2),
        "commands_sent": snapshot.commands_sent,
        "commands_accepted": snapshot.commands_accepted,
        "failsafe_trips": int(trips),
        "seconds_to_first_picture": None
        if to_first_picture is None
        else round(to_first_picture, 2),
        "agent_cpu_percent": _percent(
            after.agent - before.agent, after.agent_wall - before.agent_wall
        ),
        "app_cpu_percent": _percent(after.app - before.app, after.wall - before.wall),
    }


def write(path: Path, found: Mapping[str, Any]) -> None:
    """Write the figures; the old file or the new one is there at any moment."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(".json.new")
    new.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    os.replace(new, path)


def complaints(
    found: Mapping[str, Any],
    agent: Mapping[str, Any] | None,
    *,
    accepted_slack: int = ACCEPTED_SLACK,
) -> list[str]:
    """Where the figures show no drive, or differ from the agent's own; empty is good.

    Args:
        found: the figures.
        agent: the agent's report; None where it gives none, as a car elsewhere does.
        accepted_slack: commands that the agent may count beyond those that the app knows of.
    """
    wrong: list[str] = []
    if not found["frames_painted"]:
        wrong.append("No picture was painted.")
    if found["distance_m"] < MOVED_AT_LEAST:
        wrong.append(f"The car moved only {found['distance_m']:.2f} m.")
    if not found["commands_accepted"]:
        wrong.append("The car accepted no drive command.")
    if agent is None:
        return wrong
    if not agent:
        return [*wrong, "The agent left no report to compare with."]
    late = int(agent.get("accepted", 0)) - found["commands_accepted"]
    if not 0 <= late <= accepted_slack:
        wrong.append(
            f"The app counts {found['commands_accepted']} accepted commands, "
            f"the agent {agent.get('accepted')}."
        )
    if found["commands_accepted"] > found["commands_sent"]:
        wrong.append(
            f"The app sent {found['commands_sent']} commands, "
            f"fewer than the {found['commands_accepted']} accepted."
        )
    if abs(float(agent.get("distance_m", 0.0)) - found["distance_m"]) > DISTANCE_SLACK:
        wrong.append(
            f"The app counts {found['distance_m']:.2f} m driven, "
            f"the agent {float(agent.get('distance_m', 0.0)):.2f} m."
        )
    if int(agent.get("failsafe_trips", -1)) != found["failsafe_trips"]:
        wrong.append(
            f"The app counts {found['failsafe_trips']} failsafe trips, "
            f"the agent {agent.get('failsafe_trips')}."
        )
    return wrong


def verdict(
    found: Mapping[str, Any], wrong: list[str], folder: Path, *, compared: bool = True
) -> tuple[int, str]:
    """Exit code and sentence for the person; `compared` with the agent's own report."""
    if wrong:
        return 1, f"The demo failed. {' '.join(wrong)} See {folder / 'demo.json'}."
    agreed = "; the agent's own figures agree" if compared else ""
    return 0, (
        f"Drove {found['distance_m']:.1f} m in {found['seconds']:.0f} s: "
        f"{found['frames_painted']} pictures painted, "
        f"{found['frame_age_ms_p50']:.0f} ms old when painted (99 %: "
        f"{found['frame_age_ms_p99']:.0f} ms); "
        f"{found['commands_accepted']} of {found['commands_sent']} commands accepted, "
        f"{found['failsafe_trips']} failsafe trips{agreed}. "
        f"See {folder / 'demo.png'} and {folder / 'demo.json'}."
    )
