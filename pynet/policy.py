"""What happens to an item that cannot be sent at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pynet.errors import ConfigurationError

MIB = 1024 * 1024

DEEPEST = 100_000
"""Items that may wait at a sender, at most."""

ITEM_COST = 256
"""Bytes of a window that each item costs besides its own: about what a small Python object and
its handling weigh, so that a window of tiny items is not a second of them."""


@dataclass(frozen=True, slots=True)
class Policy:
    """How much may be on the way, and what gives when that is reached.

    Attributes:
        kind: ``"latest"``, ``"keep_last"``, ``"paced"`` or ``"reliable"``.
        depth: items that may wait at the sender (1 for latest).
        window: how much may be on the way before the receiver has taken it.
        unit: what the window counts: ``"items"`` or ``"bytes"``.
        background: stands back for live flows of the same process; see :mod:`pynet.bulk`.
    """

    kind: str
    depth: int = 1
    window: int = 2
    unit: str = "items"
    background: bool = False

    @property
    def live(self) -> bool:
        """True when an old item is worth less than a new one.

        Then kernel queues are kept short, and a lost flow begins anew.
        """
        return self.kind != "reliable"

    @property
    def lossless(self) -> bool:
        """True when every item that was taken from its producer arrives, in order."""
        return self.kind in ("reliable", "paced")

    def pack(self) -> list[Any]:
        """For the wire."""
        note = [self.kind, self.depth, self.window, self.unit]
        return [*note, True] if self.background else note


latest = Policy("latest")
"""A mailbox of one: what is not yet on the wire is replaced by newer."""

reliable = Policy("reliable", window=4 * MIB, unit="bytes")
"""Everything arrives, in order; the producer waits when the receiver is slow."""


background = Policy("reliable", window=MIB // 4, unit="bytes", background=True)
"""As reliable, but it yields: while live flows run in the sending process, it goes only as fast as
does not delay them."""


def keep_last(depth: int) -> Policy:
    """The newest ``depth`` items wait, the oldest are dropped and counted as a gap.

    Args:
        depth: 1 to 100 000.
    """
    if type(depth) is not int or not 1 <= depth <= DEEPEST:
        raise ConfigurationError(
            f"keep_last({depth!r}): the depth must be a whole number, 1 to {DEEPEST}"
        )
    return Policy("keep_last", depth, window=max(2, depth))


def paced(window: int = 4) -> Policy:
    """Everything that was pulled arrives, in order, and little is on the way.

    For live items that build on each other, like packed video: the generator is pulled only
    when there is room, so that what it yields is always fresh, and nothing has to be dropped.

    Args:
        window: items on the way at most, 1 to 1000.
    """
    if type(window) is not int or not 1 <= window <= 1000:
        raise ConfigurationError(f"paced({window!r}): the window must be a whole number, 1 to 1000")
    return Policy("paced", window=window)


WORDS = {"latest": latest, "reliable": reliable, "background": background}


def as_policy(policy: Policy | str) -> Policy:
    """A policy from a policy or one of the words ``latest``, ``reliable`` and ``background``.

    Raises:
        ConfigurationError: no such policy.
    """
    if isinstance(policy, Policy):
        return policy
    known = WORDS.get(str(policy))
    if known is not None:
        return known
    raise ConfigurationError(
        f"no policy is called {policy!r}; use pynet.latest, pynet.keep_last(n), pynet.paced(n), "
        "pynet.reliable or pynet.background"
    )


def unpack_policy(note: Any) -> Policy:
    """A policy from the wire, within sane bounds.

    Raises:
        ConfigurationError: torn or out of bounds.
    """
    try:
        kind, depth, window, unit, *rest = note
        yields = bool(rest)
        sane = (
            (not yields or (len(rest) == 1 and rest[0] is True and kind == "reliable"))
            and kind in ("latest", "keep_last", "paced", "reliable")
            and unit in ("items", "bytes")
            and type(depth) is int
            and 1 <= depth <= DEEPEST
            and type(window) is int
            and 1 <= window <= 1 << 32
        )
    except (TypeError, ValueError):
        sane = False
    if not sane:
        raise ConfigurationError(f"the other side asked for the impossible policy {note!r:.80}")
    return Policy(kind, depth, window, unit, yields)
