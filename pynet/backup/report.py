"""What came of a run of a backup."""

from __future__ import annotations

from dataclasses import dataclass

from pynet.files.info import Problem, Usage
from pynet.wire.registry import register


@register
@dataclass(frozen=True, slots=True)
class BackupReport:
    """What a run moved, and how it ended.

    Attributes:
        job: its id in the history; empty if nothing had to move.
        verdict: ``"done"``: the low mark is reached; ``"idle"``: there was nothing to do;
            ``"exhausted"``: all that may move has, and it is not enough; ``"destination full"``;
            or ``"held elsewhere"``: removing files frees nothing.
        files, bytes: that moved.
        freed: bytes that the disk has more now.
        before, after: how full it was and is.
        lowest: share that could be reached if everything moved that may.
        kept: files that were planned and stay, each with its reason.
        seconds: that it took.
        warnings: sentences for people.
    """

    job: str
    verdict: str
    files: int
    bytes: int
    freed: int
    before: Usage
    after: Usage
    lowest: float
    kept: tuple[Problem, ...]
    seconds: float
    warnings: tuple[str, ...] = ()


@register
@dataclass(frozen=True, slots=True)
class Order:
    """What a run is to do.

    Attributes:
        root: share that is emptied.
        destination: folder of this machine.
        device: what the other machine is called here: its folder in the destination.
        machine: its device id.
        policy: as :meth:`~pynet.backup.policy.Policy.to_dict` gives it.
        lanes: that many; None for as many as gain something.
        patience: seconds without a way after which it fails.
        at_once: a person asks: one look above the high mark is enough.
        below: move even if the disk is not as full as the high mark, until the low one.
        store: where files go from the destination; None for nowhere.
    """

    root: str
    destination: str
    device: str
    machine: str
    policy: dict[str, object]
    lanes: int | None
    patience: float
    at_once: bool
    below: bool = False
    store: str | None = None
