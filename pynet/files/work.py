"""What a source still has to send, cut into units that lanes pull when they can take one."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from pynet.bulk.rate import UNLIMITED, Pacer
from pynet.files.hashing import LEAF
from pynet.files.info import FileInfo

PACK = 256 * 1024
"""Bytes of small files that travel in one frame: as much as costs no system call more."""

MOST_IN_PACK = 128
"""Files of a pack; each costs the other end about 50 us, and it is to be heard meanwhile."""

LEAST_PIECE, PIECE_TIME = 8 * 1024, 0.01
"""Under a limit a piece is what goes in so many seconds, but not less than so many bytes."""

BURST = 0.05
"""Seconds of a limited rate that are caught up with after all lanes stood, to repair a loss."""

WINDOW = 24 * 1024 * 1024
"""Bytes that may be on their way over all lanes together, not confirmed by the other end.

Where its disk is slower than the network, a crash would cost all that the kernel's buffers take
for it: tens of MiB a lane. So much carries 1 Gbit/s over 0.15 s of round trip.
"""

WAIT = 0.25
"""Seconds after which a lane that waits for work looks whether it still exists."""


@dataclass(slots=True, eq=False)
class Large:
    """A file that goes out in pieces.

    Attributes:
        id: number within the transfer.
        info: of the file.
        runs: leaves that still have to be taken, as ``[first, count]``.
        offset: of the first byte in the first of these leaves that was not taken.
        unread: bytes taken or to be taken that have not been read yet.
    """

    id: int
    info: FileInfo
    runs: list[list[int]]
    offset: int = 0
    unread: int = field(init=False)

    def __post_init__(self) -> None:
        self.unread = sum(self._size_of(first, count) for first, count in self.runs)

    def leaf_size(self, leaf: int) -> int:
        """Bytes of one leaf; the last one may be shorter."""
        return min(LEAF, self.info.size - leaf * LEAF)

    def _size_of(self, first: int, count: int) -> int:
        return min(self.info.size, (first + count) * LEAF) - first * LEAF


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of one leaf.

    Attributes:
        file: which.
        leaf: number of the leaf.
        offset: in the leaf.
        size: bytes.
    """

    file: Large
    leaf: int
    offset: int
    size: int


@dataclass(frozen=True, slots=True)
class Pack:
    """Small files that travel together.

    Attributes:
        ids: numbers within the transfer.
        infos: of the files.
    """

    ids: list[int]
    infos: list[FileInfo]

    @property
    def size(self) -> int:
        """Bytes of all."""
        return sum(info.size for info in self.infos)


Unit = Piece | Pack


