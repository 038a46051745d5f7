"""Errors as what a report says of a file, and errors of a full disk as what they are."""

from __future__ import annotations

import errno

from pynet.errors import BadName, Damaged, NoSpace, SourceChanged
from pynet.files.info import Problem, shown

FULL = (errno.ENOSPC, errno.EDQUOT)

_CODES: tuple[tuple[type[BaseException], str], ...] = (
    (NoSpace, "space"),
    (BadName, "name"),
    (SourceChanged, "changed"),
    (Damaged, "damaged"),
    (FileExistsError, "conflict"),
    (FileNotFoundError, "vanished"),
    (PermissionError, "denied"),
)


def problem(name: bytes, error: BaseException) -> Problem:
    """What went wrong with a file, for a report."""
    code = next((code for kind, code in _CODES if isinstance(error, kind)), "io")
    if isinstance(error, OSError):
        if error.errno in FULL:
            code = "space"
        elif error.errno == errno.EROFS:
            code = "readonly"
        return Problem(name, code, f"{shown(name)}: {error.strerror or error}")
    return Problem(name, code, str(error))


def told(error: OSError, name: bytes) -> Exception:
    """An error of writing: NoSpace if the disk is full or cannot hold such a file, else itself."""
    if error.errno in FULL:
        return NoSpace(f"{shown(name)}: the disk is full; make room there and go on")
    if error.errno == errno.EFBIG:
        return NoSpace(f"{shown(name)}: this disk's file system holds no file as large as that")
    return error
