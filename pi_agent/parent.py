"""Notices when the process that started the agent is gone."""

from __future__ import annotations

import contextlib
import ctypes
import logging
import os
import select
import sys
import threading
from collections.abc import Callable, Iterator

logger = logging.getLogger(__name__)

PERIOD = 0.2
"""Seconds between two looks."""


class ParentWatch:
    """Calls ``on_gone`` once, from a thread of its own, when process ``pid`` ends.

    Args:
        pid: of the process.
        on_gone: called without arguments.
    """

    def __init__(self, pid: int, on_gone: Callable[[], None]) -> None:
        self._pid = pid
        self._on_gone = on_gone
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="pi-agent-parent", daemon=True)

    def start(self) -> None:
        """Starts to watch."""
        self._thread.start()

    def close(self) -> None:
        """Ends the thread; may be called again."""
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        with _waiter(self._pid) as wait_until_gone:
            while not self._closing.is_set():
                if wait_until_gone(PERIOD):
                    logger.warning("Process %d is gone; the car goes neutral and ends", self._pid)
                    self._on_gone()
                    return


@contextlib.contextmanager
def _waiter(pid: int) -> Iterator[Callable[[float], bool]]:
    """A function that waits some seconds and tells whether the process has ended.

    Where the system offers it, a handle of the process is kept: its number alone
    may be given to another process, and stays in use by one that nobody reaped.
    """
    if sys.platform == "win32":
        yield _windows_waiter(pid)
        return
    if not hasattr(os, "pidfd_open"):
        yield _polling_waiter(pid)
        return
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        yield lambda _: True
    except OSError:
        yield _polling_waiter(pid)
    else:
        try:
            yield lambda seconds: bool(select.select([handle], [], [], seconds)[0])
        finally:
            os.close(handle)


def _polling_waiter(pid: int) -> Callable[[float], bool]:
    was_parent = os.getppid() == pid
    pause = threading.Event()

    def gone(seconds: float) -> bool:
        pause.wait(seconds)
        if was_parent:
            return os.getppid() != pid
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        except PermissionError:
            return False
        return False

    return gone


def _windows_waiter(pid: int) -> Callable[[float], bool]:
    synchronize, signalled = 0x00100000, 0
    kernel = ctypes.WinDLL("kernel32", use_last_error=True)  # type: ignore[attr-defined,unused-ignore]
    handle = kernel.OpenProcess(synchronize, False, pid)
    if not handle:
        return lambda _: True
    return lambda seconds: kernel.WaitForSingleObject(handle, int(seconds * 1000)) == signalled
