"""A source that knows the digest of each large file as a whole when it has read it."""

from __future__ import annotations

from collections.abc import Iterable

from pynet.errors import FilesError
from pynet.files.hashing import LEAF, leaf_size, root_digest, zeros_digest
from pynet.files.sending import Say, Sending, Thing
from pynet.files.work import Large


class Rooted(Sending):
    """As :class:`Sending`.

    Args:
        things, say, algorithm: see :class:`Sending`.
    """

    def __init__(self, things: Iterable[Thing], say: Say, algorithm: str) -> None:
        super().__init__(things, say, algorithm)
        self._algorithm = algorithm
        self._digests: dict[int, dict[int, bytes]] = {}

    def _was_read(self, id: int, leaf: int, digest: bytes) -> None:
        if id in self._large:
            with self._lock:
                self._digests.setdefault(id, {})[leaf] = digest

    def _seal(self, large: Large) -> bool:
        try:
            root = self._root_of(large)
            self._judge(large.id, root)
        except (OSError, FilesError) as error:
            self._drop(large.id, error)
            return False
        if not super()._seal(large):
            return False
        self._has_root(large.id, root)
        return True

    def _root_of(self, large: Large) -> bytes:
        """Of what this disk has, also of leaves that went out before a cut."""
        with self._lock:
            digests = self._digests.pop(large.id, {})
        source = self._source(large.id, large.info)
        buffer = memoryview(bytearray(LEAF))
        leaves: list[bytes] = []
        while (leaf := len(leaves)) < source.leaves:
            hole = source.hole(leaf)
            leaves += [
                zeros_digest(self._algorithm, leaf_size(large.info.size, leaf + n))
                for n in range(hole)
            ]
            if not hole:
                leaves.append(digests.get(leaf) or self._digest(source.read(leaf, buffer)))
        return root_digest(self._algorithm, large.info.size, leaves)

    def _judge(self, id: int, root: bytes) -> None:
        """Raise FilesError if a file with that digest is not to be had there."""

    def _has_root(self, id: int, root: bytes) -> None:
        """A large file was read, and was the same all the time."""
