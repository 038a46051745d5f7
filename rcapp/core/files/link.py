"""Which files go with the car that the session is connected to."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from rcapp.core.files.engine import FilesEngine
from rcapp.core.state import Link, Snapshot

if TYPE_CHECKING:
    from rcapp.core.session import CarSession

MakeEngine = Callable[[Any, str, str], FilesEngine]
"""``make(gateway, car_id, car_name)``."""

GONE = (Link.IDLE, Link.CONNECTING)


class FilesLink(Protocol):
    """Says whose files there are."""

    def engine(self, snap: Snapshot) -> FilesEngine | None:
        """The files that go with a state of the session; cheap."""


class CarLink:
    """Follows a session. While the link is lost the files stay as they were seen last.

    Args:
        session: the car.
        make: makes an engine of a connected Gateway; over pynet by default.
    """

    def __init__(self, session: CarSession, make: MakeEngine | None = None) -> None:
        self._session = session
        self._make = make
        self._gateway: Any = None
        self._engine: FilesEngine | None = None

    def engine(self, snap: Snapshot) -> FilesEngine | None:
        """The engine for what the session is connected to; cheap, and the same until that changes.

        Args:
            snap: the newest state of the session.
        """
        gateway = self._session.gateway
        if gateway is None and snap.link in GONE:
            self._gateway = self._engine = None
        elif gateway is not None and gateway is not self._gateway and snap.car is not None:
            self._gateway = gateway
            car_id = snap.car_id or snap.address
            self._engine = self._maker()(gateway, car_id, snap.car.name)
        return self._engine

    def _maker(self) -> MakeEngine:
        if self._make is None:
            from rcapp.core.files.pynet_engine import PynetEngine

            self._make = PynetEngine
        return self._make
