"""Child processes of pynet's own: how they are started, and how they behave.

A child has one end of a pair of sockets in the place of its standard input. It ends when the other
end is closed, so that none outlives its parent, however that ends.
"""

from __future__ import annotations

import contextlib
import ctypes
import logging
import os
import platform
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

from pynet.files.channel import Channel

log = logging.getLogger("pynet.files")

LOG = "log"
"""First word of the messages that are records for the parent's log."""

NICENESS = 5
IO_LOWEST = (2 << 13) | 7
"""Of the class best effort the last (linux/ioprio.h): live flows read and write first."""

_IOPRIO_SET = {"x86_64": 251, "aarch64": 30, "armv7l": 314, "armv6l": 314, "i686": 289}
_PR_SET_PDEATHSIG = 1

_BOOT = (
    "import sys; root = sys.argv.pop(); root in sys.path or sys.path.insert(0, root); "
    "from {} import main; main()"
)


def possible() -> bool:
    """Whether there is an interpreter to start; a program packed into one file has none."""
    return bool(sys.executable) and not getattr(sys, "frozen", False)


def start(module: str, sock: socket.socket) -> subprocess.Popen[bytes]:
    """Start ``main()`` of a module in a process of its own.

    The thread that starts it must live as long as the process: it is the one whose end the
    system tells the child of.

    Args:
        module: its name.
        sock: the child's end of a pair; may be closed here afterwards.

    Raises:
        OSError: the system gives no process.
    """
    root = str(Path(__file__).resolve().parents[2])
    command = [sys.executable, "-P", "-c", _BOOT.format(module), str(os.getpid()), root]
    if sys.platform == "win32":
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
        with process.stdin as way:
            way.write(sock.share(process.pid))
        return process
    return subprocess.Popen(command, stdin=sock.fileno(), stdout=subprocess.DEVNULL)


def begin() -> Channel:
    """In the child, first of all: settle in, and return what leads to the parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's, which closes this one
    if sys.platform == "win32":
        return Channel(socket.fromshare(sys.stdin.buffer.read()))
    channel = Channel(socket.socket(fileno=os.dup(0)))
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    _end_with(int(sys.argv[1]))
    return channel


def _end_with(parent: int) -> None:
    """Let the system end this process with its parent, should a fork hold the channel open."""
    if not sys.platform.startswith("linux"):
        return
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        sys.exit(0)


def stand_back() -> None:
    """Let others have processor and disk first, where the system can do that."""
    with contextlib.suppress(AttributeError, OSError):
        os.nice(NICENESS)
    number = _IOPRIO_SET.get(platform.machine())
    if sys.platform.startswith("linux") and number is not None:
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).syscall(number, 1, 0, IO_LOWEST)


class LogSender(logging.Handler):
    """Sends records to the parent; what cannot be sent is lost."""

    def __init__(self, channel: Channel) -> None:
        super().__init__()
        self.setFormatter(logging.Formatter("%(message)s"))
        self._channel = channel

    def emit(self, record: logging.LogRecord) -> None:
        """Send one."""
        with contextlib.suppress(Exception):
            self._channel.send([LOG, record.name, record.levelno, self.format(record)])


def forward_log(channel: Channel, level: int) -> None:
    """In the child: all that is logged goes to the parent."""
    logging.basicConfig(level=level, handlers=[LogSender(channel)], force=True)


def replay(message: list[Any]) -> None:
    """In the parent: log what the child did."""
    _, name, level, text = message
    logger = logging.getLogger(str(name))
    if logger.isEnabledFor(level):
        logger.handle(logger.makeRecord(logger.name, level, "(child)", 0, text, (), None))
