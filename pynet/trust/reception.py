"""The Gateway's side of pairing: a window of a few minutes in which a code is good.

Who wants to pair says so in the clear and is told at once, by the I/O thread, whether somebody has
time. One stranger at a time gets a thread, and a second to rest follows each that fails: a flood
of them costs neither memory nor much time, and can do no more than keep others from pairing.
"""

from __future__ import annotations

import contextlib
import logging
import socket
import threading
import time
from dataclasses import replace
from typing import Any

from pynet.errors import ConfigurationError, PairingError, PynetError
from pynet.trust.contexts import stranger_context
from pynet.trust.link import new_code, spaced
from pynet.trust.peers import Peer, Role
from pynet.trust.store import Trust
from pynet.trust.talk import BUSY, CLOSED, OPEN, Talk
from pynet.trust.window import LONGEST, PairingWindow, Told

log = logging.getLogger("pynet.trust")

STEP = 4.0
"""Seconds that somebody who pairs has for each step: TLS, and each of two messages."""

REST = 1.0
"""Seconds after an attempt that failed in which nobody else is heard."""

QUIET = 60.0
"""Seconds in which the log tells only once of strangers who knock in vain."""

QUESTIONS = frozenset({"open_pairing", "pairing", "close_pairing"})
"""That an owner may ask a Gateway about its window from another process; see :mod:`pynet.cli`."""


