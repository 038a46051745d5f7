"""Errors of files as a person needs them: what happened, and what to do about it."""

from __future__ import annotations

import errno

from pynet import errors
from rcapp.core.sentences import as_sentence


def explain(error: Exception, name: str = "The car") -> str:
    """One or two sentences.

    Args:
        error: what came of it.
        name: of the car.
    """
    if isinstance(error, errors.Forbidden):
        return (
            f"{name} shows its files to owners only. "
            "Its owner can give this computer that role with: pi-agent peers role."
        )
    if isinstance(error, errors.UnknownSubroutine | errors.WrongKind):
        return f"{name} offers no files yet. Update its pi-agent to the version of this app."
    if isinstance(error, errors.NoSpace):
        return as_sentence(error)
    if isinstance(error, errors.PynetError):
        if is_loss(error):
            return f"{name} does not answer. It goes on by itself when the car is back."
        return as_sentence(error)
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return "This folder is not there any more. Go up, or choose another one."
    if isinstance(error, PermissionError):
        return "This folder is not yours to read. Choose another one, or change its permissions."
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return "The disk is full. Make room, and try again: what has arrived is kept."
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}. Check the disk, and try again."
    return as_sentence(error)


def is_loss(error: Exception | None) -> bool:
    """The link is gone: the same will do when the car is back."""
    return isinstance(
        error, errors.ConnectionLost | errors.ConnectError | errors.DeadlineExceeded | errors.Closed
    )
