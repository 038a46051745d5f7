"""What a sink iterates over."""

from __future__ import annotations

import logging
import time
from collections import deque
from typing import Any, Final, Protocol

from pynet.errors import DecodeError, PynetError
from pynet.inlet import Inlet, ItemInfo
from pynet.io.lane import Lane
from pynet.policy import Policy
from pynet.stats import Tally
from pynet.subroutines import Subroutine
from pynet.wire.frames import Frame, Kind

Items = list[tuple[Any, ItemInfo]]

log = logging.getLogger("pynet.handler")


class _Silence:
    """Type of :data:`SILENCE`."""

    def __bool__(self) -> bool:
        return False

    def __repr__(self) -> str:
        return "SILENCE"


SILENCE: Final = _Silence()
"""What a sink's iteration yields when nothing came for its ``silence`` time. It is falsy."""


class Supply(Protocol):
    """Where the items of a sink come from: one lane, or a swarm of them."""

    def fetch(self, timeout: float | None) -> Items | None:
        """Wait for items, oldest first.

        Returns:
            None after ``timeout`` seconds, an empty list when the other side has closed the feed.

        Raises:
            PynetError: the feed is lost.
        """


class LaneSupply:
    """The items that come over one lane."""

    def __init__(self, lane: Lane, policy: Policy, tally: Tally) -> None:
        self._lane = lane
        self._inlet = Inlet(lane, policy, tally)
        self._skip = policy.kind == "latest"
        self._given: tuple[Frame, int] | None = None

    def fetch(self, timeout: float | None) -> Items | None:
        """See :class:`Supply`. Who comes back for more has taken what was given before."""
        if self._given is not None:
            given, self._given = self._given, None
            self._inlet.taken(*given)
        frame = self._lane.next_frame(timeout)
        while self._skip and frame is not None and frame.kind == Kind.ITEM:
            newer = self._lane.newer_item()
            if newer is None:
                break
            self._inlet.taken(frame)
            frame = newer
        if frame is None:
            return None
        return self._read(frame) if frame.kind in (Kind.ITEM, Kind.ITEMS) else []

    def _read(self, frame: Frame) -> Items:
        values, births, age = self._inlet.read(frame)
        self._given = (frame, len(values))
        return list(self._inlet.infos(frame, values, births, age))


class Incoming:
    """The items sent into a sink, one after the other.

    Iterate over it, in the thread the function runs on. The iteration ends when the
    other side closes the feed, and also when it is lost; :attr:`error` tells which.

    Attributes:
        peer: name of the Controller that sends.
        address: where it is, ``host:port``.
        info: about the newest item, or None before the first.
        error: why the feed was lost, or None.
    """

    def __init__(
        self, supply: Supply, subroutine: Subroutine, tally: Tally, peer: str, address: str
    ) -> None:
        self.peer = peer
        self.address = address
        self.info: ItemInfo | None = None
        self.error: PynetError | None = None
        self._supply = supply
        self._tally = tally
        self._max_age = subroutine.max_age
        self._silence = subroutine.silence
        self._last = time.monotonic()
        self._ready: deque[tuple[Any, ItemInfo]] = deque()
        self._ended = False

    @property
    def ended(self) -> bool:
        """True when the other side closed the feed or was lost."""
        return self._ended

    def __iter__(self) -> Incoming:
        return self

    def __next__(self) -> Any:
        while not self._ready:
            if self._ended:
                raise StopIteration
            items = None if self._silent() else self._wait()
            if items is not None:
                self._take(items)
            elif not self._ended:
                self._last = time.monotonic()
                return SILENCE
        value, self.info = self._ready.popleft()
        self._last = time.monotonic()
        return value

    def _silent(self) -> bool:
        """Items that are too old to be taken are silence too."""
        return self._silence is not None and time.monotonic() - self._last >= self._silence

    def _wait(self) -> Items | None:
        """The next items; None for silence or the end."""
        timeout = None
        if self._silence is not None:
            timeout = max(0.001, self._last + self._silence - time.monotonic())
        try:
            items = self._supply.fetch(timeout)
        except DecodeError:
            raise
        except PynetError as error:
            self.error = error
            self._ended = True
            return None
        if items is not None and not items:
            self._ended = True
            return None
        return items

    def _take(self, items: Items) -> None:
        for value, info in items:
            if self._max_age is not None and info.age > self._max_age:
                self._tally.dropped += 1
                log.debug("dropped an item %.0f ms old", info.age * 1000)
            else:
                self._ready.append((value, info))
