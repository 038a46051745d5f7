"""Which car: the list, the dialogs that ask for one, pairing, and what is remembered of it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QThreadPool, Signal
from PySide6.QtWidgets import QWidget

from rcapp.core.acquaintances import Acquaintances
from rcapp.core.car_finder import CarFinder
from rcapp.core.cars import CarEntry, KnownCar
from rcapp.core.settings import Settings
from rcapp.core.state import Link, Snapshot
from rcapp.views.connect_dialog import ConnectDialog
from rcapp.views.pairing_dialog import PairingDialog

if TYPE_CHECKING:
    from pynet.trust.peers import Peer

logger = logging.getLogger("rcapp.views")

SEEN_EVERY = 60.0
"""Seconds between two notes of when a connected car was heard."""


class Garage(QObject):
    """Knows the cars of this computer.

    Args:
        acquaintances: who this computer is, and whom it knows.
        writer: where files are written.
        window: what dialogs belong to.
        finder: keeps the list.
    """

    connect_wanted = Signal(str, str)
    """``host:port``, and the device id that the car must have, or empty."""

    demo_wanted = Signal()
    settings_wanted = Signal(object)
    opened = Signal(object)
    """A dialog that is to be shown."""

    trouble = Signal(str)

    def __init__(
        self,
        acquaintances: Acquaintances,
        writer: QThreadPool,
        window: QWidget,
        finder: CarFinder,
    ) -> None:
        super().__init__(window)
        self.finder = finder
        self._acquaintances = acquaintances
        self._writer = writer
        self._window = window
        self._settings = Settings()
        self._noted_at = float("-inf")

    def show_settings(self, settings: Settings) -> None:
        """The settings are others now."""
        self._settings = settings

    def tend(self, seen: bool) -> None:
        """Look for cars while the list is ``seen``."""
        if seen:
            self.finder.look(self._settings.cars)
        else:
            self.finder.rest()

    def close(self) -> None:
        """Stop looking."""
        self.finder.close()

    # Choosing one.

    def choose(self, entry: CarEntry) -> None:
        """Connect to a car of the list, or pair with it first."""
        if entry.needs_pairing:
            self.pair(entry.name, entry.address)
        else:
            self.connect_wanted.emit(entry.address, entry.id)

    def choose_known(self, car: KnownCar) -> None:
        """Connect to a car used before."""
        self.connect_wanted.emit(car.address, car.id)

    def forget(self, address: str) -> None:
        """Take a car off the list."""
        settings = self._settings.without_car(address)
        self.show_settings(settings)
        self.finder.look(settings.cars)
        self.settings_wanted.emit(settings)

    def ask_which(self) -> None:
        """Open the connect dialog."""
        dialog = ConnectDialog(self.finder.entries, lambda: self.finder.silence, self._window)
        dialog.connect_wanted.connect(lambda address: self.connect_wanted.emit(address, ""))
        dialog.car_wanted.connect(self.choose)
        dialog.forget_wanted.connect(self.forget)
        dialog.demo_wanted.connect(self.demo_wanted)
        self.opened.emit(dialog)

    def pair(self, name: str = "", address: str = "") -> None:
        """Open the pairing dialog."""
        dialog = PairingDialog(
            self._acquaintances,
            self._window,
            name=name,
            address=address,
            called=self._settings.name,
        )
        dialog.paired.connect(self._paired)
        dialog.connect_wanted.connect(self.connect_wanted)
        self.opened.emit(dialog)

    def _paired(self, address: str, peer: Peer) -> None:
        car = KnownCar(address, peer.name, peer.id, peer.granted.word, time.time())
        self._remember(car)
        self.finder.ask_again()

    # What is remembered.

    def note(self, snap: Snapshot, demo_address: str | None) -> None:
        """A car is connected: remember it, and when it was heard; the demo car is nobody's."""
        now = time.monotonic()
        fresh = self._settings.last_address != snap.address
        if snap.link is not Link.LIVE or snap.address == demo_address:
            return
        if not fresh and now - self._noted_at < SEEN_EVERY:
            return
        self._noted_at = now
        name = "" if snap.car is None else snap.car.name
        self._remember(KnownCar(snap.address, name, snap.car_id, snap.role, round(time.time())))

    def _remember(self, car: KnownCar) -> None:
        settings = self._settings.with_car(car)
        self.show_settings(settings)
        self.settings_wanted.emit(settings)

    # The machines that this computer knows. Their file is written elsewhere: it may take a moment.

    def rename(self, peer: Peer, name: str) -> None:
        """Call a machine otherwise."""
        self._write(lambda: self._acquaintances.rename(peer, name))

    def revoke(self, peer: Peer) -> None:
        """Know a machine no longer."""
        self._write(lambda: self._acquaintances.forget(peer))

    def _write(self, change: Callable[[], Any]) -> None:
        def write() -> None:
            try:
                change()
            except Exception as error:
                logger.warning("the list of paired machines is as before: %s", error)
                self.trouble.emit(str(error))

        self._writer.start(write)