class Work:
    """The queue of one transfer. Any thread.

    Args:
        clock: monotonic time.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._changed = threading.Condition()
        self._queue: deque[tuple[int, FileInfo] | Large] = deque()
        self._again: deque[Unit] = deque()
        self._sent: dict[int, deque[Unit]] = {}
        self._confirmed: dict[int, int] = {}
        self._under_way = 0
        self._stopped: set[int] = set()
        self._paused = False
        self._closed = False
        self._clock = clock
        self._pacer = Pacer(UNLIMITED, clock(), BURST)

    # ---- filling ------------------------------------------------------------------------

    def add_small(self, files: Iterable[tuple[int, FileInfo]]) -> None:
        """Files that travel whole."""
        with self._changed:
            self._queue.extend(files)
            self._changed.notify_all()

    def add_large(self, id: int, info: FileInfo, missing: Iterable[tuple[int, int]]) -> Large:
        """A file that travels in leaves; ``missing`` are those that are wanted."""
        large = Large(id, info, [[first, count] for first, count in missing])
        if large.runs:
            with self._changed:
                self._queue.append(large)
                self._changed.notify_all()
        return large

    def repeat(self, large: Large, leaf: int) -> None:
        """A leaf came damaged: send it again."""
        with self._changed:
            self._put_back(Piece(large, leaf, 0, large.leaf_size(leaf)))
            self._changed.notify_all()

    # ---- pulling, by lanes --------------------------------------------------------------

    def take(self, lane: int, size: int, alive: Callable[[], bool]) -> Unit | None:
        """The next unit for a lane; waits for one.

        Args:
            lane: its number.
            size: bytes that a piece should have at most, as the lane is quick or slow.
            alive: whether the lane still is.

        Returns:
            None when this lane is to do no more.
        """
        with self._changed:
            while alive() and not self._closed and lane not in self._stopped:
                pause = WAIT
                if self._may_go and (self._again or self._queue):
                    size = self._piece(size)
                    pause = self._pacer.allow(size, self._clock())
                    if not pause:
                        unit = self._again.popleft() if self._again else self._next(size)
                        self._sent.setdefault(lane, deque()).append(unit)
                        self._under_way += unit.size
                        return unit
                self._changed.wait(min(pause, WAIT))
        return None

    @property
    def _may_go(self) -> bool:
        return not self._paused and self._under_way < WINDOW

    def _next(self, size: int) -> Unit:
        head = self._queue[0]
        if isinstance(head, Large):
            return self._cut(head, size)
        ids: list[int] = []
        infos: list[FileInfo] = []
        together, most = 0, PACK if self._pacer.rate == UNLIMITED else size
        while self._queue and len(ids) < MOST_IN_PACK:
            head = self._queue[0]
            if isinstance(head, Large) or (ids and together + head[1].size > most):
                break
            self._queue.popleft()
            ids.append(head[0])
            infos.append(head[1])
            together += head[1].size
        return Pack(ids, infos)

    def _cut(self, large: Large, size: int) -> Piece:
        first = large.runs[0][0]
        whole = large.leaf_size(first)
        offset = large.offset
        length = min(whole - offset, size)
        if offset + length < whole:
            large.offset = offset + length
            return Piece(large, first, offset, length)
        large.offset = 0
        run = large.runs[0]
        run[0] += 1
        run[1] -= 1
        if not run[1]:
            del large.runs[0]
        if not large.runs:
            self._queue.popleft()
        return Piece(large, first, offset, length)

    def read(self, piece: Piece) -> bool:
        """A piece was read from the disk. True when nothing of the file is left to be read."""
        with self._changed:
            piece.file.unread -= piece.size
            return piece.file.unread == 0

    # ---- what arrived -------------------------------------------------------------------

    def confirm(self, lane: int, frames: int) -> None:
        """The other end has got so many units over a lane, in all."""
        with self._changed:
            sent = self._sent.get(lane)
            stood = self._under_way >= WINDOW
            while sent and self._confirmed.get(lane, 0) < frames:
                self._under_way -= sent.popleft().size
                self._confirmed[lane] = self._confirmed.get(lane, 0) + 1
            if stood and self._under_way < WINDOW:
                self._changed.notify_all()

    def lost(self, lane: int, frames: int) -> int:
        """A lane is gone, and so many of its units arrived: the others go out again.

        Returns:
            Their bytes.
        """
        self.confirm(lane, frames)
        with self._changed:
            self._stopped.add(lane)
            missing = self._sent.pop(lane, deque())
            size = sum(unit.size for unit in missing)
            self._under_way -= size
            for unit in missing:
                self._put_back(unit)
            self._changed.notify_all()
        return size

    def _put_back(self, unit: Unit) -> None:
        if isinstance(unit, Piece):
            unit.file.unread += unit.size
        self._again.append(unit)

    # ---- from outside -------------------------------------------------------------------

    def stop(self, lane: int) -> None:
        """A lane is to carry nothing more."""
        with self._changed:
            self._stopped.add(lane)
            self._changed.notify_all()

    @property
    def rate(self) -> float:
        """Bytes/s at which units are handed out; infinite without a limit."""
        return self._pacer.rate

    def limit(self, rate: float) -> None:
        """Hand out so many bytes/s at most, in small units; infinite for no limit."""
        with self._changed:
            self._pacer.set_rate(max(rate, 1.0), self._clock())
            self._changed.notify_all()

    def _piece(self, size: int) -> int:
        """What follows at once leaves at once, in front of what is live."""
        if self._pacer.rate == UNLIMITED:
            return size
        return min(size, max(LEAST_PIECE, int(self._pacer.rate * PIECE_TIME)))

    def pause(self, paused: bool) -> None:
        """Hand out nothing, or go on."""
        with self._changed:
            self._paused = paused
            self._changed.notify_all()

    def close(self) -> None:
        """No lane gets anything any more. Idempotent."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
