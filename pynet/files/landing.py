"""Where files arrive: unfinished ones out of sight, each under its name when it is whole."""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType

from pynet.errors import BadName, Damaged, FilesError
from pynet.files import system
from pynet.files.hashing import Buffer, hasher, leaf_count
from pynet.files.incoming import KEPT_FOR, Incoming
from pynet.files.info import FILE, FileInfo, Problem
from pynet.files.names import check, portable
from pynet.files.part import Part, open_part
from pynet.files.problems import problem, told
from pynet.files.publish import Conflict, Publisher, candidates
from pynet.files.settle import Settled, Settler, Waiting
from pynet.files.space import Space
from pynet.files.tree import Folder, Tree

SMALL = 256 * 1024
"""Bytes; files up to this size come whole, larger ones leaf by leaf."""

LARGEST = 1 << 44
"""Bytes; as large as a file may be on ext4. What is noted of its leaves stays below 1 GiB."""

_LATEST = 1 << 62  # nanoseconds before and after 1970; file systems have less


@dataclass(frozen=True, slots=True)
class Identical:
    """It is here already, under this name below the tree."""

    final_name: bytes


@dataclass(frozen=True, slots=True)
class Wanted:
    """It is to be sent: these leaves of it, as (first, count)."""

    missing: Sequence[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Refused:
    """It cannot be taken, and why."""

    problem: Problem


Verdict = Identical | Wanted | Refused


class Landing:
    """Receives files into a tree. Any thread, a file by one at a time.

    In a durable landing nothing gets its name before :meth:`settle` has made it durable and read it
    back from the disk; :meth:`small` and :meth:`publish` only put it in the queue for that.

    Args:
        tree: where they go, and where the folder of unfinished files is.
        base: the folder below it that names are relative to; made if need be.
        conflict: see :class:`pynet.files.publish.Publisher`.
        algorithm: of digests; see :mod:`pynet.files.hashing`.
        durable: see above.
        origin: who sends, so that parts of different senders are not mixed up.
        floor_bytes, floor_share: so much of the disk stays free, whichever is more.
        kept_for: seconds after which unfinished files of others are removed.
    """

    def __init__(
        self,
        tree: Tree,
        base: bytes = b"",
        *,
        conflict: Conflict = "keep",
        algorithm: str = "xxh3",
        durable: bool = False,
        origin: str = "",
        floor_bytes: int = 0,
        floor_share: float = 0.0,
        kept_for: float = KEPT_FOR,
    ) -> None:
        self.tree = tree
        self.base = check(base) if base else b""
        self.algorithm = algorithm
        self.durable = durable
        self.origin = origin
        self._hash = hasher(algorithm)
        self.space = Space(tree, floor_bytes, floor_share)
        self._publisher = Publisher(tree, conflict)
        self._incoming = Incoming(tree, kept_for)
        self._where: Folder = self._incoming.folder
        self._traits = self._incoming.traits
        self._publisher.folds = self._traits.folds
        self._settler = Settler(tree, self._incoming, self._publisher, algorithm)
        self._lock = threading.Lock()
        self._parts: dict[tuple[bytes, int, int], Part] = {}
        self._folders: dict[bytes, tuple[FileInfo, bool]] = {}
        self._came: set[str] = set()

    # ---- what is offered -----------------------------------------------------------------

    def target(self, info: FileInfo) -> bytes:
        """The name that a file is to have, below the tree.

        Raises:
            BadName: it cannot have one, or is not a thing that a disk can hold.
        """
        name = info.name
        if self._traits.picky:
            name = b"/".join(map(portable, check(name).split(b"/")))
        if self.base:
            name = self.base + b"/" + name
        if not (0 <= info.size <= LARGEST and -_LATEST < info.mtime_ns < _LATEST):
            raise BadName(f"{info.text}: no file has such a size or time")
        return check(name)

    def consider(self, info: FileInfo) -> Verdict:
        """What to do with a file that is offered.

        Durable landings want every file: whether one is here already is known by its content only.
        """
        if info.kind != FILE:
            return Refused(Problem(info.name, "special", f"{info.text} is no file"))
        try:
            target = self.target(info)
            found = self._find(info, target)
            if found is not None:
                return found
            part = self._unfinished(info, target) if info.size > SMALL else None
        except (OSError, FilesError) as error:
            return Refused(problem(info.name, error))
        return Wanted(((0, leaf_count(info.size)),) if part is None else part.missing())

    def _find(self, info: FileInfo, target: bytes) -> Verdict | None:
        """The same file, or what is in its way."""
        if self.durable:
            return None
        above, _, part = target.rpartition(b"/")
        made = self._folders.get(above)
        if made is not None and made[1]:
            return None  # its folder was made a moment ago; publishing looks again
        try:
            folder = self.tree.folder(above)
            for candidate in candidates(part):
                status = folder.lstat(candidate)
                if self._is_same(info, target, folder, candidate, status):
                    return Identical(above + b"/" + candidate if above else candidate)
                if self._publisher.conflict == "skip":
                    text = f"{info.text}: something else has its name, and conflicts are skipped"
                    return Refused(Problem(info.name, "conflict", text))
                if self._publisher.conflict != "keep":
                    return None
        except FileNotFoundError:
            pass
        return None

    def _is_same(
        self,
        info: FileInfo,
        target: bytes,
        folder: Folder,
        part: bytes,
        status: os.stat_result,
    ) -> bool:
        grain = self._traits.grain
        if status.st_size != info.size or not stat.S_ISREG(status.st_mode):
            return False
        if status.st_mtime_ns // grain != info.mtime_ns // grain:
            return False
        if not self._traits.folds:
            return True
        # What another file was published as in this landing is not this one, however alike.
        return self._publisher.is_exact(folder, part) and _folded(target) not in self._came

    def _unfinished(self, info: FileInfo, target: bytes) -> Part | None:
        key = (target, info.size, info.mtime_ns)
        with self._lock:
            part = self._parts.get(key)
        if part is not None:
            return part
        found = open_part(
            self._incoming, self.space, info, target, self.algorithm, self.origin, create=False
        )
        if found is not None:
            with self._lock:
                self._parts[key] = found
        return found

    # ---- what comes ----------------------------------------------------------------------

    def small(self, info: FileInfo, data: Buffer, digest: bytes | None = None) -> bytes:
        """Take in a whole small file; return its final name, ``b""`` in a durable landing.

        Args:
            info: what it was at the source.
            data: its content.
            digest: of the content at the source; None does not compare.

        Raises:
            Damaged: it is not what was sent.
            BadName, NoSpace, FileExistsError, OSError: it cannot be written.
        """
        target = self.target(info)
        size = len(data)
        if size != info.size:
            raise Damaged(f"{info.text}: {size} bytes came and not {info.size}")
        root = b""
        if digest is not None or self.durable:
            root = self._hash(data)
            if digest is not None and digest != root:
                raise Damaged(f"{info.text}: what came is not what was sent")
        self.space.take(size)
        name = self._incoming.name()
        try:
            fd = self._incoming.create(name)
            try:
                if os.write(fd, data) != size:
                    system.write_at(fd, memoryview(data), 0)
                # A file that its owner may not read gets its mode when it has been read back.
                mode = info.mode & 0o777 | (0o400 if self.durable else 0)
                system.dress(fd, self._where.prefix + name, mode, info.mtime_ns)
            finally:
                os.close(fd)
            if self.durable:
                self._settler.add(Waiting(info, target, name, root))
                return b""
            return self._published(info, target, name)
        except BaseException as error:
            self._incoming.remove(name)
            if isinstance(error, OSError):
                raise told(error, info.name) from error
            raise

    def _published(self, info: FileInfo, target: bytes, name: bytes) -> bytes:
        def same(folder: Folder, part: bytes) -> bool:
            if not self._is_same(info, target, folder, part, folder.lstat(part)):
                return False
            self._incoming.remove(name)
            return True

        final = self._publisher.publish(self._where, name, target, same)
        if self._traits.folds:
            self._came.add(_folded(final))
        return final

    def part(self, info: FileInfo) -> Part:
        """Where a large file is written; with what came of it before, if it was interrupted.

        Raises:
            BadName, NoSpace, OSError: it cannot be begun.
        """
        target = self.target(info)
        with self._lock:
            known = self._parts.get((target, info.size, info.mtime_ns))
        if known is not None:
            if known.info == info and known.fd >= 0:
                return known
            # The source was replaced by another of the same size and time.
            self._forget(known)
            known.close(keep=False)
        try:
            part = open_part(
                self._incoming, self.space, info, target, self.algorithm, self.origin, create=True
            )
        except OSError as error:
            raise told(error, info.name) from error
        assert part is not None
        with self._lock:
            self._parts[_key(part)] = part
        return part

    def publish(self, part: Part, root: bytes | None = None) -> bytes:
        """Give a large file its name; return it, or ``b""`` in a durable landing.

        Args:
            part: with all its leaves.
            root: digest of the whole file at the source; None does not compare.

        Raises:
            Damaged: it is not what was sent; the part is removed.
            FileExistsError, OSError: it could not get its name; the part stays.
        """
        part.check()
        if root is not None and part.root() != root:
            self._forget(part)
            part.close(keep=False)
            raise Damaged(f"{part.info.text}: what came is not what was sent")
        if self.durable:
            self._forget(part)
            self._settler.add(Waiting(part.info, part.target, part.name, part.root(), part))
            return b""
        path = self._where.prefix + part.name
        system.dress(part.fd, path, part.info.mode & 0o777, part.info.mtime_ns)
        final = self._published(part.info, part.target, part.name)
        self._forget(part)
        part.published()
        return final

    def _forget(self, part: Part) -> None:
        with self._lock:
            if self._parts.get(_key(part)) is part:
                del self._parts[_key(part)]

    def folder(self, info: FileInfo) -> bytes:
        """Make a folder; its mode and time are set by :meth:`finish`. Returns its name.

        Raises:
            BadName, OSError: it cannot be made.
        """
        target = self.target(info)
        made = self.tree.make(target)
        with self._lock:
            self._folders[target] = (info, made)
        return target

    # ---- the end -------------------------------------------------------------------------

    @property
    def waiting(self) -> int:
        """How many files wait for :meth:`settle`; up to 256 at a time is quick and not too much."""
        return self._settler.waiting

    def write_own_copies(self) -> None:
        """The source's files may be what is here, seen over a network: they are no copies."""
        self._settler.own_copies = True

    def settle(self) -> list[Settled | Problem]:
        """Make durable, read back and publish all that waits, in the order in which it came.

        Each file is a Settled, or a Problem of that name and is not here. When this returns, what
        is Settled survives a power cut under its final name. One thread at a time.
        """
        return self._settler.settle()

    def proven(self, name: bytes, size: int, root: bytes) -> bool:
        """Whether a file below the tree is durable, and what the disk gives back is that."""
        return self._settler.proven(name, size, root)

    def finish(self) -> None:
        """Give folders their times and modes, now that nothing is written into them any more."""
        with self._lock:
            folders, self._folders = self._folders, {}
        for name in sorted(folders, reverse=True):
            info, made = folders[name]
            folder = self.tree.folder(name)
            if folder.fd is not None:
                if made:
                    os.fchmod(folder.fd, info.mode & 0o777)
                os.utime(folder.fd, ns=(info.mtime_ns, info.mtime_ns))
                if self.durable:
                    folder.sync()

    def close(self) -> None:
        """Stop. Unfinished parts stay and can be gone on with; what waits is not published."""
        with self._lock:
            parts, self._parts = list(self._parts.values()), {}
        for part in parts:
            part.close()
        self._settler.close()
        self._incoming.close()

    def __enter__(self) -> Landing:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _key(part: Part) -> tuple[bytes, int, int]:
    return part.target, part.info.size, part.info.mtime_ns


def _folded(name: bytes) -> str:
    return name.decode("utf-8", "surrogateescape").casefold()
