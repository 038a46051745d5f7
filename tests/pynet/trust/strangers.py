"""Who knocks at a Gateway's door, with good intentions and bad ones."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator

import msgpack

from pynet import PairingError, Trust
from pynet.stranger import PAIRING_WORD
from pynet.trust.contexts import stranger_context
from pynet.trust.talk import BUSY, OPEN, Talk


def other_than(code: str) -> str:
    return f"{(int(code) + 1) % 10**8:08d}"


def knock(port: int) -> tuple[socket.socket, bytes]:
    """Ask to pair; the connection and what was answered."""
    sock = socket.create_connection(("127.0.0.1", port), 10)
    sock.sendall(PAIRING_WORD)
    answer = b""
    while not answer.endswith(b"\n"):
        letter = sock.recv(1)
        if not letter:
            break
        answer += letter
    return sock, answer


def admitted(port: int) -> socket.socket:
    """Knock until there is time for us."""
    while True:
        sock, answer = knock(port)
        if answer == OPEN:
            return sock
        sock.close()
        assert answer == BUSY
        threading.Event().wait(0.02)


@contextlib.contextmanager
def talk_to(port: int, who: Trust) -> Iterator[Talk]:
    """TLS with whoever listens there, before the first message."""
    context = stranger_context(who.identity, server=False)
    talk = Talk(admitted(port), context, server=False)
    try:
        talk.shake_hands(soon())
        yield talk
    finally:
        talk.close()


def soon() -> float:
    return time.monotonic() + 10


class InBetween:
    """Ends TLS on both sides with his own certificate, and passes on what is said."""

    def __init__(self, port: int, crook: Trust, forge: bool) -> None:
        self.crook, self.forge = crook, forge
        self._far = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._thread = threading.Thread(target=self._run, name="crook")
        self._thread.start()

    def _run(self) -> None:
        near, _ = self._listener.accept()
        near.settimeout(10)
        assert near.recv(len(PAIRING_WORD), socket.MSG_WAITALL) == PAIRING_WORD
        near.sendall(OPEN)
        context = stranger_context(self.crook.identity, server=True)
        asker = Talk(near, context, server=True)
        with (
            contextlib.closing(asker),
            talk_to(self._far, self.crook) as asked,
            contextlib.suppress(PairingError),
        ):
            asker.shake_hands(soon())
            first = asker.receive(soon())
            if self.forge:
                fields = msgpack.unpackb(first)
                fields["certificate"] = self.crook.identity.certificate
                first = msgpack.packb(fields)
            asked.send(first, soon())
            for source, target in ((asked, asker), (asker, asked), (asked, asker)):
                target.send(source.receive(soon()), soon())

    def close(self) -> None:
        self._thread.join()
        self._listener.close()
