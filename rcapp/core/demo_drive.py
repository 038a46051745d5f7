"""Scripted driving without a screen, of the demo car or of one that runs elsewhere.

The view gives real key presses and a way to save its window, and calls from its timer::

    run = DemoRun(session, demo_car, press, release, save_picture=save_picture,
                  seconds=20, output=Path("build"), started=options.started)
    # about 60 times a second:
    if run.tick():                      # True once the drive is over
        code, sentence = run.finish()   # writes demo.json, checks it; print the sentence
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from rcapp.core import demo_report
from rcapp.core.demo_car import DemoCar
from rcapp.core.series import SeriesBuffer
from rcapp.core.session import CarSession, Link, Snapshot

if TYPE_CHECKING:
    from pynet.rc.messages import CarStatus

TARGET_SPEED = 1.2
"""m/s: brisk, and slow enough for every bend."""

SLOW_SPEED = 0.7
"""m/s near something in front."""

FRONT_LIMIT = 1.1
"""Metres in front below which the car slows down."""

STEER_GAIN = 2.4
"""Steer per unit of (right - left) / (right + left); full lock at 2.4 to 1."""

STEER_STEP = 0.06
"""Difference between steer wanted and steer sent that is worth a key."""

SETTLE = 2.0
"""Seconds after the first picture that do not count for the age of what is on display: the
window draws its plots for the first time, and the car learns what the link can bear."""

FIRST_PICTURE_LIMIT = 25.0
"""Seconds after which a demo without a picture has failed."""

SEEN_AFTER = 0.15
"""Seconds after which the window has long shown a new state of the link."""

TAP_EVERY = 0.7
"""Seconds between two presses of a key that asks for something: the car may not be ready yet."""

PARK_SECONDS = 2.0
"""The end of the drive in which the car is brought to rest, so that distances can be compared."""


def sides(series: Mapping[str, SeriesBuffer]) -> tuple[float, float, float] | None:
    """(left, front, right) in metres of the first sensor that measures to both sides.

    The front is infinite when the sensor does not look there. None when no sensor does.
    """
    for buffer in list(series.values()):
        letters = [label[:1].upper() for label in buffer.info.series]
        values = buffer.last
        if values is None or buffer.info.unit != "m" or not {"L", "R"} <= set(letters):
            continue
        front = values[letters.index("F")] if "F" in letters else float("inf")
        return values[letters.index("L")], front, values[letters.index("R")]
    return None


class ScriptedDriver:
    """Keeps the car on the road with keys: away from the nearer side, taps of throttle.

    Args:
        press, release: called with ``"left"``, ``"right"``, ``"up"``, ``"down"``, ``"wheel"`` or
            ``"arm"``.
    """

    def __init__(self, press: Callable[[str], None], release: Callable[[str], None]) -> None:
        self._press = press
        self._release = release
        self._down: set[str] = set()
        self._tapped_at = float("-inf")

    def tick(
        self, snapshot: Snapshot, series: Mapping[str, SeriesBuffer], now: float = 0.0
    ) -> None:
        """Press and release what the situation asks for; nothing is held without a live picture.

        Args:
            snapshot: what is known of the car.
            series: what its sensors have measured.
            now: local monotonic time.
        """
        if snapshot.link is not Link.LIVE:
            self.release_all()
            return
        if not self._ready(snapshot, now):
            return
        room = sides(series)
        speed = snapshot.status.speed if snapshot.status is not None else 0.0
        target = TARGET_SPEED
        wanted = 0.0
        if room is not None:
            left, front, right = room
            wanted = max(-1.0, min(1.0, STEER_GAIN * (right - left) / max(left + right, 0.1)))
            if front < FRONT_LIMIT:
                target = SLOW_SPEED
        gap = wanted - snapshot.steer
        self._hold("left", "right", (gap > STEER_STEP) - (gap < -STEER_STEP))
        if snapshot.stage == "neutral":
            self._hold("down", "up", 0)  # the failsafe wants to see the throttle let go
            return
        # The brake is left alone unless the car is far too fast: it coasts down by itself.
        self._hold("down", "up", (speed < target) - (speed > target + 0.8))

    def _ready(self, snapshot: Snapshot, now: float) -> bool:
        """Take the wheel and arm, as a person does; True once the car can move."""
        if snapshot.armed and snapshot.wheel.yours:
            return True
        self.release_all()
        if now - self._tapped_at < TAP_EVERY or snapshot.ordering:
            return False
        if not snapshot.wheel.yours:
            self._tap("wheel", now)
        elif snapshot.status is not None and not snapshot.status.refusals:
            self._tap("arm", now)
        return False

    def _tap(self, key: str, now: float) -> None:
        self._tapped_at = now
        self._press(key)
        self._release(key)

    def park(self, snapshot: Snapshot) -> None:
        """Bring the car to rest."""
        speed = snapshot.status.speed if snapshot.status is not None else 0.0
        self._hold("left", "right", 0)
        self._hold("down", "up", (speed < -0.25) - (speed > 0.25))

    def release_all(self) -> None:
        """Let go of every key."""
        self._hold("left", "right", 0)
        self._hold("down", "up", 0)

    def _hold(self, negative: str, positive: str, direction: int) -> None:
        for key, down in ((negative, direction < 0), (positive, direction > 0)):
            if down and key not in self._down:
                self._down.add(key)
                self._press(key)
            elif not down and key in self._down:
                self._down.discard(key)
                self._release(key)


class DemoRun:
    """One scripted drive with its report.

    Args:
        session: connected, or connecting, to the car.
        car: the simulated car, which ends with the drive and gives its own account of it; None
            for a car that is not ours.
        press, release: real key events of the view.
        seconds: how long to drive, counted from the first painted picture.
        output: folder for ``demo.json`` and the pictures; made when missing.
        save_picture: saves the window to the given path; called in the middle of the drive,
            when there is most to see, and once for each other state the link gets into:
            ``demo.png``, ``demo-stale.png``, ``demo-lost.png``, ``demo-reconnecting.png``.
        started: local monotonic time at which the program started (``Options.started``).
    """

    def __init__(
        self,
        session: CarSession,
        car: DemoCar | None,
        press: Callable[[str], None],
        release: Callable[[str], None],
        *,
        seconds: float,
        output: Path,
        save_picture: Callable[[Path], object] | None = None,
        started: float | None = None,
    ) -> None:
        self.picture_path = output / "demo.png"
        self.json_path = output / "demo.json"
        self._session = session
        self._car = car
        self._driver = ScriptedDriver(press, release)
        self._save_picture = save_picture
        self._seconds = seconds
        self._output = output
        self._began = time.monotonic() if started is None else started
        self._first_picture_at: float | None = None
        self._photographed = False
        self._link = Link.IDLE
        self._link_since = self._began
        self._links_photographed = {Link.IDLE, Link.CONNECTING, Link.LIVE}
        self._ended_at: float | None = None
        self._status_before: CarStatus | None = None
        self._before = demo_report.Effort()
        self._after = demo_report.Effort()

    def tick(self, now: float | None = None) -> bool:
        """Drive on; True once the drive is over (also when it failed to start in time)."""
        now = time.monotonic() if now is None else now
        if self._ended_at is not None:
            return True
        snapshot = self._session.snapshot(now)
        if self._first_picture_at is None:
            return self._wait_for_picture(snapshot, now)
        self._photograph_trouble(snapshot.link, now)
        left = self._first_picture_at + self._seconds - now
        if left > min(PARK_SECONDS, self._seconds / 4):
            self._driver.tick(snapshot, self._session.series, now)
        elif left > 0:
            self._driver.park(snapshot)
        else:
            self._end(now)
        if not self._photographed and left < self._seconds / 2:
            self._photograph()
        return self._ended_at is not None

    def _wait_for_picture(self, snapshot: Snapshot, now: float) -> bool:
        if snapshot.frames_painted:
            self._first_picture_at = now
            self._status_before = snapshot.status
            self._before = demo_report.Effort.now(self._car)
        elif now - self._began > FIRST_PICTURE_LIMIT or self._trouble:
            self._end(now)
        return self._ended_at is not None

    @property
    def _trouble(self) -> str:
        return "" if self._car is None else self._car.error

    def _photograph(self) -> None:
        self._photographed = True
        self._save(self.picture_path)

    def _photograph_trouble(self, link: Link, now: float) -> None:
        """A picture of each state of the link, the first time that it lasts."""
        if link is not self._link:
            self._link, self._link_since = link, now
        if link not in self._links_photographed and now - self._link_since > SEEN_AFTER:
            self._links_photographed.add(link)
            self._save(self.picture_path.with_name(f"demo-{link.value}.png"))

    def _save(self, path: Path) -> None:
        if self._save_picture is not None:
            self._output.mkdir(parents=True, exist_ok=True)
            self._save_picture(path)

    def _end(self, now: float) -> None:
        self._driver.release_all()
        self._after = demo_report.Effort.now(self._car)
        self._ended_at = now
        if not self._photographed:
            self._photograph()

    def finish(self) -> tuple[int, str]:
        """Write ``demo.json`` and compare it with the agent's own report. Ends a car of ours.

        Returns:
            Exit code and a sentence for the person: 0 only if the figures agree, pictures
            were painted and the car moved.
        """
        now = time.monotonic()
        if self._ended_at is None:
            self._end(now)
        snapshot = self._session.snapshot(now)
        trouble = self._trouble or snapshot.error
        agent = None
        if self._car is not None:
            # The agent writes its last report when it leaves.
            self._car.leave()
            agent = self._car.report()
        first, ended = self._first_picture_at, self._ended_at or now
        figures = demo_report.figures(
            snapshot,
            self._session.frame_ages(),
            self._session.display_ages(ended if first is None else first + SETTLE, ended),
            seconds=0.0 if first is None else ended - first,
            status_before=self._status_before,
            to_first_picture=None if first is None else first - self._began,
            before=self._before,
            after=self._after,
        )
        demo_report.write(self.json_path, figures)
        complaints = demo_report.complaints(figures, agent)
        if trouble and complaints:
            complaints.insert(0, trouble)
        return demo_report.verdict(figures, complaints, self._output, compared=agent is not None)
