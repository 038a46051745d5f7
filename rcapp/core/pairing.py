"""Pairing with a car: the code as a person types it, and the attempt on a thread of its own."""

from __future__ import annotations

import enum
import logging
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any

from rcapp.core import sentences

if TYPE_CHECKING:
    from pynet.trust.peers import Peer
    from rcapp.core.acquaintances import Acquaintances

logger = logging.getLogger("rcapp.pairing")

DIGITS = 8
TIMEOUT = 10.0
"""Seconds that one attempt may take."""

JOIN_LIMIT = 0.5
"""Seconds that :meth:`PairingTask.close` waits for an attempt that is under way; it ends by itself
within :data:`TIMEOUT`."""

SCHEME = "pynet"


@dataclass(frozen=True, slots=True)
class Invitation:
    """What a person has typed or pasted.

    Attributes:
        code: the digits so far, eight when it is whole.
        address: ``host:port`` where a link named one, else empty.
        id: device id of the car where a link named it, else empty.
    """

    code: str = ""
    address: str = ""
    id: str = ""

    @property
    def whole(self) -> bool:
        """The code can be tried."""
        return len(self.code) == DIGITS

    @property
    def grouped(self) -> str:
        """As it is shown: ``"1234 5678"``."""
        return f"{self.code[:4]} {self.code[4:]}" if len(self.code) > 4 else self.code


def read_invitation(text: str) -> Invitation:
    """A code, or a part of one, or the link that a car shows as a QR code; never fails."""
    typed = text.strip()
    link = typed.find(f"{SCHEME}://")
    if link >= 0:
        return _read_link(typed[link:])
    digits = "".join(letter for letter in typed if letter.isascii() and letter.isdigit())
    return Invitation(digits[:DIGITS])


def _read_link(link: str) -> Invitation:
    from pynet.errors import ConfigurationError
    from pynet.trust.link import Link

    try:
        read = Link.read(link)
    except ConfigurationError:
        return Invitation()
    host = f"[{read.host}]" if ":" in read.host else read.host
    return Invitation(read.code, f"{host}:{read.port}", read.id)


class PairingState(enum.Enum):
    """Where an attempt stands."""

    IDLE = "idle"
    ASKING = "asking"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class PairingFacts:
    """What a dialog shows.

    Attributes:
        state: see there.
        sentence: why it failed, with a remedy.
        again: another code may be tried at once; else the car must show a new one first.
        peer: who the car is, once it is done.
        seconds: how long it took.
    """

    state: PairingState = PairingState.IDLE
    sentence: str = ""
    again: bool = True
    peer: Peer | None = None
    seconds: float = 0.0


def own_name() -> str:
    """What cars call this computer unless the person chooses another name."""
    return socket.gethostname().removesuffix(".local")[:64] or "this computer"


Pair = Callable[..., Any]


class PairingTask:
    """Tries codes, one at a time, each on a thread of its own.

    Args:
        acquaintances: where the car will be known.
        on_change: called from that thread when :attr:`facts` is another; must be cheap.
        pair: tries a code, as :func:`pynet.trust.pair` does.
    """

    def __init__(
        self,
        acquaintances: Acquaintances,
        on_change: Callable[[], None],
        pair: Pair | None = None,
    ) -> None:
        self._acquaintances = acquaintances
        self._on_change = on_change
        self._pair = pair or _pair
        self._lock = threading.Lock()
        self._facts = PairingFacts()
        self._attempt = 0
        self._thread: threading.Thread | None = None

    @property
    def facts(self) -> PairingFacts:
        """Where the newest attempt stands."""
        with self._lock:
            return self._facts

    def begin(self, address: str, code: str, name: str, car_id: str = "") -> None:
        """Try a code; does nothing while another one is being tried.

        Args:
            address: ``host:port`` of the car, as a person has typed it.
            code: eight digits.
            name: what the car is to call this computer; empty for the computer's own name.
            car_id: device id that the car must have; empty for any.
        """
        with self._lock:
            if self._facts.state is PairingState.ASKING:
                return
            self._attempt += 1
            self._facts = PairingFacts(PairingState.ASKING)
            self._thread = threading.Thread(
                target=self._run,
                args=(self._attempt, address, code, name or own_name(), car_id),
                name="rcapp-pair",
                daemon=True,
            )
            self._thread.start()
        self._on_change()

    def reset(self) -> None:
        """Forget what came of the last attempt."""
        with self._lock:
            if self._facts.state is not PairingState.ASKING:
                self._facts = PairingFacts()

    def close(self) -> None:
        """No more is told. Twice is fine."""
        with self._lock:
            self._attempt += 1
            thread = self._thread
        if thread is not None:
            thread.join(JOIN_LIMIT)

    def __enter__(self) -> PairingTask:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _run(self, attempt: int, address: str, code: str, name: str, car_id: str) -> None:
        began = time.monotonic()
        try:
            host, port = sentences.split_address(address)
            trust = self._acquaintances.trust()
            peer = self._pair(
                host, port, code, trust=trust, name=name, expect=car_id, timeout=TIMEOUT
            )
        except Exception as error:
            # Whatever went wrong, the person at the dialog must learn it.
            logger.info("pairing with %s failed: %s", address, error)
            sentence, again = sentences.explain_pairing(error, address)
            facts = PairingFacts(PairingState.FAILED, sentence, again)
        else:
            took = time.monotonic() - began
            logger.info("paired with %s (%s) in %.1f s", peer.name, peer.id[:7], took)
            facts = PairingFacts(PairingState.DONE, peer=peer, seconds=took)
        with self._lock:
            if attempt != self._attempt:
                return
            self._facts = facts
        self._on_change()


def _pair(*args: Any, **options: Any) -> Peer:
    from pynet.trust import pair

    peer: Peer = pair(*args, **options)
    return peer
