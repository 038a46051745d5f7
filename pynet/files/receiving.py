"""The destination's end of a transfer: says what it wants, and puts what comes where it belongs."""

from __future__ import annotations

import errno
import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from pynet.errors import BadName, FilesError, NoSpace, PynetError, RemoteProtocolError, TalkEnded
from pynet.files.hashing import LEAF, hasher
from pynet.files.info import FOLDER, FileInfo, Problem
from pynet.files.landing import Identical, Landing, Refused, Wanted
from pynet.files.messages import (
    AGAIN,
    ALL,
    DROP,
    FILES,
    GOT,
    HOLES,
    LOST,
    PACK_FRAME,
    PIECE_FRAME,
    PROBLEMS,
    SMALL,
    WANT,
    unpack_info,
)
from pynet.files.part import Part
from pynet.files.sending import problem_of
from pynet.talk import Talk

log = logging.getLogger("pynet.files")

Say = Callable[[Any], None]

TELL, TELL_BYTES = 0.05, 4 * 1024 * 1024
"""Seconds between two reports of what has arrived, unless so much has: the source waits for them
when :data:`pynet.files.work.WINDOW` is under way."""

FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


class Arriving:
    """A large file of which something is missing.

    Attributes:
        info: of the file.
        part: where it is put together.
        missing: leaves that are not here yet.
        pieces: of leaves that come in several pieces: offset and size of each.
        sealed: the source has read all of it, and it was one and the same file.
    """

    __slots__ = ("info", "missing", "part", "pieces", "sealed")

    def __init__(self, info: FileInfo, part: Part, missing: set[int]) -> None:
        self.info = info
        self.part = part
        self.missing = missing
        self.pieces: dict[int, dict[int, int]] = {}
        self.sealed = False


