"""A program of the person's own that shows the pairing code: on a small display, or aloud."""

from __future__ import annotations

import logging
import os
import subprocess
from collections.abc import Sequence

from pynet.trust.window import PairingWindow

log = logging.getLogger("pynet.trust")

PATIENCE = 5.0
"""Seconds that the program has to end, and to show that there is no code any more."""


class CodeCommand:
    """Runs a program when a window opens, and again when it is over; for ``Gateway.on_pairing``.

    The code is its last argument and ``PYNET_CODE``, ``PYNET_CODE_SECONDS`` says how long it is
    good. When the window is over a program that still runs is ended, and it runs once more with an
    empty code. One thread at a time.

    Args:
        command: program and arguments; no shell reads them.
    """

    def __init__(self, command: Sequence[str]) -> None:
        self._command = list(command)
        self._process: subprocess.Popen[bytes] | None = None

    def __call__(self, window: PairingWindow) -> None:
        """A window has opened, or is over."""
        if window.state == "open":
            self.show(window.code, window.left)
        else:
            self.clear()

    def show(self, code: str, seconds: float) -> None:
        """Run it with a code that is good for so many seconds."""
        self._end()
        self._process = self._start(code, seconds)

    def clear(self) -> None:
        """Nothing is to be seen any more. Idempotent."""
        self._end()
        self._process = self._start("", 0.0)
        self._end(PATIENCE)

    def _start(self, code: str, seconds: float) -> subprocess.Popen[bytes] | None:
        told = {"PYNET_CODE": code, "PYNET_CODE_SECONDS": f"{seconds:.0f}"}
        try:
            return subprocess.Popen(
                [*self._command, code], env=os.environ | told, stdin=subprocess.DEVNULL
            )
        except (OSError, ValueError) as error:
            log.warning("the program that shows the code cannot run: %s", error)
            return None

    def _end(self, patience: float = 0.0) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        for end in (None, process.terminate, process.kill):
            if end is not None:
                end()
            try:
                process.wait(PATIENCE if end is not None else patience)
                return
            except subprocess.TimeoutExpired:
                continue
