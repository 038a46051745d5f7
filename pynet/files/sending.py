"""The source's end of a transfer: tells what there is, and sends what the other end wants."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from pynet.bulk.rate import FLOOR
from pynet.errors import FilesError, PynetError, RemoteProtocolError, SourceChanged
from pynet.files.hashing import LEAF, hasher
from pynet.files.info import FILE, FileInfo, Problem
from pynet.files.messages import (
    AGAIN,
    ALL,
    DROP,
    FILES,
    GOT,
    HOLES,
    LOST,
    PACE,
    PACK_FRAME,
    PAUSE,
    PIECE_FRAME,
    PROBLEMS,
    SMALL,
    STOP,
    WANT,
    pack_info,
)
from pynet.files.selection import Selection
from pynet.files.source import SourceFile, read_small
from pynet.files.speed import LaneSpeed
from pynet.files.tree import Tree
from pynet.files.work import Large, Pack, Piece, Work
from pynet.io.lane import Lane
from pynet.talk import Talk

log = logging.getLogger("pynet.files")

AT_A_TIME = 500
"""Files that are told of in one message: the other end can decide on them while we look on."""

CATCH_UP = 1.15
"""All lanes together may send so much faster than they are to for a while: several that repair a
loss at once would otherwise each send at the whole rate, in front of what is live."""

STAND_BACK = 0.5
"""Of what a lane carried it may carry while room is made: what waits in it leaves behind what is
live. With less, bbr would come to take it for what the way can carry, and be slow for seconds."""

Say = Callable[[Any], None]


Thing = tuple[Tree, bytes, FileInfo | Problem]
"""What is there: where, its name at the other end, and what it is."""


class Origin(NamedTuple):
    """Where files of a transfer are.

    Attributes:
        tree: the folder.
        selection: which of them.
    """

    tree: Tree
    selection: Selection

    def things(self) -> Iterator[Thing]:
        """What is found, as it is found."""
        for thing in self.tree.scan(self.selection):
            yield self.tree, self.selection.below(thing.name), thing


class Sending:
    """What one transfer sends.

    The control talk's owner calls :meth:`tell` and :meth:`on_message`; each lane's thread calls
    :meth:`run_lane`.

    Args:
        things: what there is to send; asked for more as they are told of.
        say: to the other end, over the control talk.
        algorithm: of the digests.
        work: the queue.

    Attributes:
        work: what has to be sent.
        told: everything that is there has been told of.
        files, bytes: how many were told of so far, and their size.
        files_there, bytes_there: how much of it the other end has; the files in whole.
        identical: files that it had before.
        by_lane: bytes that arrived over each lane.
        repeated: bytes that had to be sent again.
    """

    def __init__(
        self,
        things: Iterable[Thing],
        say: Say,
        algorithm: str,
        work: Work | None = None,
    ) -> None:
        self.work = work or Work()
        self.told = False
        self.files = self.bytes = self.repeated = 0
        self.files_there = self.bytes_there = self.identical = 0
        self.by_lane: dict[int, int] = {}
        self._found = iter(things)
        self._say = say
        self._digest = hasher(algorithm)
        self._infos: list[FileInfo] = []
        self._trees: list[Tree] = []
        self._large: dict[int, Large] = {}
        self._open: dict[int, SourceFile] = {}
        self._lanes: dict[int, tuple[Lane, LaneSpeed]] = {}
        self._lock = threading.Lock()

    # ---- control, on its owner's thread -------------------------------------------------

    def tell(self) -> bool:
        """Tell of some more files. False when there are no more."""
        if self.told:
            return False
        first = len(self._infos)
        entries, problems = [], []
        for tree, name, thing in self._found:
            if isinstance(thing, Problem):
                problems.append([name, thing.code, thing.text])
                continue
            self._infos.append(thing)
            self._trees.append(tree)
            entries.append(pack_info(thing, name))
            if thing.kind == FILE:
                self.files += 1
                self.bytes += thing.size
            if len(entries) >= AT_A_TIME:
                break
        else:
            self.told = True
        if entries:
            self._say([FILES, first, entries])
        if problems:
            self._say([PROBLEMS, problems])
        if self.told:
            self._say([ALL, self.files, self.bytes])
        return not self.told

    def on_message(self, message: list[Any]) -> None:
        """Something that the other end said.

        Raises:
            RemoteProtocolError: it makes no sense.
        """
        try:
            self._take(message[0], message)
        except (IndexError, TypeError, ValueError, KeyError) as error:
            raise RemoteProtocolError(
                f"the other end of a transfer said nonsense: {error!r}"
            ) from error

    def _take(self, word: str, message: list[Any]) -> None:
        if word == WANT:
            self._wanted(message[1])
        elif word == GOT:
            for lane, frames, size in message[1]:
                self.work.confirm(lane, frames)
                self.by_lane[lane] = size
            self.files_there, self.bytes_there, self.identical = message[2:5]
        elif word == AGAIN:
            large = self._large[message[1]]
            self.repeated += large.leaf_size(message[2])
            self.work.repeat(large, message[2])
        elif word == STOP:
            self.work.stop(message[1])
        elif word == PAUSE:
            self.work.pause(bool(message[1]))
        elif word == PACE:
            self.pace(float(message[1]))
        elif word == LOST:
            self.repeated += self.work.lost(message[1], message[2])
        else:
            raise ValueError(word)

    def _wanted(self, wants: list[Any]) -> None:
        small = []
        for want in wants:
            if isinstance(want, int):
                small.append((want, self._info(want, small=True)))
            else:
                if small:
                    self.work.add_small(small)
                    small = []
                self._add_large(want[0], [(int(a), int(b)) for a, b in want[1]])
        if small:
            self.work.add_small(small)

    def _info(self, id: int, *, small: bool) -> FileInfo:
        info = self._infos[id]
        if id < 0 or info.kind != FILE or (info.size <= SMALL) != small:
            raise ValueError(id)
        return info

    def _add_large(self, id: int, missing: list[tuple[int, int]]) -> None:
        info = self._info(id, small=False)
        leaves = -(-info.size // LEAF)
        if any(first < 0 or count < 1 or first + count > leaves for first, count in missing):
            raise ValueError(missing)
        holes: list[tuple[int, int]] = []
        if info.allocated < info.size:
            try:
                missing, holes = _without_holes(self._source(id, info), missing)
            except (OSError, FilesError) as error:
                self._drop(id, error)
                return
        large = self._large[id] = self.work.add_large(id, info, missing)
        if holes or not missing:
            sealed = not large.unread and self._seal(large)
            self._say([HOLES, id, holes, sealed])

    # ---- lanes, each on a thread of its own ---------------------------------------------

    def run_lane(self, number: int, talk: Talk, alive: Callable[[], bool]) -> None:
        """Send units over a lane until there are no more for it.

        Raises:
            PynetError: the lane is lost.
        """
        speed = LaneSpeed()
        talk.lane.tune_for_background()
        with self._lock:
            self._lanes[number] = talk.lane, speed
        self._share_rate()
        try:
            self._send_units(number, talk, speed, alive)
        finally:
            with self._lock:
                del self._lanes[number]
            self._share_rate()

    def _send_units(
        self, number: int, talk: Talk, speed: LaneSpeed, alive: Callable[[], bool]
    ) -> None:
        buffer = memoryview(bytearray(LEAF))
        held: tuple[int, int, bytes] | None = None
        while (unit := self.work.take(number, speed.piece, alive)) is not None:
            if isinstance(unit, Pack):
                size = self._send_pack(talk, unit)
            else:
                held = self._send_piece(talk, unit, buffer, held)
                size = unit.size
            speed.sent(size)

    def pace(self, rate: float) -> None:
        """Send so many bytes/s at most over all lanes; infinite for no limit. Any thread."""
        self.work.limit(rate)
        self._share_rate()

    def _share_rate(self) -> None:
        with self._lock:  # all the time: who comes last sees the newest rate
            rate = self.work.rate
            for lane, speed in self._lanes.values():
                if rate > FLOOR:
                    lane.tune_for_background(CATCH_UP * rate / len(self._lanes))
                else:
                    lane.tune_for_background(max(FLOOR, STAND_BACK * speed.rate))

    def _send_pack(self, talk: Talk, pack: Pack) -> int:
        ids, digests, bodies, sizes = [], [], [], []
        digest = self._digest
        for number, info in zip(pack.ids, pack.infos, strict=True):
            try:
                data = read_small(self._trees[number], info)
            except (OSError, FilesError) as error:
                self._drop(number, error)
                continue
            self._was_read(number, 0, head := digest(data))
            ids.append(number)
            sizes.append(len(data))
            digests.append(head)
            bodies.append(data)
        body = b"".join(bodies)
        # Said even when it is empty: both ends count the frames of a lane.
        talk.say([PACK_FRAME, ids, sizes, digests], body)
        return len(body)

    def _send_piece(
        self, talk: Talk, piece: Piece, buffer: memoryview, held: tuple[int, int, bytes] | None
    ) -> tuple[int, int, bytes] | None:
        large, leaf = piece.file, piece.leaf
        sealed = False
        if held is None or held[:2] != (large.id, leaf):
            held = None
            try:
                view = self._source(large.id, large.info).read(leaf, buffer)
                held = (large.id, leaf, self._digest(view))
                self._was_read(large.id, leaf, held[2])
            except (OSError, FilesError) as error:
                self._drop(large.id, error)
        if self.work.read(piece):
            sealed = held is not None and self._seal(large)
        if held is None:
            talk.say([PACK_FRAME, [], [], []])
            return None
        body = buffer[piece.offset : piece.offset + piece.size]
        talk.say([PIECE_FRAME, large.id, leaf, piece.offset, held[2], sealed], body)
        return held

    # ---- files --------------------------------------------------------------------------

    def _source(self, id: int, info: FileInfo) -> SourceFile:
        with self._lock:
            source = self._open.get(id)
            if source is None:
                source = self._open[id] = SourceFile(self._trees[id], info)
            return source

    def _seal(self, large: Large) -> bool:
        """Everything of a file was read: True if it was the same file all the time."""
        try:
            self._source(large.id, large.info).check()
        except (OSError, FilesError) as error:
            self._drop(large.id, error)
            return False
        self._was_sealed(large)
        with self._lock:
            source = self._open.pop(large.id, None)
        if source is not None:
            source.close()
        return True

    def _was_read(self, id: int, leaf: int, digest: bytes) -> None:
        """A leaf, or a small file, was read; for who wants to know more than its arrival."""

    def _was_sealed(self, large: Large) -> None:
        """All of a large file was read, and it is open still."""

    def _drop(self, id: int, error: Exception) -> None:
        """A file cannot be sent: tell the other end, and go on with the others."""
        problem = problem_of(self._infos[id].name, error)
        log.info("%s is not sent: %s", problem.name, problem.text)
        try:
            self._say([DROP, id, problem.code, problem.text])
        except PynetError:
            log.debug("the other end is gone")

    def close(self) -> None:
        """Hand out nothing more, let go of files. Idempotent."""
        self.work.close()
        with self._lock:
            sources, self._open = list(self._open.values()), {}
        for source in sources:
            source.close()


def _without_holes(
    source: SourceFile, missing: list[tuple[int, int]]
) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """The missing leaves that hold data, and those that lie in holes, as runs."""
    data: list[tuple[int, int]] = []
    holes: list[tuple[int, int]] = []
    for first, count in missing:
        leaf, end = first, first + count
        while leaf < end:
            hole = min(source.hole(leaf), end - leaf)
            if hole:
                holes.append((leaf, hole))
            elif data and sum(data[-1]) == leaf:
                data[-1] = (data[-1][0], data[-1][1] + 1)
            else:
                data.append((leaf, 1))
            leaf += max(1, hole)
    return data, holes


def problem_of(name: bytes, error: Exception) -> Problem:
    """What went wrong with one file, for people and programs."""
    if isinstance(error, SourceChanged):
        return Problem(name, "changed", str(error))
    if isinstance(error, FileNotFoundError):
        return Problem(name, "vanished", "it was removed or renamed meanwhile")
    if isinstance(error, PermissionError):
        return Problem(name, "denied", "it may not be read; check its permissions")
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return Problem(name, "io", reason)
