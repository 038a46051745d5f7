"""Several lanes of one swarm read side by side and put back in order."""

from __future__ import annotations

import heapq
import queue
import threading
from collections.abc import Iterator
from typing import Any

from pynet.dial import read_error
from pynet.errors import PynetError
from pynet.inlet import Inlet
from pynet.io.lane import Lane
from pynet.policy import Policy
from pynet.stats import Tally
from pynet.wire.frames import Frame, Kind

Part = tuple[Frame, Inlet, list[Any], list[int] | None, float]


class Merge:
    """Reads each lane on a thread of its own and yields what they bring.

    The lanes' credits bound what waits here: a lane sends no more than its window.

    Args:
        name: of the stream, for the threads' names.
        lanes: all of one swarm; closed by :meth:`close`.
        policy: of the stream.
        tally: counts them all together.
        ordered: yield by item id; otherwise as they come.
    """

    def __init__(
        self, name: str, lanes: list[Lane], policy: Policy, tally: Tally, ordered: bool
    ) -> None:
        self._lanes = lanes
        self._ordered = ordered
        self._arrived: queue.SimpleQueue[Part | PynetError | None] = queue.SimpleQueue()
        self._threads = [
            threading.Thread(
                target=self._read,
                args=(lane, Inlet(lane, policy, tally, shared=True)),
                name=f"pynet-client-{name}-{number}",
                daemon=True,
            )
            for number, lane in enumerate(lanes)
        ]
        for thread in self._threads:
            thread.start()

    def __iter__(self) -> Iterator[Part]:
        waiting: list[tuple[int, Part]] = []
        expected = 0
        open_lanes = len(self._lanes)
        while open_lanes:
            part = self._arrived.get()
            if part is None:
                open_lanes -= 1
                continue
            if isinstance(part, PynetError):
                raise part
            if not self._ordered:
                yield part
                continue
            heapq.heappush(waiting, (part[0].seq, part))
            while waiting and waiting[0][0] == expected:
                ready = heapq.heappop(waiting)[1]
                expected += len(ready[2])
                yield ready

    def close(self) -> None:
        """Cancel what still runs, close the lanes and join the threads. Idempotent."""
        for lane in self._lanes:
            if lane.error is None:
                try:
                    lane.send(Kind.CANCEL)
                except PynetError:
                    continue  # its exchange has ended
        for lane in self._lanes:
            lane.close()
        for thread in self._threads:
            thread.join()

    def _read(self, lane: Lane, inlet: Inlet) -> None:
        try:
            while True:
                frame = lane.next_frame()
                if frame is None:
                    continue
                if frame.kind == Kind.ITEM or frame.kind == Kind.ITEMS:
                    self._arrived.put((frame, inlet, *inlet.read(frame)))
                elif frame.kind == Kind.END:
                    self._arrived.put(None)
                    return
                elif frame.kind == Kind.ERROR:
                    raise read_error(frame)
        except PynetError as error:
            self._arrived.put(error)
