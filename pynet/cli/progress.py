"""Following a transfer from a terminal."""

from __future__ import annotations

import os
import sys
from typing import TypeVar

from pynet.cli.bar import line
from pynet.files.transfer import Transfer

R = TypeVar("R")


def follow(transfer: Transfer[R], *, shows: bool) -> R:
    """Wait for what comes of it; Ctrl-C cancels it first.

    Args:
        transfer: that runs.
        shows: a bar, if errors go to a terminal.
    """
    shows = shows and sys.stderr.isatty()
    try:
        for progress in transfer:
            if shows:
                width = columns() - 1
                sys.stderr.write("\r" + line(progress, width).ljust(width))
                sys.stderr.flush()
    except KeyboardInterrupt:
        transfer.close()
        raise
    finally:
        if shows:
            sys.stderr.write("\n")
    return transfer.wait()


def columns() -> int:
    """Of the terminal that errors go to; output may go elsewhere."""
    try:
        return os.get_terminal_size(sys.stderr.fileno()).columns or 80
    except (OSError, ValueError):
        return 80
