"""Where a process dies in a test of crashes, named from outside by ``PYNET_CRASH_AT``.

``kind:n`` is right after the n-th commit that holds a record of that kind, or the n-th passing
of the :func:`crash_point` of that name; ``kind:n:before`` right before it is written;
``kind:n:torn`` when half of it is. The process gets SIGKILL: nothing is flushed, closed or told.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable

VARIABLE = "PYNET_CRASH_AT"
AFTER, BEFORE, TORN = "after", "before", "torn"

_passed: dict[tuple[str, str], int] = {}


def crash_point(kind: str, when: str = AFTER) -> None:
    """Die here if this is the place; an effect that is no record, such as ``"unlinked"``."""
    if VARIABLE in os.environ and is_due((kind,), when):
        die()


def is_due(kinds: Iterable[str], when: str) -> bool:
    """Count a passing of a place, and say whether it is the one to die at."""
    wanted, _, rest = os.environ.get(VARIABLE, "").partition(":")
    number, _, place = rest.partition(":")
    if wanted not in kinds or (place or AFTER) != when:
        return False
    count = _passed[wanted, when] = _passed.get((wanted, when), 0) + 1
    return count == int(number or 1)


def die() -> None:
    """End this process as a power cut would."""
    os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))
