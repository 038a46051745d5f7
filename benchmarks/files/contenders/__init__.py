"""Who carries files from one end to the other.

Each is opened for two ends, which starts the programs that wait there; it then gives a function
that carries one folder to another as often as wanted, and tells what that took.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.files.ends import Ends
from benchmarks.harness import Report

PLACES_OF_DAEMONS = "/usr/sbin:/sbin"


@dataclass(frozen=True)
class Used:
    """What it took to carry a folder.

    Attributes:
        seconds: from the start of the program, or of a call of one that is connected, to the end.
        source: seconds of processor time of the programs that read.
        sink: of those that write.
        stopped: it was stopped, because it took too long.
        facts: what else the contender tells.
    """

    seconds: float
    source: float
    sink: float
    stopped: bool = False
    facts: Mapping[str, Any] = field(default_factory=dict)


Carry = Callable[[Path, Path, float], Used]
"""Carries what is in the first folder into the second, which is there; for so many seconds."""


@dataclass(frozen=True)
class Contender:
    """One way to carry files.

    Attributes:
        name: what it is called in figures and after ``--only``.
        opener: makes it ready at two ends.
        needs: the programs that must be there.
    """

    name: str
    opener: Callable[[Ends], AbstractContextManager[Carry]]
    needs: tuple[str, ...] = ()

    def why_not(self) -> str | None:
        """Return why it cannot take part here; None if it can."""
        absent = [name for name in self.needs if program(name) is None]
        return f"not installed: {', '.join(absent)}" if absent else None


def program(name: str) -> str | None:
    """Return where a program is; daemons are not on everybody's path."""
    return shutil.which(name) or shutil.which(name, path=PLACES_OF_DAEMONS)


def chosen(contenders: tuple[Contender, ...], report: Report) -> tuple[Contender, ...]:
    """Return those that this run is about.

    Raises:
        ValueError: it names none that takes part.
    """
    if not report.only:
        return contenders
    some = tuple(contender for contender in contenders if contender.name in report.only)
    if not some:
        names = ", ".join(contender.name for contender in contenders)
        raise ValueError(f"none of {', '.join(report.only)} takes part: {names}")
    return some
