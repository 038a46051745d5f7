"""The Controller's lanes to a file process: kept warm from one transfer to the next."""

from __future__ import annotations

import threading

from pynet.dial import Dialler
from pynet.errors import Closed
from pynet.files.lanecount import MOST
from pynet.io.lane import Lane


class WarmLanes:
    """Lanes that are ready for a talk. Any thread.

    A lane that has carried something is worth keeping: its TCP knows the way, its TLS is greeted.

    Args:
        dialler: opens them.
    """

    def __init__(self, dialler: Dialler) -> None:
        self._dialler = dialler
        self._lock = threading.Lock()
        self._idle: list[Lane] = []
        self._closed = False

    def borrow(self) -> Lane:
        """A lane; give it back, or close it.

        Raises:
            ConnectError, Busy, AuthenticationError: none can be opened.
        """
        with self._lock:
            if self._closed:
                raise Closed("the files of this Gateway were closed by this side")
            while self._idle:
                lane = self._idle.pop()
                if lane.check():
                    return lane
                lane.close()
        lane = self._dialler.open("pair")
        lane.tune_for_background()
        return lane

    def give_back(self, lane: Lane) -> None:
        """A talk over it has ended."""
        with self._lock:
            if not self._closed and lane.error is None and len(self._idle) <= MOST:
                self._idle.append(lane)
                return
        lane.close()

    def warm(self, count: int) -> None:
        """Open so many now, so that a transfer finds them."""
        lanes = [self.borrow() for _ in range(count)]
        for lane in lanes:
            self.give_back(lane)

    def close(self) -> None:
        """Close those that are not lent. Idempotent."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for lane in idle:
            lane.close()
