"""What both ends of a transfer say over its control talk, and the heads of what lanes carry."""

from __future__ import annotations

from typing import Any

from pynet.errors import RemoteProtocolError
from pynet.files.info import FILE, FOLDER, FileInfo
from pynet.files.names import check

FILES = "files"
"""Source: ``[FILES, first id, entries]``; the entries are numbered on from there."""

PROBLEMS = "problems"
"""Source: ``[PROBLEMS, [[name, code, text], ...]]``: what is there and does not travel."""

ALL = "all"
"""Source: ``[ALL, files, bytes]``: everything was told of."""

DROP = "drop"
"""Source: ``[DROP, id, code, text]``: a file cannot be sent after all."""

HOLES = "holes"
"""Source: ``[HOLES, id, [[first leaf, count], ...], sealed]``: leaves that are all zeros."""

WANT = "want"
"""Destination: ``[WANT, [id, or [id, [[first leaf, count], ...]], ...]]``."""

AGAIN = "again"
"""Destination: ``[AGAIN, id, leaf]``: it came damaged."""

GOT = "got"
"""Destination: ``[GOT, [[lane, frames, bytes], ...], files, bytes, identical]``: what arrived over
each lane so far, and what is here now."""

LOST = "lost"
"""Destination: ``[LOST, lane, frames]``: a lane is gone; so many of its frames had arrived."""

PAUSE = "pause"
"""Controller: ``[PAUSE, True or False]``."""

STOP = "stop"
"""Controller: ``[STOP, lane]``: it is to carry nothing more."""

PACE = "pace"
"""Controller: ``[PACE, bytes/s]``; infinite for no limit."""

PIECE_FRAME = 0
"""Head of a frame: ``[PIECE_FRAME, id, leaf, offset, digest of the leaf, sealed]``, and the bytes.
``sealed``: all was read, and it was one and the same file all the time."""

PACK_FRAME = 1
"""Head of a frame: ``[PACK_FRAME, ids, sizes, digests]``, and the files one after the other."""

SMALL = 256 * 1024
"""Bytes of the largest file that travels whole."""


def pack_info(info: FileInfo, name: bytes) -> list[Any]:
    """A file for the other end, under the name that it is to have there."""
    entry = [name, info.kind == FOLDER, info.size, info.mtime_ns, info.mode]
    if info.allocated < info.size:
        entry.append(info.allocated)  # it has holes
    return entry


def unpack_info(entry: list[Any]) -> FileInfo:
    """What :func:`pack_info` made, read as what a stranger sent.

    Raises:
        RemoteProtocolError: it makes no sense.
        BadName: it has a name that leads elsewhere.
    """
    try:
        name, is_folder, size, mtime_ns, mode, *rest = entry
        allocated = rest[0] if rest else size
        right = (
            type(name) is bytes
            and type(size) is int
            and 0 <= size < 1 << 63
            and type(mtime_ns) is int
            and abs(mtime_ns) < 1 << 63
            and type(mode) is int
            and type(allocated) is int
            and 0 <= allocated <= size
        )
    except (TypeError, ValueError):
        right = False
    if not right:
        raise RemoteProtocolError("the other end tells of files that cannot be")
    check(name)
    kind = FOLDER if is_folder else FILE
    return FileInfo(name, kind, size, mtime_ns, mode & 0o777, allocated=allocated)
