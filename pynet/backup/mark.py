"""A mark among the copies. A source that finds it among its own files is where they would go.

Over a network a file has other numbers at either end, so these do not tell that it is the same.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator

from pynet.errors import BadName
from pynet.files.tree import Tree

MARK = b".pynet-mark-"
"""What the names of marks begin with; the rest is random, so that nothing old is found."""


def new_mark() -> bytes:
    """The name of one."""
    return MARK + secrets.token_hex(8).encode()


@contextlib.contextmanager
def marked(tree: Tree, base: bytes) -> Iterator[bytes]:
    """Put an empty file into the folder of the copies while a plan is made.

    Args:
        tree: the destination.
        base: the folder in it, made if it is missing.

    Yields:
        Its name; ``b""`` where there is no room for one, or no folder: what is moved there says so.
    """
    mark = new_mark()
    try:
        folder = tree.folder(base, create=True)
        _clear(tree, base)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        os.close(os.open(folder.prefix + mark, flags, 0o600, dir_fd=folder.fd))
    except (OSError, BadName):
        mark = b""
    try:
        yield mark
    finally:
        with contextlib.suppress(OSError, BadName):
            _clear(tree, base)


def _clear(tree: Tree, base: bytes) -> None:
    """Remove it, and what runs that were killed have left."""
    folder = tree.folder(base)
    place = folder.listing()
    try:
        for name in map(os.fsencode, os.listdir(place)):
            if name.startswith(MARK):
                tree.unlink(folder, name)
    finally:
        if isinstance(place, int):
            os.close(place)
