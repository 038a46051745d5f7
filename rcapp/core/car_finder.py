"""Looks for cars while the list of them is on the screen: what announces itself, and who answers.

One thread keeps the list; each car that is asked how it stands gets a short-lived one, so that a
silent car keeps nobody waiting.
"""

from __future__ import annotations

import logging
import ssl
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from types import TracebackType
from typing import TYPE_CHECKING, Any

from rcapp.core import cars, sentences
from rcapp.core.acquaintances import Acquaintances
from rcapp.core.cars import Announced, Answer, Bond, CarEntry, KnownCar, Reach

if TYPE_CHECKING:
    from pynet import Controller

logger = logging.getLogger("rcapp.finder")

ASK_EVERY = 5.0
"""Seconds between two times that a car is asked whether it is there."""

ASK_TIMEOUT = 1.5
"""Seconds that a car has for its answer."""

STRANGER_EVERY = 30.0
"""The same for one that does not know us: each time costs it a line in its log."""

SETTLE = 3.0
"""Seconds after which a network where nothing announces itself is called silent."""

JOIN_LIMIT = 0.5
"""Seconds that :meth:`CarFinder.close` waits for a look-up of a name, which nothing can end."""

Browse = Callable[[Callable[[tuple[Any, ...]], None]], Any]
"""Begins to look for announcements; what it returns has ``close()`` and ``problem``."""


