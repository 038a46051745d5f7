"""The right to a car's motors, held by one process at a time.

A name in Linux's abstract socket namespace: the kernel gives it to one process only and takes
it back when that process ends, however it ends. Nothing lies on the disk. A process whose
agent has ended gives its motors up to the next one that asks.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
import time

FREE, BUSY = b"free", b"busy"
PATIENCE = 3.0
"""Seconds to wait for the old owner to answer and to end."""


class Taken(Exception):
    """Somebody else drives these motors; the text says who and what to do."""


class Claim:
    """The claimed name. Use :meth:`of`.

    Args:
        listener: bound to it.
    """

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener

    @classmethod
    def of(cls, name: str) -> Claim:
        """Claims ``name``; an owner without an agent gives it up first.

        Raises:
            Taken: the owner is in use, or does not answer.
        """
        deadline = time.monotonic() + PATIENCE
        while True:
            listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            try:
                listener.bind(f"\0pi-agent/{name}")
                listener.listen(4)
                listener.setblocking(False)
                return cls(listener)
            except OSError as error:
                listener.close()
                if error.errno != errno.EADDRINUSE:
                    raise
            _ask(name)
            if time.monotonic() >= deadline:
                raise Taken("The old process of these motors does not end; end it by hand.")
            time.sleep(0.02)

    def fileno(self) -> int:
        """Readable when somebody asks for the motors."""
        return self._listener.fileno()

    def answer(self, free: bool) -> bool:
        """Tells whoever asks whether they can have them; returns True if they can."""
        try:
            asker, _ = self._listener.accept()
        except OSError:
            return False
        with asker:
            try:
                asker.send(FREE if free else BUSY)
            except OSError:
                return False
        return free

    def close(self) -> None:
        """Gives the name back."""
        self._listener.close()


def _ask(name: str) -> None:
    """Asks the owner to give the motors up; returns when it does or is gone."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asker:
        asker.settimeout(PATIENCE)
        try:
            asker.connect(f"\0pi-agent/{name}")
            owner = struct.unpack(
                "iii", asker.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
            )[0]
            said = asker.recv(len(FREE))
        except TimeoutError:
            raise Taken(
                f"Process {owner} holds these motors and does not answer. "
                f"End it with: kill -9 {owner}"
            ) from None
        except OSError:
            return
    if said == BUSY and owner != os.getpid():
        raise Taken(
            f"Another pi-agent drives these motors (their process is {owner}). End that one first."
        )
