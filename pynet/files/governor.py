"""Driving goes first: transfers get the rate that leaves the live flows of this process alone."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from typing import Any

from pynet.bulk import LiveDelays, live_delays
from pynet.bulk.cruise import Cruise
from pynet.bulk.rate import UNLIMITED
from pynet.errors import PynetError
from pynet.files.transfer import Transfer

log = logging.getLogger("pynet.files")

LOOK = 0.02
"""Seconds between two looks at the live flows."""

CHANGE = 0.02
"""A rate that differs by less is not worth a message."""


class Governor:
    """Watches live flows as long as there are transfers, on a thread of its own.

    Args:
        delays: where live flows report.
    """

    def __init__(self, delays: LiveDelays = live_delays) -> None:
        self._delays = delays
        self._lock = threading.Lock()
        self._transfers: list[Transfer[Any]] = []
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()
        self._cruise = Cruise()
        self._told = UNLIMITED

    @property
    def rate(self) -> float:
        """Bytes/s that all transfers together may send; infinite when nothing live is there."""
        return self._cruise.rate

    def watch(self, transfer: Transfer[Any]) -> None:
        """One more, until it is over."""
        with self._lock:
            self._transfers.append(transfer)
            if self._thread is None and not self._stop.is_set():
                self._thread = threading.Thread(
                    target=self._run, name="pynet-files-governor", daemon=True
                )
                self._thread.start()

    def close(self) -> None:
        """End the thread. Idempotent."""
        self._stop.set()
        with self._lock:
            thread = self._thread
        if thread is not None:
            thread.join()

    def _run(self) -> None:
        while not self._stop.wait(LOOK):
            with self._lock:
                self._transfers = [one for one in self._transfers if not one.progress.over]
                transfers = list(self._transfers)
                if not transfers:
                    self._thread = None
                    self._told = UNLIMITED
                    return
            self._govern(transfers, time.monotonic())

    def _govern(self, transfers: list[Transfer[Any]], now: float) -> None:
        sent = sum(one.progress.rate for one in transfers)
        rate = self._cruise.update(self._delays.reading(now), sent, now)
        if rate == self._told or abs(rate - self._told) <= CHANGE * self._told < UNLIMITED:
            return
        self._told = rate
        for one in transfers:
            with contextlib.suppress(PynetError):
                one.pace(rate / len(transfers))
