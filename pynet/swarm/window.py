"""How many items may be on the way: between 1 and N, by what the link itself needs. Pure."""

from __future__ import annotations

from collections import deque

GOOD_IN_A_ROW = 8
MARGIN = 0.015
MEMORY = 64


class Window:
    """Opens carefully, closes when items wait in queues.

    An item that took much longer than the quickest one, though nothing of it was lost, stood in
    a queue: there is more on the way than the link's delay justifies. One that was late because
    parts were lost says nothing about queues; while its parts are sent again, others may go.

    Args:
        most: never more items than this.

    Attributes:
        allowed: items that may be on the way now.
        smallest: the quickest of the newest items, seconds from sending to being taken.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self.allowed = min(2, most)
        self.smallest: float | None = None
        self._times: deque[float] = deque(maxlen=MEMORY)
        self._good = 0

    def on_taken(self, seconds: float, *, rescued: bool) -> None:
        """An item was taken, so many seconds after it was sent; parts of it were sent twice."""
        self._times.append(seconds)
        self.smallest = min(self._times)
        if rescued:
            self._good += 1
        elif seconds > 2 * self.smallest + MARGIN:
            self._good = 0
            self.allowed = max(1, self.allowed - 1)
            return
        else:
            self._good += 1
        if self._good >= GOOD_IN_A_ROW:
            self._good = 0
            self.allowed = min(self.most, self.allowed + 1)
