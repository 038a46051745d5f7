"""Who this computer is, and which machines it knows; read from the disk when first asked for."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from rcapp.core.cars import same_id

if TYPE_CHECKING:
    from pynet.trust.peers import Peer
    from pynet.trust.store import Trust


class Acquaintances:
    """The identity and the peers of this computer. Any thread.

    Nothing is read before :meth:`trust` is called for the first time, so that a window can be up
    before; until then there is no id, and nobody is known.

    Args:
        make: opens them; those of the platform's folder by default.

    Attributes:
        error: why they could not be opened, with a remedy; empty when they could.
    """

    def __init__(self, make: Callable[[], Trust] | None = None) -> None:
        self.error = ""
        self._make = make or _of_this_computer
        self._lock = threading.Lock()
        self._trust: Trust | None = None

    def trust(self) -> Trust:
        """What connections are made with; a later call tries again what failed. May take a moment.

        Raises:
            pynet.ConfigurationError: key or peers cannot be read or written.
        """
        with self._lock:
            if self._trust is None:
                try:
                    self._trust = self._make()
                except Exception as error:
                    self.error = str(error)
                    raise
                self.error = ""
            return self._trust

    @property
    def opened(self) -> bool:
        """They have been read."""
        return self._trust is not None

    @property
    def own_id(self) -> str:
        """The device id of this computer; empty until they have been read."""
        trust = self._trust
        return "" if trust is None else trust.identity.id

    def peers(self) -> tuple[Peer, ...]:
        """The machines that are known, by name."""
        trust = self._trust
        return () if trust is None else tuple(trust.peers.all())

    def peer_with(self, car_id: str) -> Peer | None:
        """The one known machine whose id begins so, or None."""
        found = [peer for peer in self.peers() if same_id(peer.id, car_id)]
        return found[0] if len(found) == 1 else None

    def ids(self) -> tuple[str, ...]:
        """Device ids of all machines that are trusted, this one included."""
        own = self.own_id
        return (*((own,) if own else ()), *(peer.id for peer in self.peers()))

    def refresh(self) -> None:
        """Look whether another program has changed them."""
        if self._trust is not None:
            self._trust.peers.refresh()

    def rename(self, peer: Peer, name: str) -> None:
        """Call a machine otherwise. Writes a file.

        Raises:
            pynet.ConfigurationError: nothing of the name can be shown, or it cannot be kept.
        """
        self.trust().peers.rename(peer, name)

    def forget(self, peer: Peer) -> None:
        """Know a machine no longer. Writes a file.

        Raises:
            pynet.ConfigurationError: that cannot be kept.
        """
        self.trust().peers.revoke(peer)


def _of_this_computer() -> Trust:
    from pynet.trust.store import Trust

    return Trust()
