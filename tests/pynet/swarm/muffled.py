"""A link that can keep single lanes from passing anything on, and the threads of swarms."""

from __future__ import annotations

import contextlib
import socket
import threading
from pathlib import Path

from pynet.io.lane import Lane
from pynet.testing import CuttableLink

SYN_SENT = "02"
"""State of a connection in /proc/net/tcp: called, and not answered."""


class MuffledLink(CuttableLink):
    """As its base, with troubles that single lanes and calls can have."""

    def __init__(self, target: str) -> None:
        super().__init__(target)
        self._callers: list[socket.socket] = []

    def mute(self, lane: Lane) -> None:
        """Pass nothing on over one lane, both ways; nobody is told."""
        caller = lane._sock.getsockname()

        def silence() -> None:
            for near in self._ends:
                with contextlib.suppress(OSError):
                    if near.sock.getpeername() == caller:
                        for end in (near, near.other):
                            end.interest = lambda now: 0  # type: ignore[method-assign]

        self._do(silence)

    def lose_calls(self) -> None:
        """Freeze, and let the first packet of every call be lost, until :meth:`thaw`."""
        self.freeze()
        self._listener.listen(0)
        # The kernel drops calls while as many wait as may; nothing else tells that it does.
        while not self.lost_calls():
            caller = socket.socket()
            caller.setblocking(False)
            caller.connect_ex(("127.0.0.1", self.port))
            self._callers.append(caller)

    def lost_calls(self) -> int:
        """Calls that wait for an answer now, from wherever."""
        lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
        rows = [line.split() for line in lines]
        port = f":{self.port:04X}"
        return sum(row[2].endswith(port) and row[3] == SYN_SENT for row in rows)

    def thaw(self) -> None:
        """As in the base; calls are answered again."""
        for caller in self._callers:
            caller.close()
        self._callers.clear()
        self._listener.listen(64)
        super().thaw()

    def close(self) -> None:
        """As in the base."""
        for caller in self._callers:
            caller.close()
        self._callers.clear()
        super().close()


def keepers() -> list[str]:
    """Names of the threads that look after lanes, or open them."""
    return [t.name for t in threading.enumerate() if t.name.startswith("pynet-swarm")]