class Receiving:
    """What one transfer receives.

    The control talk's owner calls :meth:`on_message` and :meth:`tick`; each lane's thread calls
    :meth:`run_lane`.

    Args:
        landing: where files arrive.
        say: to the other end, over the control talk.
        algorithm: of the digests.

    Attributes:
        all_told: the source has told of everything.
        files_total, bytes_total: of what it told.
        files, bytes: that are here: arrived now, or before.
        identical: files that were here already.
        problems: files that will not come, and why.
        current: the name of a file that something came of lately.
        arrived: bytes that came over lanes.
        by_lane: the same for each lane.
        failure: what ends the transfer as a whole, such as a full disk.
    """

    def __init__(self, landing: Landing, say: Say, algorithm: str) -> None:
        self.landing = landing
        self.all_told = False
        self.files_total = self.bytes_total = 0
        self.files = self.bytes = self.identical = self.arrived = 0
        self.problems: list[Problem] = []
        self.current = b""
        self.by_lane: dict[int, int] = {}
        self.failure: PynetError | None = None
        self._say = say
        self._digest = hasher(algorithm)
        self._infos: dict[int, FileInfo] = {}
        self._small: dict[int, FileInfo] = {}
        self._large: dict[int, Arriving] = {}
        self._storing = 0
        self._frames: dict[int, int] = {}
        self._told: tuple[dict[int, int], int, int] = ({}, 0, 0)
        self._told_at = 0.0
        self._told_arrived = 0
        self._lock = threading.Lock()

    @property
    def done(self) -> bool:
        """Nothing is missing any more."""
        return self.all_told and not (self._small or self._large or self._storing)

    def tell_all(self) -> None:
        """The last :meth:`tick`."""
        self._told_at = 0.0
        self.tick()

    # ---- control, on its owner's thread -------------------------------------------------

    def on_message(self, message: list[Any]) -> None:
        """Something that the source said.

        Raises:
            RemoteProtocolError: it makes no sense.
        """
        try:
            self._take(message[0], message)
        except (IndexError, TypeError, ValueError, KeyError) as error:
            if isinstance(error, PynetError):
                raise
            raise RemoteProtocolError(
                f"the source of a transfer said nonsense: {error!r}"
            ) from error

    def _take(self, word: str, message: list[Any]) -> None:
        if word == FILES:
            self._offered(message[1], message[2])
        elif word == PROBLEMS:
            self.problems += [Problem(bytes(n), str(c), str(t)) for n, c, t in message[1]]
        elif word == DROP:
            self._drop(message[1], str(message[2]), str(message[3]))
        elif word == HOLES:
            self._holes(message[1], message[2], bool(message[3]))
        elif word == ALL:
            self.all_told = True
        else:
            raise ValueError(word)

    def _offered(self, first: int, entries: list[Any]) -> None:
        wants: list[Any] = []
        for number, entry in enumerate(entries, first):
            try:
                want = self._decide(number, unpack_info(entry))
            except BadName as error:
                self._gone_wrong(number, Problem(bytes(entry[0]), "name", str(error)))
                continue
            except OSError as error:
                self._failed(number, bytes(entry[0]), error)
                continue
            except FilesError as error:
                self._fail(error)
                return
            if want is not None:
                wants.append(want)
        if wants:
            self._say([WANT, wants])

    def _decide(self, id: int, info: FileInfo) -> Any:
        """Whether a file is wanted, and what of it; None for nothing."""
        if info.kind == FOLDER:
            self.landing.folder(info)
            return None
        self.files_total += 1
        self.bytes_total += info.size
        verdict = self.landing.consider(info)
        if isinstance(verdict, Identical):
            with self._lock:
                self.identical += 1
                self.files += 1
                self.bytes += info.size
            return None
        if isinstance(verdict, Refused):
            self._gone_wrong(id, verdict.problem)
            return None
        if info.size <= SMALL:
            with self._lock:
                self._small[id] = info
            return id
        return self._want_large(id, info, verdict)

    def _want_large(self, id: int, info: FileInfo, verdict: Wanted) -> Any:
        part = self.landing.part(info)
        runs = part.missing()
        missing = {leaf for first, count in runs for leaf in range(first, first + count)}
        here = info.size - sum(min(LEAF, info.size - leaf * LEAF) for leaf in missing)
        with self._lock:
            self._large[id] = Arriving(info, part, missing)
            self.bytes += here
        return [id, [list(run) for run in runs]]

    def _holes(self, id: int, runs: list[Any], sealed: bool) -> None:
        incoming = self._large.get(id)
        if incoming is None:
            return
        for first, count in runs:
            if not 0 < count <= len(incoming.missing):
                raise ValueError(runs)
            leaves = set(range(first, first + count)) & incoming.missing
            if len(leaves) != count:
                raise ValueError(runs)
            incoming.part.skip(first, count)
            with self._lock:
                incoming.missing -= leaves
                self.bytes += min(incoming.info.size, (first + count) * LEAF) - first * LEAF
        if sealed:
            incoming.sealed = True
        self._publish_if_whole(id, incoming)

    def _drop(self, id: int, code: str, text: str) -> None:
        with self._lock:
            info = self._small.pop(id, None)
            incoming = self._large.pop(id, None)
        if incoming is not None:
            info = incoming.info
            incoming.part.close(keep=code != "changed")
        if info is not None:
            self._gone_wrong(id, Problem(info.name, code, text))

    def tick(self) -> None:
        """Tell the source what has arrived; call it often."""
        now = time.monotonic()
        if now - self._told_at < TELL and self.arrived - self._told_arrived < TELL_BYTES:
            return
        with self._lock:
            state = (dict(self._frames), self.files, self.bytes)
            arrived = self.arrived
        if state != self._told:
            self._told_at, self._told, self._told_arrived = now, state, arrived
            lanes = [[lane, count, self.by_lane.get(lane, 0)] for lane, count in state[0].items()]
            self._say([GOT, lanes, self.files, self.bytes, self.identical])

    # ---- lanes, each on a thread of its own ---------------------------------------------

    def run_lane(self, number: int, talk: Talk) -> None:
        """Take what comes over a lane, until its talk ends.

        Raises:
            PynetError: the lane is lost, or the other end breaks the rules.
        """
        frames = 0
        try:
            while True:
                said = talk.hear()
                if said is None:
                    continue
                self._on_frame(number, said.value, said.body)
                frames += 1
                with self._lock:
                    self._frames[number] = frames
        except TalkEnded:
            return
        except (IndexError, TypeError, ValueError, KeyError) as error:
            if isinstance(error, PynetError):
                raise
            raise RemoteProtocolError(
                f"a lane of a transfer carried nonsense: {error!r}"
            ) from error

    def lane_lost(self, number: int) -> None:
        """A lane is gone: let the source send again what was on it."""
        with self._lock:
            frames = self._frames.pop(number, 0)
        self._say([LOST, number, frames])

    def _on_frame(self, number: int, head: list[Any], body: memoryview | None) -> None:
        size = 0 if body is None else len(body)
        if head[0] == PACK_FRAME:
            self._on_pack(head[1], head[2], head[3], body)
        elif head[0] == PIECE_FRAME and body is not None:
            self._on_piece(head[1], head[2], head[3], head[4], bool(head[5]), body)
        else:
            raise ValueError(head[0])
        with self._lock:
            self.arrived += size
            self.by_lane[number] = self.by_lane.get(number, 0) + size

    def _on_pack(
        self, ids: list[int], sizes: list[int], digests: list[bytes], body: memoryview | None
    ) -> None:
        if sum(sizes) != (0 if body is None else len(body)) or any(size < 0 for size in sizes):
            raise ValueError(sizes)
        at = 0
        for number, size, digest in zip(ids, sizes, digests, strict=True):
            data = b"" if body is None else body[at : at + size]
            at += size
            with self._lock:
                info = self._small.pop(number, None)
                self._storing += info is not None
            if info is None:
                continue
            try:
                if size != info.size:
                    raise ValueError(size)
                if self.failure is None:
                    self._store(number, info, data, digest)
            finally:
                with self._lock:
                    self._storing -= 1

    def _store(self, id: int, info: FileInfo, data: memoryview | bytes, digest: bytes) -> None:
        if self._digest(data) != digest:
            with self._lock:
                self._small[id] = info
            self._say([WANT, [id]])
            return
        try:
            self.landing.small(info, data)
        except OSError as error:
            self._failed(id, info.name, error)
        except FilesError as error:
            self._fail(error)
        else:
            self._came(id, info)
            self.current = info.name

    def _came(self, id: int, info: FileInfo) -> None:
        """A file is where it belongs."""
        with self._lock:
            self.files += 1
            if info.size <= SMALL:  # what came of larger ones was counted with their leaves
                self.bytes += info.size

    def _gone_wrong(self, id: int, problem: Problem) -> None:
        """A file will not come."""
        self.problems.append(problem)

    def _on_piece(
        self, id: int, leaf: int, offset: int, digest: bytes, sealed: bool, body: memoryview
    ) -> None:
        incoming = self._large.get(id)
        if incoming is None or self.failure is not None:
            return
        info = incoming.info
        if not 0 <= leaf * LEAF < info.size or offset < 0:
            raise ValueError(leaf)
        whole = min(LEAF, info.size - leaf * LEAF)
        if offset + len(body) > whole:
            raise ValueError(offset)
        self.current = info.name
        try:
            if leaf in incoming.missing:
                self._write(id, incoming, leaf, offset, digest, body, whole)
            if sealed:
                incoming.sealed = True
            self._publish_if_whole(id, incoming)
        except OSError as error:
            with self._lock:
                self._large.pop(id, None)
            incoming.part.close(keep=True)
            self._failed(id, info.name, error)
        except FilesError as error:
            self._fail(error)

    def _write(
        self, id: int, incoming: Arriving, leaf: int, offset: int, digest: bytes,
        body: memoryview, whole: int,
    ) -> None:  # fmt: skip
        incoming.part.write(leaf * LEAF + offset, body)
        if len(body) == whole:
            right = self._digest(body) == digest
        else:
            with self._lock:
                pieces = incoming.pieces.setdefault(leaf, {})
                pieces[offset] = len(body)
                if sum(pieces.values()) < whole:
                    return
                del incoming.pieces[leaf]
            right = self._digest(incoming.part.read(leaf)) == digest
        if not right:
            log.warning("leaf %d of %s came damaged; it is sent again", leaf, incoming.info.text)
            self._say([AGAIN, id, leaf])
            return
        incoming.part.leaf_written(leaf, digest)
        with self._lock:
            if leaf in incoming.missing:
                incoming.missing.discard(leaf)
                self.bytes += whole

    def _publish_if_whole(self, id: int, incoming: Arriving) -> None:
        with self._lock:
            if not incoming.sealed or incoming.missing or self._large.get(id) is not incoming:
                return
            # No other lane's thread may publish it, too.
            del self._large[id]
            self._storing += 1
        try:
            self.landing.publish(incoming.part)
            self._came(id, incoming.info)
        except OSError as error:
            self._failed(id, incoming.info.name, error)
        finally:
            with self._lock:
                self._storing -= 1

    # ---- what goes wrong ----------------------------------------------------------------

    def _failed(self, id: int, name: bytes, error: OSError) -> None:
        """One file cannot be stored; a full disk concerns all of them."""
        if error.errno in FULL or error.errno == errno.EROFS:
            self._fail_by(error)
        else:
            self._gone_wrong(id, problem_of(name, error))

    def _fail_by(self, error: OSError) -> None:
        """The disk takes nothing more."""
        place = self.landing.tree.path
        if error.errno in FULL:
            self._fail(
                NoSpace(
                    f"the disk of {place} is full; make room, then begin the "
                    "transfer again: what has arrived is not sent again"
                )
            )
        else:
            self._fail(FilesError(f"the disk of {place} fails: {error.strerror or error}"))

    def _fail(self, error: PynetError) -> None:
        if self.failure is None:
            self.failure = error

    def summary(self) -> dict[str, Any]:
        """What came of it, for the other end."""
        return {
            "files": self.files,
            "bytes": self.bytes,
            "identical": self.identical,
            "arrived": self.arrived,
            "problems": [[p.name, p.code, p.text] for p in self.problems],
        }

    def close(self) -> None:
        """Let go of the landing; what is not whole is found again. Idempotent."""
        with self._lock:
            large, self._large = list(self._large.values()), {}
        for incoming in large:
            incoming.part.close(keep=True)
        self.landing.close()
