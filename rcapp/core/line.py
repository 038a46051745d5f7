"""The line to one car: dial, stay, notice the loss, dial again with back-off."""

from __future__ import annotations

import logging
import random
import threading
import time
from dataclasses import dataclass, replace
from typing import Protocol

from pynet import AuthenticationError, Busy, Controller, PynetError
from pynet.rc.messages import CarDescription
from pynet.trust.peers import Peer
from rcapp.core import sentences
from rcapp.core.acquaintances import Acquaintances
from rcapp.core.feeds import Connection, Receiver

logger = logging.getLogger("rcapp.line")

DIAL_TIMEOUT = 2.0
"""Seconds that one try waits for an answer."""

JOIN_LIMIT = 0.6
"""Seconds that :meth:`Line.close` waits for a try that cannot be interrupted: looking up a name
or connecting to a machine that does not answer. It then ends by itself within its time limit."""

BACK_OFF = (0.5, 1.0, 2.0, 3.0, 5.0)
"""Seconds before the next try, by how many failed in a row; the last one repeats."""

JITTER = 0.2
"""Share by which a wait varies, so that several apps do not dial in step."""


def back_off(failures: int, at_least: float = 0.0, luck: float = 0.5) -> float:
    """Seconds before the next try after ``failures`` in a row; ``luck`` is 0 to 1."""
    wait = BACK_OFF[min(max(failures, 1), len(BACK_OFF)) - 1]
    return max(at_least, wait * (1 + JITTER * (2 * luck - 1)))


@dataclass(frozen=True, slots=True)
class Terms:
    """On what terms we are connected.

    Attributes:
        session: id of our Controller, by which the car tells its drivers apart.
        role: what this computer may do at the car.
        peer: whose Gateway it is, as its certificate proves; None over plain TCP.
    """

    session: str = ""
    role: str = ""
    peer: Peer | None = None


class LineReceiver(Receiver, Protocol):
    """Who is told what happens on the line. Called on its threads."""

    def on_described(self, description: CarDescription, terms: Terms, again: bool) -> None:
        """The car is connected and said what it is; ``again`` after a loss."""

    def on_lost(self, sentence: str) -> None:
        """The connection is gone."""

    def on_line_changed(self) -> None:
        """Something in :attr:`Line.facts` changed."""


@dataclass(frozen=True, slots=True)
class LineFacts:
    """Where the line stands; times are local monotonic seconds.

    Attributes:
        connected: a connection is up and the car described itself.
        ever_connected: one was up before.
        tries_since_loss: tries begun since the last loss.
        connected_at: when the newest connection came up.
        lost_since: when the last one was lost, None while connected.
        retry_at: when the next try begins, None while trying or connected.
        error: a sentence for a person, empty when there is none.
        can_be_paired: pairing is the remedy for ``error``.
    """

    connected: bool = False
    ever_connected: bool = False
    tries_since_loss: int = 0
    connected_at: float = 0.0
    lost_since: float | None = None
    retry_at: float | None = None
    error: str = ""
    can_be_paired: bool = False


