"""A store: where files of a backup go for whom a folder of this machine is not enough.

It is anything that fsspec can write. What it promises counts only when it gives a file back in
full, with the digest of what the device read.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import platform
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from pynet.backup.address import read_address
from pynet.backup.shelf import OBJECTS, TEMPORARY, Shelf, open_filesystem
from pynet.errors import Cancelled, Damaged, FilesError, PynetError
from pynet.files.crashing import crash_point
from pynet.files.hashing import hasher, leaf_count, root_digest
from pynet.files.ledger import Entry
from pynet.files.names import portable
from pynet.files.publish import candidates

log = logging.getLogger("pynet.backup")

AT_ONCE, CONNECTIONS = 16, 4
"""Files that are under way at a time, over one connection that all share, or over one for each:
stores are far away, and small files wait for answers."""

TRIES = 2
"""For each file, the second over a new connection."""

A = TypeVar("A")
B = TypeVar("B")


class Store:
    """Puts files into a store and gets them back. Any thread.

    Args:
        url: of the store, as for :class:`~pynet.backup.backup.Backup`.
        algorithm: of digests.
        destination: folder of this machine that it belongs to: unfinished files are found by it.

    Attributes:
        text: the url without its password.

    Raises:
        ConfigurationError: there can be no such store.
    """

    def __init__(self, url: str, algorithm: str, destination: Path) -> None:
        self._address = read_address(url)
        self.text = self._address.text
        self._algorithm = algorithm
        self._hash = hasher(algorithm)
        whose = f"{platform.node()}\0{destination}"
        self._owner = hashlib.sha256(os.fsencode(whose)).hexdigest()[:16]
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._naming = threading.Lock()
        self._own = threading.local()
        self._shared: Shelf | None = None
        self._shelves: list[Shelf] = []
        self._folders: set[str] = set()
        at_once = AT_ONCE if self._address.protocol in OBJECTS else CONNECTIONS
        self._pool = ThreadPoolExecutor(at_once, thread_name_prefix="pynet-store")

    # ---- connections --------------------------------------------------------------------

    def _shelf(self) -> Shelf:
        """The calling thread's, or the one that all can use."""
        mine: Shelf | None = self._shared or getattr(self._own, "shelf", None)
        if mine is not None:
            return mine
        with self._lock:  # one after the other: servers count who is at the door
            if self._shared is not None:
                return self._shared
            filesystem, top = open_filesystem(self._address)
            made = Shelf(self._address, filesystem, top, self._owner, self._naming, self._check_on)
            self._shelves.append(made)
            if getattr(filesystem, "async_impl", False):
                self._shared = made
            else:
                self._own.shelf = made
        return made

    def _drop_shelf(self) -> None:
        """After an error: the next one is new."""
        self._own.shelf = None
        with self._lock:
            self._shared = None

    def _check_on(self) -> None:
        if self._stopped.is_set():
            raise Cancelled("the backup was cancelled; nothing is lost")

    def _tried(self, function: Callable[[Shelf], B]) -> B:
        """Do something, once more if it fails.

        Raises:
            PynetError: it cannot be, or it is not wanted any more.
            Exception: of all kinds, as the store's library has them.
        """
        for left in reversed(range(TRIES)):
            self._check_on()
            try:
                return function(self._shelf())
            except PynetError:
                raise
            except Exception as error:
                if not left:
                    raise
                log.info("%s: once more, after: %s", self.text, self.reason(error))
                self._drop_shelf()
        raise AssertionError

    def reason(self, error: BaseException) -> str:
        """An error of the store's library, for people."""
        text = (getattr(error, "strerror", None) or str(error) or repr(error)).strip()
        if self._address.password:
            text = text.replace(self._address.password, "***")
        return text.splitlines()[0][:300]

    # ---- many at a time -----------------------------------------------------------------

    def each(self, function: Callable[[A], B], things: Sequence[A]) -> list[B]:
        """Call a function of this object's with each of them, some at once; answers in order.

        Raises:
            Cancelled: :meth:`stop` was called; none of them is under way any more.
        """
        futures = [self._pool.submit(function, thing) for thing in things]
        try:
            return [future.result() for future in futures]
        finally:
            for future in futures:
                future.cancel()
            for future in futures:
                if not future.cancelled():
                    future.exception()

    def make_room(self, keys: Iterable[bytes]) -> None:
        """Make the folders of files that are to come, where a store has folders.

        Raises:
            FilesError: it cannot be done.
        """
        wanted = {_text(key).rpartition("/")[0] for key in keys} | {TEMPORARY}
        for folder in sorted(wanted - self._folders):
            self._must(lambda shelf, folder=folder: shelf.make_folder(folder))  # type: ignore[misc]
            self._folders.add(folder)

    def _must(self, function: Callable[[Shelf], B]) -> B:
        try:
            return self._tried(function)
        except PynetError:
            raise
        except Exception as error:
            raise FilesError(
                f"the store {self.text} cannot be used: {self.reason(error)}; nothing is lost"
            ) from error

    # ---- one file -----------------------------------------------------------------------

    def put(self, source: Path, key: bytes, size: int, root: bytes) -> bytes:
        """Put a file there for good, and read it back; return the key that it has.

        Nothing that is there is replaced. If that very content is there already, that is it.

        Raises:
            Damaged: the store does not give back what was written to it.
            Cancelled: it is not wanted any more.
            Exception: of all kinds, as the store's library has them.
        """
        return self._tried(lambda shelf: self._put(shelf, source, _text(key), size, root)).encode()

    def _put(self, shelf: Shelf, source: Path, key: str, size: int, root: bytes) -> str:
        above, slash, part = key.rpartition("/")
        for candidate in candidates(part.encode()):
            name = above + slash + candidate.decode()
            there = shelf.size(name)
            if there is None:
                try:
                    shelf.put_new(source, name)
                except FileExistsError:
                    there = shelf.size(name)
                else:
                    crash_point("stored")
                    self._prove(shelf, name, size, root)
                    crash_point("proven")
                    return name
            if there == size and self._root(shelf, name, size) == root:
                return name
        raise FilesError(f"{key}: there are too many files of that name")

    def _prove(self, shelf: Shelf, key: str, size: int, root: bytes) -> None:
        if self._root(shelf, key, size) == root:
            return
        if shelf.exclusive:  # else it might be another's, who was quicker
            with contextlib.suppress(Exception):
                shelf.remove(key)
        raise Damaged(f"{key}: the store {self.text} does not give back what was written to it")

    def _root(self, shelf: Shelf, key: str, size: int) -> bytes:
        """Digest of what the store gives back; ``b""`` if it is not that much."""
        leaves, count = [], 0
        for leaf in shelf.read(key, size):
            count += len(leaf)
            if count > size:
                return b""
            leaves.append(self._hash(leaf))
        if count != size or len(leaves) != leaf_count(size):
            return b""
        return root_digest(self._algorithm, size, leaves)

    def proven(self, entry: Entry) -> bool:
        """Whether the store gives a file of the ledger back as it was.

        Raises:
            Cancelled: it is not wanted any more.
        """
        key = entry.final_name.decode()

        def look(shelf: Shelf) -> bool:
            if shelf.size(key) != entry.size:
                return False
            return self._root(shelf, key, entry.size) == entry.root

        try:
            return self._tried(look)
        except Cancelled:
            raise
        except Exception as error:
            log.warning("%s in %s cannot be read back: %s", key, self.text, self.reason(error))
            return False

    def fetch(self, entry: Entry, to: Path) -> None:
        """Get a file of the ledger back, with its time.

        Raises:
            Damaged: it is not what was put there.
            FileNotFoundError: it is not there any more.
            Exception: of all kinds, as the store's library has them.
        """
        self._tried(lambda shelf: self._fetch(shelf, entry, to))

    def _fetch(self, shelf: Shelf, entry: Entry, to: Path) -> None:
        key = entry.final_name.decode()
        leaves, left = [], entry.size
        with to.open("wb") as file:
            for leaf in shelf.read(key, entry.size):
                left -= len(leaf)
                if left < 0:
                    break
                leaves.append(self._hash(leaf))
                file.write(leaf)
        good = not left and len(leaves) == leaf_count(entry.size)
        if not good or root_digest(entry.algorithm, entry.size, leaves) != entry.root:
            raise Damaged(f"the copy {key} in {self.text} is not what was put there")
        os.utime(to, ns=(entry.mtime_ns, entry.mtime_ns))

    # ---- as a whole ---------------------------------------------------------------------

    @contextlib.contextmanager
    def marked(self, base: bytes, mark: bytes) -> Iterator[None]:
        """Put an empty file among the copies: a source that finds it is where they would go.

        It also shows whether the store takes anything.

        Raises:
            ConfigurationError: a library is missing.
            FilesError: it cannot be reached, or nothing can be written there.
        """
        key = f"{_text(base)}/{mark.decode()}"
        self.make_room([key.encode()])
        self._must(lambda shelf: shelf.write_text(key, ""))
        try:
            yield
        finally:
            with contextlib.suppress(Exception):
                self._tried(lambda shelf: shelf.remove(key))

    def check(self) -> None:
        """See whether it takes anything.

        Raises:
            FilesError: it does not, or cannot be reached.
        """
        key = f"{TEMPORARY}/{self._owner}-check"
        self._must(lambda shelf: shelf.write_text(key, ""))
        with contextlib.suppress(Exception):
            self._tried(lambda shelf: shelf.remove(key))

    def sweep(self) -> None:
        """Remove what runs that were killed have left unfinished.

        Raises:
            FilesError: the store cannot be reached.
        """
        self._must(Shelf.sweep)

    def stop(self) -> None:
        """Let all that is under way end soon, as Cancelled."""
        self._stopped.set()

    def close(self) -> None:
        """End all threads and connections. Idempotent."""
        self._pool.shutdown(cancel_futures=True)
        with self._lock:
            shelves, self._shelves = self._shelves, []
        for shelf in shelves:
            if shelf is shelves[-1]:
                shelf.tidy()
            shelf.close()


def _text(key: bytes) -> str:
    """A name as every store takes it."""
    return b"/".join(map(portable, key.split(b"/"))).decode() if key else ""
