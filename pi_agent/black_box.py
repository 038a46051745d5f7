"""The black box: every transition of the failsafe, in memory and in a bounded file."""

from __future__ import annotations

import json
import logging
import os
import threading
import time
from collections import deque
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from pynet.rc.messages import Transition

logger = logging.getLogger(__name__)

KEPT = 1000
"""Transitions in memory."""
LARGEST_FILE = 1_000_000
"""Bytes; a full file becomes the old one, of which there is one."""


class BlackBox:
    """Keeps transitions. :meth:`add` never waits: a thread of its own writes the file.

    Args:
        path: of the file, one JSON object a line; None for memory alone.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._changed = threading.Condition()
        self._kept: deque[Transition] = deque(maxlen=KEPT)
        self._unwritten: deque[tuple[float, Transition]] = deque(maxlen=KEPT)
        self._closing = False
        self._complained = False
        self._thread = threading.Thread(target=self._run, name="pi-agent-black-box", daemon=True)

    def start(self) -> None:
        """Starts to write, if there is a file."""
        if self._path is not None:
            self._thread.start()

    def close(self) -> None:
        """Writes the rest and ends the thread; may be called again."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        if self._thread.is_alive():
            self._thread.join()

    def add(self, transition: Transition) -> None:
        """Keeps one more; the oldest go."""
        with self._changed:
            self._kept.append(transition)
            self._unwritten.append((time.time(), transition))
            self._changed.notify_all()

    def read(self, count: int = 100) -> tuple[Transition, ...]:
        """The last ones, the newest last."""
        with self._changed:
            kept = tuple(self._kept)
        return kept[max(0, len(kept) - max(0, count)) :]

    def _run(self) -> None:
        assert self._path is not None
        while True:
            with self._changed:
                self._changed.wait_for(lambda: bool(self._unwritten) or self._closing)
                batch = list(self._unwritten)
                self._unwritten.clear()
                closing = self._closing
            self._write(self._path, batch)
            if closing:
                return

    def _write(self, path: Path, batch: list[tuple[float, Transition]]) -> None:
        if not batch:
            return
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.exists() and path.stat().st_size > LARGEST_FILE:
                os.replace(path, path.with_name(path.name + ".1"))
            with path.open("a", encoding="utf-8") as file:
                file.writelines(_line(at, transition) for at, transition in batch)
            self._complained = False
        except OSError as error:
            # A full disk must not stop the car; one line in the log is enough.
            if not self._complained:
                logger.error("The black box cannot be written: %s", error)
            self._complained = True


def _line(at: float, transition: Transition) -> str:
    when = datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")
    return json.dumps({"at": when} | asdict(transition)) + "\n"
