"""How far a transfer is, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass

from pynet.files.info import Problem
from pynet.wire.registry import register

LISTING, RUNNING, PAUSED, RECONNECTING = "listing", "running", "paused", "reconnecting"
DONE, FAILED, CANCELLED = "done", "failed", "cancelled"

OVER = frozenset({DONE, FAILED, CANCELLED})


@register
@dataclass(frozen=True, slots=True)
class LaneProgress:
    """One lane of a transfer.

    Attributes:
        number: of the lane; a lane that takes the place of a lost one has a new number.
        bytes: that arrived over it.
        rate: bytes/s over the last two seconds.
    """

    number: int
    bytes: int
    rate: float


@register
@dataclass(frozen=True, slots=True)
class Progress:
    """A transfer at one moment.

    Attributes:
        state: ``"listing"``, ``"running"``, ``"paused"``, ``"reconnecting"``, ``"done"``,
            ``"failed"`` or ``"cancelled"``.
        files, bytes: that are where they belong, also those that were there before.
        files_total, bytes_total: that there are in all, as far as they were counted.
        total_known: everything was counted.
        rate: bytes/s over the last two seconds.
        eta: seconds that are left at this rate; None if that cannot be said.
        lanes: those that carry it now.
        current: the name of a file that something came of lately.
        note: what a person should know about it now, or nothing.
    """

    state: str
    files: int = 0
    files_total: int = 0
    bytes: int = 0
    bytes_total: int = 0
    total_known: bool = False
    rate: float = 0.0
    eta: float | None = None
    lanes: tuple[LaneProgress, ...] = ()
    current: str = ""
    note: str = ""

    @property
    def over(self) -> bool:
        """Nothing more will happen."""
        return self.state in OVER


@register
@dataclass(frozen=True, slots=True)
class Report:
    """What came of a transfer.

    Attributes:
        files, bytes: that are where they belong now.
        identical: how many of these files were there before.
        problems: files that did not travel, and why.
        seconds: that it took.
        arrived: bytes that came over lanes.
        repeated: bytes that had to be sent more than once.
        lanes: what was tried with the number of lanes: ``"2 -> 4 lanes: +71 %"``.
    """

    files: int
    bytes: int
    identical: int
    problems: tuple[Problem, ...]
    seconds: float
    arrived: int
    repeated: int
    lanes: tuple[str, ...]
