"""Whether another program has a file open.

Linux grants a write lease on a file only if nobody else has it open, mapped memory included
(fcntl(2), F_SETLEASE). It needs the file's owner and a local file system; where it is not to be
had, the lists of open files in ``/proc`` are read. Other systems tell nothing.
"""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import sys

if sys.platform == "linux":
    import fcntl


def lease(fd: int) -> bool | None:
    """Take a write lease on an open file, which ends when it is closed.

    Who opens the file meanwhile waits until then.

    Returns:
        False if somebody else has it open; None if there are no leases here.
    """
    if sys.platform != "linux":
        return None
    try:
        # The signal tells that somebody waits. By default it would end this process; this one
        # is ignored unless somebody listens.
        fcntl.fcntl(fd, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_WRLCK)
    except OSError as error:
        return False if error.errno == errno.EAGAIN else None
    return True


def still_leased(fd: int) -> bool:
    """Nobody has asked for the file since :func:`lease`."""
    if sys.platform != "linux":
        return True
    return fcntl.fcntl(fd, fcntl.F_GETLEASE) == fcntl.F_WRLCK


class OpenFiles:
    """What other processes have open, as ``/proc`` tells; read once, when first asked.

    Without root it tells of this user's processes only.
    """

    def __init__(self) -> None:
        self._seen: set[tuple[int, int]] | None = None

    def holds(self, status: os.stat_result) -> bool:
        """Somebody else has this file open; False where nothing is known."""
        if self._seen is None:
            self._seen = _open_elsewhere()
        return (status.st_dev, status.st_ino) in self._seen


def _open_elsewhere() -> set[tuple[int, int]]:
    seen: set[tuple[int, int]] = set()
    own = str(os.getpid())
    processes: list[str] = []
    with contextlib.suppress(OSError):
        processes = os.listdir("/proc")
    for process in processes:
        if not process.isdigit() or process == own:
            continue
        place = f"/proc/{process}/fd/"
        # Processes end meanwhile, and those of others may not be looked into.
        with contextlib.suppress(OSError):
            for name in os.listdir(place):
                with contextlib.suppress(OSError):
                    status = os.stat(place + name)
                    seen.add((status.st_dev, status.st_ino))
    return seen
