"""A pairing window: a code, for how long it is good, and what has become of it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Literal, Self

from pynet.trust.peers import Peer, Role

log = logging.getLogger("pynet.trust")

SECONDS = 300.0
"""For which a code is good unless somebody says otherwise."""

LONGEST = 3600.0
STRIKES = 3
"""Wrong codes after which it no longer is."""

State = Literal["open", "paired", "closed", "struck"]
Told = Callable[["PairingWindow"], Any]


class PairingWindow:
    """A code, and what has become of it. From :meth:`pynet.Gateway.open_pairing`; any thread.

    Attributes:
        code: eight digits, to be shown to the person who is to type them in.
        role: what who knows it may do.
        expires: monotonic time in seconds.
        state: ``"open"``; ``"paired"``: somebody has; ``"struck"``: after too many wrong codes;
            ``"closed"``: by :meth:`close`, or because its time is over.
        strikes_left: wrong codes until it closes.
        peer: who has paired, or None.
        told: the Gateway has called ``on_code``.
    """

    def __init__(
        self,
        code: str,
        role: Role,
        expires: float,
        on_code: Told | None,
        on_end: Told | None,
        end: Callable[[PairingWindow], None],
    ) -> None:
        self.code = code
        self.role = role
        self.expires = expires
        self.state: State = "open"
        self.strikes_left = STRIKES
        self.peer: Peer | None = None
        self._on_code = on_code
        self._on_end = on_end
        self._end = end
        self.told = False
        self._over = threading.Event()

    @property
    def left(self) -> float:
        """Seconds until it closes by itself; 0 when it is over."""
        return max(0.0, self.expires - time.monotonic()) if self.state == "open" else 0.0

    def describe(self) -> dict[str, Any]:
        """All of it, as another process may show it."""
        state, peer = self.state, self.peer
        if state == "paired" and peer is None:
            state = "open"  # the file that is to keep it is being written
        return {
            "state": state,
            "code": self.code if self.state == "open" else "",
            "role": self.role.word,
            "left": self.left,
            "strikes_left": self.strikes_left,
            "peer": None if peer is None else {"name": peer.name, "id": peer.id},
        }

    def wait(self, timeout: float | None = None) -> bool:
        """Until it is over, at most so many seconds; whether it is."""
        return self._over.wait(timeout)

    def close(self) -> None:
        """Nobody pairs by this code any more. Idempotent."""
        self._end(self)

    def tell_code(self) -> None:
        """The Gateway: call ``on_code``."""
        self.told = True
        self._call(self._on_code)

    def tell_end(self) -> None:
        """The Gateway: call ``on_end``, after which :meth:`wait` returns."""
        log.info("the pairing window is closed: %s", self.state)
        self._call(self._on_end)
        self._over.set()

    def _call(self, callback: Told | None) -> None:
        # A display that fails must not keep two machines apart: the log has the code as well.
        try:
            if callback is not None:
                callback(self)
        except Exception:
            log.exception("a callback of the pairing window raised")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
