"""Leaves a small JSON file behind that says what the agent did, for tests and scripts."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

logger = logging.getLogger(__name__)

PERIOD = 0.5
"""Seconds between two versions of the file."""


def write_report(path: Path, values: dict[str, Any]) -> None:
    """Replaces the file at once, so that a reader never sees half of it.

    Raises:
        OSError: the folder is missing, full or may not be written.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        beside.write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")
        os.replace(beside, path)
    except OSError:
        with contextlib.suppress(OSError):
            beside.unlink()
        raise


class Reporter:
    """Writes the report every half second and once more at the end.

    Args:
        path: of the file.
        collect: gives its values.

    Raises:
        OSError: from :meth:`start`, if the file cannot be written.
    """

    def __init__(self, path: Path, collect: Callable[[], dict[str, Any]]) -> None:
        self._path = path
        self._collect = collect
        self._closing = threading.Event()
        self._complained = False
        self._thread = threading.Thread(target=self._run, name="pi-agent-report", daemon=True)

    def start(self) -> None:
        """Writes the first version and starts the thread."""
        write_report(self._path, self._collect())
        self._thread.start()

    def close(self) -> None:
        """Ends the thread and writes the last version; may be called again."""
        if self._closing.is_set():
            return
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join()
            self._write()

    def _run(self) -> None:
        while not self._closing.wait(PERIOD):
            self._write()

    def _write(self) -> None:
        try:
            write_report(self._path, self._collect())
            self._complained = False
        except OSError as error:
            # A full disk must not stop the car; one line in the log is enough.
            if not self._complained:
                logger.error("The report cannot be written: %s", error)
            self._complained = True