class Line:
    """Keeps one car connected on a thread of its own, from :meth:`start` to :meth:`close`.

    Args:
        address: ``host:port``.
        name: what this app is called at the car.
        receiver: is told what happens and gets what the feeds bring.
        acquaintances: who this computer is, and whom it knows; None speaks plain TCP.
        car_id: device id of the car that must answer; empty for any that is known.
    """

    def __init__(
        self,
        address: str,
        name: str,
        receiver: LineReceiver,
        acquaintances: Acquaintances | None,
        car_id: str = "",
    ) -> None:
        self.address = address
        self._name = name
        self._acquaintances = acquaintances
        self._car_id = car_id
        self._controller: Controller | None = None
        self._receiver = receiver
        self._lock = threading.Lock()
        self._facts = LineFacts()
        self._connection: Connection | None = None
        self._wake = threading.Event()
        self._quit = threading.Event()
        self._thread = threading.Thread(target=self._run, name="rcapp-connect", daemon=True)

    @property
    def facts(self) -> LineFacts:
        """Where the line stands now."""
        with self._lock:
            return self._facts

    @property
    def connection(self) -> Connection | None:
        """What is open now."""
        with self._lock:
            return self._connection

    @property
    def ended(self) -> bool:
        """Its thread has nothing left to do."""
        return self._thread.ident is not None and not self._thread.is_alive()

    def start(self) -> None:
        """Begin to dial."""
        self._thread.start()

    def leave(self) -> None:
        """Begin to end everything; returns at once."""
        self._quit.set()
        self._wake.set()

    def close(self) -> None:
        """End everything and join. Twice is fine."""
        self.leave()
        with self._lock:
            controller = self._controller
        if controller is not None:
            # Ends a call that the thread waits in.
            controller.close()
        if self._thread.ident is not None:
            self._thread.join(JOIN_LIMIT)

    def _change(self, **changes: object) -> None:
        with self._lock:
            self._facts = replace(self._facts, **changes)  # type: ignore[arg-type]
        self._receiver.on_line_changed()

    def _run(self) -> None:
        failures = 0
        try:
            self._open_controller()
            while not self._quit.is_set():
                connection, at_least = self._dial()
                if connection is None:
                    failures += 1
                else:
                    failures = 1
                    at_least = 0.0
                    self._stay(connection)
                if not self._quit.is_set():
                    self._pause(back_off(failures, at_least, random.random()))
        except PynetError as error:
            logger.warning("no connection to %s is possible: %s", self.address, error)
            self._change(error=sentences.explain_own_key(error))
        finally:
            with self._lock:
                controller = self._controller
            if controller is not None:
                controller.close()

    def _open_controller(self) -> None:
        """Here and not earlier, because reading our key may take a moment.

        Raises:
            pynet.ConfigurationError: it cannot be read.
        """
        plain = self._acquaintances is None
        trust = None if self._acquaintances is None else self._acquaintances.trust()
        controller = Controller(name=self._name, trust=trust, insecure=plain)
        with self._lock:
            self._controller = controller
        if plain:
            logger.warning("the connection to %s is NOT ENCRYPTED (--insecure)", self.address)

    def _pause(self, seconds: float) -> None:
        self._change(retry_at=time.monotonic() + seconds)
        self._quit.wait(seconds)

    def _dial(self) -> tuple[Connection | None, float]:
        """One try. Returns the connection, or None and how long to wait at least."""
        facts = self.facts
        tries = facts.tries_since_loss + 1 if facts.ever_connected else 0
        self._change(retry_at=None, tries_since_loss=tries)
        car = None
        controller = self._controller
        assert controller is not None
        expected = None
        if self._acquaintances is not None and self._car_id:
            expected = self._acquaintances.peer_with(self._car_id)
        try:
            car = controller.connect(self.address, timeout=DIAL_TIMEOUT, peer=expected)
            description = car.call("describe", timeout=DIAL_TIMEOUT)
            if not isinstance(description, CarDescription):
                raise sentences.NotACarError
        except (PynetError, sentences.NotACarError) as error:
            if car is not None:
                car.close()
            if not self._quit.is_set():
                logger.info("cannot connect to %s: %s", self.address, error)
                if isinstance(error, AuthenticationError):
                    who = "" if expected is None else expected.name
                    sentence = sentences.explain_stranger(error, self.address, who)
                else:
                    plain = self._acquaintances is None
                    sentence = sentences.explain_connect(error, self.address, insecure=plain)
                self._change(error=sentence, can_be_paired=sentences.can_be_paired(error))
            return None, error.retry_after if isinstance(error, Busy) else 0.0
        connection = Connection(car, description, self._receiver, self._wake.set)
        with self._lock:
            self._connection = connection
        terms = Terms(controller.id, car.role, car.peer)
        self._receiver.on_described(description, terms, facts.ever_connected)
        self._change(
            connected=True,
            ever_connected=True,
            connected_at=time.monotonic(),
            lost_since=None,
            error="",
            can_be_paired=False,
        )
        return connection, 0.0

    def _stay(self, connection: Connection) -> None:
        """Tend the feeds until the link is lost or the person leaves."""
        try:
            while True:
                # Cleared before looking, so that nothing set meanwhile is slept over.
                self._wake.clear()
                if self._quit.is_set() or connection.lost.is_set():
                    break
                self._wake.wait(connection.tend(time.monotonic()))
        finally:
            with self._lock:
                self._connection = None
            if not self._quit.is_set():
                sentence = sentences.explain_loss(connection.error, connection.description.name)
                self._change(
                    connected=False,
                    tries_since_loss=0,
                    lost_since=time.monotonic(),
                    error=sentence,
                    can_be_paired=isinstance(connection.error, AuthenticationError),
                )
                self._receiver.on_lost(sentence)
            connection.close()