class Reception:
    """Where strangers are heard, of one Gateway.

    Args:
        trust: who we are, and where new peers are kept.
        name: ours.
        address: host and port that the Gateway listens on.
    """

    def __init__(self, trust: Trust, name: str, address: tuple[str, int]) -> None:
        self._trust = trust
        self._name = name
        self._address = address
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._window: PairingWindow | None = None
        self._latest: PairingWindow | None = None
        self._waiting: socket.socket | None = None
        self._talk: Talk | None = None
        self._heard_from = 0.0
        self._logged = -QUIET
        self._closed = False

    # ---- from any thread ----------------------------------------------------------------

    def open(
        self,
        role: Role,
        seconds: float,
        on_code: Told | None = None,
        on_end: Told | None = None,
    ) -> PairingWindow:
        """See :meth:`pynet.Gateway.open_pairing`."""
        if not 0 < seconds <= LONGEST:
            raise ConfigurationError(f"seconds={seconds} is not within 0 to {LONGEST:.0f}")
        if not role:
            raise ConfigurationError("who pairs needs a role: viewer, driver or owner")
        expires = time.monotonic() + seconds
        window = PairingWindow(new_code(), role, expires, on_code, on_end, self.end)
        with self._changed:
            if self._closed:
                raise ConfigurationError("this Gateway is closed")
            if self._window is not None:
                raise ConfigurationError(
                    "a pairing window is open already; use its code, or close it first"
                )
            self._window = self._latest = window
            self._see_to_thread()
        code = spaced(window.code)
        log.info("pairing window open for %.0f s, for a %s: code %s", seconds, role.word, code)
        return window

    def answer(self, topic: str, details: list[Any], told: Told | None) -> dict[str, Any]:
        """One of the :data:`QUESTIONS`; what has become of the latest window. Never waits.

        Args:
            topic: the question.
            details: role and seconds for a new window.
            told: when it opens and when it is over.

        Raises:
            ConfigurationError: there can be no such window.
        """
        if topic == "open_pairing":
            if len(details) != 2 or not isinstance(details[1], int | float):
                raise ConfigurationError("open_pairing wants a role and a number of seconds")
            self.open(Role.of(details[0]), float(details[1]), told, told)
        elif topic == "close_pairing" and self._window is not None:
            self.end(self._window, wait=False)
        window = self._latest
        answer: dict[str, Any] = {"id": self._trust.identity.id, "name": self._name}
        answer["host"], answer["port"] = self._address
        answer |= {"told": told is not None, "open": self._window is not None}
        if window is not None:
            answer |= window.describe()
        return answer

    def close(self) -> None:
        """Close the window, hang up on whoever is heard, join the thread. Idempotent."""
        with self._changed:
            self._closed = True
            window = self._window
            waiting, self._waiting = self._waiting, None
            if self._talk is not None:
                self._talk.hang_up()
            thread = self._thread
            self._changed.notify_all()
        if waiting is not None:
            waiting.close()
        if window is not None:
            window.close()
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    def end(self, window: PairingWindow, *, wait: bool = True) -> None:
        """Close a window, and wait until that was told; from its callbacks without waiting."""
        with self._changed:
            if window.state == "open":
                window.state = "closed"
                if self._talk is not None:
                    self._talk.hang_up()
            thread = self._thread
            self._changed.notify_all()
        if wait and thread is not threading.current_thread():
            window.wait()

    # ---- on the reactor -----------------------------------------------------------------

    def on_stranger(self, sock: socket.socket) -> None:
        """Somebody has said that they want to pair. Never waits."""
        with self._changed:
            answer = OPEN
            if self._closed or (self._window is None and not self._trust.placed):
                answer = CLOSED
            elif self._waiting or self._talk or time.monotonic() < self._heard_from:
                answer = BUSY
            with contextlib.suppress(OSError):
                sock.send(answer)
            if answer == OPEN:
                self._waiting = sock
                self._see_to_thread()
                return
        sock.close()
        self._log_rarely("a stranger who wants to pair was told: %s", answer.decode().strip())

    def _log_rarely(self, text: str, *details: object) -> None:
        level, now = logging.DEBUG, time.monotonic()
        if now - self._logged > QUIET:
            self._logged, level = now, logging.INFO
        log.log(level, text, *details)

    def _see_to_thread(self) -> None:
        """Start it, or wake it. The caller holds the lock."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="pynet-pairing", daemon=True)
            self._thread.start()
        self._changed.notify_all()

    # ---- the thread, which is there while there is anything to do ---------------------------

    def _work(self) -> None:
        while True:
            with self._changed:
                window = self._window
            if window is not None and not window.told:
                window.tell_code()
            with self._changed:
                self._changed.wait_for(self._has_work, None if window is None else window.left)
                window = self._window
                sock, self._waiting = self._waiting, None
                if sock is None and window is None:
                    self._thread = None
                    return
                talk = None if sock is None else self._greet(sock)
            if talk is not None:
                self._hear(talk)
            if window is not None:
                self._close_when_over(window)

    def _has_work(self) -> bool:
        window = self._window
        if window is not None and not window.told:
            return True
        return self._waiting is not None or window is None or window.left <= 0

    def _close_when_over(self, window: PairingWindow) -> None:
        with self._changed:
            if window.left > 0:
                return
            if window.state == "open":
                window.state = "closed"
            self._window = None
        window.tell_end()

    def _greet(self, sock: socket.socket) -> Talk | None:
        """Holds the lock, so that who closes the window can hang up from now on."""
        try:
            context = stranger_context(self._trust.identity, server=True)
            self._talk = Talk(sock, context, server=True)
        except (PynetError, OSError) as error:
            log.warning("nobody can pair: %s", error)
            sock.close()
            return None
        return self._talk

    def _hear(self, talk: Talk) -> None:
        rest = REST
        try:
            peer = self._attempt(talk)
            log.info(
                "%s (%s, %s) has paired from %s", peer.name, peer.role.word, peer.id, talk.peer
            )
            rest = 0.0
        except PynetError as error:
            # At most one line for each REST.
            log.warning("somebody at %s did not pair: %s", talk.peer, error)
        except Exception:
            log.exception("pairing with %s failed", talk.peer)
        finally:
            with self._changed:
                self._talk = None
                self._heard_from = time.monotonic() + rest
            talk.close()

    def _attempt(self, talk: Talk) -> Peer:
        from pynet.trust.pairing import Asked, WrongCode, refusal

        talk.shake_hands(_until())
        window = self._window
        is_open = window is not None and window.left > 0
        code, role = (window.code, window.role) if window and is_open else (None, Role.NONE)
        asked = Asked(self._trust.identity, self._name, code, role, self._trust.expected)
        try:
            talk.send(asked.answer(talk.receive(_until())), _until())
            message, peer = asked.finish(talk.receive(_until()))
            peer = self._acquaint(peer, window)
        except PairingError as error:
            left = self._strike(window) if isinstance(error, WrongCode) else 0
            with contextlib.suppress(PairingError):
                talk.send(refusal(error, left), _until())
            raise
        with contextlib.suppress(PairingError):  # it knows that it is known when it gets in
            talk.send(message, _until())
        return peer

    def _acquaint(self, peer: Peer, window: PairingWindow | None) -> Peer:
        """Keep a new peer, who has proved who it is, if the person still wants it."""
        from pynet.trust.pairing import CLOSED

        # The reactor must not wait until the file is written: not while we hold the lock.
        with self._changed:
            if peer.placed:
                if self._closed or self._trust.expected(peer.id) is None:
                    raise PairingError("this machine does not expect you any more")
            elif window is None or window.left <= 0:
                raise PairingError(CLOSED)
            else:
                window.state = "paired"
        peers = self._trust.peers
        known = peers.of_id(peer.id)
        if known is not None:
            peer = replace(peer, name=known.name, granted=known.granted, address=known.address)
        peer = replace(peer, name=peers.free_name(peer.name, peer.id))
        try:
            peers.add(peer)
        except ConfigurationError as error:
            if window is not None and not peer.placed:
                window.state = "closed"
            raise PairingError(f"this machine cannot keep whom it knows: {error}") from error
        if window is not None and not peer.placed:
            window.peer = peer
        return peer

    def _strike(self, window: PairingWindow | None) -> int:
        """A wrong code was tried; how many more may be."""
        with self._changed:
            if window is None or window.state != "open":
                return 0
            window.strikes_left -= 1
            if not window.strikes_left:
                window.state = "struck"
            return window.strikes_left


def _until() -> float:
    return time.monotonic() + STEP