class CarFinder:
    """Keeps the list of cars, from :meth:`look` until :meth:`rest`.

    Args:
        acquaintances: who this computer is, and whom it knows.
        browse: looks for announcements, as :class:`pynet.discovery.Browser` does.
    """

    def __init__(self, acquaintances: Acquaintances, browse: Browse | None = None) -> None:
        self._acquaintances = acquaintances
        self._browse = browse or _browser
        self._changed = threading.Condition()
        self._known: tuple[KnownCar, ...] = ()
        self._found: tuple[Announced, ...] = ()
        self._answers: dict[str, Answer] = {}
        self._due: dict[str, float] = {}
        self._asked: dict[str, threading.Thread] = {}
        self._trouble = ""
        self._looking = False
        self._since = 0.0
        self._quit = False
        self._thread: threading.Thread | None = None

    def look(self, known: Sequence[KnownCar]) -> None:
        """Begin to look, or go on, for what announces itself and for these cars."""
        with self._changed:
            if self._quit:
                return
            self._known = tuple(known)
            if not self._looking:
                self._looking = True
                self._since = time.monotonic()
                self._due.clear()
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="rcapp-cars", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def rest(self) -> None:
        """Look no longer: nobody sees the list, and the radio is for driving."""
        with self._changed:
            self._looking = False
            self._changed.notify_all()

    def ask_again(self) -> None:
        """Ask all cars now: something about them has changed."""
        with self._changed:
            self._due.clear()
            self._changed.notify_all()

    @property
    def looking(self) -> bool:
        """It looks now."""
        with self._changed:
            return self._looking

    @property
    def silence(self) -> str:
        """Why nothing announces itself, as far as that can be known; else empty."""
        with self._changed:
            if not self._looking or self._found:
                return ""
            if self._trouble:
                return f"Cars cannot be looked for: {self._trouble}. Type the address instead."
            if time.monotonic() - self._since < SETTLE:
                return ""
        return (
            "No car announces itself in this network. It may be off, or the network may block "
            "multicast: then type its address."
        )

    def entries(self) -> tuple[CarEntry, ...]:
        """The list now."""
        with self._changed:
            known, found, answers = self._known, self._found, dict(self._answers)
        return cars.list_cars(
            found, self._with_peers(known), self._acquaintances.ids(), answers, time.time()
        )

    def _with_peers(self, known: tuple[KnownCar, ...]) -> tuple[KnownCar, ...]:
        """Cars that were paired with another program, too."""
        more = [
            KnownCar(peer.address, peer.name, peer.id, peer.granted.word)
            for peer in self._acquaintances.peers()
            if peer.address and not any(cars.same_id(car.id, peer.id) for car in known)
        ]
        addresses = {car.address for car in known}
        return (*known, *(car for car in more if car.address not in addresses))

    def close(self) -> None:
        """Stop and join. Twice is fine."""
        with self._changed:
            self._quit = True
            self._looking = False
            self._changed.notify_all()
            thread = self._thread
        if thread is not None:
            thread.join(2 * JOIN_LIMIT)

    def __enter__(self) -> CarFinder:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    # On the thread of the list.

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._looking and not self._quit:
                    self._changed.wait()
                if self._quit:
                    return
            try:
                self._look_on()
            except Exception as error:
                # A list that cannot be kept is no reason to lose the app.
                logger.warning("cars cannot be looked for: %s", error)
                with self._changed:
                    self._trouble = str(error).rstrip(".")
                    while self._looking:
                        self._changed.wait()

    def _look_on(self) -> None:
        """Everything between :meth:`look` and :meth:`rest`."""
        from pynet import Controller

        with ExitStack() as stack:
            browser = self._browse(self._on_found)
            stack.callback(browser.close)
            controller = stack.enter_context(
                Controller(name="rcapp", trust=self._acquaintances.trust())
            )
            stack.callback(self._join_asked)
            stack.callback(controller.close)
            while self.looking:
                self._acquaintances.refresh()
                self._trouble = str(browser.problem).rstrip(".")
                for entry in self.entries():
                    self._ask_if_due(controller, entry)
                with self._changed:
                    if self._looking:
                        self._changed.wait(self._pause())
        with self._changed:
            self._found = ()

    def _pause(self) -> float:
        """Seconds until the next car is due."""
        now = time.monotonic()
        return max(0.05, min([at - now for at in self._due.values()], default=ASK_EVERY))

    def _ask_if_due(self, controller: Controller, entry: CarEntry) -> None:
        address = entry.address
        asked = self._asked.get(address)
        with self._changed:
            if asked is not None and asked.is_alive():
                self._due[address] = time.monotonic() + 0.5
                return
            if self._due.get(address, 0.0) > time.monotonic():
                return
            stranger = entry.needs_pairing and address in self._answers
            pause = STRANGER_EVERY if stranger else ASK_EVERY
            self._due[address] = time.monotonic() + pause
        thread = threading.Thread(
            target=self._ask, args=(controller, entry), name="rcapp-ask", daemon=True
        )
        self._asked[address] = thread
        thread.start()

    def _join_asked(self) -> None:
        for thread in self._asked.values():
            thread.join(JOIN_LIMIT)
        self._asked.clear()

    # On the threads of those that are asked, and of the browser.

    def _on_found(self, found: tuple[Announced, ...]) -> None:
        with self._changed:
            self._found = tuple(found)
            self._changed.notify_all()

    def _ask(self, controller: Controller, entry: CarEntry) -> None:
        answer = ask_car(controller, entry)
        if answer is None:
            return
        with self._changed:
            self._answers[entry.address] = answer


def ask_car(controller: Controller, entry: CarEntry) -> Answer | None:
    """How a car stands, by greeting it; None when the Controller was closed meanwhile."""
    from pynet import errors

    at = time.time()
    try:
        with controller.connect(entry.address, timeout=ASK_TIMEOUT) as gateway:
            peer = gateway.peer
            if entry.id and peer is not None and not cars.same_id(entry.id, peer.id):
                return Answer(Reach.STRANGE, at=at)
            return Answer(Reach.HERE, Bond.PAIRED, gateway.role, gateway.name, at)
    except errors.Closed:
        return None
    except errors.AuthenticationError as error:
        if not sentences.can_be_paired(error):
            return Answer(Reach.STRANGE, at=at)
        changed = entry.bond is Bond.PAIRED and sentences.shows_another_certificate(error)
        return Answer(Reach.HERE, Bond.CHANGED if changed else Bond.UNPAIRED, at=at)
    except errors.VersionMismatch:
        return Answer(Reach.STRANGE, at=at)
    except (errors.PynetError, OSError, ssl.SSLError) as error:
        logger.debug("%s does not answer: %s", entry.address, error)
        return Answer(Reach.SILENT, at=at)


def _browser(on_change: Callable[[tuple[Any, ...]], None]) -> Any:
    from pynet.discovery import Browser

    return Browser(on_change)
